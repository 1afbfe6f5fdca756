"""Person and code from end to end, and what a borrower is told."""

import base64
import json
from datetime import timedelta

import pytest
from django.utils.html import escape

from tests.scenes import staged
from tests.verification.borrower.visits import NOW, browser, text
from tests.verification.checks_on_record import passed
from tests.verification.stages.person.told import codes, other_than, tell
from tests.verification.stories import camera_story as camera
from tests.verification.stories.story import BORN, begin, lender, make_due, put_aside, wait_until
from verification import clock
from verification.case import contents
from verification.core.codes import REASONS
from verification.evidence import store
from verification.models import Attempt, AuditEntry, EvidenceItem
from verification.routes import LIVE_FACE
from verification.stages.code.checks import CHECKS as CODE
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.stages.live_capture.checks import CHECKS as COMMANDS

pytestmark = pytest.mark.django_db(transaction=True)


# Person and code as the borrower, the worker and the sandbox play them, by the workflow's own
# functions.


DOCUMENT = "012345678"


def to_person(asked, reference="A-1", *, of=None, **changes):
    def play():
        story = begin(of or lender(), reference, iin=tell(asked, **changes))
        story.answer(agreed=True, version=CURRENT, language="ru")
        story.work()
        assert story.page().page == "form"
        return story

    return staged(f"to person {asked.url} {reference} {of and of.pk} {changes}", play)


def to_code(asked, reference="A-1", **more):
    story = to_person(asked, reference, **more)
    story.answer(document_number=DOCUMENT, **BORN)
    story.work()
    assert story.page().page == "code"
    return story


def to_commands(asked, *, photo="obama.jpg"):
    registered = base64.b64encode((camera.portraits() / photo).read_bytes()).decode()
    story = to_code(asked, photo=registered)
    guess(story, codes(asked)[-1])
    camera.free(story)
    assert story.page().page == "commands"
    return story


def guess(story, code):
    story.answer(code=code)
    story.work()


@pytest.mark.usefixtures("seen_once")
def test_person_and_code_pass_and_the_question_comes_before_the_camera(asked):
    story = to_code(asked)
    guess(story, codes(asked)[-1])
    assert story.page().page == "question"
    story.answer(somebody_tells_me=False)
    story.work()
    assert (story.page().page, story.page().data) == ("commands", {"state": "ready", "missed": ""})
    assert {name.split(".")[0] for name in passed(verification=story.id)} == {
        "consent",
        "person",
        "code",
        "question",
    }


@pytest.mark.usefixtures("seen_once")
def test_neither_the_code_nor_a_guess_is_kept_anywhere(asked):
    story = to_code(asked)
    code = codes(asked)[-1]
    guess(story, code)
    key = contents.key_of(story.row())
    kept = [
        store.opening(key, item).plain
        for item in EvidenceItem.objects.filter(verification_id=story.id)
    ]
    kept += [
        json.dumps(entry.body).encode()
        for entry in AuditEntry.objects.filter(verification_id=story.id)
    ]
    assert len(kept) > 10
    assert [content for content in kept if code.encode() in content] == []


@pytest.mark.usefixtures("seen_once")
@pytest.mark.parametrize(
    ("changes", "typed", "code"),
    [
        ({"phone": "+77019999999"}, DOCUMENT, "phone_owner_mismatch"),
        ({}, "999999999", "registry_mismatch"),
    ],
)
def test_what_may_be_mended_is_asked_again_twice_and_then_declined(asked, changes, typed, code):
    story = to_person(asked, **changes)
    for _ in range(2):
        story.answer(document_number=typed, **BORN)
        story.work()
        assert (story.page().page, story.page().notice) == ("form", code)
    story.answer(document_number=typed, **BORN)
    story.work()
    assert (story.row().status, story.row().last_failure) == ("declined", code)
    assert Attempt.objects.filter(verification_id=story.id, stage="code").count() == 0


@pytest.mark.usefixtures("seen_once")
def test_a_silent_register_burns_nothing_and_passes_when_it_answers(asked):
    story = to_person(asked)
    asked.post("/faults", source="phone", kind="http_500", times=1)
    story.answer(document_number=DOCUMENT, **BORN)
    story.work()
    assert (story.row().status, story.row().faults) == ("processing", 1)
    make_due(story)
    story.work()
    assert story.page().page == "code"
    assert not Attempt.objects.filter(burnt=True).exists()


@pytest.mark.usefixtures("seen_once")
@pytest.mark.service
def test_registers_code_and_the_live_face_of_the_register_verify(asked):
    story = to_commands(asked)
    camera.capture(story)
    row = story.row()
    assert (row.status, row.code, row.passed_routes) == ("verified", "", ["live_face"])
    assert passed(verification=story.id) == {
        "consent.agreed",
        *LIVE_FACE.stages[0].checks,
        *CODE,
        "question.free",
        *COMMANDS,
    }


@pytest.mark.usefixtures("seen_once")
@pytest.mark.service
def test_another_face_behind_the_right_code_is_not_verified(asked):
    story = to_commands(asked, photo="biden.jpg")
    camera.capture(story)
    page = story.page()
    assert (page.page, page.notice, page.attempt, page.attempts) == (
        "commands",
        "face_mismatch",
        2,
        3,
    )


# What a borrower is told on the pages of the registers and the code: each by requests, in a
# sentence or a word.


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


def test_a_right_code_after_its_time_is_told(asked, monkeypatch):
    put_aside(monkeypatch, seconds=20)
    borrower = at_form(asked).to_code()
    expires_at = Attempt.objects.get(verification=borrower.story.id, status="open").expires_at
    wait_until(expires_at - timedelta(seconds=18))
    borrower.say(code=codes(asked)[-1])
    assert borrower.sees("otp_expired")


def test_the_wait_for_the_message_of_the_state_is_told(asked):
    borrower = at_form(asked, consent="pending").to_code()
    assert borrower.client.get("/v/now/state/").json()["notice"] == "consent_pending"
