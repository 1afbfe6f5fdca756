"""Every attempt with a live capture ends with one signed document, however it ends; erasing leaves
its trace alone.
"""

import json
from datetime import timedelta
from hashlib import sha256

import pytest

from insecure_sandbox import samples
from tests.verification.checks_on_record import checks
from tests.verification.stories import camera_story as camera
from tests.verification.stories.document_reading import documents_of, endings, listed
from tests.verification.stories.insecure_capture import at_commands, played, show
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.insecure_glance import people, voted
from tests.verification.stories.reviewers import leave
from tests.verification.stories.story import begin, lender, make_due, run_out, swept, wait_until
from verification.case import policy, stages
from verification.evidence import store, vault
from verification.models import Attempt, AuditEntry, EvidenceItem, Verification
from verification.stages.live_capture.policy import LiveCapturePolicy
from verification.worker.replay import replay

POLICY = LiveCapturePolicy()

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]


def captures(story):
    return Attempt.objects.filter(verification_id=story.id, stage="live_capture").order_by("turn")


def expire(story):
    # Of a review from its beginning, which may be minutes later.
    began = story.row().in_review_since or story.row().created_at
    wait_until(began + timedelta(seconds=policy.VERIFICATION_SECONDS + 60))
    swept()


def cancel(story):
    story.cancel()


def fault(story):
    for _ in range(policy.FAULTS_MAX):
        make_due(story)
        story.work()


def passed(script):
    return played()


def another_face(script):
    script.word = "wrong"
    return played()


def two_faces(script):
    script.gate, script.word = "multiple_faces", "nothing"
    return played()


def no_reference(script):
    script.photo, script.word = None, "nothing"
    return played()


def unclear(script):
    script.word = "unclear"
    story = played()
    fault(story)
    return story


def broken_worker(script):
    script.faults = 100
    story = played()
    fault(story)
    return story


def silent_midway(script):
    story = at_commands()
    show(story, commands=2)
    run_out(story)
    return story


def never_ready(script):
    story = at_commands()
    run_out(story)
    return story


def canceled_midway(script):
    story = at_commands()
    show(story, commands=1)
    cancel(story)
    story.work()
    return story


def expired_midway(script):
    story = at_commands()
    show(story, commands=1)
    expire(story)
    return story


def reviewed(decide):
    def play(script):
        script.word = "grey"
        story = played()
        assert (story.row().status, listed(story)) == ("in_review", ())
        decide(story)
        story.work()
        return story

    return play


def left_to_nobody(script):
    script.word = "grey"
    story = at_commands()
    leave(story.lender)
    show(story)
    story.work()
    return story


ENDINGS = {
    "passed": (passed, ("passed", None, "checks"), 15),
    "another face": (another_face, ("failed", "face_mismatch", "checks"), 15),
    "two faces": (two_faces, ("failed", "multiple_faces", "checks"), 15),
    "no reference": (no_reference, ("failed", "face_reference_unavailable", "checks"), 15),
    "unclear": (unclear, ("inconclusive", "eds_revocation_unknown", "checks"), 15),
    "a broken worker": (broken_worker, ("void", "retries_exhausted", "nobody"), 15),
    "silent midway": (silent_midway, ("lapsed", "liveness_command_missed", "nobody"), 6),
    "never ready": (never_ready, ("lapsed", "liveness_command_missed", "nobody"), 0),
    "canceled midway": (canceled_midway, ("void", "canceled_by_lender", "nobody"), 3),
    "expired midway": (expired_midway, ("lapsed", "liveness_command_missed", "nobody"), 3),
    "passed by people": (reviewed(voted), ("passed", None, "people"), 15),
    "refused by people": (
        reviewed(lambda story: voted(story, passes=False, reviewers=people(story, 1))),
        ("failed", "review_refused", "people"),
        15,
    ),
    "left by reviewers": (reviewed(expire), ("undecided", "review_timeout", "nobody"), 15),
    "left to nobody": (left_to_nobody, ("undecided", "review_unavailable", "nobody"), 15),
    "canceled in review": (reviewed(cancel), ("undecided", "canceled_by_lender", "nobody"), 15),
}


@pytest.mark.parametrize(("play", "ending", "frames"), ENDINGS.values(), ids=ENDINGS)
def test_each_attempt_that_has_ended_has_one_document(script, play, ending, frames):
    story = play(script)
    assert endings(story)[0] == ending
    document = documents_of(story)[0]
    commands = document["live_image"]["commands"]
    shown = sum(len(command["frames"]) for command in commands)
    # What was judged shows the frames that were compared, the first; all else shows the middle
    # ones.
    place = 0 if ending[2] != "nobody" or ending[0] == "undecided" else 1
    assert [
        [frame["jpeg"] is not None for frame in command["frames"]].index(True)
        for command in commands
    ] == [place for _ in commands]
    assert all(
        sum(frame["jpeg"] is not None for frame in command["frames"]) == 1 for command in commands
    )
    # The order holds four or five commands.
    assert shown in ({12, 15} if frames == 15 else {frames})
    assert document["attempt"]["id"] == captures(story).first().pk
    items = EvidenceItem.objects.filter(attempt__in=captures(story), kind="live_capture.document")
    ended = captures(story).exclude(status__in=("open", "judging"))
    assert items.count() == ended.count() == len(listed(story))


def test_a_failed_and_a_passed_attempt_each_have_their_own(script):
    script.word = "wrong"
    story = played()
    script.word = "clear"
    show(story)
    story.work()
    first, second = documents_of(story)
    assert [one["result"]["outcome"] for one in (first, second)] == ["failed", "passed"]
    assert (first["attempt"]["burnt"], second["attempt"]["burnt"]) == (True, False)
    assert first["attempt"]["number"] < second["attempt"]["number"]
    assert story.row().status == "verified"


