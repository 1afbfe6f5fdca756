"""One round of `manage.py tick`: order the log, and find what time makes due. Any number may run.

It judges, ends and destroys nothing, and rings for no step that waits: workers find what is due by
themselves. That a dialogue or a case ran out, or that frames have been kept long enough, it writes
down for them: so long before it is due, a step would only swell the queue's index.

It also adds up the changes of monthly counts, which triggers write beside the verification that
changed (see the migration). Business transactions insert and never meet; the sweep alone touches a
count, row by row in one order.
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
from verification.access import rates
from verification.case import attempts, policy, steps
from verification.core.errors import TulgaError
from verification.core.status import TERMINAL, Status
from verification.log import entries, keys, log, sequencer
from verification.models import Attempt, MonthlyChange, MonthlyCount, Verification
from verification.worker import destruction

logger = logging.getLogger(__name__)

OVERDUE_SECONDS = 3600
"""How long after its time a destruction that is still owed is told. Ours: a worker that serves its
queue needs seconds, and a step that faults is tried again within the hour."""

# What one unreadable row or one inconsistent log may raise; anything else is a fault of the program
# and ends the round.
ROW_FAULTS = (TulgaError, DatabaseError, LookupError, TypeError, ValueError)

_KEY: Final = ("mode", "month", "route", "status", "code")


def run_round(*, is_whole: bool = True) -> int:
    """Orders the logs and, in a whole round, does everything else that is due; gives the number of
    things done."""
    at = clock.now()
    # The log comes first: a row that cannot be read must not keep entries from being ordered.
    done = sum(_guarded(_order, mode, at=at) for mode in modes())
    if not is_whole:
        return done
    # What already waits for a worker would be found again in each round. Only an end does not wait
    # for other steps.
    unended, since = (
        ~Q(step__in=(steps.EXPIRE, steps.STOP)),
        at - timedelta(seconds=policy.REVIEW_SECONDS),
    )
    # Votes that suffice are weighed at once; where that faults for an hour, the case's time is over
    # all the same.
    unweighed = ~Q(step=steps.WEIGH) | Q(
        faults__gt=0, in_review_since__lte=since - timedelta(seconds=OVERDUE_SECONDS)
    )
    overdue = Q(unended, status=Status.REQUIRES_INPUT, expires_at__lte=at)
    in_review = Q(unended, unweighed, status=Status.IN_REVIEW, in_review_since__lte=since)
    doomed = Q(step="", frames_until__lte=at, status__in=sorted(TERMINAL))
    silent = Attempt.objects.filter(status=attempts.OPEN, expires_at__lte=at, verification__step="")
    rows = Verification.objects.all()
    # Each with its index: with an OR all that is open would be read.
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
    ):
        ids = query.values_list("verification_id" if query.model is Attempt else "pk", flat=True)
        owe = partial(_owe, step, queue_name, due)
        done += sum(_guarded(owe, pk, at=at, task=step) for pk in list(ids[: policy.SWEEP_BATCH]))
    add_up_months()
    return done


def _guarded(work: Callable[..., int], name: str, *, at: datetime, task: str = "order") -> int:
    """The work on one row or log; a fault there is logged and stops nothing else."""
    try:
        return work(name, at=at)
    except ROW_FAULTS as fault:
        logger.error("sweep: %s of %s failed (%s)", task, name, type(fault).__name__)
        return 0


def _order(mode: str, *, at: datetime) -> int:
    if log.heartbeat(mode, at=at):
        # With the hour: soon enough for what is over by days.
        attempts.forget_quotas(at=at)
        rates.forget(at=at)
        sequencer.ask_again(mode)
        if overdue := frames_overdue(at=at, mode=mode):
            warning = "sweep: %d of %s keep frames too long: does a worker serve the queue %s?"
            logger.error(warning, overdue, mode, destruction.QUEUE)
    return sequencer.order(mode)


def frames_overdue(*, at: datetime, **condition: str) -> int:
    """How many that have ended keep frames longer than they may: no worker destroys them, or the
    step faults."""
    since = at - timedelta(seconds=OVERDUE_SECONDS)
    with transactions.looking_up("overdue"):
        return Verification.objects.filter(
            frames_until__lte=since, status__in=sorted(TERMINAL), **condition
        ).count()


def entries_refused() -> int:
    """How many entries the logs refuse: they say what only a worker may say, and none signed
    them."""
    return entries.waiting(are_refused=True)


def refuse_forked_log() -> None:
    """Raises `LogInconsistent` if a log is not the one that was signed last, as after restoring an
    old backup."""
    for mode in modes():
        sequencer.verify_head(mode)


def put_keys_on_record() -> None:
    """Has each log say which keys the root certified, by the files of this host."""
    for mode in modes():
        log.certify(mode)


def modes() -> tuple[str, ...]:
    """The modes this deployment runs; each has its own log and keys."""
    return keys.ordered_logs()


def _owe(step: str, queue_name: str, due: Q, verification_id: str, *, at: datetime) -> int:
    """A worker owes the row this step, if all that made it due still holds now that the row is
    locked."""
    with transactions.writing():
        row = Verification.objects.select_for_update().filter(due, pk=verification_id).first()
        if row is None:
            return 0
        steps.schedule(row, step, due_at=at, queue=queue_name)
    return 1


def add_up_months() -> int:
    """Puts the oldest changes into their counts, in one transaction; gives how many. Others may do
    the same beside.
    """
    changes = list(MonthlyChange.objects.order_by("pk")[: policy.COUNT_BATCH])
    if not changes:
        return 0
    with transactions.writing():
        deleted, _ = MonthlyChange.objects.filter(pk__in=[change.pk for change in changes]).delete()
        if deleted != len(changes):
            # Another has counted some of them: none of these is counted twice, the rest waits for
            # the next round.
            transaction.set_rollback(True)
            return 0
        sums: Counter[tuple[object, ...]] = Counter()
        for change in changes:
            sums[tuple(getattr(change, name) for name in _KEY)] += change.number
        for key in sorted(sums, key=str):
            columns = dict(zip(_KEY, key, strict=True))
            counted = MonthlyCount.objects.filter(**columns)
            if not counted.update(number=F("number") + sums[key]):
                # Of two that find no count one makes it, at 0, and both then add to that.
                MonthlyCount.objects.get_or_create(**columns, defaults={"number": 0})
                counted.update(number=F("number") + sums[key])
    return len(changes)
