"""Whatever breaks in the middle: nothing is lost, nothing is decided twice, nothing is verified by
accident.
"""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.entries import body_of
from tests.verification.stories.story import (
    IIN,
    at_statement,
    begin,
    decisions,
    in_parallel,
    lender,
    make_due,
    signed,
)
from verification import tasks
from verification.access import openings
from verification.case import dossier, policy, steps
from verification.core.errors import Conflict, FenceLost, NotYourTurn
from verification.models import Attempt, AuditEntry, EvidenceItem, Verification
from verification.sources import installed
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import queue
from verification.worker import run as advance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


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


def test_a_fault_while_the_result_is_written_is_released_at_once_and_tried_again(
    issued, monkeypatch
):
    story, put = signed(issued), dossier.put

    def broken(*args, **kwargs):
        raise OSError("the disk is full")

    monkeypatch.setattr(dossier, "put", broken)
    story.work()
    entry = AuditEntry.objects.get(verification_id=story.id, type="step.faulted")
    assert (entry.body["cause"], entry.body["faults"]) == ("OSError", 1)
    assert (story.row().fence, story.row().step) == ("", "judge")
    monkeypatch.setattr(dossier, "put", put)
    make_due(story)
    story.work()
    assert (story.row().status, decisions(story)) == ("verified", 1)


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
    killed = queue.claim(story.id)  # its process dies here, with the lease in the row
    assert killed is not None
    story.work()
    assert story.row().status == "processing", "nobody may take a leased step"
    Verification.objects.filter(pk=story.id).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )
    story.work()
    assert (story.row().status, decisions(story)) == ("verified", 1)


def test_a_worker_that_comes_back_late_writes_nothing(issued):
    story = signed(issued)
    late = queue.claim(story.id)
    assert late is not None
    Verification.objects.filter(pk=story.id).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )
    story.work()
    entries = AuditEntry.objects.count()
    with pytest.raises(FenceLost):
        advance.run(late)
    advance.release(late, RuntimeError("late"))
    assert (AuditEntry.objects.count(), decisions(story)) == (entries, 1)


def test_a_step_whose_workers_die_without_a_word_ends_in_failed(issued, monkeypatch):
    story = signed(issued)
    monkeypatch.setattr(dossier, "on_record", killed)
    for _ in range(policy.FAULTS_MAX):
        claimed = queue.claim(story.id)
        assert claimed is not None
        with pytest.raises(SystemExit):
            advance.run(claimed)
        Verification.objects.filter(pk=story.id).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )
    story.work()
    assert (story.row().status, decisions(story)) == ("failed", 1)
    told = [
        body_of(entry) for entry in AuditEntry.objects.filter(type="step.faulted").order_by("pk")
    ]
    lost = {"v": 1, "step": "judge", "cause": "worker_lost"}
    assert told == [{**lost, "faults": number} for number in range(1, policy.FAULTS_MAX + 1)]


@pytest.mark.parametrize("faults", [policy.FAULTS_MAX, 99])
def test_a_count_of_faults_that_somebody_else_wrote_ends_nothing(issued, faults):
    story = signed(issued)
    Verification.objects.filter(pk=story.id).update(faults=faults)
    story.work()
    assert story.row().status == "verified"
    [told] = [entry.body for entry in AuditEntry.objects.filter(type="step.faulted")]
    assert (told["cause"], told["faults"]) == ("worker_lost", 1)


def killed(*_, **__):
    raise SystemExit


def test_nobody_cancels_an_answer_that_is_not_judged_yet(issued):
    story = signed(issued)

    def is_refused():
        with pytest.raises(Conflict) as caught:
            openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
        return caught.value.code == "answer_not_judged"

    assert is_refused()
    judging = queue.claim(story.id)
    assert judging is not None
    assert is_refused()
    advance.run(judging)
    assert (story.row().status, decisions(story)) == ("verified", 1)


def test_a_verification_canceled_while_a_worker_prepares_stays_canceled():
    story = begin(lender())
    story.answer(agreed=True, version=CURRENT, language="ru")
    story.work()
    story.answer(somebody_tells_me=False)
    tasks.advance(story.id)  # judges it, and leaves the statement to be prepared
    assert story.row().step == steps.PREPARE
    preparing = queue.claim(story.id)
    assert preparing is not None
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    with pytest.raises(FenceLost):
        advance.run(preparing)
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
            story.answer_turn(turn, {"agreed": True, "version": CURRENT, "language": "kk"})
        except NotYourTurn:
            return 0
        return 1

    assert sum(in_parallel(post, 64)) == 1
    assert EvidenceItem.objects.filter(verification_id=story.id, kind="consent.answer").count() == 1


def test_an_answer_that_cannot_be_read_leaves_the_turn_open():
    story = begin(lender())
    turn = story.page().turn
    entries = AuditEntry.objects.count()
    for junk in ({}, {"agreed": "yes"}, {"agreed": True, "version": "old", "language": "kk"}):
        with pytest.raises(Exception, match="consent"):
            story.answer_turn(turn, junk)
    assert story.page().turn == turn
    assert AuditEntry.objects.count() == entries


def test_an_answer_to_an_earlier_turn_fits_no_later_attempt(issued):
    story = at_statement()
    old = story.page().turn
    story.sign(issued(iin="990101100020"))
    story.work()
    with pytest.raises(NotYourTurn):
        story.answer_turn(old, {"signature": "AAAA"})


def test_a_second_verification_of_the_borrower_waits_while_the_first_is_open_and_then_goes_on(
    issued,
):
    of = lender()
    first, second = begin(of, "A-1").to_statement(), begin(of, "A-2").to_statement()
    assert first.page().page == "statement"
    assert (second.page().page, second.page().notice, second.row().step) == (
        "wait",
        "borrower_busy",
        "open",
    )
    first.sign(issued())
    first.work()
    make_due(second)
    second.work()
    assert (second.page().page, second.page().notice) == ("statement", "")


def test_a_second_decision_is_refused_by_the_database_itself(issued):
    story = signed(issued)
    story.work()
    with pytest.raises(Exception, match=r"(?i)unique"), connection.cursor():
        AuditEntry.objects.create(
            log="test",
            type="verification.declined",
            at=timezone.now(),
            verification_id=story.id,
            body={},
        )


def test_the_fence_is_the_first_statement_of_the_transaction_that_writes(
    issued, django_assert_num_queries
):
    story = signed(issued)
    claimed = queue.claim(story.id)
    assert claimed is not None
    Verification.objects.filter(pk=story.id).update(fence="another")
    with pytest.raises(FenceLost):
        queue.require_fence(claimed)
    assert claimed.pk == story.id
    assert IIN not in str(story.row().__dict__)
