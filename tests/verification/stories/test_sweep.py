"""What time, a broker or an unreadable row may do to the sweep, and what it must do all the
same.
"""

import threading

import pytest

from lenders.resources import verifications
from tests.verification.stories.story import (
    begin,
    decisions,
    in_parallel,
    later,
    lender,
    make_due,
    run_out,
    signed,
    swept,
    wait_until,
)
from verification.core.errors import NotYourTurn
from verification.models import Attempt, AuditEntry, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import sweep

SEND_TASK = "verification.case.steps.current_app.send_task"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


@pytest.mark.each_database
def test_two_ticks_at_once_order_each_entry_once_and_ring_for_no_step(issued, monkeypatch):
    story = signed(issued)
    make_due(story)
    rung = []
    monkeypatch.setattr(SEND_TASK, lambda task, args, **_: rung.append((task, *args)))
    barrier = threading.Barrier(2)

    def tick(_):
        barrier.wait()
        sweep.run_round()

    in_parallel(tick, 2)
    sweep.run_round()
    assert rung == []
    assert story.row().step == "judge"
    leaves = AuditEntry.objects.filter(leaf__isnull=False).count()
    assert leaves == AuditEntry.objects.count()


def test_a_verification_nobody_finishes_expires_once():
    story = begin(lender())
    wait_until(story.row().expires_at)
    in_parallel(lambda _: swept(), 2)
    assert (story.row().status, story.row().code, decisions(story)) == (
        "expired",
        "verification_expired",
        1,
    )
    with pytest.raises(NotYourTurn):
        story.answer(agreed=True, version=CURRENT, language="kk")


def test_a_row_of_a_route_that_is_gone_stops_nothing_else(settings, issued):
    gone, other = begin(lender()), begin(lender("Other", number=500))
    Verification.objects.filter(pk=gone.id).update(route="gone", step="judge", due_at=later(-9))
    Attempt.objects.filter(verification_id=gone.id).update(route="gone", status="judging")
    run_out(other)
    assert other.page().notice == "abandoned"
    assert not AuditEntry.objects.filter(leaf=None, type="verification.created").exists()
    assert gone.page().page == "wait"
    assert len(verifications.read_page(lender_id=gone.lender.pk, mode="test")["data"]) == 1
    make_due(gone)
    gone.work()  # by its entries nothing is owed
    assert (gone.row().status, gone.row().step, decisions(gone)) == ("requires_input", "", 0)


def test_frames_that_nobody_destroys_are_an_error_once_an_hour(caplog):
    story, other = begin(lender()), begin(lender("Other", number=500))
    for one, minutes in ((story, 61), (other, 59)):
        past = later(-60 * minutes)
        Verification.objects.filter(pk=one.id).update(
            status="verified", frames_until=past, step="destroy", due_at=past
        )
    for _ in range(2):
        sweep.run_round()
    told = [record.getMessage() for record in caplog.records if "frames" in record.getMessage()]
    assert told == ["sweep: 1 of test keep frames too long: does a worker serve the queue storage?"]


def test_a_log_that_cannot_be_signed_does_not_keep_rows_from_being_swept(settings):
    story = begin(lender())
    wait_until(story.row().expires_at)
    settings.TULGA_LOG_KEYS = {}
    swept()
    assert story.row().status == "expired"
