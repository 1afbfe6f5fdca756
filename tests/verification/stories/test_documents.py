"""Each attempt with a live capture ends with one signed document; erasing leaves its trace."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from django.db.models import F

from insecure_sandbox import samples
from tests.verification.checks_on_record import checks
from tests.verification.log import owned_web
from tests.verification.log.judged import erase
from tests.verification.stages.live_capture.captures import photo_answer
from tests.verification.stories import camera_story as camera
from tests.verification.stories import story as story_module
from tests.verification.stories.document_reading import documents_of, download, endings, listed
from tests.verification.stories.insecure_capture import (
    PORTRAIT,
    Script,
    at_commands,
    played,
    show,
    show_to_end,
)
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.insecure_glance import people, voted
from tests.verification.stories.reviewers import leave
from tests.verification.stories.story import (
    IIN,
    OTHER_IIN,
    Story,
    begin,
    lender,
    retry,
    run_out,
    swept,
    until_given_up,
    wait_until,
)
from verification.case import contents, policy, stages
from verification.core.answers import PHOTO_SOURCES
from verification.core.errors import Conflict
from verification.evidence import store, vault
from verification.log import sequencer
from verification.log.verify import verify_log
from verification.models import Attempt, AuditEntry, EvidenceItem, Verification
from verification.stages.live_capture.policy import LiveCapturePolicy

pytestmark = pytest.mark.django_db(transaction=True)
POLICY = LiveCapturePolicy()


def captures(story):
    return Attempt.objects.filter(verification_id=story.id, stage="live_capture").order_by("turn")


def expire(story):
    # Of a review from its beginning, which may be minutes later.
    began = story.row().in_review_since or story.row().created_at
    wait_until(began + timedelta(seconds=policy.VERIFICATION_SECONDS + 60))
    swept()


def passed(script):
    return played()


def another_face(script):
    script.word = "wrong"
    return played()


def unclear(script):
    script.word = "unclear"
    story = played()
    until_given_up(story)
    return story


def broken_worker(script):
    script.faults = 100
    story = played()
    until_given_up(story)
    return story


def silent_midway(script):
    story = at_commands()
    show(story, commands=2)
    run_out(story)
    return story


def canceled_midway(script):
    story = at_commands()
    show(story, commands=1)
    story.cancel()
    story.work()
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


def left_without_reviewers(script):
    script.word = "grey"
    story = at_commands()
    leave(story.lender)
    show_to_end(story)
    return story


ENDINGS = {
    "passed": (passed, ("passed", None, "checks"), 15),
    "another face": (another_face, ("failed", "face_mismatch", "checks"), 15),
    "unclear": (unclear, ("inconclusive", "eds_revocation_unknown", "checks"), 15),
    "a broken worker": (broken_worker, ("void", "retries_exhausted", "nobody"), 15),
    "silent midway": (silent_midway, ("lapsed", "liveness_command_missed", "nobody"), 6),
    "canceled midway": (canceled_midway, ("void", "canceled_by_lender", "nobody"), 3),
    "passed by people": (reviewed(voted), ("passed", None, "people"), 15),
    "refused by people": (
        reviewed(lambda story: voted(story, passes=False, reviewers=people(story, 1))),
        ("failed", "review_refused", "people"),
        15,
    ),
    "left by reviewers": (reviewed(expire), ("undecided", "review_timeout", "nobody"), 15),
    "left without reviewers": (
        left_without_reviewers,
        ("undecided", "review_unavailable", "nobody"),
        15,
    ),
    "canceled in review": (
        reviewed(Story.cancel),
        ("undecided", "canceled_by_lender", "nobody"),
        15,
    ),
}


@pytest.mark.usefixtures("seen_once")
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
    if ending[2] == "people":
        voters = [vote["person"] for vote in document["result"]["votes"]]
        assert voters == ["usr_0", "usr_1"][: len(voters)]
        assert [stage["stage"] for stage in document["passed_before"]] == ["consent", "question"]
        assert document["comparison"]["zone"] == "review"
    items = EvidenceItem.objects.filter(attempt__in=captures(story), kind="live_capture.document")
    ended = captures(story).exclude(status__in=("open", "judging"))
    assert items.count() == ended.count() == len(listed(story))


@pytest.mark.usefixtures("seen_once")
def test_it_stands_in_the_transaction_of_the_judgement_and_before_the_decision(script):
    story = played()
    entries = AuditEntry.objects.filter(verification_id=story.id).order_by("verification_sequence")
    said = [
        "document" if "document" in json.dumps(entry.body) else entry.type
        for entry in entries
        if entry.type in ("attempt.judged", "verification.verified", "evidence.kept")
    ]
    assert said[-3:] == ["attempt.judged", "document", "verification.verified"]


@pytest.mark.usefixtures("seen_once")
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
    retry(story)
    assert (story.row().status, len(listed(story))) == ("verified", 1)


@pytest.mark.usefixtures("seen_once")
def test_the_document_of_a_canceled_capture_is_owed_until_a_worker_with_its_key_makes_it(
    script, settings
):
    story = at_commands()
    kept, settings.TULGA_DOCUMENT_KEYS = settings.TULGA_DOCUMENT_KEYS, {}
    story.cancel()
    story.work()
    assert (story.row().status, story.row().step, listed(story)) == ("canceled", "document", ())
    settings.TULGA_DOCUMENT_KEYS = kept
    Verification.objects.filter(pk=story.id).update(lease_until=None, reserved_until=None)
    retry(story)
    assert (story.row().status, story.row().step, len(listed(story))) == ("canceled", "", 1)


@pytest.mark.usefixtures("seen_once")
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


@pytest.mark.usefixtures("seen_once")
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


# A lender lists and downloads its documents; each download is on record, and erasing leaves
# that they existed.


def test_a_document_is_handed_out_once_the_log_has_ordered_what_it_says(script, monkeypatch):
    with monkeypatch.context() as unordered:
        unordered.setattr(story_module, "order", lambda: None)
        story = played()
    attempt_id = (
        Attempt.objects.filter(verification_id=story.id, stage="live_capture").latest("turn").pk
    )
    assert story.row().status == "verified"
    assert listed(story) == ()
    with pytest.raises(Conflict) as refused:
        download(story, attempt_id)
    assert refused.value.code == "document_not_ready"
    sequencer.order("test")
    assert [one.outcome for one in listed(story)] == ["passed"]
    assert download(story, attempt_id)


def test_no_document_is_handed_out_of_one_that_a_row_alone_ends(script):
    script.word = "wrong"
    story = played()
    (before,) = listed(story)
    assert story.row().status == "requires_input"
    Verification.objects.filter(pk=story.id).update(status="declined")
    assert listed(story) == ()
    with pytest.raises(Conflict) as refused:
        download(story, before.attempt_id)
    assert refused.value.code == "document_not_ready"


def test_once_erased_the_log_still_proves_that_it_existed(script):
    story = played()
    (before,) = listed(story)
    document = download(story, before.attempt_id)
    erase(story)
    with pytest.raises(Conflict) as refused:
        download(story, before.attempt_id)
    assert refused.value.code == "document_erased"
    (after,) = listed(story)
    assert (after.is_erased, after.sha256, after.salt, after.commitment) == (
        True,
        None,
        None,
        before.commitment,
    )
    logged = AuditEntry.objects.filter(verification_id=story.id, type="evidence.kept")
    (said,) = (
        one
        for entry in logged
        for one in entry.body["evidence"]
        if one["kind"] == "live_capture.document"
    )
    # Who kept the document and its salt can show that it is the one in the log.
    assert said["commitment"] == vault.commitment(bytes.fromhex(before.salt), document)
    sequencer.order("test")
    assert list(verify_log("test")) == []


def test_a_reference_comes_from_a_register_and_there_is_no_other_way_in(script, client):
    """Law O-21: no answer of the borrower and no request of the lender can bring a reference."""
    story = at_commands()
    portrait = {"photo": "AAAA", "reference": "AAAA", "live_capture.photo": "AAAA"}
    story.answer(ready=True, **portrait)
    answered = EvidenceItem.objects.filter(verification_id=story.id).values_list("kind", flat=True)
    assert not [kind for kind in answered if "photo" in kind or "reference" in kind]
    assert PHOTO_SOURCES == ("STATE", "PROVIDER")
    described = client.get("/openapi.json").json()
    taken = [
        media
        for item in described["paths"].values()
        for operation in item.values()
        for media in operation.get("requestBody", {}).get("content", {})
    ]
    assert set(taken) == {"application/json"}
    asked = json.dumps(
        {name: described["components"]["schemas"][name] for name in ("VerificationRequest",)}
    )
    assert not [
        word
        for word in ("photo", "image", "portrait", "reference_sample", "binary")
        if word in asked
    ]


# A signed document says what signed entries say: an attacker who writes rows, or reseals by web's
# key, has no other signed.
MONTH = timedelta(days=30)


def capture_of(story: Story) -> Attempt:
    return Attempt.objects.select_related("verification").get(
        verification_id=story.id, stage="live_capture"
    )


def about_somebody_else(story: Story) -> None:
    row, key = story.row(), contents.key_of(story.row())
    place = vault.CASE
    content = key.unseal(bytes(row.sealed_case), **place).plain.replace(
        IIN.encode(), OTHER_IIN.encode()
    )
    Verification.objects.filter(pk=row.pk).update(sealed_case=key.seal(content, **place).data)


@pytest.mark.forges
def test_a_document_is_about_whom_the_case_was_opened_for_or_there_is_none(script: Script) -> None:
    script.word = "grey"
    story = played()
    about_somebody_else(story)
    voted(story, passes=False, reviewers=people(story, 1))
    assert story.row().status == "declined"
    assert listed(story) == ()
    missing = AuditEntry.objects.get(verification_id=story.id, type="document.missing")
    assert missing.body["cause"] == "evidence_unreadable"


def a_photo_beside(story: Story) -> None:
    owned_web.plant(capture_of(story), "live_capture.photo", photo_answer(PORTRAIT))


def terms_beside(story: Story) -> None:
    owned_web.plant(
        capture_of(story),
        "live_capture.terms",
        b'{"v": 1, "facts": {}, "checks": [], "policy": {}}',
    )


def another_answer(story: Story) -> None:
    item = EvidenceItem.objects.select_related("verification").get(
        attempt=capture_of(story), kind="live_capture.1.frame.3"
    )
    owned_web.reseal(item, b"another picture")


@pytest.mark.forges
@pytest.mark.parametrize(
    ("change", "unreadable"),
    [
        (a_photo_beside, []),
        (terms_beside, []),
        (another_answer, ["live_capture.1.frame.3"]),
    ],
)
def test_a_document_holds_what_entries_list_as_they_list_it(
    script: Script, change: Callable[[Story], None], unreadable: list[str]
) -> None:
    story = at_commands()
    show(story, commands=2)
    change(story)
    story.cancel()
    story.work()
    (document,) = documents_of(story)
    assert document["unreadable"] == unreadable
    assert (document["reference"]["status"], document["comparison"], document["policy"]) == (
        "none",
        None,
        None,
    )
    assert document["live_image"]["gates"] == []
    assert document["client_reference"] == "A-1"
    assert [one["stage"] for one in document["passed_before"]] == ["consent", "question"]


@pytest.mark.forges
def test_the_time_of_a_reference_is_that_of_its_entry(script: Script) -> None:
    script.word = "grey"
    story = played()
    EvidenceItem.objects.filter(verification_id=story.id).update(created_at=F("created_at") - MONTH)
    voted(story, passes=False, reviewers=people(story, 1))
    (document,) = documents_of(story)
    assert datetime.fromisoformat(document["reference"]["at"]) >= story.row().created_at
