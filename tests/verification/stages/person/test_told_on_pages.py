"""What a borrower is told on the pages of the registers and the code: each by requests, in a
sentence or a word.
"""

from datetime import timedelta

import pytest
from django.utils.html import escape

from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.stages.person.told import codes, other_than, tell
from tests.verification.stories.story import BORN, begin, lender
from verification import clock
from verification.core.codes import REASONS
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = pytest.mark.django_db(transaction=True)


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


def later(seconds):
    clock._state.offset += timedelta(seconds=seconds)


def test_a_wrong_code_is_told_and_may_be_typed_again(asked):
    borrower = at_form(asked).to_code()
    borrower.say(code=other_than(codes(asked)[-1]))
    assert borrower.sees("otp_wrong")
    borrower.say(code=codes(asked)[-1])
    assert not borrower.sees("otp_wrong")


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
