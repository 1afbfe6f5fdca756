"""/v1/verifications and its obligation: what is accepted, refused and counted."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from pytest_django import Settings

from lenders import keys, openapi, policy
from lenders.models import IdempotentRequest, Lender, WebhookEndpoint
from lenders.policy import API_VERSION
from tests import registered
from tests.entries import body_of
from tests.lenders.api.clearing import clean, cleared, consume, verified
from tests.lenders.conftest import live_secret
from tests.lenders.samples import IIN, OTHER_IIN, PHONE, Caller, code, faults, opening
from tests.lenders.shapes import hold
from tests.responses import Response
from tests.statements import statements
from tests.verification.log.judged import verify_legality
from tests.verification.log.rows import tamper
from tests.verification.oversight import rows
from tests.verification.stories import reviewers
from tests.verification.stories.conftest import Issued
from tests.verification.stories.story import begin, in_parallel, order
from verification import clock, tasks
from verification.core import almaty, profiles
from verification.core.codes import WARNINGS
from verification.core.ids import case_number, check_digit
from verification.log import sequencer
from verification.models import AuditEntry, Verification

# /v1/verifications as a lender's server meets it: what is taken, refused and warned of.


PATH = "/v1/verifications"


def test_an_opened_verification_waits_for_its_borrower(api: Caller) -> None:
    answer = api.post(PATH, opening(metadata={"branch": "7"}, opened_by="A. Officer"))
    body = answer.json()
    assert answer.status_code == 201
    assert body["id"].startswith("ver_")
    assert (body["mode"], body["status"], body["client_reference"]) == (
        "test",
        "requires_input",
        "loan-1",
    )
    assert body["next_action"]["type"] == "consent"
    assert (body["metadata"], body["opened_by"]) == ({"branch": "7"}, "A. Officer")
    assert (body["profile"]["id"], len(body["profile"]["sha256"])) == ("KZ-2021-04", 64)
    before, _, secret = body["url"].partition("#")
    assert (before.endswith("/v/"), len(secret) >= 43) == (True, True)
    assert secret not in api.get(f"{PATH}/{body['id']}").content.decode()


def test_a_canceled_verification_has_ended(api: Caller) -> None:
    opened = api.post(PATH, opening()).json()
    asked = api.post(f"{PATH}/{opened['id']}/cancel", {}).json()
    assert (asked["status"], asked["finished_at"]) == ("processing", None)
    sequencer.order("test")
    canceled = api.get(f"{PATH}/{opened['id']}").json()
    assert (canceled["status"], canceled["code"]) == ("canceled", "canceled_by_lender")
    assert canceled["finished_at"] is not None
    for action in ("cancel", "link"):
        answer = api.post(f"{PATH}/{opened['id']}/{action}")
        assert code(answer) == (409, "illegal_transition")
    assert api.post(PATH, opening()).status_code == 201, "the reference is free again"


def test_no_answer_holds_personal_data(api: Caller) -> None:
    opened = api.post(PATH, opening())
    read = api.get(f"{PATH}/{opened.json()['id']}")
    assert "checks" not in read.json()
    for answer in (
        read,
        opened,
        api.get(f"{PATH}/{opened.json()['id']}", expand="checks"),
        api.get(PATH),
    ):
        said = answer.content.decode()
        assert not [
            word
            for word in (IIN, PHONE, "Асанов", "045678912", "KZ86125KZT5004100100")
            if word in said
        ]


def test_a_reference_that_is_open_gives_back_the_open_one_with_a_fresh_link(api: Caller) -> None:
    first, again = api.post(PATH, opening()), api.post(PATH, opening())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["url"] != again.json()["url"]
    assert Verification.objects.count() == 1


def test_a_reference_that_is_open_for_another_loan_is_a_conflict(api: Caller) -> None:
    api.post(PATH, opening())
    refused = api.post(PATH, opening(loan__amount="150000.01"))
    assert (refused.status_code, refused.json()["code"]) == (409, "client_reference_in_use")


# What is changed in a good request, and the faults that it must be answered with.
_BAD: list[tuple[dict[str, Any], set[tuple[str, str]]]] = [
    ({"subject__iin": "990101100011"}, {("/subject/iin", "iin_malformed")}),
    ({"subject__iin": 990101100010}, {("/subject/iin", "iin_malformed")}),
    ({"subject__iin": None}, {("/subject/iin", "required")}),
    ({"subject__phone": "+77211234567"}, {("/subject/phone", "phone_malformed")}),
    ({"subject__phone": 7}, {("/subject/phone", "phone_malformed")}),
    ({"subject__surname": "А" * 101}, {("/subject/surname", "name_malformed")}),
    ({"subject__surname": "Aсанов"}, {("/subject/surname", "name_mixed_script")}),
    ({"subject__name": ""}, {("/subject/name", "name_malformed")}),
    ({"subject__name": ["Асан"]}, {("/subject/name", "type_wrong")}),
    ({"subject__birth_date": "1899-02-29"}, {("/subject/birth_date", "date_malformed")}),
    ({"subject__birth_date": "1899-01-02"}, {("/subject/birth_date", "birth_date_mismatch")}),
    ({"subject__birth_date": "1999-01-01"}, {("/subject/birth_date", "birth_date_mismatch")}),
    (
        {"subject__document__valid_to": "2020-01-01"},
        {("/subject/document/valid_to", "document_expired")},
    ),
    ({"subject__birth_date": "2999-01-01"}, {("/subject/birth_date", "out_of_range")}),
    ({"subject__document__type": "library_card"}, {("/subject/document/type", "choice_unknown")}),
    ({"subject__document": "045678912"}, {("/subject/document", "invalid")}),
    ({"subject__age": 5}, {("/subject/age", "unknown_field")}),
    ({"subject": []}, {("/subject", "invalid")}),
    ({"loan__amount": "1,5"}, {("/loan/amount", "decimal_malformed")}),
    ({"loan__amount": "0.00"}, {("/loan/amount", "out_of_range")}),
    ({"loan__currency": "USD"}, {("/loan/currency", "choice_unknown")}),
    ({"loan__term_days": "30"}, {("/loan/term_days", "type_wrong")}),
    ({"loan__annual_rate": "-1"}, {("/loan/annual_rate", "decimal_malformed")}),
    ({"loan__total_repayable": "149999.99"}, {("/loan/total_repayable", "total_below_amount")}),
    (
        {"loan__payout_account": "KZ87125KZT5004100100"},
        {("/loan/payout_account", "iban_malformed")},
    ),
    ({"loan__contract_sha256": "ab"}, {("/loan/contract_sha256", "sha256_malformed")}),
    ({"loan__region": "Almaty"}, {("/loan/region", "region_malformed")}),
    ({"routes": []}, {("/routes", "type_wrong")}),
    ({"routes": ["telepathy"]}, {("/routes", "routes_insufficient")}),
    ({"client_reference": "a b"}, {("/client_reference", "reference_malformed")}),
    ({"client_reference": f"loan-{IIN}"}, {("/client_reference", "personal_number")}),
    ({"client_reference": "87011234567"}, {("/client_reference", "personal_number")}),
    ({"locale": "de"}, {("/locale", "choice_unknown")}),
    ({"purpose": f"for {IIN}"}, {("/purpose", "personal_number")}),
    ({"purpose": "a" * 201}, {("/purpose", "length_wrong")}),
    ({"return_url": "http://lender.example/back"}, {("/return_url", "url_malformed")}),
    ({"return_url": "https://evil.example/back"}, {("/return_url", "return_url_unregistered")}),
    ({"return_url": "https://lender.example/back/x"}, {("/return_url", "return_url_unregistered")}),
    (
        {"return_url": f"https://lender.example/back?iin={IIN}"},
        {("/return_url", "personal_number")},
    ),
    ({"metadata": {"iin": IIN}}, {("/metadata/iin", "personal_number")}),
    ({"metadata": {"a": "x" * 501}}, {("/metadata/a", "length_wrong")}),
    ({"opened_by": ""}, {("/opened_by", "length_wrong")}),
    ({"mode": "live"}, {("/mode", "unknown_field")}),
    ({"purpose": "a\u202eb"}, {("/purpose", "text_malformed")}),
    ({"metadata": {"a": "b  c"}}, {("/metadata/a", "text_malformed")}),
    ({"metadata": {"a b": "x"}}, {("/metadata", "metadata_key_malformed")}),
    (
        {"subject__document__number": "N-1234567"},
        {("/subject/document/number", "document_malformed")},
    ),
    ({"a/b~c": 1}, {("/a~1b~0c", "unknown_field")}),
    (
        {"subject__iin": "1", "loan__amount": "x", "extra": 1},
        {
            ("/subject/iin", "iin_malformed"),
            ("/loan/amount", "decimal_malformed"),
            ("/extra", "unknown_field"),
        },
    ),
]


@pytest.mark.parametrize(
    ("changes", "expected"), _BAD, ids=[str(changes)[:40] for changes, _ in _BAD]
)
def test_bad_input_is_told_place_by_place_and_nothing_is_done(
    api: Caller, changes: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    refused = api.post(PATH, opening(**changes))
    assert refused.status_code == 422
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "bad_input"
    assert faults(refused) == expected
    assert not Verification.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"subject__patronymic": "Асанұлы"},
        {"subject__phone": "8 (701) 123-45-67"},
        {"loan__contract_sha256": "ab" * 32, "loan__region": "750000000"},
        {"routes": ["eds"]},
        {"return_url": "https://lender.example/back?application=17"},
        {"metadata": {}},
        {"client_reference": "a" * 64},
    ],
    ids=str,
)
def test_what_is_allowed_is_taken(api: Caller, changes: dict[str, Any]) -> None:
    assert api.post(PATH, opening(**changes)).status_code == 201


@pytest.mark.parametrize(
    ("body", "content_type", "status", "expected"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"[]", "application/json", 422, "bad_input"),
        (b"null", "application/json; charset=utf-8", 422, "bad_input"),
        (b"\xff", "application/json", 400, "malformed_json"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"<a/>", "application/xml", 415, "unsupported_media_type"),
        (b" " * 1_000_001, "application/json", 413, "body_too_large"),
    ],
)
def test_a_body_of_the_wrong_kind_has_a_status_of_its_own(
    api: Caller, body: bytes, content_type: str, status: int, expected: str
) -> None:
    refused = api.send("POST", PATH, body, content_type=content_type)
    assert (refused.status_code, refused.json()["code"]) == (status, expected)
    assert refused.headers["Content-Type"] == "application/problem+json"


def test_another_lenders_verification_is_not_there(
    api: Caller, other_api: Caller, live: Caller
) -> None:
    mine = api.post(PATH, opening()).json()["id"]
    for caller in (other_api, live):
        for verification in (mine, f"ver_{'a' * 26}"):
            answers = [
                caller.get(f"{PATH}/{verification}"),
                caller.post(f"{PATH}/{verification}/link"),
                caller.post(f"{PATH}/{verification}/cancel"),
            ]
            details = {answer.json()["detail"] for answer in answers}
            assert [code(answer) for answer in answers] == [(404, "not_found")] * 3
            assert (len(details), mine in str(details)) == (1, False)
        assert caller.get(PATH).json()["data"] == []
    assert api.get(f"{PATH}/{mine}").json()["status"] == "requires_input"


def test_who_sends_a_link_is_on_record_without_the_name(api: Caller) -> None:
    place = f"{PATH}/{api.post(PATH, opening()).json()['id']}/link"
    for sent_by in ("", "990101100010", "x" * 201, 5, None):
        assert api.post(place, {"sent_by": sent_by}).status_code == 422
    assert api.post(place, {"sent_by": "asel@lender.example"}).status_code == 201
    last = AuditEntry.objects.filter(type="link.minted").latest("verification_sequence")
    assert set(body_of(last)) == {"v", "link", "link_expires_at", "sent_by"}
    assert "asel" not in last.body["sent_by"]


@pytest.mark.parametrize("action", ["link", "cancel"])
def test_an_action_takes_no_fields(api: Caller, action: str) -> None:
    opened = api.post(PATH, opening()).json()
    assert faults(api.post(f"{PATH}/{opened['id']}/{action}", {"force": True})) == {
        ("/force", "unknown_field")
    }


def test_the_list_is_told_page_by_page_newest_first(api: Caller) -> None:
    opened = [api.post(PATH, opening(client_reference=f"loan-{n}")).json()["id"] for n in range(5)]
    told: list[str] = []
    query = {"limit": "2"}
    while True:
        page = api.get(PATH, **query).json()
        told += [item["id"] for item in page["data"]]
        if not page["has_more"]:
            break
        query["after"] = page["next"]
    assert told == opened[::-1]
    assert page["next"] is None


def test_the_list_is_filtered(api: Caller) -> None:
    first = api.post(PATH, opening(client_reference="loan-1")).json()
    second = api.post(PATH, opening(client_reference="loan-2")).json()
    api.post(f"{PATH}/{first['id']}/cancel")

    def told(**query: str) -> list[str]:
        return [item["id"] for item in api.get(PATH, **query).json()["data"]]

    assert told(client_reference="loan-2") == [second["id"]]
    assert told(case_number=case_number(first["id"])) == [first["id"]]
    assert told(case_number="0000-000-000-000") == []
    assert (told(status="canceled"), told(status="processing")) == ([], [first["id"]])
    sequencer.order("test")
    assert (told(status="canceled"), told(status="processing")) == ([first["id"]], [])
    assert told(created_from="2999-01-01T00:00:00Z") == []
    assert told(created_from="2020-01-01T00:00:00Z") == [second["id"], first["id"]]
    rows = Verification.objects.filter(pk__in=(first["id"], second["id"])).order_by("created_at")
    earlier, later = (row.created_at.isoformat() for row in rows)
    assert told(created_from=earlier, created_to=later) == [first["id"]]
    assert told(created_to=earlier) == []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("?limit=0", ("?limit", "out_of_range")),
        ("?limit=101", ("?limit", "out_of_range")),
        ("?limit=x", ("?limit", "type_wrong")),
        ("?status=good", ("?status", "choice_unknown")),
        ("?after=7", ("?after", "id_malformed")),
        ("?case_number=1795895717016", ("?case_number", "case_number_malformed")),
        ("?created_from=today", ("?created_from", "time_malformed")),
        ("?created_to=2026-11-24", ("?created_to", "time_malformed")),
        (
            "?created_from=2026-11-24T00:00:00Z&created_to=2026-11-24T05:00:00%2B05:00",
            ("?created_to", "out_of_range"),
        ),
        ("?page=2", ("?page", "unknown_field")),
        ("?created_from=2026-11-24T10:00Z", ("?created_from", "time_malformed")),
        ("?limit=1&limit=2", ("?limit", "choice_repeated")),
    ],
)
def test_a_bad_parameter_is_told(api: Caller, query: str, fault: tuple[str, str]) -> None:
    refused = api._client.get(f"{PATH}{query}")
    assert refused.status_code == 422
    assert faults(refused) == {fault}


# At the opening: whose IIN and birth date fit, who is of age, and whose document still holds,
# by days in Almaty.
MIDNIGHT = datetime(
    2027, 2, 28, 19, 0, tzinfo=UTC
)  # 1 March begins in Kazakhstan; 2027 has no 29 February
JUST_BEFORE = MIDNIGHT - timedelta(microseconds=1)
TOO_YOUNG = {("/subject/birth_date", "subject_under_age")}
EXPIRED = {("/subject/document/valid_to", "document_expired")}
OTHER_BIRTH = {("/subject/birth_date", "birth_date_mismatch")}


def iin_of(born: date) -> str:
    """A number that states this day."""
    century = {18: "1", 19: "3", 20: "5"}[born.year // 100]
    serials = (f"{born:%y%m%d}{century}{serial:04}" for serial in range(1, 9))
    return next(eleven + digit for eleven in serials if (digit := check_digit(eleven)) != "x")


def opened(api: Caller, born: date, **changes: Any) -> Response:
    """What an opening is answered with for somebody born then."""
    return api.post(
        PATH, opening(subject__iin=iin_of(born), subject__birth_date=born.isoformat(), **changes)
    )


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets it be a time from now on."""
    return lambda time: monkeypatch.setattr(clock, "now", lambda: time)


