"""The census of codes notes what answers bring, and a whole run fails by what is missing."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory

from tests import census, noting
from tests.environment import CODES_VARIABLE

KNOWN = {"problem:not_found", "reason:abandoned", "event:export.ready"}
OWED = {"event:export.ready": "There is no export yet."}


def test_a_code_without_an_answer_is_told() -> None:
    seen = KNOWN - {"event:export.ready"}
    assert list(census.faults(KNOWN, seen=seen, owed=OWED)) == []
    (missing,) = census.faults({*KNOWN, "reason:made_up"}, seen=seen, owed=OWED)
    assert missing.startswith("reason:made_up: no test was answered this code")


def test_a_debt_of_no_code_or_without_a_reason_is_told() -> None:
    assert list(census.faults(KNOWN, seen=KNOWN - OWED.keys(), owed=OWED)) == []
    unknown = {**OWED, "problem:gone": "It was taken out."}
    (gone,) = census.faults(KNOWN, seen=KNOWN - OWED.keys(), owed=unknown)
    assert gone == "problem:gone: it is owed, and there is no such code"
    (bare,) = census.faults(KNOWN, seen=KNOWN - OWED.keys(), owed={"event:export.ready": " "})
    assert bare == "event:export.ready: it is owed without a reason"


def test_a_debt_that_is_paid_is_told() -> None:
    (paid,) = census.faults(KNOWN, seen=KNOWN, owed=OWED)
    assert paid.startswith("event:export.ready: it is owed, and a test was answered it")


def test_a_run_that_noted_nothing_is_not_good() -> None:
    assert next(census.faults([], seen=[], owed={})) == "no process said which codes there are"


def test_what_workers_saw_is_joined_and_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owed = tmp_path / "owed.toml"
    owed.write_text('[owed]\n"event:export.ready" = "There is no export yet."\n')
    monkeypatch.setattr(census, "OWED", owed)
    monkeypatch.setattr(census, "known", set())
    monkeypatch.setattr(census, "seen", set())
    for code in ("problem:not_found", "reason:abandoned"):
        assert census.judge()
        worker = SimpleNamespace(workeroutput={"codes": {"known": sorted(KNOWN), "seen": [code]}})
        census.pytest_testnodedown(worker)
    assert census.judge() == []


def test_an_answer_is_noted_and_one_by_forged_rows_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CODES_VARIABLE, "1")
    monkeypatch.setattr(census, "seen", set())
    monkeypatch.setattr(census, "known", set())
    problem = {"code": "bad_input", "errors": [{"code": "required"}]}
    middleware = noting.Noting(
        lambda _: JsonResponse(problem, content_type="application/problem+json")
    )
    asked = RequestFactory().get("/v1/verifications")
    monkeypatch.setitem(census._state, "forges", True)
    middleware(asked)
    assert census.seen == set()
    monkeypatch.setitem(census._state, "forges", False)
    middleware(asked)
    assert census.seen == {"field:required", "problem:bad_input"}
    assert {"problem:bad_input", "field:required", "page:csrf"} <= census.known


def test_what_lists_codes_says_none() -> None:
    page = b"<p>x</p><code>abandoned</code>"
    assert "reason:abandoned" in noting.codes_in(
        "/oversight/case", "text/html; charset=utf-8", page
    )
    assert list(noting.codes_in("/docs/problems", "text/html", page)) == []


@pytest.mark.parametrize(
    ("mark", "table"),
    [
        ("", "reason"),
        (' data-entry="verification.ended"', "reason"),
        (' data-entry="clearance.refused"', "refusal"),
    ],
)
def test_a_code_on_a_page_of_those_who_work_is_of_one_table(mark: str, table: str) -> None:
    page = f"<strong>x</strong> <code{mark}>consent_declined</code>".encode()
    assert list(noting.codes_in("/oversight/case", "text/html", page)) == [
        f"{table}:consent_declined"
    ]


@pytest.mark.parametrize(
    ("path", "said", "found"),
    [
        (
            "/v1/verifications/ver_x",
            {"code": "abandoned", "checks": [{"code": "otp_wrong"}]},
            {"abandoned", "otp_wrong"},
        ),
        (
            "/v1/verifications/ver_x",
            {"code": None, "next_action": {"code": "abandoned"}},
            {"abandoned"},
        ),
        ("/v/state", {"notice": "borrower_busy"}, {"borrower_busy"}),
        ("/v/state", ["nothing", 1, None], set()),
    ],
)
def test_where_answers_say_why(path: str, said: object, found: set[str]) -> None:
    names = set(noting.codes_in(path, "application/json", json.dumps(said).encode()))
    assert names == {f"reason:{code}" for code in found}


def test_a_clearance_and_an_event_are_of_their_own_tables() -> None:
    clearance = {"code": "cooling_off", "gates": [{"status": "passed"}, {"status": "cooling_off"}]}
    assert "refusal:cooling_off" in noting.codes_in(
        "/v1/x", "application/json", json.dumps(clearance).encode()
    )
    event = {"data": [{"type": "verification.created", "lender_sequence": 1}]}
    assert list(noting.codes_in("/v1/events", "application/json", json.dumps(event).encode())) == [
        "event:verification.created"
    ]
    assert list(noting.codes_in("/v1/events", "text/plain", b"{}")) == []
    assert list(noting.codes_in("/v1/events", "application/json", HttpResponse(b"{").content)) == []