def test_it_names_the_reviewers_by_id_and_the_stages_before(script):
    document = documents_of(reviewed(voted)(script))[0]
    assert [vote["person"] for vote in document["result"]["votes"]] == ["usr_0", "usr_1"]
    assert [one["stage"] for one in document["passed_before"]] == ["consent", "question"]
    assert document["comparison"]["zone"] == "review"


def test_it_stands_in_the_transaction_of_the_judgement_and_before_the_decision(script):
    story = played()
    entries = AuditEntry.objects.filter(verification_id=story.id).order_by("verification_sequence")
    said = [
        "document" if "document" in json.dumps(entry.body) else entry.type
        for entry in entries
        if entry.type in ("attempt.judged", "verification.verified", "evidence.kept")
    ]
    assert said[-3:] == ["attempt.judged", "document", "verification.verified"]


def test_without_a_key_to_sign_by_nothing_is_decided(script, settings):
    kept, settings.TULGA_DOCUMENT_KEYS = settings.TULGA_DOCUMENT_KEYS, {}
    story = played()
    assert (story.row().status, story.row().faults, captures(story).get().status) == (
        "processing",
        1,
        "judging",
    )
    settings.TULGA_DOCUMENT_KEYS = kept
    Verification.objects.filter(pk=story.id).update(
        lease_until=None
    )  # its worker gave up; the lease runs out
    make_due(story)
    story.work()
    assert (story.row().status, len(listed(story))) == ("verified", 1)


def test_the_document_of_a_canceled_capture_is_owed_until_a_worker_with_its_key_makes_it(
    script, settings
):
    story = at_commands()
    kept, settings.TULGA_DOCUMENT_KEYS = settings.TULGA_DOCUMENT_KEYS, {}
    cancel(story)
    story.work()
    assert (story.row().status, story.row().step, listed(story)) == ("canceled", "document", ())
    settings.TULGA_DOCUMENT_KEYS = kept
    Verification.objects.filter(pk=story.id).update(lease_until=None, reserved_until=None)
    make_due(story)
    story.work()
    assert (story.row().status, story.row().step, len(listed(story))) == ("canceled", "", 1)


def test_a_picture_that_is_damaged_is_named_and_keeps_nothing_from_ending(script):
    story = at_commands()
    show(story, commands=2)
    item = EvidenceItem.objects.get(attempt=captures(story).get(), kind="live_capture.1.frame.3")
    EvidenceItem.objects.filter(pk=item.pk).update(commitment="0" * 64)
    cancel(story)
    story.work()
    document = documents_of(story)[0]
    assert document["unreadable"] == ["live_capture.1.frame.3"]
    assert [len(command["frames"]) for command in document["live_image"]["commands"]] == [3, 2]


def test_terms_that_are_damaged_leave_what_the_log_says_of_the_checks(script):
    def damaged(story):
        attempt = captures(story).get()
        EvidenceItem.objects.filter(attempt=attempt, kind="live_capture.terms").update(
            commitment="0" * 64
        )
        voted(story)

    document = documents_of(reviewed(damaged)(script))[0]
    assert document["unreadable"] == ["live_capture.terms"]
    told = [(one["name"], one["outcome"]) for one in document["live_image"]["gates"]]
    logged = [(one["check"], one["outcome"]) for one in checks(stage="live_capture")]
    assert [*told, ("face.match", "inconclusive")] == logged


def test_a_replay_makes_no_other_and_is_not_disturbed(script):
    story = played()
    before = EvidenceItem.objects.count()
    assert {one.verdict for one in replay(verification_id=story.id)} == {"same"}
    assert EvidenceItem.objects.count() == before


@pytest.mark.service
def test_a_real_capture_is_told_with_its_model_and_thresholds(sandbox, settings):
    samples.fetch()
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    camera.register(sandbox)
    story = begin(lender())
    camera.agree(story)
    camera.free(story)
    camera.capture(story)
    (document,) = documents_of(story)
    assert (document["result"]["outcome"], document["comparison"]["zone"]) == ("passed", "match")
    detail = document["comparison"]["detail"]
    named = {
        name: detail[name]
        for name in ("backend", "training_data", "embedding", "calibration", "calibration_source")
    }
    assert named == {
        "backend": "sface-onnx",
        "training_data": "undocumented",
        "embedding": "sface-2021dec-yunet5/single-l2",
        "calibration": "lfw-2026-11.sface-single-l2",
        "calibration_source": "quoted",
    }
    assert {"model", "model_sha256", "detector_sha256", "decision"} <= detail.keys()
    # Full frames are numbered behind those of the chain, which has twelve here.
    assert (
        document["live_image"]["face"] == f"0.{12 + int(detail['rest_frames'].partition(',')[0])}"
    )
    shown = [
        sum(frame["jpeg"] is not None for frame in one["frames"])
        for one in document["live_image"]["commands"]
    ]
    assert set(shown) == {1}
    checks = [
        document["comparison"]["name"],
        *(gate["name"] for gate in document["live_image"]["gates"]),
    ]
    assert sorted(checks) == sorted(stages.installed("biometric")["live_capture"].checks)
    assert document["policy"]["version"] == POLICY.version
    assert document["reference"]["source"] == "STATE"
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    item = EvidenceItem.objects.get(attempt=captures(story).get(), kind="live_capture.0.frame.12")
    first = document["live_image"]["commands"][0]["frames"][0]
    assert sha256(store.opening(key, item).plain).hexdigest() == first["sha256"]
