"""Routes with a camera or a code, from the opening to the verdict: real frames, a real sandbox."""

from datetime import date

import pytest
from pytest_django import Settings

from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.checks_on_record import checks, passed
from tests.verification.stages.person.told import codes
from tests.verification.stories import camera_story
from tests.verification.stories import camera_story as camera
from tests.verification.stories.conftest import Issued
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import Story, begin, in_parallel, lender, make_due
from verification import routes
from verification.access import answers
from verification.case import dossier, policy
from verification.core import profiles
from verification.core.errors import BadInput, NotYourTurn, TulgaError
from verification.core.profiles import Profile, Status
from verification.core.route import Route
from verification.evidence import vault
from verification.models import Attempt, AuditEntry, EvidenceItem
from verification.stages import code, statement
from verification.stages.code.checks import CHECKS as CODE
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.stages.statement.checks import CHECKS as STATEMENT
from verification.worker.replay import Verdict, replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]


@pytest.fixture
def _asked(sandbox, settings):
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    yield
    sandbox.mend()


def at_commands(of=None, reference="A-1", **more):
    story = begin(of or lender(), reference, **more)
    camera.agree(story)
    camera.free(story)
    return story


def judge_until_it_ends(story):
    for _ in range(policy.FAULTS_MAX):
        make_due(story)
        story.work()


def attempts():
    return Attempt.objects.filter(stage="live_capture")


@pytest.mark.usefixtures("_asked")
@pytest.mark.service
def test_a_live_face_that_follows_and_matches_is_verified_with_every_gate_on_record(sandbox):
    camera.register(sandbox)
    story = at_commands()
    camera.capture(story)
    assert (story.row().status, story.row().code) == ("verified", "")
    records = checks(stage="live_capture")
    assert [said["outcome"] for said in records] == ["pass"] * len(records)
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    judged = Attempt.objects.get(stage="live_capture")
    results = dossier.checks_in(dossier.contents([judged], key=key), stage="live_capture")
    measured = {
        said.name for said in results if said.score is not None and said.threshold is not None
    }
    assert {
        "face.timing",
        "face.fresh",
        "face.one_face",
        "face.depth",
        "face.continuity",
        "face.match",
    } <= measured
    assert (
        EvidenceItem.objects.filter(
            attempt__stage="live_capture", kind="live_capture.terms"
        ).count()
        == 1
    )


@pytest.mark.usefixtures("_asked")
@pytest.mark.service
def test_a_virtual_camera_is_for_people_and_its_label_is_in_no_entry(sandbox):
    camera.register(sandbox)
    story = at_commands()
    camera.capture(
        story,
        camera.Shown(told={"label": "Aliya's OBS Virtual Camera", "width": 640, "height": 480}),
    )
    assert (story.row().status, story.row().code) == (
        "in_review",
        "liveness_injection_virtual_camera",
    )
    assert [
        said["check"] for said in checks(stage="live_capture") if said["outcome"] != "pass"
    ] == ["face.injection"]
    assert not any(
        "Aliya" in str(body) for body in AuditEntry.objects.values_list("body", flat=True)
    )
    assert {one.verdict for one in replay(verification_id=story.id)} == {Verdict.SAME}


@pytest.mark.usefixtures("_asked")
def test_the_next_order_differs_from_the_last_and_no_reload_shows_more_than_one_command(sandbox):
    camera.register(sandbox)
    story = at_commands()
    story.answer(ready=True)
    first = story.page().data
    assert story.page().data == first
    assert set(first) & {"order", "nonce"} == set()
    assert first["command"] == "look_straight"


@pytest.mark.usefixtures("_asked")
def test_who_leaves_a_capture_they_had_begun_has_used_up_that_attempt(sandbox, settings):
    settings.TULGA_ROUTES = ["eds", "biometric"]
    camera.register(sandbox)
    story = begin(lender())
    for _ in range(3):
        answers.choose_route(verification_id=story.id, route="biometric")
        camera.agree(story)
        camera.free(story)
        story.answer(ready=True)
        answers.choose_route(verification_id=story.id, route="eds")
        assert story.page().page == "wait"
        story.work()
        assert (story.row().route, story.page().page) == ("eds", "consent")
    assert (
        list(attempts().values_list("status", "code", "burnt"))
        == [("lapsed", "liveness_command_missed", True)] * 3
    )
    answers.choose_route(verification_id=story.id, route="biometric")
    camera.agree(story)
    camera.free(story)
    assert (story.row().status, story.row().code) == ("declined", "attempts_exhausted")


@pytest.mark.usefixtures("_asked")
@pytest.mark.service
def test_twenty_parallel_posts_make_no_fourth_attempt(sandbox):
    camera.register(sandbox)
    of = lender()
    story = at_commands(of)
    for _ in range(2):
        camera.junk_capture(story)
        story.work()
    waiting = [at_commands(of, f"B-{number}") for number in range(4)]
    third = [story, *waiting]

    def post(number):
        one = third[number % len(third)]
        try:
            camera.junk_capture(one)
            one.work()
        except TulgaError:
            return 0
        return 1

    in_parallel(post, 20)
    for one in third:
        judge_until_it_ends(one)
    assert attempts().filter(burnt=True).count() == attempts().count() == 3
    assert {one.row().status for one in third} == {"declined"}


