"""What a trigger does when it is told to come again in a moment."""

import json
import time
from typing import Any

import pytest

from lenders.management.commands.tulga_trigger import Trigger, TriggerFailed, bring_about
from verification import outbound
from verification.core.ids import Iin
from verification.core.scenarios import SCRIPTED
from verification.outbound import Answer


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was sent, and in between for how many seconds it slept."""
    kept: list[Any] = []
    monkeypatch.setattr(time, "sleep", kept.append)
    return kept


def _answering(monkeypatch: pytest.MonkeyPatch, sent: list[Any], *answers: Answer) -> Trigger:
    left = list(answers)

    def send(request: Any) -> Answer:
        sent.append(request.headers["Idempotency-Key"])
        return left.pop(0)

    monkeypatch.setattr(outbound, "send", send)
    return Trigger("http://tulga.example", "tlg_test_x", print)


def test_a_call_is_sent_again_by_the_same_key_when_retry_after_is_over(
    monkeypatch: pytest.MonkeyPatch, sent: list[Any]
) -> None:
    busy = Answer(status=503, body=b'{"code": "sandbox_unavailable"}', retry_after="5")
    trigger = _answering(monkeypatch, sent, busy, busy, Answer(status=200, body=b'{"id": "ver_a"}'))
    assert trigger.call("POST", "/v1/verifications", {}) == {"id": "ver_a"}
    assert sent == [sent[0], 5, sent[0], 5, sent[0]]


@pytest.mark.parametrize(("retry_after", "tries"), [("5", 4), ("86400", 1), ("", 1), ("soon", 1)])
def test_it_gives_up_after_three_times_and_where_the_wait_is_long(
    monkeypatch: pytest.MonkeyPatch, sent: list[Any], retry_after: str, tries: int
) -> None:
    busy = Answer(status=409, body=b'{"code": "cooling_off"}', retry_after=retry_after)
    trigger = _answering(monkeypatch, sent, *[busy] * tries)
    with pytest.raises(TriggerFailed, match="409 cooling_off"):
        trigger.call("POST", "/v1/verifications", {})
    assert len([one for one in sent if isinstance(one, str)]) == tries


@pytest.mark.parametrize(
    ("ends", "painted"),
    [(["in_review"], 1), (["declined", "in_review"], 2), (["verified", "declined", "failed"], 3)],
)
def test_a_face_that_comes_to_something_else_is_followed_by_another_persons(
    monkeypatch: pytest.MonkeyPatch, sent: list[Any], ends: list[str], painted: int
) -> None:
    opened: list[str] = []
    told = {"type": "verification.in_review", "lender_sequence": 1}

    def send(request: Any) -> Answer:
        if "/v1/events" in request.url:
            return Answer(status=200, body=json.dumps({"data": [told] if opened else []}).encode())
        if request.method == "GET":
            return Answer(status=200, body=json.dumps({"status": ends[len(opened) - 1]}).encode())
        if request.url.endswith("/v1/verifications"):
            opened.append(json.loads(request.body)["subject"]["iin"])
        return Answer(status=201, body=b'{"id": "ver_a"}')

    monkeypatch.setattr(outbound, "send", send)
    trigger = Trigger("http://tulga.example", "tlg_test_x", lambda _: None)
    bring_about(trigger, "verification.in_review", seconds=1)
    assert len(set(opened)) == len(opened) == painted
    assert trigger.iin == opened[-1]
    born = [Iin.parse(iin).birth_date for iin in opened]
    assert {day and day.isoformat() for day in born} == {"1899-01-01"}
    assert SCRIPTED.keys().isdisjoint(opened)


def test_where_too_few_could_vote_nothing_else_is_painted(
    monkeypatch: pytest.MonkeyPatch, sent: list[Any]
) -> None:
    failed = {"status": "failed", "code": "review_unavailable"}

    def send(request: Any) -> Answer:
        sent.append(request.url)
        if "/v1/events" in request.url:
            return Answer(status=200, body=b'{"data": []}')
        return Answer(status=200, body=json.dumps({"id": "ver_a"} | failed).encode())

    monkeypatch.setattr(outbound, "send", send)
    trigger = Trigger("http://tulga.example", "tlg_test_x", lambda _: None)
    with pytest.raises(TriggerFailed, match="review_unavailable: two of your people"):
        bring_about(trigger, "verification.in_review", seconds=1)
    assert len([url for url in sent if str(url).endswith("/v1/verifications")]) == 1
