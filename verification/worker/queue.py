"""The queue is the rows: a due step is reserved, claimed as it starts, finished by its fence.

1. `case.steps.schedule` writes down that a worker owes a row a step, and rings once at the commit.
2. `reserve` takes a batch of due rows in hand for some seconds. It charges nothing: a worker
   that is killed with a full batch costs those rows these seconds alone.
3. `claim` is made as a step starts: a lease, a fresh random fence, one fault counted.
4. `require_fence` is the first statement of the transaction that writes a result. It forgets the
   step and its faults.
5. `release` gives a faulted step back, due after a while.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from django.db.models import Exists, F, Q, QuerySet

from verification import clock, transactions
from verification.case import moving, policy
from verification.case.moving import NO_STEP, History, catch_up
from verification.core.errors import FenceLost
from verification.models import Verification

STEP_FAULTED: Final = "step.faulted"


def reserve(
    queues: Sequence[str],
    *,
    limit: int,
    at: datetime,
    last_lenders: Mapping[str, str] = MappingProxyType({}),
) -> tuple[dict[str, str], dict[str, str]]:
    """Takes up to `limit` due rows of these queues in hand; gives the queue of each by its id, in
    the order in which they were found, and whose turn was last in each queue.

    Queues are asked in the order given, each by its index; the caller turns them, so that none
    waits for another. Lenders of a queue come in turn as well, beginning behind the one in
    `last_lenders`, each with what is longest due first: a lender that sends a thousand borrowers at
    once makes others wait for one batch of theirs, not for a thousand steps. Once all that was due
    is in hand no lender waits, and the next look begins anew: it asks each queue once.
    """
    reserved: dict[str, str] = {}
    last = dict(last_lenders)
    # Most looks find nothing, and cost one question, of whichever row comes first, and no
    # transaction that writes.
    are_due = [Exists(_free_to_take(at).filter(queue=queue)) for queue in queues]
    # Before there is any row there is no answer.
    answers = Verification.objects.order_by("pk").values_list(*are_due).first() or ()
    due = [queue for queue, is_due in zip(queues, answers, strict=False) if is_due]
    if not due:
        return reserved, {}
    # The lenders behind the last one, then all others.
    order = {
        queue: (Q(lender__gt=lender_id_before), Q(lender__lte=lender_id_before))
        for queue, lender_id_before in last.items()
    }
    turns = [(queue, turn) for queue in due for turn in order.get(queue, (Q(),))]
    with transactions.writing():
        for queue, turn in turns:
            # What another worker is just reserving is passed over, not waited for. SQLite has one
            # writer at a time.
            rows = (
                _free_to_take(at)
                .filter(turn, queue=queue)
                .select_for_update(skip_locked=True)
                .order_by("lender_id", "due_at")
            )
            for row_id, lender_id in rows.values_list("pk", "lender_id")[: limit - len(reserved)]:
                reserved[row_id] = queue
                last[queue] = lender_id
            if len(reserved) >= limit:
                break
        until = at + timedelta(seconds=policy.RESERVED_SECONDS)
        Verification.objects.filter(pk__in=reserved).update(reserved_until=until)
    return reserved, last if len(reserved) == limit else {}


def record_fault(
    row: Verification,
    *,
    at: datetime,
    step: str,
    cause: str,
    faults: int,
    source: str | None = None,
) -> None:
    """Puts on record that a step faulted, so many times in a row.

    step, faults: what the row owed; the fence has cleared them on the row. source: which of those
    outside was silent; empty if it was none, left out where it is not told.
    """
    body: dict[str, Any] = {"step": step, "cause": cause, "faults": faults}
    body |= {} if source is None else {"source": source}
    moving.record(row, STEP_FAULTED, at=at, body=body)


def give_back(ids: Sequence[str]) -> None:
    """Lets others have what was reserved and will not be started, as when a worker ends."""
    with transactions.writing():
        Verification.objects.filter(pk__in=ids, lease_until=None).update(reserved_until=None)


def claim(verification_id: str) -> Verification | None:
    """Takes the step that is due: a lease, a fresh random fence, one fault counted. None if nothing
    is to take."""
    # Random, not counted: a database put back from a backup would count the same fences again.
    fence, at = secrets.token_hex(16), clock.now()
    until = at + timedelta(seconds=policy.LEASE_SECONDS)
    with transactions.writing():
        mine = _free(at).filter(pk=verification_id)
        # Of two that claim at once one waits for the other's row, and PostgreSQL then looks at the
        # condition anew: it finds nothing.
        columns = {"fence": fence, "lease_until": until, "reserved_until": None}
        if mine.update(**columns, faults=F("faults") + 1) != 1:
            return None
        return Verification.objects.select_related("key").get(pk=verification_id)


def require_fence(verification: Verification) -> None:
    """Must be the first statement of a result's transaction: clears the step if the fence is still
    ours.

    It locks the row, so that the transaction may hold it. Of a new consent it locks first the
    verification that is renewed, as every transaction that locks both does. Raises `FenceLost`.
    """
    if verification.renews_id:
        Verification.objects.select_for_update().only("pk").get(pk=verification.renews_id)
    if _with_fence(verification).update(**NO_STEP) != 1:
        raise FenceLost(f"{verification.pk}: the lease ran out")
    for name, value in NO_STEP.items():
        setattr(verification, name, value)


@contextmanager
def finishing(history: History) -> Iterator[None]:
    """The transaction that ends a step of a case; its entries and rows are written at the end.

    1 the fence   2 what came since the history was read   3 what happens within. Raises
    `FenceLost`, and `EvidenceUnreadable` (entries_unsound) where an entry that came does not count.
    """
    with transactions.writing():
        require_fence(history.row)
        catch_up(history)
        with moving.moving(history):
            yield


def correct(verification: Verification, *, faults: int) -> bool:
    """Says of a claimed step how often it was tried; False if another worker has it by now."""
    verification.faults = faults
    return _with_fence(verification).update(faults=faults) == 1


def release(verification: Verification, *, due_at: datetime, faults: int) -> bool:
    """Gives a claimed step back, due later and with so many faults; False if another worker has it
    by now."""
    return (
        _with_fence(verification).update(fence="", lease_until=None, due_at=due_at, faults=faults)
        == 1
    )


def _free_to_take(at: datetime) -> QuerySet[Verification, Verification]:
    """Of the free rows those that no worker has in hand."""
    return _free(at).filter(Q(reserved_until=None) | Q(reserved_until__lt=at))


def _free(at: datetime) -> QuerySet[Verification, Verification]:
    """Rows with a step that is due and that no worker holds."""
    return Verification.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=at), due_at__lte=at
    ).exclude(step="")


def _with_fence(verification: Verification) -> QuerySet[Verification, Verification]:
    # Free rows all have the empty fence: a worker that never claimed would hold them.
    return (
        Verification.objects.filter(pk=verification.pk, fence=verification.fence)
        .exclude(step="")
        .exclude(fence="")
    )
