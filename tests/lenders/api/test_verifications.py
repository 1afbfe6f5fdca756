"""/v1/verifications as a lender's server meets it: what is taken, refused and warned of."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from lenders import policy
from lenders.models import Lender, WebhookEndpoint
from tests.entries import body_of
from tests.lenders.api.clearing import cleared, verified
from tests.lenders.samples import IIN, PHONE, Caller, code, faults, opening
from tests.responses import Response
from tests.verification.stories import reviewers
from tests.verification.stories.conftest import Issued
from verification import clock
from verification.core import profiles
from verification.core.codes import WARNINGS
from verification.core.ids import case_number, check_digit
from verification.log import sequencer
from verification.models import AuditEntry, Verification

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
def test_a_person_of_the_sandbox_is_unknown_in_live_mode(live: Caller) -> None:
    answer = live.post(PATH, opening())
    assert (answer.status_code, faults(answer)) == (422, {("/subject/iin", "iin_test_only")})


@pytest.mark.django_db(transaction=True)
def test_an_unknown_law_opens_nothing(api: Caller, lender: Lender) -> None:
    lender.test_calendar = [{"from": "2020-01-01", "profile": "KZ-0000"}]
    lender.save()
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
    lender.save()
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