# Under KZ-2025-01 a signature and a face are needed together: first the one, then the other,
# both on record.
BOTH = "KZ-2025-01"


@pytest.fixture
def _both_routes(
    trusted: type[InsecureRevocation], sandbox: SandboxProcess, settings: Settings
) -> None:
    camera.ask_for_signatures_too(sandbox, settings)
    camera.register(sandbox)


def signed_first(issued: Issued, reference: str = "A-1") -> Story:
    story = begin(lender(), reference, profile=BOTH).to_statement()
    story.sign(issued())
    story.work()
    return story


@pytest.mark.service
@pytest.mark.usefixtures("_both_routes")
def test_a_signature_and_then_a_face_verify_and_neither_alone(issued: Issued) -> None:
    story = signed_first(issued)
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


@pytest.mark.service
@pytest.mark.usefixtures("_both_routes")
def test_after_the_signature_there_is_no_way_round_the_face(issued: Issued) -> None:
    story = signed_first(issued)
    for route in ("eds", "biometric", "live_face"):
        with pytest.raises((NotYourTurn, BadInput)):
            answers.choose_route(verification_id=story.id, route=route)
    assert story.page().routes == ()


@pytest.mark.service
@pytest.mark.usefixtures("_both_routes")
def test_a_signature_and_a_face_that_does_not_follow_are_declined(issued: Issued) -> None:
    story = signed_first(issued)
    camera.free(story)
    for _ in range(2):
        camera.junk_capture(story)
        story.work()
    camera.capture(story, camera.Shown("neutral"))
    row = story.row()
    assert (row.status, row.code, row.passed_routes) == ("declined", "attempts_exhausted", ["eds"])
    assert not AuditEntry.objects.filter(type="verification.verified").exists()


@pytest.mark.service
@pytest.mark.usefixtures("_both_routes")
def test_a_signature_and_another_persons_face_are_not_verified(
    issued: Issued, sandbox: SandboxProcess
) -> None:
    camera.register(sandbox, photo="biden.jpg")
    story = signed_first(issued)
    camera.free(story)
    camera.capture(story)
    assert (story.row().status, story.page().notice, story.page().attempt) == (
        "requires_input",
        "face_mismatch",
        2,
    )


# A fourth route of known stages: its entry, its name in the settings, and a profile that counts
# it. Its line in the table of releases besides, which `test_releases.py` prints. That each
# story here was lawful by it is asked at its end, as of every story.
# Who signed is known by the signature, so no register of phones is asked: there is no consent to
# ask one.
SIGNED_CODE = Route(
    name="signed_code",
    title="EDS and a code",
    label="Signature and code",
    explanation="Your own key, then a code by SMS.",
    stages=(
        statement.STAGE,
        code.STAGE.differing(
            checks={name: check for name, check in CODE.items() if name != "code.owner"}
        ),
    ),
)
PROFILE = Profile(
    id="TEST-1",
    status=Status.IN_FORCE,
    since=date(2026, 1, 1),
    combinations=(("signed_code",),),
    replaced_max=0,
    source="no law: a test of ours",
)


@pytest.fixture
def _fourth(
    trusted: type[InsecureRevocation],
    sandbox: SandboxProcess,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(routes.ROUTES, "signed_code", SIGNED_CODE)
    monkeypatch.setitem(profiles.PROFILES, PROFILE.id, PROFILE)
    settings.TULGA_ROUTES = ["signed_code"]
    for_signatures = dict(settings.TULGA_SOURCES["test"])
    camera_story.ask_at(sandbox, settings)
    settings.TULGA_SOURCES = {"test": for_signatures | settings.TULGA_SOURCES["test"], "live": {}}


def at_the_code(issued: Issued) -> Story:
    story = begin(lender(), profile=PROFILE.id)
    story.answer(agreed=True, version=CURRENT, language="ru")
    story.work()
    assert story.page().page == "statement"
    story.sign(issued())
    story.work()
    story.answer(somebody_tells_me=False)
    story.work()
    assert (story.page().page, story.page().step, story.page().steps) == ("code", 4, 4)
    return story


@pytest.mark.service
@pytest.mark.usefixtures("_fourth")
def test_a_signature_and_a_code_verify_end_to_end_and_are_judged_the_same_again(
    issued: Issued, sandbox: SandboxProcess
) -> None:
    story = at_the_code(issued)
    story.answer(code=codes(sandbox)[-1])
    story.work()
    row = story.row()
    assert (row.status, row.passed_routes) == ("verified", ["signed_code"])
    assert passed(verification=story.id) == {
        "consent.agreed",
        "question.free",
        "code.sent",
        "code.guess",
        *STATEMENT,
    }
    assert {one.verdict for one in replay(verification_id=story.id)} == {Verdict.SAME}