@pytest.mark.parametrize("born", [date(2009, 3, 1), date(2008, 2, 29)], ids=["2009", "leap day"])
def test_the_eighteenth_birthday_begins_at_midnight_in_almaty(
    api: Caller, at: Any, born: date
) -> None:
    midnight = MIDNIGHT if born.year == 2009 else datetime(2026, 2, 28, 19, 0, tzinfo=UTC)
    at(midnight - timedelta(microseconds=1))
    refused = opened(api, born)
    assert (refused.status_code, faults(refused)) == (422, TOO_YOUNG)
    assert not Verification.objects.exists()
    at(midnight)
    assert opened(api, born).status_code == 201


def test_a_document_holds_to_the_end_of_its_last_day_in_almaty(api: Caller, at: Any) -> None:
    of_the_28th = opening(subject__document__valid_to="2027-02-28")
    at(MIDNIGHT)
    refused = api.post(PATH, of_the_28th)
    assert (refused.status_code, faults(refused)) == (422, EXPIRED)
    assert api.post(PATH, opening(subject__document__valid_to="2027-03-01")).status_code == 201
    at(JUST_BEFORE)
    assert api.post(PATH, of_the_28th | {"client_reference": "loan-2"}).status_code == 201


def test_a_birth_date_of_a_century_later_changes_no_age(api: Caller, at: Any) -> None:
    at(MIDNIGHT)
    # An IIN of 2015 with a birth date of 1915 would be a child's that passes for an adult's.
    childs = opening(subject__iin=iin_of(date(2015, 6, 7)), subject__birth_date="1915-06-07")
    assert faults(api.post(PATH, childs)) == OTHER_BIRTH


