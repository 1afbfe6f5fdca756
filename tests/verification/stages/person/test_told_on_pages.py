"""What a borrower is told on the pages of the registers and the code: each by requests, in a
sentence or a word.
"""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.html import escape

from lenders import keys
from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.stages.person.told import codes, other_than, tell
from tests.verification.stories.story import BORN, begin, lender, make_due
from verification import clock
from verification.core.codes import REASONS
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = pytest.mark.django_db(transaction=True)

STATE = "/v/now/state/"


class Borrower:
    """Somebody at the pages, and the worker behind them."""

    def __init__(self, story):
        self.story, self.client = story, browser(story)
        self.client.cookies["django_language"] = "en"

    def post(self, **answer):
        return self.client.post(NOW, {"turn": self.story.page().turn, **answer})

    def say(self, **answer):
        assert self.post(**answer).status_code == 302
        self.story.work()

    def sees(self, code):
        return escape(REASONS[code].borrower_message) in text(self.client.get(NOW))

    def to_form(self):
        self.say(agreed="true", version=CURRENT, language="ru")
        return self

    def to_code(self):
        self.say(document_number="012345678", **BORN)
        return self


def at_form(asked, *, of=None, reference="A-1", iin="", **changes):
    return Borrower(begin(of or lender(), reference, iin=iin or tell(asked, **changes))).to_form()


def told(story):
    """The codes of the checks, as the lender reads them."""
    secret = keys.issue(story.lender, mode="test").secret
    client = Client(headers={"authorization": f"Bearer {secret}"})
    return {
        one["code"]
        for one in client.get(f"/v1/verifications/{story.id}?expand=checks").json()["checks"]
    }


def later(seconds):
    clock._state.offset += timedelta(seconds=seconds)


def test_a_wrong_code_is_told_and_may_be_typed_again(asked):
    borrower = at_form(asked).to_code()
    borrower.say(code=other_than(codes(asked)[-1]))
    assert borrower.sees("otp_wrong")
    borrower.say(code=codes(asked)[-1])
    assert not borrower.sees("otp_wrong")


def test_what_was_typed_stands_in_the_form_again_after_the_register_said_otherwise(asked):
    borrower = at_form(asked)
    borrower.say(document_number="999999999", **BORN)
    assert borrower.sees("registry_mismatch")
    shown = text(borrower.client.get(NOW))
    for name, typed in {"document_number": "999999999", **BORN}.items():
        assert re.search(rf'<input [^>]*name="{name}"[^>]* value="{typed}"', shown)
    borrower.to_code()
    assert borrower.client.get(NOW).cookies["tulga_typed"].value == ""


def test_another_code_is_asked_for_too_soon_and_too_often(asked):
    borrower = at_form(asked).to_code()
    borrower.say(resend="true")
    assert borrower.sees("otp_resend_early")
    for _ in range(3):
        later(31)
        borrower.say(resend="true")
    later(31)
    borrower.say(resend="true")
    assert borrower.sees("otp_resends_exhausted")


def test_the_message_of_the_state_is_waited_for_and_then_not_any_more(asked):
    borrower = at_form(asked, consent="pending").to_code()
    assert borrower.client.get(STATE).json()["notice"] == "consent_pending"
    later(601)
    make_due(borrower.story)
    borrower.story.work()
    assert "consent_unanswered" in told(borrower.story)


def test_who_answers_another_request_at_the_same_stage_waits(asked):
    of, iin = lender(), tell(asked)
    at_form(asked, of=of, iin=iin)
    second = at_form(asked, of=of, reference="A-2", iin=iin)
    assert second.client.get(STATE).json()["notice"] == "borrower_busy"


def test_what_was_answered_already_is_told_with_the_step_that_is_open(asked):
    borrower = at_form(asked)
    answer = borrower.client.post(NOW, {"turn": borrower.story.page().turn - 1, "agreed": "true"})
    assert answer.status_code == 409
    assert escape(REASONS["not_your_turn"].borrower_message) in text(answer)
