"""Of a camera's frames one a command stays; the others are destroyed 72 hours after the end, unless
they are held.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.scenes import staged
from tests.verification.log.judged import findings
from tests.verification.stories.destruction_story import (
    claim,
    destroyed,
    dispute,
    entries,
    file_of,
    frames,
    gone,
    kept,
    step,
    turn,
)
from tests.verification.stories.document_reading import documents_of
from tests.verification.stories.insecure_capture import at_commands, played, show
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.insecure_glance import voted
from tests.verification.stories.story import begin, lender
from verification import clock, transactions
from verification.access import openings
from verification.case import moving, policy
from verification.core.codes import REASONS
from verification.core.errors import EvidenceUnreadable
from verification.course import policy as course_policy
from verification.evidence import store, vault
from verification.models import Attempt, Verification
from verification.worker import run as advance
from verification.worker import sweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]

HOUR = 3600


def test_after_72_hours_one_frame_of_each_command_is_left_and_the_files_of_all_others_are_gone(
    script,
):
    story = played()
    before, sequence = frames(story), story.row().sequence
    assert {file_of(item).exists() for item in before} == {True}
    turn(71.9)
    sweep.run_round()
    assert (step(story), story.row().step, gone(story)) == (False, "", [])
    turn(0.2)
    sweep.run_round()
    assert (story.row().step, story.row().queue, step(story)) == ("destroy", "storage", True)
    # Keys and entry first: were the files gone before, a crash would leave rows that point at
    # nothing.
    assert {item.wrapped_key for item in gone(story)} == {None}
    assert {file_of(item).exists() for item in gone(story)} == {True}
    assert step(story)
    steps = len({kind.split(".")[1] for kind in kept(story)})
    assert kept(story) == [f"live_capture.{number}.frame.3" for number in range(steps)]
    assert {file_of(item).exists() for item in gone(story)} == {False}
    assert len(gone(story)) == len(before) - steps == 3 * steps
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    for item in frames(story):
        if item.destroyed_at is None:
            assert store.opening(key, item).plain.startswith(story.id.encode())
        else:
            with pytest.raises(EvidenceUnreadable, match="was destroyed"):
                store.opening(key, item)
    row = story.row()
    assert (row.status, row.step, row.frames_until, row.sequence) == (
        "verified",
        "",
        None,
        sequence + 1,
    )
    turn(100)
    sweep.run_round()
    assert not step(story)


def test_one_entry_of_each_attempt_lists_what_was_destroyed_and_the_log_and_its_rows_still_fit(
    script,
):
    script.word = "wrong"
    story = played()
    script.word = "clear"
    show(story)
    story.work()
    assert story.row().status == "verified"
    destroyed(story)
    bodies = [entry.body for entry in entries(story)]
    captures = list(
        Attempt.objects.filter(verification_id=story.id, stage="live_capture").order_by("turn")
    )
    assert [body["attempt"] for body in bodies] == [attempt.pk for attempt in captures]
    for body, attempt in zip(bodies, captures, strict=True):
        of_attempt = sorted(item.pk for item in gone(story) if item.attempt_id == attempt.pk)
        assert (body["destroyed"], body["number"]) == (of_attempt, len(of_attempt))
    sweep.run_round()
    assert findings() == []


def test_what_the_document_shows_is_what_is_left(script):
    story = destroyed(played())
    (document,) = documents_of(story)
    shown = [
        frame["name"]
        for one in document["live_image"]["commands"]
        for frame in one["frames"]
        if frame["jpeg"]
    ]
    assert kept(story) == [f"live_capture.{name.replace('.', '.frame.')}" for name in shown]


def canceled(script):
    story = at_commands()
    show(story, commands=2)
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    assert step(story)  # the document
    return story


def expired(script):
    story = at_commands()
    show(story, commands=2)
    turn(25)
    sweep.run_round()
    assert step(story)
    # 72 hours after it began.
    turn(48)
    sweep.run_round()
    assert not step(story)
    return story


def failed(script):
    script.faults = 100
    story = played()
    for _ in range(policy.FAULTS_MAX):
        turn(0.1)
        step(story)
    return story


@pytest.mark.parametrize(
    ("end", "status", "commanded"),
    [(canceled, "canceled", 2), (expired, "expired", 2), (failed, "failed", None)],
)
def test_of_a_capture_that_was_never_judged_the_middle_frames_are_left(
    script, end, status, commanded
):
    story = end(script)
    assert story.row().status == status
    destroyed(story)
    commanded = commanded or len({item.kind.split(".")[1] for item in frames(story)})
    assert kept(story) == [f"live_capture.{number}.frame.4" for number in range(commanded)]
    assert story.row().status == status
    sweep.run_round()
    assert findings() == []


def test_a_verification_without_a_camera_is_owed_nothing_after_its_end(script):
    story = begin(lender())
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    story.work()  # its receipt
    turn(100)
    sweep.run_round()
    assert (story.row().frames_until, story.row().step) == (None, "")


def test_a_case_that_waits_in_review_keeps_all_of_it_until_72_hours_after_its_end(
    script, monkeypatch
):
    for numbers in (policy, course_policy):
        monkeypatch.setattr(numbers, "FRAMES_KEPT_SECONDS", HOUR)
    script.word = "grey"
    story = played()
    turn(20)
    sweep.run_round()
    assert (story.row().status, step(story), gone(story)) == ("in_review", False, [])
    voted(story)
    turn(0.9)
    sweep.run_round()
    assert (story.row().status, step(story), gone(story)) == ("verified", False, [])
    turn(0.2)
    sweep.run_round()
    assert (step(story), bool(gone(story))) == (True, True)


def declined(script, *, gate="", word="clear"):
    """Refused twice as another's face, and the third time by this gate or this word."""

    def twice():
        script.word = "wrong"
        story = played()
        show(story)
        story.work()
        show(story)
        return story

    story = staged("shown after two of another face", twice)
    script.gate, script.word = gate, word
    story.work()
    assert (story.row().status, story.row().code) == ("declined", "attempts_exhausted")
    return story