# Codes of the tables that no other test is answered: each by a request that leads to it.


@pytest.mark.django_db(transaction=True)
def test_an_invented_person_is_malformed_in_live_mode_and_opened_in_test_mode(
    api: Caller, live: Caller
) -> None:
    asked = opening(subject__iin="900101900015", subject__birth_date="1990-01-01")
    answer = live.post(PATH, asked)
    assert (answer.status_code, faults(answer)) == (422, {("/subject/iin", "iin_malformed")})
    assert api.post(PATH, asked).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_another_digit_without_a_century_is_malformed_in_both_modes(
    api: Caller, live: Caller
) -> None:
    for seventh in "78":
        eleven = next(
            eleven
            for eleven in (f"900101{seventh}{number:04}" for number in range(1, 20))
            if check_digit(eleven) != "x"
        )
        iin = eleven + check_digit(eleven)
        asked = opening(subject__iin=iin, subject__birth_date="1990-01-01")
        for caller in (api, live):
            assert faults(caller.post(PATH, asked)) == {("/subject/iin", "iin_malformed")}


@pytest.mark.django_db(transaction=True)
def test_money_leaves_to_no_invented_person_in_live_mode(live: Caller) -> None:
    paid = {"amount": "1.00", "iin": "900101900015", "contract_sha256": "a" * 64}
    paid["payout_account"] = "KZ86125KZT5004100100"
    answer = live.post("/v1/clearances/clr_none/consume", paid)
    assert (answer.status_code, faults(answer)) == (422, {("/iin", "iin_malformed")})


