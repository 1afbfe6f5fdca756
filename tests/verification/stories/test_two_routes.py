"""Under KZ-2025-01 a signature and a face are needed together: first the one, then the other, both
on record.
"""

import pytest
from pytest_django import Settings

from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.checks_on_record import passed
from tests.verification.stories import camera_story as camera
from tests.verification.stories.conftest import Issued
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import Story, begin, lender
from verification.access import answers
from verification.core.errors import BadInput, NotYourTurn
from verification.models import AuditEntry

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.service,
    pytest.mark.usefixtures("seen_once"),
]

BOTH = "KZ-2025-01"


@pytest.fixture(autouse=True)
def _asked(trusted: type[InsecureRevocation], sandbox: SandboxProcess, settings: Settings) -> None:
    camera.ask_for_signatures_too(sandbox, settings)
    camera.register(sandbox)


def signed(issued: Issued, reference: str = "A-1") -> Story:
    story = begin(lender(), reference, profile=BOTH).to_statement()
    story.sign(issued())
    story.work()
    return story


def test_a_signature_and_then_a_face_verify_and_neither_alone(issued: Issued) -> None:
    story = signed(issued)
    row = story.row()
    assert (row.status, row.route, row.passed_routes) == ("requires_input", "biometric", ["eds"])
    # Consent was given for the whole; the question that breaks a script is asked before each last
    # step.
    assert (story.page().page, story.page().step, story.page().steps) == ("question", 4, 5)
    camera.free(story)
    assert (story.page().page, story.page().step) == ("commands", 5)
    camera.capture(story)
    row = story.row()
    assert (row.status, row.passed_routes) == ("verified", ["eds", "biometric"])
    assert {"face.match", "face.commands", "person.alive"} <= passed(verification=story.id)
    assert AuditEntry.objects.filter(type="verification.verified").count() == 1


def test_after_the_signature_there_is_no_way_round_the_face(issued: Issued) -> None:
    story = signed(issued)
    for route in ("eds", "biometric", "live_face"):
        with pytest.raises((NotYourTurn, BadInput)):
            answers.choose_route(verification_id=story.id, route=route)
    assert story.page().routes == ()


def test_a_signature_and_a_face_that_does_not_follow_are_declined(issued: Issued) -> None:
    story = signed(issued)
    camera.free(story)
    for _ in range(2):
        camera.junk_capture(story)
        story.work()
    camera.capture(story, camera.Shown("neutral"))
    row = story.row()
    assert (row.status, row.code, row.passed_routes) == ("declined", "attempts_exhausted", ["eds"])
    assert not AuditEntry.objects.filter(type="verification.verified").exists()


def test_a_signature_and_another_persons_face_are_not_verified(
    issued: Issued, sandbox: SandboxProcess
) -> None:
    camera.register(sandbox, photo="biden.jpg")
    story = signed(issued)
    camera.free(story)
    camera.capture(story)
    assert (story.row().status, story.page().notice, story.page().attempt) == (
        "requires_input",
        "face_mismatch",
        2,
    )
