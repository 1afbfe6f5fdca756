"""One round of `manage.py tick`: orders the log, and finds what time makes due. Several may run at
once.

It judges and ends nothing, and sends no message for waiting steps: workers find due steps by
polling.
It deletes nothing but requests of people to read their data, after their hour.
For ended dialogues, expired cases, old frames and old personal data it schedules a step at the due
time.
An earlier schedule would only swell the queue's index.

It also sums the changes of monthly counts, which triggers insert beside each changed verification
(see the migration).
Business transactions only insert, so they do not contend. The sweep alone updates a count, row by
row in one order.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from django.db import DatabaseError, transaction
from django.db.models import F, Q

from verification import clock, transactions
from verification.access import rates, subjects
from verification.case import attempts, policy, steps
from verification.core.errors import TulgaError
from verification.core.status import TERMINAL, Status
from verification.log import entries, keys, log, sequencer
from verification.models import Attempt, MonthlyChange, MonthlyCount, Verification
from verification.worker import destruction

logger = logging.getLogger(__name__)

OVERDUE_SECONDS = 3600
"""Age at which a due destruction is reported, seconds.

Ours: a worker of its queue needs seconds, and a faulted step is retried within the hour.
"""

# Errors of one unreadable row or one inconsistent log; any other error is a program fault and ends
# the round.
ROW_FAULTS = (TulgaError, DatabaseError, LookupError, TypeError, ValueError)

_KEY: Final = ("mode", "month", "route", "status", "code", "last_failure")


def run_round(*, is_whole: bool = True) -> int:
    """Orders the logs and, in a full round, does everything else due; returns the number of
    actions.
    """
    at = clock.now()
    # The log comes first: an unreadable row must not keep entries from being ordered.
    done = sum(_guarded(_order, mode, at=at) for mode in modes())
    if not is_whole:
        return done
    # A row that already waits for a worker would be found in each round. Only an end does not wait
    # for other steps.
    unended, since = (
        ~Q(step__in=(steps.EXPIRE, steps.STOP)),
        at - timedelta(seconds=policy.REVIEW_SECONDS),
    )
    # Sufficient votes are weighed at once; if that faults for an hour, the case expires anyway.
    unweighed = ~Q(step=steps.WEIGH) | Q(
        faults__gt=0, in_review_since__lte=since - timedelta(seconds=OVERDUE_SECONDS)
    )
    overdue = Q(unended, status=Status.REQUIRES_INPUT, expires_at__lte=at)
    in_review = Q(unended, unweighed, status=Status.IN_REVIEW, in_review_since__lte=since)
    doomed = Q(step="", frames_until__lte=at, status__in=sorted(TERMINAL))
    outdated = Q(step="", kept_until__lte=at, status__in=sorted(TERMINAL))
    silent = Attempt.objects.filter(status=attempts.OPEN, expires_at__lte=at, verification__step="")
    rows = Verification.objects.all()
    # Each with its index: an OR would read all open rows.
    for step, queue_name, due, query in (
        (steps.EXPIRE, policy.ENDING_QUEUE, overdue, rows.filter(overdue).order_by("expires_at")),
        (
            steps.EXPIRE,
            policy.ENDING_QUEUE,
            in_review,
            rows.filter(in_review).order_by("in_review_since"),
        ),
        (steps.LAPSE, policy.ENDING_QUEUE, Q(step=""), silent.order_by("expires_at")),
        (steps.DESTROY, destruction.QUEUE, doomed, rows.filter(doomed).order_by("frames_until")),
        (steps.PURGE, destruction.QUEUE, outdated, rows.filter(outdated).order_by("kept_until")),
    ):
        ids = query.values_list("verification_id" if query.model is Attempt else "pk", flat=True)
        owe = partial(_owe, step, queue_name, due)
        done += sum(_guarded(owe, pk, at=at, task=step) for pk in list(ids[: policy.SWEEP_BATCH]))
    done += _guarded(_forget_requests, "requests", at=at, task="forget")
    add_up_months()
    return done


def _guarded(work: Callable[..., int], name: str, *, at: datetime, task: str = "order") -> int:
    """Runs the work on one row or log; a fault is logged and stops nothing else."""
    try:
        return work(name, at=at)
    except ROW_FAULTS as fault:
        told = f": {fault.detail}" if isinstance(fault, TulgaError) else ""
        logger.error("sweep: %s of %s failed (%s%s)", task, name, type(fault).__name__, told)
        return 0


def _order(mode: str, *, at: datetime) -> int:
    if log.heartbeat(mode, at=at):
        # Hourly: soon enough for daily counts.
        attempts.forget_quotas(at=at)
        rates.forget(at=at)
        sequencer.ask_again(mode)
        if overdue := frames_overdue(at=at, mode=mode):
            warning = (
                "sweep: %d of %s keep frames too long: check that a worker serves the queue %s"
            )
            logger.error(warning, overdue, mode, destruction.QUEUE)
        if overdue := purges_overdue(at=at, mode=mode):
            warning = (
                "sweep: %d of %s keep personal data too long: check that a worker serves the queue"
                " %s"
            )
            logger.error(warning, overdue, mode, destruction.QUEUE)
    return sequencer.order(mode)


def frames_overdue(*, at: datetime, **condition: str) -> int:
    """How many ended verifications keep frames too long: no worker destroys them, or the step
    faults.
    """
    since = at - timedelta(seconds=OVERDUE_SECONDS)
    with transactions.looking_up("overdue"):
        return Verification.objects.filter(
            frames_until__lte=since, status__in=sorted(TERMINAL), **condition
        ).count()


def purges_overdue(*, at: datetime, **condition: str) -> int:
    """How many verifications keep personal data longer than their retention, and no related one
    holds them.
    """
    since = at - timedelta(seconds=OVERDUE_SECONDS)
    is_owed = Q(step="") | Q(due_at__lte=since)
    with transactions.looking_up("overdue"):
        return Verification.objects.filter(
            is_owed, kept_until__lte=since, status__in=sorted(TERMINAL), **condition
        ).count()


def entries_refused() -> int:
    """How many entries the logs refuse: they need a worker's signature and lack it."""
    return entries.waiting(are_refused=True)