@pytest.mark.django_db(transaction=True)
def test_an_unknown_law_opens_nothing(api: Caller, lender: Lender) -> None:
    lender.test_calendar = [{"from": "2020-01-01", "profile": "KZ-0000"}]
    registered.saved(lender)
    answer = api.post(PATH, opening())
    assert (answer.status_code, answer.json()["code"]) == (422, "profile_unknown")


@pytest.mark.django_db(transaction=True)
def test_more_redeliveries_than_may_wait_are_refused(
    api: Caller, lender: Lender, endpoint: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "REDELIVER_MAX", 0)
    answer = api.post(f"/v1/webhook-endpoints/{endpoint.pk}/test")
    assert (answer.status_code, answer.json()["code"]) == (409, "redelivery_limit")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"visit_over_mci": 10}, "in_person_required"),
        ({"amount_max_mci": 10}, "amount_over_profile"),
    ],
)
def test_a_gate_that_a_law_asks_for_refuses(
    api: Caller,
    lender: Lender,
    issued: Issued,
    monkeypatch: pytest.MonkeyPatch,
    asked: dict[str, Any],
    expected: str,
) -> None:
    law = replace(profiles.get("KZ-2021-04"), id="KZ-TEST", **asked)
    monkeypatch.setitem(profiles.PROFILES, law.id, law)
    lender.test_calendar = profiles.calendar_of(law.id)
    registered.saved(lender)
    told = cleared(api, verified(lender, issued))
    assert (told["status"], told["code"]) == ("refused", expected)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("fault", "expected", "retry_after"),
    [
        (OperationalError("of ours"), (503, "unavailable"), "2"),
        (LookupError("of ours"), (500, "internal_error"), None),
    ],
)
def test_a_fault_of_ours_is_told_without_a_word_of_it(
    api: Caller, fault: Exception, expected: tuple[int, str], retry_after: str | None
) -> None:
    def break_down(*_: Any) -> None:
        raise fault

    with connection.execute_wrapper(break_down):
        answer = api.get(PATH)
    assert (code(answer), answer.headers.get("Retry-After")) == (expected, retry_after)
    assert b"of ours" not in answer.content


