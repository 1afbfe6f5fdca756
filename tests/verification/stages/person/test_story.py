"""Person and code as the borrower, the worker and the sandbox play them, by the workflow's own
functions.
"""

import base64
import json

import pytest

from tests.scenes import staged
from tests.verification.checks_on_record import passed
from tests.verification.stages.person.told import codes, tell
from tests.verification.stories import camera_story as camera
from tests.verification.stories.story import BORN, begin, lender, make_due
from verification.case import contents
from verification.evidence import store
from verification.models import Attempt, AuditEntry, EvidenceItem
from verification.routes import LIVE_FACE
from verification.stages.code.checks import CHECKS as CODE
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.stages.live_capture.checks import CHECKS as COMMANDS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]

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
