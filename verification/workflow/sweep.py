"""One round of `manage.py tick`: lapse, expire, ring what is due, order the log. Any number may run at once."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from verification.audit import log, sequencer
from verification.core.errors import Conflict, TulgaError
from verification.core.status import Move, Status
from verification.models import Attempt, AuditEntry, Verification
from verification.workflow import attempts, cases, doorbell, policy, progress, quotas, stages, transition

logger = logging.getLogger(__name__)

# What one unreadable row or one inconsistent log may raise; anything else is a fault of the program and ends the round.
ROW_FAULTS = (TulgaError, DatabaseError, LookupError, TypeError, ValueError)


def run_round(*, deliveries: bool = True) -> int:
    """Does everything that is due once; gives the number of things done.

    `deliveries`: also rings for deliveries whose retry may be due, not only for those just ordered.
    """
    at = timezone.now()
    # The log comes first: a broker that hangs, or a row that cannot be read, must not keep entries from being ordered.
    ordered = {mode: _guarded(_order, mode, at=at) for mode in modes()}
    done = sum(ordered.values())
    done += sum(_guarded(_lapse, attempt_id, at=at) for attempt_id in _silent(at=at))
    done += sum(_guarded(_expire, pk, at=at) for pk in _overdue(at=at))
    if deliveries:
        quotas.forget(at=at)
    heard = [mode for mode, number in ordered.items() if number or deliveries]
    if all(doorbell.ring(doorbell.DELIVER, mode, queue="webhooks") for mode in heard):
        done += _ring_due(at=at)
    return done


def _guarded(work: Callable[..., int], name: str, *, at: datetime) -> int:
    """The work on one row or log; a fault there is logged and stops nothing else."""
    try:
        return work(name, at=at)
    except ROW_FAULTS as fault:
        logger.error("sweep: %s of %s failed (%s)", work.__name__.strip("_"), name, type(fault).__name__)
        return 0


def _order(mode: str, *, at: datetime) -> int:
    log.heartbeat(mode, at=at)
    return sequencer.order(mode)


def refuse_forked_log() -> None:
    """Raises `LogInconsistent` if a log is not the one that was signed last, as after restoring an old backup."""
    for mode in modes():
        sequencer.verify_head(mode)


def modes() -> tuple[str, ...]:
    """The modes this deployment runs; each has its own log and keys."""
    return ("test", "live") if settings.TULGA_MODES_LIVE else ("test",)


def _silent(*, at: datetime) -> list[str]:
    silent = Attempt.objects.filter(status=attempts.OPEN, expires_at__lte=at)
    return list(silent.order_by("expires_at").values_list("pk", flat=True)[: policy.SWEEP_BATCH])


def _lapse(attempt_id: str, *, at: datetime) -> int:
    """Ends a dialogue the borrower let run out. It burns an attempt only if the stage's timeout code says so."""
    with transaction.atomic():
        attempt = Attempt.objects.get(pk=attempt_id)
        # The verification's row is locked first, as everywhere.
        verification = Verification.objects.select_for_update().get(pk=attempt.verification_id)
        attempt = Attempt.objects.get(pk=attempt_id)
        attempt.verification = verification
        if attempt.expires_at > at or not attempts.lapse(attempt, at=at):
            return 0
        stage = stages.known(attempt.route, attempt.stage)
        if stage and attempt.burnt and verification.status == Status.REQUIRES_INPUT:
            progress.refused(verification, stage, attempt.code, key=cases.key_of(verification), at=at)
        else:
            Verification.objects.filter(pk=verification.pk).update(last_failure=attempt.code)
    return 1


def _overdue(*, at: datetime) -> list[str]:
    waiting = Q(status=Status.REQUIRES_INPUT, expires_at__lte=at)
    review_since = at - timedelta(seconds=policy.REVIEW_SECONDS)
    # The newest entry counts: a case may come to the reviewers a second time.
    recent = AuditEntry.objects.filter(verification=OuterRef("pk"), type="verification.in_review", at__gt=review_since)
    overdue = Verification.objects.filter(waiting | (Q(status=Status.IN_REVIEW) & ~Exists(recent)))
    return list(overdue.values_list("pk", flat=True)[: policy.SWEEP_BATCH])


def _expire(verification_id: str, *, at: datetime) -> int:
    try:
        with transaction.atomic():
            verification = Verification.objects.get(pk=verification_id)
            in_review = verification.status == Status.IN_REVIEW
            code = "review_timeout" if in_review else "verification_expired"
            transition.move(verification, Move.EXPIRE, at=at, code=code)
            attempts.leave(verification, at=at)
    except Conflict:
        # The borrower or a worker was faster; the next round looks again.
        return 0
    return 1


def _due(*, at: datetime) -> Iterator[tuple[str, str]]:
    due = Verification.objects.filter(due_at__lte=at).exclude(step="")
    free = due.filter(Q(lease_until=None) | Q(lease_until__lt=at)).filter(Q(rung_until=None) | Q(rung_until__lt=at))
    for pk, route, stage in free.order_by("due_at").values_list("pk", "route", "stage")[: policy.SWEEP_BATCH]:
        known = stages.known(route, stage)
        yield pk, known.queue if known else "default"


def _ring_due(*, at: datetime) -> int:
    """Rings for the steps that are due; after the first bell that is not heard, the next round tries again."""
    rung = 0
    for pk, queue in _due(at=at):
        if not _ring(pk, queue=queue, at=at):
            break
        rung += 1
    return rung


def _ring(verification_id: str, *, queue: str, at: datetime) -> bool:
    until = at + timedelta(seconds=policy.RING_AGAIN_SECONDS)
    unrung = Verification.objects.filter(Q(rung_until=None) | Q(rung_until__lt=at), pk=verification_id)
    if unrung.update(rung_until=until) != 1:
        return True  # another sweep was faster
    return doorbell.ring(doorbell.ADVANCE, verification_id, queue=queue)