# A lender that opens a case which could not pass by people is warned, and refused nothing.
WARNED = [{"code": "reviewers_too_few", "detail": WARNINGS["reviewers_too_few"].warning}]
CAMERA = {"routes": ["biometric"]}


@pytest.fixture
def _both_routes(settings: Settings) -> None:
    settings.TULGA_ROUTES = ["eds", "biometric"]


@pytest.mark.django_db
@pytest.mark.usefixtures("_both_routes")
@pytest.mark.parametrize(
    ("number", "more", "warnings"),
    [
        (0, {}, []),
        (1, {}, WARNED),
        (2, {}, WARNED),
        (2, {"routes": ["eds"]}, []),  # no way leads to people
        (2, {"routes": None}, WARNED),  # one that the borrower may choose does
        (0, {"opened_by": "reviewer 1"}, WARNED),  # an opener is not counted
        (0, {"opened_by": "office 12"}, []),
    ],
)
def test_what_an_opening_warns_of(
    api: Caller, lender: Lender, number: int, more: dict[str, Any], warnings: Any
) -> None:
    reviewers.leave(lender, number=number)
    answer = api.post("/v1/verifications", opening(**CAMERA | more))
    assert (answer.status_code, answer.json()["warnings"]) == (201, warnings)


@pytest.mark.django_db
@pytest.mark.usefixtures("_both_routes")
def test_another_lenders_people_are_not_counted(other_api: Caller, lender: Lender) -> None:
    answer = other_api.post("/v1/verifications", opening(**CAMERA))
    assert answer.json()["warnings"] == WARNED


@pytest.mark.django_db
@pytest.mark.usefixtures("_both_routes")
def test_an_opening_that_comes_again_warns_again(api: Caller, lender: Lender) -> None:
    first = api.post("/v1/verifications", opening(**CAMERA), key="k-1")
    reviewers.leave(lender)
    again = api.post("/v1/verifications", opening(**CAMERA), key="k-2")
    assert (first.json()["warnings"], again.json()["warnings"]) == ([], WARNED)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    # By its key it is the same answer.
    assert api.post("/v1/verifications", opening(**CAMERA), key="k-1").json() == first.json()


