"""One round of `manage.py tick`: order the log, let silent dialogues lapse and old cases expire. Any number may run.

It judges and destroys nothing, and rings for no step that waits: workers find what is due by themselves. That frames
have been kept long enough it finds for them: so long before it is due, a step would only swell the queue's index.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError

from verification import clock, transactions
from verification.audit import log, sequencer
from verification.core.errors import Conflict, TulgaError
from verification.core.status import TERMINAL, Move, Status
from verification.models import Attempt, Verification
from verification.workflow import cases, policy, stages
from verification.workflow.moving import (
    advance,
    attempts,
    destruction,
    monthly_counts,
    queue,
    quotas,
    rates,
    transition,
)

logger = logging.getLogger(__name__)

OVERDUE_SECONDS = 3600
"""How long after its time a destruction that is still owed is told. Ours: a worker that serves its queue needs seconds,
and a step that faults is tried again within the hour."""

# What one unreadable row or one inconsistent log may raise; anything else is a fault of the program and ends the round.
ROW_FAULTS = (TulgaError, DatabaseError, LookupError, TypeError, ValueError)


def run_round(*, is_whole: bool = True) -> int:
    """Orders the logs and, in a whole round, does everything else that is due; gives the number of things done."""
    at = clock.now()
    # The log comes first: a row that cannot be read must not keep entries from being ordered.
    done = sum(_guarded(_order, mode, at=at) for mode in modes())
    if not is_whole:
        return done
    silent = Attempt.objects.filter(status=attempts.OPEN, expires_at__lte=at).order_by("expires_at")
    done += sum(_guarded(_lapse, pk, at=at) for pk in list(silent.values_list("pk", flat=True)[: policy.SWEEP_BATCH]))
    waiting = Verification.objects.filter(status=Status.REQUIRES_INPUT, expires_at__lte=at).order_by("expires_at")
    review_since = at - timedelta(seconds=policy.REVIEW_SECONDS)
    in_review = Verification.objects.filter(status=Status.IN_REVIEW, in_review_since__lte=review_since)
    # Two statements, each with its index: with an OR all that is open would be read.
    for overdue in (waiting, in_review.order_by("in_review_since")):
        done += sum(
            _guarded(_expire, pk, at=at) for pk in list(overdue.values_list("pk", flat=True)[: policy.SWEEP_BATCH])
        )
    kept = Verification.objects.filter(frames_until__lte=at, step="", status__in=sorted(TERMINAL))
    over = list(kept.order_by("frames_until").values_list("pk", flat=True)[: policy.SWEEP_BATCH])
    done += sum(_guarded(_owe_destruction, pk, at=at) for pk in over)
    monthly_counts.add_up()
    return done


def _guarded(work: Callable[..., int], name: str, *, at: datetime) -> int:
    """The work on one row or log; a fault there is logged and stops nothing else."""
    try:
        return work(name, at=at)
    except ROW_FAULTS as fault:
        logger.error("sweep: %s of %s failed (%s)", work.__name__.strip("_"), name, type(fault).__name__)
        return 0


def _order(mode: str, *, at: datetime) -> int:
    if log.heartbeat(mode, at=at):
        # With the hour: soon enough for what is over by days.
        quotas.forget(at=at)
        rates.forget(at=at)
        if overdue := frames_overdue(at=at, mode=mode):
            told = "sweep: %d of %s keep frames too long: does a worker serve the queue %s?"
            logger.error(told, overdue, mode, destruction.QUEUE)
    return sequencer.order(mode)


def frames_overdue(*, at: datetime, **of: str) -> int:
    """How many that have ended keep frames longer than they may: no worker destroys them, or the step faults."""
    since = at - timedelta(seconds=OVERDUE_SECONDS)
    with transactions.looking_up("overdue"):
        return Verification.objects.filter(frames_until__lte=since, status__in=sorted(TERMINAL), **of).count()


def refuse_forked_log() -> None:
    """Raises `LogInconsistent` if a log is not the one that was signed last, as after restoring an old backup."""
    for mode in modes():
        sequencer.verify_head(mode)


def modes() -> tuple[str, ...]:
    """The modes this deployment runs; each has its own log and keys."""
    return ("test", "live") if settings.TULGA_MODES_LIVE else ("test",)


def _lapse(attempt_id: str, *, at: datetime) -> int:
    """Ends a dialogue the borrower let run out. It burns an attempt only if the stage's timeout code says so."""
    with transactions.writing():
        attempt = Attempt.objects.get(pk=attempt_id)
        # The verification's row is locked first, as everywhere.
        verification = Verification.objects.select_for_update().get(pk=attempt.verification_id)
        attempt = Attempt.objects.get(pk=attempt_id)
        attempt.verification = verification
        if attempt.expires_at > at or not attempts.lapse(attempt, at=at):
            return 0
        stage = stages.known(attempt.route, attempt.stage)
        if stage and attempt.burnt and verification.status == Status.REQUIRES_INPUT:
            advance.after_failure(verification, stage, attempt.code, key=cases.key_of(verification), at=at)
        else:
            Verification.objects.filter(pk=verification.pk).update(last_failure=attempt.code)
    return 1


def _expire(verification_id: str, *, at: datetime) -> int:
    try:
        with transactions.writing():
            verification = Verification.objects.get(pk=verification_id)
            in_review = verification.status == Status.IN_REVIEW
            code = "review_timeout" if in_review else "verification_expired"
            transition.move(verification, Move.EXPIRE, at=at, code=code)
            attempts.leave(verification, at=at)
    except Conflict:
        # The borrower or a worker was faster; the next round looks again.
        return 0
    return 1


def _owe_destruction(verification_id: str, *, at: datetime) -> int:
    """A worker owes the row the destruction of its frames, unless another round was faster."""
    with transactions.writing():
        due = Verification.objects.select_for_update().filter(pk=verification_id, frames_until__lte=at, step="")
        if (verification := due.first()) is None:
            return 0
        queue.schedule(verification, queue.DESTROY, due_at=at, queue=destruction.QUEUE)
    return 1
