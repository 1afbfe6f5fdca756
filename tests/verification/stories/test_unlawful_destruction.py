"""Who can write rows, and entries, makes no worker destroy what must stay, and no replay or check
of the log agrees.
"""

import pytest

from tests.verification.log.judged import findings
from tests.verification.stories.destruction_story import (
    claim,
    destroyed,
    file_of,
    frames,
    gone,
    step,
    turn,
)
from tests.verification.stories.insecure_capture import played, show
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.story import lender
from verification import clock, transactions
from verification.case import moving
from verification.evidence import store
from verification.models import AuditEntry, EvidenceItem, Verification
from verification.worker import run as advance
from verification.worker import sweep
from verification.worker.replay import Verdict, replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]


def make_due(story):
    Verification.objects.filter(pk=story.id).update(
        step="destroy", queue="storage", due_at=clock.now()
    )


def all_there(story):
    return gone(story) == [] and {file_of(item).exists() for item in frames(story)} == {True}


def test_a_step_that_somebody_made_due_destroys_nothing_of_a_case_in_review(script):
    script.word = "grey"
    story = played()
    assert story.row().status == "in_review"
    make_due(story)
    assert step(story)
    assert all_there(story)
    assert story.row().step == ""
    assert AuditEntry.objects.get(type="step.faulted").body["cause"] == "too_early"


def test_nor_before_its_time(script):
    story = played()
    turn(71)
    Verification.objects.filter(pk=story.id).update(
        frames_until=clock.now(), finished_at="2020-01-01T00:00:00Z"
    )
    sweep.run_round()
    assert step(story)
    assert all_there(story)
    sweep.run_round()
    assert story.row().step == "", "the row is right again"
    turn(2)
    sweep.run_round()
    assert story.row().step == "destroy"


def forged(story, items):
    """An entry as the product writes it, of items of the attacker's choice, whose keys and files
    are gone.
    """
    row = Verification.objects.get(pk=story.id)
    at = clock.now()
    with transactions.writing():
        store.destroy(items, at=at)
        attempt = items[0].attempt_id
        body = {
            "attempt": attempt,
            "route": "biometric",
            "stage": "live_capture",
            "number": len(items),
        }
        listed = [item.pk for item in items]
        moving.record(row, "evidence.destroyed", at=at, body=body | {"destroyed": listed})
    store.remove_files(story.id, sealed_hashes={item.pk: item.sealed_sha256 for item in items})
    sweep.run_round()


def details():
    return [finding["detail"].partition(";")[0] for finding in findings()]


@pytest.mark.forges
def test_an_entry_that_destroys_too_early_is_named(script):
    story = played()
    forged(story, frames(story)[:1])
    (finding,) = findings()
    assert finding["code"] == "illegal_time"
    assert finding["detail"].startswith("frames were destroyed too early;")


@pytest.mark.forges
def test_an_entry_that_destroys_a_case_in_review_is_named(script):
    script.word = "grey"
    story = played()
    turn(24 * 30)
    forged(story, frames(story)[:1])
    assert "frames were destroyed too early" in details()


@pytest.mark.forges
def test_an_entry_that_destroys_what_is_held_is_named(script):
    script.gate = "liveness_face_jumped"
    story = played()
    for _ in range(2):
        show(story)
        story.work()
    assert story.row().status == "declined"
    turn(73)
    forged(story, frames(story)[:1])
    assert details() == ["held frames were destroyed"]


@pytest.mark.forges
def test_an_entry_that_destroys_what_was_disputed_is_named(script):
    story = played()
    with transactions.writing():
        at, row = clock.now(), story.row()
        moving.write(row, disputed_at=at)
        moving.record(row, "verification.disputed", at=at)
    turn(73)
    forged(story, frames(story)[:1])
    assert details() == ["held frames were destroyed"]


@pytest.mark.forges
def test_an_entry_that_destroys_what_is_no_frame_is_named_and_no_replay_agrees(script):
    story = played()
    turn(73)
    order = EvidenceItem.objects.get(verification_id=story.id, kind="live_capture.order")
    forged(story, [order])
    assert f"{order.pk} was destroyed and is not a frame" in details()
    last = replay(verification_id=story.id)[-1]
    assert (last.verdict, last.detail) == (
        Verdict.CANNOT,
        "evidence is missing: live_capture.order",
    )


@pytest.mark.forges
def test_no_replay_agrees_where_the_frame_that_stands_for_a_command_is_gone(script):
    story = destroyed(played())
    (shown, *_) = [item for item in frames(story) if item.destroyed_at is None]
    forged(story, [shown])
    last = replay(verification_id=story.id)[-1]
    assert (last.verdict, last.detail) == (Verdict.CANNOT, f"evidence is missing: {shown.kind}")


def test_a_row_that_names_anothers_file_makes_nobody_delete_that(script):
    mine, other = played(), played(lender("Other Credit", number=2), "A-2", iin="990101100020")
    victim = frames(other)[0]
    turn(73)
    sweep.run_round()
    assert step(mine)
    item = gone(mine)[0]
    EvidenceItem.objects.filter(pk=item.pk).update(sealed_sha256=victim.sealed_sha256)
    with pytest.raises(Exception, match="another file than the log"):
        advance.run(claim(mine))
    assert file_of(victim).exists()