# Requests at the ends of what can be written: answered shortly, by a code, never by a fault of
# ours.


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["", "loan", "subject", "metadata"])
def test_thousands_of_unknown_names_get_a_short_answer(api: Caller, place: str) -> None:
    unknown = {f"{number:09}" + "x" * 150: 1 for number in range(5_500)}
    body = opening()
    (body[place] if place in body else body.setdefault(place, {}) if place else body).update(
        unknown
    )
    assert 0.9e6 < len(json.dumps(body)) < 1e6
    answer = api.post("/v1/verifications", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
    assert 1 <= len(answer.json()["errors"]) <= policy.FAULTS_TOLD
    assert len(answer.content) < 20_000


@pytest.mark.django_db
@pytest.mark.parametrize(
    "moment",
    [
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999+00:00",
        "1969-12-31T23:59:59Z",
    ],
)
def test_the_ends_of_the_calendar_are_answered(api: Caller, moment: str) -> None:
    listed = api.get("/v1/verifications", created_from=moment)
    again = api.post("/v1/deliveries/redeliver", {"from": "0001-01-01T00:00:00Z", "to": moment})
    opened = api.post(
        "/v1/verifications",
        opening() | {"subject": opening()["subject"] | {"birth_date": moment[:10]}},
    )
    assert listed.status_code == (200 if moment.startswith("1969") else 422)
    assert again.status_code == opened.status_code == 422
    assert all(len(answer.content) < 2_000 for answer in (listed, again, opened))


# To a live key what is of test mode alone is nowhere, and nowhere is told in the version of the
# key.


NOWHERE = "/v1/nothing"
PLACES = [
    re.sub(r"\{.*\}", f"ver_{'a' * 26}", path)
    for path in openapi.document()["paths"]
    if path.startswith("/v1/test/")
]
METHODS = ["GET", "POST", "DELETE", "OPTIONS", "BREW"]
BODIES = [b"", b"{", b'{"advance_seconds": 60}', b'{"unknown": 1}']
HEADERS: list[dict[str, Any]] = [
    {},
    {"idempotency-key": "k-1"},
    {"idempotency-key": '"'},
    {"tulga-version": API_VERSION},
    {"tulga-version": "tomorrow"},
    {"content-type": "text/plain"},
]
QUERIES = ["", "?limit=x&limit=y"]


@pytest.fixture(params=[policy.SCOPES, ()], ids=["all-scopes", "no-scope"])
def secret(request: pytest.FixtureRequest, lender: Lender, settings: Settings) -> str:
    """The secret of a live key."""
    settings.TULGA_MODES_LIVE = True
    return live_secret(lender, scopes=request.param)


def said(answer: Response, path: str) -> tuple[int, bytes, dict[str, str]]:
    """All that an answer says but its own number and the address that was asked."""
    own = answer.headers["X-Request-Id"]
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-Id"}
    content = answer.content.replace(own.encode(), b"").replace(path.encode(), b"")
    return answer.status_code, content, headers | {"Content-Length": str(len(content))}


@pytest.mark.django_db
@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("method", METHODS)
def test_a_live_key_cannot_tell_what_is_of_test_mode_from_nothing(
    secret: str, path: str, method: str
) -> None:
    client = Client(headers={"authorization": f"Bearer {secret}"})
    for body, headers, query in [
        *product(BODIES, HEADERS[:1], QUERIES),
        *product(BODIES[2:3], HEADERS[1:], QUERIES[:1]),
    ]:
        more = {"content_type": "application/json", "headers": headers}
        answers = [
            said(client.generic(method, of + query, body, **more), of) for of in (path, NOWHERE)
        ]
        assert answers[0] == answers[1]
    assert not IdempotentRequest.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/v1/verifications/ver.x", NOWHERE, "/v1/verifications/a/b/c", "/v2"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nowhere_says_the_version_to_a_key_alone(api: Caller, path: str, method: str) -> None:
    answer = api.send(method, path, "")
    assert (answer.status_code, answer.headers.get("Tulga-Version")) == (404, API_VERSION)
    for secret in ("", "tlg_test_x", "x"):
        stranger = Caller(secret).send(method, path, "")
        assert (stranger.status_code, "Tulga-Version" in stranger.headers) == (404, False)
        for each in (answer, stranger):
            assert each.json()["type"].endswith("/docs/problems/not_found")


# POST /v1/verifications/{id}/obligation: what starts and stops the retention clock.


OBLIGATION = "/v1/verifications/{verification_id}/obligation"


def tell(api, story, status="opened", at=None, *, key=""):
    body = {"status": status, "at": (at or clock.now()).isoformat()}
    return api.post(f"/v1/verifications/{story.id}/obligation", body, key=key)


def told(story):
    found = AuditEntry.objects.filter(verification_id=story.id, type__startswith="obligation.")
    return list(found.order_by("verification_sequence").values_list("type", "body__at"))


def five_years(moment):
    day = almaty.day_of(moment)
    return almaty.begins(day.replace(year=day.year + 5) + timedelta(days=1))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_the_clock_starts_and_stops(api, story):
    consume(api, cleared(api, story))
    before = api.get(f"/v1/verifications/{story.id}").json()["retention"]
    assert before["obligation_opened_at"] is None
    assert before["until"].startswith(five_years(story.row().created_at).isoformat()[:19])
    opened = clock.now()
    answer = hold(tell(api, story, at=opened), OBLIGATION, "post")
    assert (answer["retention"]["until"], answer["retention"]["obligation_closed_at"]) == (
        None,
        None,
    )
    closed = clock.now()
    answer = hold(tell(api, story, "closed", closed), OBLIGATION, "post")["retention"]
    assert answer["until"].startswith(five_years(closed).isoformat()[:19])
    assert told(story) == [
        ("obligation.opened", opened.isoformat()),
        ("obligation.closed", closed.isoformat()),
    ]
    order()
    assert [*clean(story), *verify_legality("test")] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_the_same_word_again_changes_nothing_and_another_is_refused(api, lender, issued):
    story, at = verified(lender, issued), clock.now()
    assert code(tell(api, story, "closed", at)) == (409, "obligation_not_opened")
    assert [tell(api, story, at=at).status_code for _ in range(2)] == [200, 200]
    later = at + timedelta(milliseconds=1)
    assert code(tell(api, story, at=later)) == (409, "obligation_opened")
    assert tell(api, story, "closed", later).status_code == 200
    assert tell(api, story, "closed", later).status_code == 200
    assert code(tell(api, story, "closed", clock.now())) == (409, "obligation_closed")
    assert tell(api, story, at=at).status_code == 200
    assert len(told(story)) == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("is_whole_seconds", [True, False])
def test_the_time_of_the_decision_may_come_back_cut(api, is_whole_seconds, story):
    told = api.get(f"/v1/verifications/{story.id}").json()["finished_at"]
    if is_whole_seconds:
        told = story.row().finished_at.replace(microsecond=0).isoformat()
    body = {"status": "opened", "at": told}
    assert api.post(f"/v1/verifications/{story.id}/obligation", body).status_code == 200
    order()
    assert [*clean(story), *verify_legality("test")] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_a_time_that_cannot_be_is_refused(api, story):
    decided = story.row().finished_at
    for at, expected in (
        (decided - timedelta(seconds=1), "obligation_before_decision"),
        (clock.now() + timedelta(minutes=6), "obligation_in_future"),
    ):
        answer = tell(api, story, at=at).json()
        assert (answer["errors"][0]["code"], answer["errors"][0]["pointer"]) == (expected, "/at")
    opened = clock.now()
    tell(api, story, at=opened)
    answer = tell(api, story, "closed", opened - timedelta(milliseconds=1)).json()
    assert answer["errors"][0]["code"] == "obligation_before_opening"
    assert len(told(story)) == 1
    assert tell(api, story, "closed", clock.now() + timedelta(minutes=4)).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "opened"},
        {"status": "paid", "at": "2026-11-28T10:00:00Z"},
        {"status": "opened", "at": "yesterday"},
        {"status": "opened", "at": "2026-11-28"},
        {"status": "opened", "at": "2026-11-28T10:00:00Z", "amount": "1"},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_bad_input(api, body, story):
    assert code(api.post(f"/v1/verifications/{story.id}/obligation", body)) == (422, "bad_input")
    assert told(story) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_of_many_at_once_one_word_is_written(api, lender, issued):
    story, now = verified(lender, issued), clock.now()
    secret = keys.issue(lender, mode="test").secret

    def send(number):
        return code(tell(Caller(secret), story, at=now + timedelta(milliseconds=number)))

    found = sorted(in_parallel(send, 8), key=str)
    assert found == [(200, None)] + [(409, "obligation_opened")] * 7
    assert len(told(story)) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_only_of_ones_own_that_is_verified(api, other_api, lender, issued):
    waiting, story = begin(lender, "A-9"), verified(lender, issued)
    assert code(tell(api, waiting)) == (409, "not_verified")
    waiting.cancel()
    assert code(tell(api, waiting)) == (409, "not_verified")
    assert code(tell(other_api, story)) == (404, "not_found")
    reader = Caller(
        keys.issue(lender, mode="test", scopes=["verifications:read", "verifications:write"]).secret
    )
    assert code(tell(reader, story)) == (403, "scope_missing")
    assert told(story) == told(waiting) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_what_was_paid_past_us_is_taken_too(api, story):
    assert tell(api, story).status_code == 200
    order()
    reader = rows.signed_in(rows.person("regulator"))
    page = f"/oversight/cases/{story.id}/"
    shown = reader.get(page).content.decode()
    assert "no clearance was used" in shown
    assert "five years after the obligation has ended" in shown
    consume(api, cleared(api, story))
    tell(api, story, "closed")
    shown = reader.get(page).content.decode()
    assert "no clearance was used" not in shown
    assert f"{almaty.day_of(five_years(story.row().obligation_closed_at)):%d.%m.%Y}" in shown


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
@pytest.mark.forges
def test_a_row_that_says_otherwise_is_named_and_decides_nothing(api, story):
    Verification.objects.filter(pk=story.id).update(obligation_opened_at=story.row().finished_at)
    assert clean(story) == ["row_differs"]
    assert code(tell(api, story, "closed")) == (409, "obligation_not_opened")
    assert tell(api, story).status_code == 200
    assert clean(story) == []
    tamper(
        (
            "UPDATE verification_verification SET obligation_opened_at = NULL WHERE id = %s",
            (story.id,),
        )
    )
    assert clean(story) == ["row_differs"]


