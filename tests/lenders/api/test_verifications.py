"""/v1/verifications as a lender's server meets it."""

from typing import Any

import pytest

from lenders import keys
from lenders.models import Lender
from tests.entries import body_of
from tests.lenders.samples import IIN, PHONE, Caller, faults, opening
from verification.core.ids import case_number
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
    assert body["profile"]["id"] == "KZ-2021-04"


def test_the_links_secret_stands_in_the_fragment_and_is_told_once(api: Caller) -> None:
    opened = api.post(PATH, opening()).json()
    before, _, secret = opened["url"].partition("#")
    assert before.endswith("/v/")
    assert len(secret) >= 43
    read = api.get(f"{PATH}/{opened['id']}")
    assert "url" not in read.json()
    assert secret not in read.content.decode()


def test_no_answer_holds_personal_data(api: Caller) -> None:
    opened = api.post(PATH, opening())
    for answer in (
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


def test_amounts_are_read_from_strings_and_exact_numbers_alike(api: Caller) -> None:
    api.post(PATH, opening())
    assert api.post(PATH, opening(loan__amount=150000, loan__annual_rate=46)).status_code == 200


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


@pytest.mark.parametrize("body", ["[]", '"x"', "5", "null"])
def test_a_body_that_is_no_object_is_refused(api: Caller, body: str) -> None:
    refused = api.send("POST", PATH, body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == ""


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b"\xff", "application/json", 400, "malformed_json"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"<a/>", "application/xml", 415, "unsupported_media_type"),
        (b" " * 1_000_001, "application/json", 413, "body_too_large"),
    ],
)
def test_a_body_of_the_wrong_kind_has_a_status_of_its_own(
    api: Caller, body: bytes, content_type: str, status: int, code: str
) -> None:
    refused = api.send("POST", PATH, body, content_type=content_type)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.headers["Content-Type"] == "application/problem+json"


def test_a_charset_in_the_content_type_is_fine(api: Caller) -> None:
    answer = api.send("POST", PATH, "{}", content_type="application/json; charset=utf-8")
    assert answer.status_code == 422


def test_another_lenders_verification_is_not_there(api: Caller, other_api: Caller) -> None:
    mine = api.post(PATH, opening()).json()["id"]
    nothing = f"ver_{'a' * 26}"
    for request in (
        lambda caller, id: caller.get(f"{PATH}/{id}"),
        lambda caller, id: caller.post(f"{PATH}/{id}/link"),
        lambda caller, id: caller.post(f"{PATH}/{id}/cancel"),
    ):
        theirs, nobodys = request(other_api, mine), request(other_api, nothing)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json()["code"] == nobodys.json()["code"] == "not_found"
        assert theirs.json()["detail"] == nobodys.json()["detail"]
    assert api.get(f"{PATH}/{mine}").json()["status"] == "requires_input"
    assert other_api.get(PATH).json()["data"] == []


def test_a_fresh_link_has_another_secret(api: Caller) -> None:
    opened = api.post(PATH, opening()).json()
    fresh = api.post(f"{PATH}/{opened['id']}/link")
    assert fresh.status_code == 201
    assert set(fresh.json()) == {"url", "link_expires_at", "renewal"}
    assert fresh.json()["renewal"] is None
    assert fresh.json()["url"] != opened["url"]


def test_who_sends_a_link_is_on_record_without_the_name(api: Caller) -> None:
    place = f"{PATH}/{api.post(PATH, opening()).json()['id']}/link"
    for sent_by in ("", "990101100010", "x" * 201, 5, None):
        assert api.post(place, {"sent_by": sent_by}).status_code == 422
    assert api.post(place, {"sent_by": "asel@lender.example"}).status_code == 201
    last = AuditEntry.objects.filter(type="link.minted").latest("verification_sequence")
    assert set(body_of(last)) == {"v", "link", "link_expires_at", "sent_by"}
    assert "asel" not in last.body["sent_by"]


def test_a_canceled_verification_has_ended(api: Caller) -> None:
    opened = api.post(PATH, opening()).json()
    asked = api.post(f"{PATH}/{opened['id']}/cancel", {})
    assert (asked.status_code, asked.json()["status"], asked.json()["finished_at"]) == (
        200,
        "processing",
        None,
    )
    sequencer.order("test")
    canceled = api.get(f"{PATH}/{opened['id']}").json()
    assert (canceled["status"], canceled["code"]) == ("canceled", "canceled_by_lender")
    assert canceled["finished_at"] is not None
    for action in ("cancel", "link"):
        refused = api.post(f"{PATH}/{opened['id']}/{action}")
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    assert api.post(PATH, opening()).status_code == 201, "the reference is free again"


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
        ("?limit=1&limit=2", ("?limit", "choice_repeated")),
    ],
)
def test_a_bad_parameter_is_told(api: Caller, query: str, fault: tuple[str, str]) -> None:
    refused = api._client.get(f"{PATH}{query}")
    assert refused.status_code == 422
    assert faults(refused) == {fault}


def test_checks_are_told_only_when_asked_for(api: Caller) -> None:
    opened = api.post(PATH, opening()).json()["id"]
    assert "checks" not in api.get(f"{PATH}/{opened}").json()
    assert api.get(f"{PATH}/{opened}", expand="checks").json()["checks"] == []
    assert faults(api.get(f"{PATH}/{opened}", expand="evidence")) == {("?expand", "choice_unknown")}


def test_the_mode_is_that_of_the_key(lender: Lender, api: Caller) -> None:
    opened = api.post(PATH, opening()).json()["id"]
    issued = keys.issue(lender, mode="test")
    issued.key.mode = "live"
    issued.key.save()
    live = Caller(issued.secret)
    assert live.get(f"{PATH}/{opened}").status_code == 404
    assert live.get(PATH).json()["data"] == []
