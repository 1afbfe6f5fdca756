"""Whatever breaks in the middle: nothing is lost, nothing is decided twice, nothing is verified by accident."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from kombu.exceptions import OperationalError

from tests.verification.workflow.story import IIN, begin, later, lender
from verification import tasks
from verification.core import events
from verification.core.errors import FenceLost, NotYourTurn
from verification.models import Attempt, AuditEntry, EvidenceItem, Verification
from verification.sources import installed
from verification.workflow import advance, commands, doorbell, policy, queries, sweep, transition

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def make_due(story):
    Verification.objects.filter(pk=story.id).update(due_at=timezone.now(), rung_until=None)


def decisions(story):
    return AuditEntry.objects.filter(verification_id=story.id, type__in=events.DECISIONS).count()


def in_parallel(work, times):
    def one(number):
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=16) as pool:
        return list(pool.map(one, range(times)))


def hear_bells(monkeypatch):
    """What reaches the broker from now on, as (task, argument)."""
    rung = []
    monkeypatch.setattr(doorbell.current_app, "send_task", lambda task, args, **_: rung.append((task, *args)))
    return rung


def signed(issued, reference="A-1", of=None):
    story = begin(of or lender(), reference).to_statement()
    story.sign(issued())
    return story


def test_a_silent_source_is_asked_again_and_then_verifies(issued, trusted):
    story = signed(issued)
    trusted.faults = 2
    for _ in range(3):
        story.work()
        make_due(story)
    assert story.row().status == "verified"
    assert AuditEntry.objects.filter(verification_id=story.id, type="step.faulted").count() == 2
    assert not Attempt.objects.filter(verification_id=story.id, burnt=True).exists()


def test_a_source_that_stays_silent_ends_in_failed_and_burns_nothing(issued, trusted):
    story = signed(issued)
    trusted.faults = 1000
    for _ in range(policy.FAULTS_MAX):
        story.work()
        make_due(story)
    row = story.row()
    assert (row.status, row.code, decisions(story)) == ("failed", "retries_exhausted", 1)
    assert not Attempt.objects.filter(verification_id=story.id, burnt=True).exists()


@pytest.mark.parametrize("hostile", [(b"",), (b"<html>",), (b"\x30\x80" * 500,), ()])
def test_a_source_that_answers_nonsense_never_verifies(issued, trusted, hostile):
    story = signed(issued)
    trusted.lists["gost512"] = hostile
    for _ in range(policy.FAULTS_MAX):
        story.work()
        make_due(story)
    assert story.row().status != "verified"
    assert "verification.verified" not in AuditEntry.objects.values_list("type", flat=True)


def test_missing_anchors_are_a_fault_and_never_a_pass(issued, settings, trusted):
    story = signed(issued)
    settings.TULGA_SOURCES["test"]["trust_anchors"] = {"directory": "/nonexistent"}
    for _ in range(policy.FAULTS_MAX):
        story.work()
        make_due(story)
    assert story.row().status == "failed"


def test_every_way_an_anchor_file_can_be_wrong_is_a_fault(issued, settings):
    story = signed(issued)
    folder = settings.TULGA_SOURCES["test"]["trust_anchors"]["directory"]
    (folder / "stray.cer").write_bytes(b"stray")
    story.work()
    assert story.row().faults == 1
    with pytest.raises(Exception, match=r"stray\.cer"):
        installed.trust_anchors("test")


def test_a_worker_killed_in_the_middle_loses_nothing_and_the_next_one_decides_once(issued):
    story = signed(issued)
    killed = advance.claim(story.id)  # its process dies here, with the lease in the row
    assert killed is not None
    story.work()
    assert story.row().status == "processing", "nobody may take a leased step"
    Verification.objects.filter(pk=story.id).update(lease_until=timezone.now() - timedelta(seconds=1))
    story.work()
    assert (story.row().status, decisions(story)) == ("verified", 1)


def test_a_worker_that_comes_back_late_writes_nothing(issued):
    story = signed(issued)
    late = advance.claim(story.id)
    Verification.objects.filter(pk=story.id).update(lease_until=timezone.now() - timedelta(seconds=1))
    story.work()
    entries = AuditEntry.objects.count()
    with pytest.raises(FenceLost):
        advance.run(late)
    advance.release(late, RuntimeError("late"))
    assert (AuditEntry.objects.count(), decisions(story)) == (entries, 1)


def test_a_step_whose_workers_die_without_a_word_ends_in_failed(issued):
    story = signed(issued)
    for _ in range(policy.FAULTS_MAX):
        assert advance.claim(story.id) is not None
        Verification.objects.filter(pk=story.id).update(lease_until=timezone.now() - timedelta(seconds=1))
    story.work()
    assert (story.row().status, decisions(story)) == ("failed", 1)


def test_a_verification_canceled_while_it_is_judged_stays_canceled(issued):
    story = signed(issued)
    judging = advance.claim(story.id)
    commands.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    with pytest.raises(FenceLost):
        advance.run(judging)
    assert (story.row().status, decisions(story)) == ("canceled", 1)


def test_of_many_workers_rung_at_once_one_decides(issued):
    story = signed(issued)
    in_parallel(lambda _: tasks.advance(story.id), 16)
    assert (story.row().status, decisions(story)) == ("verified", 1)


def test_of_64_posts_of_one_turn_one_is_taken_and_read():
    story = begin(lender())
    turn = story.page().turn

    def post(_):
        try:
            commands.answer(
                verification_id=story.id,
                turn=turn,
                untrusted={"agreed": True, "version": "2026-11", "language": "kk"},
            )
        except NotYourTurn:
            return 0
        return 1

    assert sum(in_parallel(post, 64)) == 1
    assert EvidenceItem.objects.filter(verification_id=story.id, kind="consent.answer").count() == 1


def test_two_ticks_at_once_ring_once_and_order_each_entry_once(issued, monkeypatch):
    story = signed(issued)
    make_due(story)
    rung = hear_bells(monkeypatch)
    barrier = threading.Barrier(2)

    def tick(_):
        barrier.wait()
        sweep.run_round()

    in_parallel(tick, 2)
    assert rung.count((doorbell.ADVANCE, story.id)) == 1
    sweep.run_round()
    leaves = AuditEntry.objects.filter(leaf__isnull=False).count()
    assert leaves == AuditEntry.objects.count()


def test_a_broker_that_is_down_at_commit_costs_nothing_but_a_round_of_the_sweep(issued, monkeypatch):
    def refuse(*args, **kwargs):
        raise ConnectionRefusedError

    with monkeypatch.context() as down:
        down.setattr(doorbell.current_app, "send_task", refuse)
        story = signed(issued)
    assert story.row().step == "judge"
    rung = hear_bells(monkeypatch)
    Verification.objects.filter(pk=story.id).update(rung_until=timezone.now() - timedelta(seconds=1))
    sweep.run_round()
    assert (doorbell.ADVANCE, story.id) in rung


def test_an_answer_that_cannot_be_read_leaves_the_turn_open():
    story = begin(lender())
    turn = story.page().turn
    entries = AuditEntry.objects.count()
    for junk in ({}, {"agreed": "yes"}, {"agreed": True, "version": "old", "language": "kk"}):
        with pytest.raises(Exception, match="consent"):
            commands.answer(verification_id=story.id, turn=turn, untrusted=junk)
    assert story.page().turn == turn
    assert AuditEntry.objects.count() == entries


def test_an_answer_to_an_earlier_turn_fits_no_later_attempt(issued):
    story = begin(lender()).to_statement()
    old = story.page().turn
    story.sign(issued(iin="990101100020"))
    story.work()
    with pytest.raises(NotYourTurn):
        commands.answer(verification_id=story.id, turn=old, untrusted={"signature": "AAAA"})


def test_a_second_verification_of_the_borrower_waits_while_the_first_is_open_and_then_goes_on(issued):
    of = lender()
    first, second = begin(of, "A-1").to_statement(), begin(of, "A-2").to_statement()
    assert first.page().page == "statement"
    assert (second.page().page, second.page().notice, second.row().step) == ("wait", "borrower_busy", "open")
    first.sign(issued())
    first.work()
    make_due(second)
    second.work()
    assert (second.page().page, second.page().notice) == ("statement", "")


def test_silence_at_the_statement_burns_nothing_and_the_borrower_may_come_back(issued):
    story = begin(lender()).to_statement()
    Attempt.objects.filter(verification_id=story.id, status="open").update(expires_at=later(-1))
    assert story.page().page == "resume"
    sweep.run_round()
    assert (story.page().page, story.page().notice) == ("resume", "abandoned")
    commands.resume(verification_id=story.id)
    commands.resume(verification_id=story.id)
    story.work()
    story.sign(issued())
    story.work()
    assert story.row().status == "verified"
    assert not Attempt.objects.filter(verification_id=story.id, burnt=True).exists()


def test_a_verification_nobody_finishes_expires_once():
    story = begin(lender())
    Verification.objects.filter(pk=story.id).update(expires_at=later(-1))
    in_parallel(lambda _: sweep.run_round(), 2)
    assert (story.row().status, story.row().code, decisions(story)) == ("expired", "verification_expired", 1)
    with pytest.raises(NotYourTurn):
        story.answer(agreed=True, version="2026-11", language="kk")


def test_a_row_of_a_route_that_is_gone_stops_nothing_else(settings, issued):
    gone, other = begin(lender()), begin(lender("Other", number=500))
    Verification.objects.filter(pk=gone.id).update(route="gone", step="judge", due_at=later(-9), rung_until=None)
    Attempt.objects.filter(verification_id=gone.id).update(route="gone")
    Attempt.objects.update(expires_at=later(-1))
    sweep.run_round()
    assert other.page().notice == "abandoned"
    assert not AuditEntry.objects.filter(leaf=None, type="verification.created").exists()
    assert gone.page().page == "wait"
    assert len(queries.list_views(lender_id=gone.lender.pk, mode="test").data) == 1
    for _ in range(policy.FAULTS_MAX + 1):
        make_due(gone)
        gone.work()
    assert (gone.row().status, decisions(gone)) == ("failed", 1)


def test_a_broker_that_hangs_is_asked_once_a_round_and_the_log_is_ordered_all_the_same(issued, monkeypatch):
    stories = [begin(lender(number=number * 20)) for number in range(1, 5)]
    Verification.objects.update(step="open", due_at=later(-9), rung_until=None)
    asked = []

    def hang(task, **_):
        asked.append(task)
        raise OperationalError

    monkeypatch.setattr(doorbell.current_app, "send_task", hang)
    sweep.run_round()
    assert len(asked) == 1
    assert AuditEntry.objects.filter(leaf__isnull=False, verification_id=stories[0].id).exists()


def test_a_log_that_cannot_be_signed_does_not_keep_rows_from_being_swept(settings):
    story = begin(lender())
    Verification.objects.filter(pk=story.id).update(expires_at=later(-1))
    settings.TULGA_LOG_KEYS = {}
    sweep.run_round()
    assert story.row().status == "expired"


def test_a_second_decision_is_refused_by_the_database_itself(issued):
    story = signed(issued)
    story.work()
    with pytest.raises(Exception, match=r"(?i)unique"), connection.cursor():
        AuditEntry.objects.create(
            log="test", type="verification.declined", at=timezone.now(), verification_id=story.id, body={}
        )


def test_the_fence_is_the_first_statement_of_the_transaction_that_writes(issued, django_assert_num_queries):
    story = signed(issued)
    claimed = advance.claim(story.id)
    Verification.objects.filter(pk=story.id).update(fence="another")
    with pytest.raises(FenceLost):
        transition.held(claimed)
    assert claimed.pk == story.id
    assert IIN not in str(story.row().__dict__)