# How many statements each hot request of a lender sends. A change that lets one grow writes
# its number here anew.


# BEGIN, COMMIT, savepoints and set_config apart. Each begins with the look-up of the key; once a
# minute a request more writes down that the key is in use.
COUNTED = {
    # In each: the statements of the key and its lender. Where a case is read, or a link made,
    # whether it is blocked.
    # reserve and hold the Idempotency-Key, attempt, link, row, key, entries, their waiting, the
    # answer
    "open": 11,
    # a way that people may look at is on offer: who of the lender may vote
    "open, the borrower chooses": 11,
    "open without Idempotency-Key": 8,
    "open again": 18,
    "status": 5,
    "status with checks": 8,
    "list of 1": 5,
    "list of 100": 5,
    "events": 4,  # and what was signed together with them
    # whether it leads to the verification or to its new consent, each by the entry that opened it
    "link": 16,
    # its decision is read with its leaf and with what was signed beside it
    "status of one that has ended": 5,
    "list of one that has ended": 5,
    # Row, the entry that opened it, decision, its receipt's entry, who was revoked; checkpoint and
    # tile; and the reading is an entry, which waits.
    "receipt of one that was canceled": 12,
    "cancel": 16,  # the row is locked first: somebody may be stopping it
}


def asked(send: Callable[[], Response]) -> int:
    """The statements of a request that is answered well."""
    with statements() as sent:
        answer = send()
    assert answer.status_code in (200, 201), answer.content
    return len(sent)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [1, 100])
