"""The census of codes notes what answers bring, and a whole run fails by what is missing."""

import json
from pathlib import Path

import pytest
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory

from tests import census, jobs, legs, noting

KNOWN = {"problem:not_found", "reason:abandoned", "event:export.ready"}
OWED = {"event:export.ready": "There is no export yet."}


def test_a_code_that_nobody_was_answered_is_told() -> None:
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


def test_what_processes_saw_is_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owed = tmp_path / "owed.toml"
    owed.write_text('[owed]\n"event:export.ready" = "There is no export yet."\n')
    monkeypatch.setattr(census, "OWED", owed)
    for number, seen in enumerate(("problem:not_found", "reason:abandoned")):
        lines = [json.dumps({"known": sorted(KNOWN)}), json.dumps({"seen": [seen]})]
        (tmp_path / f"{number}.codes").write_text("\n".join(lines) + "\n")
    assert census.judge(tmp_path) == []
    (tmp_path / "1.codes").unlink()
    (missing,) = census.judge(tmp_path)
    assert missing.startswith("reason:abandoned")


def test_such_a_fault_fails_a_run_whose_tests_passed(capsys: pytest.CaptureFixture[str]) -> None:
    job = jobs.Job(
        leg="sqlite", name="a", files=(), arguments=(), environment=lambda _: {}, seed="7"
    )
    good = jobs.Progress(job=job, outcomes={"a": "passed"})
    assert jobs.conclude([good], seconds=1, seed="7") == 0
    assert jobs.conclude([good], ["reason:made_up: no test"], seconds=1, seed="7") == 1
    assert "NOT GOOD: reason:made_up: no test" in capsys.readouterr().out


def test_only_a_whole_run_is_judged() -> None:
    assert legs.is_whole([], "")
    assert not legs.is_whole(["sqlite"], "")
    assert not legs.is_whole([], "tests/test_census.py")


def test_an_answer_is_noted_once_and_one_by_forged_rows_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(census.VARIABLE, str(tmp_path))
    monkeypatch.setattr(noting, "_SEEN", set())
    monkeypatch.setattr(noting, "_KNOWN", set())
    problem = {"code": "bad_input", "errors": [{"code": "required"}]}
    middleware = noting.Noting(
        lambda _: JsonResponse(problem, content_type="application/problem+json")
    )
    asked = RequestFactory().get("/v1/verifications")
    monkeypatch.setitem(census._state, "forges", True)
    middleware(asked)
    (told,) = tmp_path.glob("*.codes")
    assert '"seen":' not in told.read_text()
    monkeypatch.setitem(census._state, "forges", False)
    middleware(asked)
    middleware(asked)
    lines = [json.loads(line) for line in told.read_text().splitlines()]
    assert [one["seen"] for one in lines if "seen" in one] == [
        ["field:required", "problem:bad_input"]
    ]
    assert {"problem:bad_input", "field:required", "page:csrf"} <= set(lines[0]["known"])


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
