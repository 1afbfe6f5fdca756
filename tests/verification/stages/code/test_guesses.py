"""Guesses and messages are few, and stay few: over dialogues, verifications and lenders."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.verification.stages.person.test_story import DOCUMENT, guess, to_code, to_person
from tests.verification.stages.person.told import codes, other_than
from tests.verification.stories.story import BORN, begin, lender, put_aside, swept, wait_until
from verification import clock
from verification.access import answers, openings
from verification.case import contents
from verification.core.errors import BadInput
from verification.models import Attempt
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_right_code_after_four_wrong_ones_passes(asked):
    story = to_code(asked)
    for left in (4, 3, 2, 1):
        guess(story, other_than(codes(asked)[-1]))
        assert (story.page().page, story.page().notice) == ("code", "otp_wrong")
        assert story.page().data["guesses_left"] == left
    guess(story, codes(asked)[-1])
    assert story.page().page == "question"


def test_a_right_code_that_comes_after_its_time_counts_as_a_guess(asked, monkeypatch):
    put_aside(monkeypatch, seconds=20)
    story = to_code(asked)
    code = codes(asked)[-1]
    wait_until(
        Attempt.objects.get(verification=story.id, status="open").expires_at - timedelta(seconds=18)
    )
    guess(story, code)
    assert (story.page().page, story.page().notice) == ("code", "otp_expired")


def test_five_wrong_codes_decline(asked):
    story = to_code(asked)
    for _ in range(5):
        guess(story, other_than(codes(asked)[-1]))
    row = story.row()
    assert (row.status, row.code, row.last_failure) == (
        "declined",
        "attempts_exhausted",
        "otp_attempts_exhausted",
    )


def test_no_code_is_sent_to_whoever_has_used_up_the_guesses_with_this_lender(asked):
    of = lender()
    story = to_code(asked, of=of)
    for _ in range(5):
        guess(story, other_than(codes(asked)[-1]))
    sent = len(codes(asked))
    again = begin(
        of,
        "A-2",
        iin=contents.read(story.row(), contents.key_of(story.row())).case.person.iin.value,
    )
    again.answer(agreed=True, version=CURRENT, language="ru")
    again.work()
    again.answer(document_number=DOCUMENT, **BORN)
    again.work()
    assert (again.row().status, again.row().code) == ("declined", "attempts_exhausted")
    assert len(codes(asked)) == sent


def test_guesses_count_on_when_the_lender_opens_another_verification(asked):
    of = lender()
    story = to_code(asked, of=of)
    for _ in range(4):
        guess(story, other_than(codes(asked)[-1]))
    openings.cancel(lender_id=of.pk, mode="test", verification_id=story.id)
    again = begin(
        of,
        "A-2",
        iin=contents.read(story.row(), contents.key_of(story.row())).case.person.iin.value,
    )
    again.answer(agreed=True, version=CURRENT, language="ru")
    again.work()
    again.answer(document_number=DOCUMENT, **BORN)
    again.work()
    assert again.page().data["guesses_left"] == 1
    guess(again, codes(asked)[-1])
    assert again.page().page == "question"


def test_what_cannot_be_read_costs_no_guess(asked):
    story = to_code(asked)
    before = story.page()
    with pytest.raises(BadInput):
        story.answer(code="12 34")
    assert story.page() == before


def test_another_code_takes_half_a_minute_and_gives_no_guess_back(asked, monkeypatch):
    story = to_code(asked)
    guess(story, other_than(codes(asked)[-1]))
    story.answer(resend=True)
    assert story.page().notice == "otp_resend_early"
    first = codes(asked)[-1]
    pass_time(story, monkeypatch, seconds=31)
    story.answer(resend=True)
    story.work()
    data = story.page().data
    assert (data["guesses_left"], data["resends_left"]) == (4, 2)
    second = codes(asked)[-1]
    if first != second:
        guess(story, first)
        assert story.page().notice == "otp_wrong"
    guess(story, second)
    assert story.page().page == "question"


def pass_time(story, monkeypatch, *, seconds):
    """Turns the clock of edges and workers on."""
    now = timezone.now
    for read in (clock, timezone):
        monkeypatch.setattr(read, "now", lambda: now() + timedelta(seconds=seconds))


def test_silence_ends_the_dialogue_and_the_guesses_count_on(asked, monkeypatch):
    story = to_code(asked)
    for _ in range(4):
        guess(story, other_than(codes(asked)[-1]))
    pass_time(story, monkeypatch, seconds=301)
    swept()
    assert story.page().page == "resume"
    answers.resume(verification_id=story.id)
    story.work()
    assert (story.page().page, story.page().data["guesses_left"]) == ("code", 1)
    guess(story, other_than(codes(asked)[-1]))
    assert story.row().status == "declined"


def test_ten_codes_a_day_go_to_one_phone_whoever_asks(asked):
    for number in range(1, 11):
        guess(to_code(asked, f"A-{number}", of=lender(number=number * 10)), codes(asked)[-1])
    late = to_person(asked, "A-11", of=lender(number=110))
    sent = len(codes(asked))
    late.answer(document_number=DOCUMENT, **BORN)
    late.work()
    assert (late.page().page, late.page().notice) == ("resume", "velocity_exceeded")
    assert len(codes(asked)) == sent
