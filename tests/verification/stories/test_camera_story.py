"""The biometric route from the lender's opening to the verdict: real frames, real models, a real
sandbox.
"""

import pytest

from tests.verification.checks_on_record import checks
from tests.verification.stories import camera_story as camera
from tests.verification.stories.story import OTHER_IIN, begin, in_parallel, lender, make_due
from verification.access import answers
from verification.case import dossier, policy
from verification.core.errors import TulgaError
from verification.evidence import vault
from verification.models import Attempt, AuditEntry, EvidenceItem
from verification.worker import replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]


@pytest.fixture(autouse=True)
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
    assert {one.verdict for one in replay.replay(verification_id=story.id)} == {replay.Verdict.SAME}


@pytest.mark.service
def test_another_face_burns_the_attempt_and_is_not_verified(sandbox):
    camera.register(sandbox, photo="biden.jpg")
    story = at_commands()
    camera.capture(story)
    page = story.page()
    assert (page.page, page.notice, page.attempt, page.attempts) == (
        "commands",
        "face_mismatch",
        2,
        3,
    )
    assert attempts().filter(burnt=True).count() == 1


@pytest.mark.service
def test_three_captures_without_the_commanded_gestures_decline_for_the_day(sandbox):
    camera.register(sandbox)
    of = lender()
    story = at_commands(of)
    for _ in range(3):
        assert story.page().page == "commands"
        camera.capture(story, camera.Shown("neutral"))
    assert (story.row().status, story.row().code) == ("declined", "attempts_exhausted")
    assert set(attempts().values_list("code", flat=True)) == {"liveness_command_missed"}
    again = at_commands(of, "A-2")
    assert (again.row().status, again.row().code, attempts().count()) == (
        "declined",
        "attempts_exhausted",
        3,
    )


def test_the_next_order_differs_from_the_last_and_no_reload_shows_more_than_one_command(sandbox):
    camera.register(sandbox)
    story = at_commands()
    story.answer(ready=True)
    first = story.page().data
    assert story.page().data == first
    assert set(first) & {"order", "nonce"} == set()
    assert first["command"] == "look_straight"


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


def test_who_leaves_before_the_first_command_was_shown_pays_nothing(sandbox, settings):
    settings.TULGA_ROUTES = ["eds", "biometric"]
    camera.register(sandbox)
    story = begin(lender())
    answers.choose_route(verification_id=story.id, route="biometric")
    camera.agree(story)
    camera.free(story)
    answers.choose_route(verification_id=story.id, route="eds")
    assert not attempts().filter(burnt=True).exists()


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


@pytest.mark.service
@pytest.mark.parametrize("kind", ["silent", "http_500", "garbage", "oversize"])
@pytest.mark.parametrize("source", ["consent", "photo"])
def test_a_source_that_stays_like_this_ends_in_failed_and_burns_nothing(
    sandbox, settings, source, kind
):
    camera.ask_at(sandbox, settings, seconds=1.0)
    iin = OTHER_IIN
    camera.register(sandbox, iin)
    story = begin(lender(), iin=iin)
    camera.agree(story)
    sandbox.post("/faults", source=source, kind=kind, times=100)
    camera.free(story)
    judge_until_it_ends(story)
    assert (story.row().status, story.row().code) == ("failed", "retries_exhausted")
    assert not Attempt.objects.filter(burnt=True).exists()
    assert AuditEntry.objects.filter(type="step.faulted").count() == policy.FAULTS_MAX


@pytest.mark.service
def test_a_person_without_a_photo_in_the_register_burns_nothing_and_is_not_verified(sandbox):
    camera.register(sandbox, OTHER_IIN, photo=None)
    story = at_commands(iin=OTHER_IIN)
    assert story.page().notice == "face_reference_unavailable"
    camera.capture(story)
    assert (story.row().status, story.row().last_failure) == (
        "requires_input",
        "face_reference_unavailable",
    )
    assert not attempts().filter(burnt=True).exists()