def test_a_list_takes_few_statements_at_any_length(
    api: Caller, lender: Lender, number: int
) -> None:
    for each in range(number):
        begin(lender, f"loan-{each}")
    sequencer.order("test", limit=1000)
    api.get(PATH, limit="1")  # the key's use is written down
    assert asked(lambda: api.get(PATH, limit="100")) == COUNTED[f"list of {number}"]
    assert asked(lambda: api.get("/v1/events", limit="100")) == COUNTED["events"]


@pytest.mark.django_db(transaction=True)
def test_each_request_sends_as_many_statements_as_are_listed(
    api: Caller, settings: Settings
) -> None:
    verification_id = api.post(PATH, opening()).json()["id"]
    found = {
        "open": asked(
            lambda: api.post(
                PATH, opening(client_reference="two", subject__iin=OTHER_IIN), key="k-1"
            )
        ),
        "open without Idempotency-Key": asked(
            lambda: api.post(PATH, opening(client_reference="three"))
        ),
        "open again": asked(lambda: api.post(PATH, opening(), key="k-2")),
        "status": asked(lambda: api.get(f"{PATH}/{verification_id}")),
        "status with checks": asked(lambda: api.get(f"{PATH}/{verification_id}", expand="checks")),
        "link": asked(lambda: api.post(f"{PATH}/{verification_id}/link", key="k-3")),
        "cancel": asked(lambda: api.post(f"{PATH}/{verification_id}/cancel", key="k-4")),
    }
    for what, path in (
        ("status", f"{PATH}/{verification_id}"),
        ("list", f"{PATH}?client_reference=loan-1"),
    ):
        assert api.get(path).json()
        sequencer.order("test")
        found[f"{what} of one that has ended"] = asked(partial(api.get, path))
    assert api.get(f"{PATH}/{verification_id}").json()["status"] == "canceled"
    tasks.advance(verification_id)
    sequencer.order("test")
    found["receipt of one that was canceled"] = asked(
        lambda: api.get(f"{PATH}/{verification_id}/receipt")
    )
    settings.TULGA_ROUTES = ["eds", "biometric", "live_face"]
    chosen = opening(client_reference="four", subject__iin=IIN)
    found["open, the borrower chooses"] = asked(lambda: api.post(PATH, chosen, key="k-5"))
    assert found == {name: number for name, number in COUNTED.items() if name in found}
    assert found.keys() | {"list of 1", "list of 100", "events"} == COUNTED.keys()
