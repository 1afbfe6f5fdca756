"""One code, many guesses at once: five are weighed, and a right one is taken once. Security: S2."""

from contextlib import suppress
from functools import partial

import pytest

from tests.service.at_once import at_once
from tests.verification.checks_on_record import checks
from tests.verification.stages.person.conftest import asked as asked
from tests.verification.stages.person.told import codes, other_than, tell
from tests.verification.stories.story import BORN, begin, lender
from verification.core.errors import NotYourTurn
from verification.models import EvidenceItem
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = [pytest.mark.service, pytest.mark.django_db(transaction=True)]

_TIMES = 64


@pytest.fixture
def story(asked):
    """A borrower before the page of the code."""
    story = begin(lender(), iin=tell(asked))
    story.answer(agreed=True, version=CURRENT, language="ru")
    story.work()
    story.answer(document_number="012345678", **BORN)
    story.work()
    assert story.page().page == "code"
    return story


def persistent(story, code):
    """An act: guess on whatever turn is open, again and again, until it was taken or no turn is
    open. A guess is looked at by whichever thread comes by first.
    """

    def guess():
        while (page := story.page()).page in ("code", "wait"):
            if page.page == "wait":
                story.work()
                continue
            with suppress(NotYourTurn):
                return story.answer_turn(page.turn, {"code": code})
        raise NotYourTurn("no turn is open")

    return guess


def guesses(story):
    kept = EvidenceItem.objects.filter(verification_id=story.id, kind__startswith="code.guess.")
    return sorted(kept.values_list("kind", flat=True))


def test_of_64_wrong_guesses_at_once_five_are_weighed(story, asked):
    assert at_once(persistent(story, other_than(codes(asked)[-1])), times=_TIMES) == 5
    assert guesses(story) == [f"code.guess.{number}" for number in range(1, 6)]
    story.work()
    assert (story.row().status, story.row().last_failure) == ("declined", "otp_attempts_exhausted")


def test_of_64_right_guesses_at_once_one_is_taken(story, asked):
    assert at_once(persistent(story, codes(asked)[-1]), times=_TIMES) == 1
    assert guesses(story) == ["code.guess.1"]
    story.work()
    assert story.page().page == "question"
    assert [said["check"] for said in checks(verification=story.id)].count("code.guess") == 1


def test_of_64_guesses_on_one_turn_one_is_weighed_whatever_they_are(story, asked):
    right, turn = codes(asked)[-1], story.page().turn
    acts = [
        partial(story.answer_turn, turn, {"code": tried}) for tried in (right, other_than(right))
    ]
    assert at_once(*acts, times=_TIMES) == 1
    assert guesses(story) == ["code.guess.1"]
