"""The rows are the queue: a due step is reserved, claimed at its start, and finished under its
fence.

1. `case.steps.schedule` writes down a row's due step, and sends a message at the commit.
2. `reserve` takes a batch of due rows for some seconds. It counts no fault: a killed worker delays
   its batch only by these seconds.
3. `claim` starts a step: a lease, a fresh random fence, one fault counted.
4. `require_fence` is the first statement of a result's transaction. It clears the step and its
   faults.
5. `release` gives back a faulted step, due after a while.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from verification import clock, transactions
from verification.case import contents, dossier, moving, policy
from verification.case.moving import NO_STEP, History, catch_up
from verification.core.errors import FenceLost
from verification.evidence import store
from verification.models import Verification

STEP_FAULTED: Final = "step.faulted"


def reserve(
    queues: Sequence[str],
    *,
    limit: int,
    at: datetime,
    last_lenders: Mapping[str, str] = MappingProxyType({}),
) -> tuple[dict[str, str], dict[str, str]]:
    """Reserves up to `limit` due rows of these queues.

    Returns each row's queue by its id, in the order found, and the last served lender of each
    queue.
    Queues are asked in the given order, each by its index; the caller rotates them, so that no
    queue starves.
    Lenders of a queue also rotate, starting after the one in `last_lenders`, each with its oldest
    due step first.
    So a lender with a thousand borrowers delays others by one batch, not by a thousand steps.
    Once all due rows are reserved, the next look starts again and asks each queue once.
    """
    reserved: dict[str, str] = {}
    last = dict(last_lenders)
    # Most looks find nothing: they cost one query on any row, and no writing transaction.
    are_due = [Exists(_free_to_take(at).filter(queue=queue)) for queue in queues]
    # Without any row there is no answer.
    answers = Verification.objects.order_by("pk").values_list(*are_due).first() or ()
    due = [queue for queue, is_due in zip(queues, answers, strict=False) if is_due]
    if not due:
        return reserved, {}
    # The lenders after the last one, then all others.
    order = {
        queue: (Q(lender__gt=lender_id_before), Q(lender__lte=lender_id_before))
        for queue, lender_id_before in last.items()
    }
    turns = [(queue, turn) for queue in due for turn in order.get(queue, (Q(),))]
    with transactions.writing():
        for queue, turn in turns:
            # Rows that another worker is reserving are skipped. SQLite has one writer at a time.
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
    """Records a step's fault and its count in a row.

    step, faults: the row's step; the fence has cleared them on the row.
    source: the silent outside source; empty if it was none, left out if unknown.
    """
    body: dict[str, Any] = {"step": step, "cause": cause, "faults": faults}
    body |= {} if source is None else {"source": source}
    moving.record(row, STEP_FAULTED, at=at, body=body)


def give_back(ids: Sequence[str]) -> None:
    """Frees reserved rows that will not be started, as when a worker ends."""
    with transactions.writing():
        Verification.objects.filter(pk__in=ids, lease_until=None).update(reserved_until=None)


def claim(verification_id: str) -> Verification | None:
    """Claims a due step: a lease, a fresh random fence, one fault counted. None if no step is
    available.
    """
    # Random, not counted: a restored backup would repeat counted fences.
    fence, at = secrets.token_hex(16), clock.now()
    until = at + timedelta(seconds=policy.LEASE_SECONDS)
    with transactions.writing():
        mine = _free(at).filter(pk=verification_id)
        # Of two claims at once one waits for the row; PostgreSQL then rechecks the condition and
        # finds nothing.
        columns = {"fence": fence, "lease_until": until, "reserved_until": None}
        if mine.update(**columns, faults=F("faults") + 1) != 1:
            return None
        # From now on only this step lends evidence of the row, or takes it back.
        is_lent = Exists(store.lent_of(OuterRef("pk")))
        rows = Verification.objects.select_related("key").annotate(is_lent=is_lent)
        return rows.get(pk=verification_id)


def require_fence(verification: Verification) -> None:
    """Clears the step if the fence is still ours, and takes back what was lent of the case. Must be
    the first statement of a result's transaction.

    It locks the row for the transaction. For a renewed consent it first locks the renewed
    verification, as everywhere.

    Raises: `FenceLost`.
    """
    if verification.renews_id:
        Verification.objects.select_for_update().only("pk").get(pk=verification.renews_id)
    if _with_fence(verification).update(**NO_STEP) != 1:
        raise FenceLost(f"{verification.pk}: the lease ran out")
    for name, value in NO_STEP.items():
        setattr(verification, name, value)
    if getattr(verification, "is_lent", True):
        store.take_back(verification.pk)


@contextmanager
def finishing(history: History) -> Iterator[None]:
    """The transaction that ends a step of a case; entries and rows are written at its end.

    1 the fence   2 entries since the history was read   3 the body   4 what reviewers see is lent,
    while the case waits for them.

    Raises: `FenceLost`, and `EvidenceUnreadable` (entries_unsound) for an invalid new entry.
    """
    with transactions.writing():
        require_fence(history.row)
        catch_up(history)
        with moving.moving(history):
            yield
            if history.state.in_review and not history.state.end:
                dossier.lend_shown(history, key=contents.key_of(history.row))


def correct(verification: Verification, *, faults: int) -> bool:
    """Sets the number of tries of a claimed step; False if another worker has it by now."""
    verification.faults = faults
    return _with_fence(verification).update(faults=faults) == 1


def release(verification: Verification, *, due_at: datetime, faults: int) -> bool:
    """Gives back a claimed step, due later and with so many faults; False if another worker has
    it by now.
    """
    return (
        _with_fence(verification).update(fence="", lease_until=None, due_at=due_at, faults=faults)
        == 1
    )


def _free_to_take(at: datetime) -> QuerySet[Verification, Verification]:
    """Free rows that no worker has reserved."""
    return _free(at).filter(Q(reserved_until=None) | Q(reserved_until__lt=at))


def _free(at: datetime) -> QuerySet[Verification, Verification]:
    """Rows with a due step and without a worker's claim."""
    return Verification.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=at), due_at__lte=at
    ).exclude(step="")


def _with_fence(verification: Verification) -> QuerySet[Verification, Verification]:
    # Free rows have the empty fence: without it a worker could own rows that it never claimed.
    return (
        Verification.objects.filter(pk=verification.pk, fence=verification.fence)
        .exclude(step="")
        .exclude(fence="")
    )
