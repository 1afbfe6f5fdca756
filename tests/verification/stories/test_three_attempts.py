"""A live capture has three attempts: what uses one up, what uses up none, and how long and for whom
it counts.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lenders.resources import verifications
from tests.verification.stories.insecure_capture import Script, at_commands, played, show
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.story import (
    OTHER_IIN,
    Story,
    later,
    lender,
    make_due,
    run_out,
    wait_until,
)
from verification.case import policy
from verification.core.codes import LIVENESS, REASONS
from verification.models import Attempt, AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


def burnt() -> int:
    return Attempt.objects.filter(stage="live_capture", burnt=True).count()


def failed(of: Any, times: int, reference: str = "A-1", **more: Any) -> Story:
    """A verification whose captures failed so often; the script must say `wrong`."""
    story = played(of, reference, **more)
    for _ in range(times - 1):
        show(story)
        story.work()
    return story


def fall_silent(*, is_ready: bool) -> Story:
    story = at_commands()
    if is_ready:
        story.answer(ready=True)
    run_out(story)
    return story


def fault_for_ever() -> Story:
    story = played()
    for _ in range(policy.FAULTS_MAX):
        make_due(story)
        story.work()
    return story


@pytest.mark.parametrize(
    ("word", "gate", "faults", "play", "spent"),
    [
        ("wrong", "", 0, played, 1),
        ("clear", "liveness_face_jumped", 0, played, 1),
        ("wrong", "face_quality", 0, played, 1),  # one that burns is enough, whichever comes first
        ("clear", "face_quality", 0, played, 0),
        ("clear", "liveness_line_lost", 0, played, 0),
        ("nothing", "", 0, played, 0),
        ("unclear", "", 0, fault_for_ever, 0),
        ("clear", "", 100, fault_for_ever, 0),
        ("clear", "", 0, lambda: fall_silent(is_ready=False), 0),
        ("clear", "", 0, lambda: fall_silent(is_ready=True), 1),
    ],
    ids=[
        *(
            "fail",
            "a gate",
            "a gate and a fail",
            "poor light",
            "a lost line",
            "no reference",
            "inconclusive",
            "error",
        ),
        *("silence before ready", "silence after ready"),
    ],
)
def test_what_refuses_the_person_burns_an_attempt_and_nothing_else_does(
    script: Script, word: str, gate: str, faults: int, play: Callable[[], Story], spent: int
) -> None:
    script.word, script.gate, script.faults = word, gate, faults
    story = play()
    assert burnt() == spent
    answer = verifications.read(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    action = answer["next_action"]
    if action is not None and action["type"] == "commands":
        assert action["attempts_left"] == 3 - spent


@pytest.mark.parametrize(
    "code", sorted(code for code, reason in REASONS.items() if reason.family == LIVENESS)
)
def test_every_refusal_as_not_live_is_one_of_the_three(script: Script, code: str) -> None:
    script.gate = code
    story = played()
    assert (burnt(), story.page().attempt, story.page().notice) == (1, 2, code)


def test_the_third_failure_declines_whatever_each_failed_by(script: Script) -> None:
    script.gate = "liveness_face_jumped"
    story = failed(lender(), 2)
    assert (story.row().status, story.page().attempt) == ("requires_input", 3)
    script.gate = "liveness_frame_frozen"
    show(story)
    story.work()
    row = story.row()
    assert (row.status, row.code, row.last_failure) == (
        "declined",
        "attempts_exhausted",
        "liveness_frame_frozen",
    )
    assert burnt() == 3


def test_they_are_of_one_borrower_with_one_lender(script: Script) -> None:
    script.word = "wrong"
    of = lender()
    failed(of, 2)
    assert at_commands(of, "A-2", iin=OTHER_IIN).page().attempt == 1
    assert at_commands(lender("Second Credit", number=2)).page().attempt == 1


@pytest.mark.parametrize("is_told", [True, False])
def test_whatever_rows_say_of_tries_nobody_is_judged_by_them(script: Script, is_told: bool) -> None:
    script.word = "wrong" if is_told else "clear"
    of = lender()
    story = failed(of, 2) if is_told else at_commands(of)
    # Tries that were had are hidden, and others are invented that nobody had.
    columns = (
        {"burnt": False, "closed_at": None} if is_told else {"burnt": True, "closed_at": later(-1)}
    )
    over = Attempt.objects.filter(verification_id=story.id).exclude(status="open")
    over.update(stage="live_capture", **columns)
    show(story)
    story.work()
    assert story.row().status == ("declined" if is_told else "verified")


@pytest.mark.parametrize(
    ("age", "ended"),
    [
        (DAY - timedelta(minutes=1), ("declined", "attempts_exhausted", None)),
        (DAY + timedelta(minutes=1), ("requires_input", None, 1)),
    ],
)
def test_they_count_for_a_day_over_all_verifications(
    script: Script, age: timedelta, ended: tuple[object, ...]
) -> None:
    script.word = "wrong"
    of = lender()
    failed(of, 1).cancel()
    wait_until(AuditEntry.objects.get(type="attempt.judged", body__burnt=True).at + age)
    if (others := failed(of, 2, "A-3")).row().status == "requires_input":
        others.cancel()
    again = at_commands(of, "A-2")
    answer = verifications.read(lender_id=of.pk, mode="test", verification_id=again.id)
    action = answer["next_action"]
    assert (answer["status"], answer["code"], action and action["attempts_left"]) == ended
