"""Captures that cost nothing are few a day, however they end: each tells what was seen of its
commands.
"""

import pytest

from tests.verification.stories.insecure_capture import at_commands, played, put_in, show
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.reviewers import leave
from tests.verification.stories.story import lender
from verification.access import answers, hand_over, links, openings
from verification.case import attempts, contents
from verification.models import Attempt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]

_OTHERS = ("face_reference_unavailable", "consent_unanswered")


@pytest.mark.parametrize(
    ("flaw", "most"),
    [("face_quality", 6), *(pytest.param(other, 2, marks=pytest.mark.long) for other in _OTHERS)],
)
def test_after_so_many_of_a_day_no_other_begins(monkeypatch, script, flaw, most):
    script = put_in(monkeypatch, unburnt_max=most)
    script.gate = flaw
    story = played()
    for _ in range(most - 1):
        assert (story.page().page, story.page().attempt) == ("commands", 1)
        show(story)
        story.work()
    assert (story.page().page, story.page().notice, story.row().status) == (
        "resume",
        "captures_exceeded",
        "requires_input",
    )
    answers.resume(verification_id=story.id)
    assert (story.page().page, story.page().notice) == ("resume", "captures_exceeded")
    assert Attempt.objects.filter(stage="live_capture").count() == most


def test_another_verification_of_that_day_begins_none_either(monkeypatch, script):
    script = put_in(monkeypatch, unburnt_max=2)
    script.gate = "face_quality"
    story = played()
    show(story)
    story.work()
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    other = at_commands(story.lender, "A-2")
    assert (other.page().page, other.page().notice) == ("resume", "captures_exceeded")


def test_captures_that_were_left_to_too_few_people_cost_nothing_and_are_few_too(
    monkeypatch, script
):
    script = put_in(monkeypatch, unburnt_max=2)
    script.word = "grey"
    of = lender()
    leave(of)
    for number in range(2):
        story = played(of, f"A-{number}")
        assert (story.row().status, story.row().code) == ("failed", "review_unavailable")
    assert not Attempt.objects.filter(burnt=True).exists()
    other = at_commands(of, "A-9")
    assert (other.page().page, other.page().notice) == ("resume", "captures_exceeded")


def begun(story, *, is_last):
    """A capture whose commands were told as seen, left before its judgement."""
    show(story, commands=None if is_last else 3)


def test_a_capture_that_is_left_by_a_yes_at_a_phone_costs_an_attempt(script):
    story = at_commands()
    session = links.redeem(untrusted_token=story.token)
    begun(story, is_last=False)
    phone = hand_over.read(
        untrusted_code=hand_over.mint(untrusted_session=session).token, untrusted_agent=""
    )
    hand_over.reply(untrusted_phone=phone, is_told=True)
    story.work()
    assert Attempt.objects.filter(stage="live_capture", burnt=True).count() == 1


def test_one_that_was_being_judged_then_counts_among_those_that_cost_nothing(script):
    lender, numbers = None, []
    for number in range(3):
        story = at_commands(lender, f"A-{number}")
        lender = story.lender
        session = links.redeem(untrusted_token=story.token)
        begun(story, is_last=True)
        phone = hand_over.read(
            untrusted_code=hand_over.mint(untrusted_session=session).token, untrusted_agent=""
        )
        hand_over.reply(untrusted_phone=phone, is_told=True)
        story.work()
        numbers.append(Attempt.objects.filter(stage="live_capture", status="void").count())
    story = at_commands(lender, "A-last")
    assert numbers == [1, 2, 3]
    opened = attempts.current(story.row())
    assert opened is not None
    assert attempts.memory_of(opened, key=contents.key_of(story.row()))["unburnt_before"] == 3