def refuse_forked_log() -> None:
    """Raises: `LogInconsistent` if a log differs from the last signed one, as after restoring an
    old backup.
    """
    for mode in modes():
        sequencer.verify_head(mode)


def put_keys_on_record() -> None:
    """Records in each log the keys that the root certified, from this host's files."""
    for mode in modes():
        log.certify(mode)


def modes() -> tuple[str, ...]:
    """The modes of this deployment; each has its own log and keys."""
    return keys.ordered_logs()


def _owe(step: str, queue_name: str, due: Q, verification_id: str, *, at: datetime) -> int:
    """Schedules a worker's step for the row, if the cause still holds under the lock."""
    with transactions.writing():
        rows = Verification.objects.select_for_update().filter(due, pk=verification_id)
        row = rows.only("pk").first()  # tick has no right to sealed columns
        if row is None:
            return 0
        steps.schedule(row, step, due_at=at, queue=queue_name)
    return 1


def _forget_requests(_: str, *, at: datetime) -> int:
    with transactions.writing():
        return subjects.forget(at=at)


def add_up_months() -> int:
    """Adds the oldest changes to their counts, in one transaction; returns their number.
    Parallel runs are safe.
    """
    changes = list(MonthlyChange.objects.order_by("pk")[: policy.COUNT_BATCH])
    if not changes:
        return 0
    with transactions.writing():
        deleted, _ = MonthlyChange.objects.filter(pk__in=[change.pk for change in changes]).delete()
        if deleted != len(changes):
            # Another run counted some of them: count none twice, and leave the rest for the next
            # round.
            transaction.set_rollback(True)
            return 0
        sums: Counter[tuple[object, ...]] = Counter()
        for change in changes:
            sums[tuple(getattr(change, name) for name in _KEY)] += change.number
        for key in sorted(sums, key=str):
            columns = dict(zip(_KEY, key, strict=True))
            counted = MonthlyCount.objects.filter(**columns)
            if not counted.update(number=F("number") + sums[key]):
                # Of two that find no count one inserts it at 0, and both add to it.
                MonthlyCount.objects.get_or_create(**columns, defaults={"number": 0})
                counted.update(number=F("number") + sums[key])
    return len(changes)
