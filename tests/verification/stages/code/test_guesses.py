"""Guesses and messages are few, and stay few: over dialogues, verifications and lenders."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.verification.stages.person.test_story import DOCUMENT, guess, to_code, to_person
from tests.verification.stages.person.told import codes, other_than
from tests.verification.stories.story import BORN, begin, lender, swept
from verification import clock
from verification.access import answers, openings
from verification.case import contents
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = pytest.mark.django_db(transaction=True)


def guess_wrong(asked, of, *, times):
    story = to_code(asked, of=of)
    for _ in range(times):
        guess(story, other_than(codes(asked)[-1]))
    return story


def opened_again(of, story):
    """Another verification of the same person with the same lender, played up to the code."""
    case = contents.read(story.row(), contents.key_of(story.row())).case
    again = begin(of, "A-2", iin=case.person.iin.value)
    again.answer(agreed=True, version=CURRENT, language="ru")
    again.work()
    again.answer(document_number=DOCUMENT, **BORN)
    again.work()
    return again


def test_no_code_is_sent_after_five_wrong_guesses_with_this_lender(asked):
    of = lender()
    story = guess_wrong(asked, of, times=5)
    assert (story.row().status, story.row().code, story.row().last_failure) == (
        "declined",
        "attempts_exhausted",
        "otp_attempts_exhausted",
    )
    sent = len(codes(asked))
    again = opened_again(of, story)
    assert (again.row().status, again.row().code) == ("declined", "attempts_exhausted")
    assert len(codes(asked)) == sent


def test_guesses_count_on_when_the_lender_opens_another_verification(asked):
    of = lender()
    story = guess_wrong(asked, of, times=4)
    openings.cancel(lender_id=of.pk, mode="test", verification_id=story.id)
    again = opened_again(of, story)
    assert again.page().data["guesses_left"] == 1
    guess(again, codes(asked)[-1])
    assert again.page().page == "question"


def pass_time(story, monkeypatch, *, seconds):
    """Turns the clock of edges and workers on."""
    now = timezone.now
    for read in (clock, timezone):
        monkeypatch.setattr(read, "now", lambda: now() + timedelta(seconds=seconds))


def test_silence_ends_the_dialogue_and_the_guesses_count_on(asked, monkeypatch):
    story = guess_wrong(asked, lender(), times=4)
    pass_time(story, monkeypatch, seconds=301)
    swept()
    assert story.page().page == "resume"
    answers.resume(verification_id=story.id)
    story.work()
    assert (story.page().page, story.page().data["guesses_left"]) == ("code", 1)
    guess(story, other_than(codes(asked)[-1]))
    assert story.row().status == "declined"


def test_ten_codes_a_day_go_to_one_phone_from_all_lenders_together(asked):
    for number in range(1, 11):
        guess(to_code(asked, f"A-{number}", of=lender(number=number * 10)), codes(asked)[-1])
    late = to_person(asked, "A-11", of=lender(number=110))
    sent = len(codes(asked))
    late.answer(document_number=DOCUMENT, **BORN)
    late.work()
    assert (late.page().page, late.page().notice) == ("resume", "velocity_exceeded")
    assert len(codes(asked)) == sent