@pytest.mark.parametrize(
    "gate", sorted(code for code in policy.FRAMES_HELD_FOR if not REASONS[code].review)
)
def test_who_was_declined_for_liveness_keeps_all_of_it_without_an_entry(script, gate):
    story = declined(script, gate=gate)
    before = story.row().sequence
    turn(73)
    sweep.run_round()
    assert (step(story), step(story)) == (True, False)
    turn(24 * 365)
    sweep.run_round()
    assert (step(story), gone(story), story.row().sequence) == (False, [], before)
    assert {file_of(item).exists() for item in frames(story)} == {True}


def test_a_refusal_for_liveness_holds_whatever_else_named_the_attempt(script):
    script.gate, script.word = "liveness_face_jumped", "wrong"
    story = played()
    script.gate = "face_quality"
    for _ in range(2):
        show(story)
        story.work()
    assert story.row().status == "declined"
    turn(73)
    sweep.run_round()
    assert (step(story), gone(story)) == (True, [])


def test_who_was_declined_for_another_face_keeps_one_frame_a_command(script):
    destroyed(story := declined(script, word="wrong"))
    assert {kind.rpartition(".")[2] for kind in kept(story)} == {"3"}
    assert len(entries(story)) == 3


def test_a_missed_command_holds_nothing_of_who_was_verified_later(script):
    script.gate = "liveness_command_missed"
    story = played()
    script.gate = ""
    show(story)
    story.work()
    destroyed(story)
    assert {kind.rpartition(".")[2] for kind in kept(story)} == {"3"}


def test_a_disputed_case_keeps_all_of_it_and_is_asked_again_a_day_later(script):
    story = played()
    turn(73)
    sweep.run_round()
    claimed = claim(story)
    # It comes while a worker has begun.
    dispute(story)
    before = story.row().sequence
    advance.run(claimed)
    assert (gone(story), story.row().step, story.row().sequence) == ([], "", before)
    turn(23.9)
    sweep.run_round()
    assert not step(story)
    turn(0.2)
    sweep.run_round()
    assert (step(story), step(story), gone(story), story.row().sequence) == (
        True,
        False,
        [],
        before,
    )
    Verification.objects.filter(pk=story.id).update(disputed_at=None)  # no row takes a dispute back
    turn(24.1)
    sweep.run_round()
    assert (step(story), gone(story)) == (True, [])


def test_of_an_erased_verification_no_frame_is_left(script):
    story, at = played(), clock.now()
    with transactions.writing():
        vault.destroy(verification_id=story.id, at=at)
        moving.record(story.row(), "verification.redacted", at=at)
    destroyed(story)
    assert kept(story) == []
    assert {file_of(item).exists() for item in frames(story)} == {False}


def test_the_step_never_touches_a_verification_that_goes_on(script):
    story = at_commands()
    show(story, commands=1)
    Verification.objects.filter(pk=story.id).update(frames_until=timezone.now() - timedelta(days=1))
    sweep.run_round()
    assert (story.row().step, story.row().status) == ("", "requires_input")
