"""The only writer of a status, and of the log entries about a verification. All of it runs inside a transaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from verification.audit import log
from verification.core import status
from verification.core.errors import Conflict
from verification.core.status import Move, Status
from verification.models import Verification
from verification.workflow import policy
from verification.workflow.moving import queue


@contextmanager
def holding(verification: Verification) -> Iterator[None]:
    """What happens within to a row is written at the end: its columns in one UPDATE, its entries in two INSERTs.

    This transaction has locked the row, and read it since. Raises `Conflict` if something within wrote it all the same,
    through another object; after an error nothing is written.
    """
    before, verification.held = verification.sequence, {}
    try:
        with log.gathering():
            yield
            columns = verification.held
            unmoved = Verification.objects.filter(pk=verification.pk, sequence=before)
            if columns and unmoved.update(**columns) != 1:
                raise Conflict("the row was written beside", code="status_changed")
    finally:
        verification.held = None


def write(verification: Verification, **columns: Any) -> None:
    """Sets columns of a row that this transaction holds; one that is not inserted yet takes them along when it is."""
    if not _set(verification, columns):
        Verification.objects.filter(pk=verification.pk).update(**columns)


def count_up(verification: Verification, counter: str, **columns: Any) -> None:
    """Adds one to a counter of the row, which also locks it, and sets columns with it."""
    count = getattr(verification, counter) + 1
    if not _set(verification, {**columns, counter: count}):
        own = Verification.objects.filter(pk=verification.pk)
        own.update(**columns, **{counter: F(counter) + 1})
        setattr(verification, counter, own.values_list(counter, flat=True).get())


def _set(verification: Verification, columns: Mapping[str, Any]) -> bool:
    """Sets columns of the object; whether they are written later, by `holding` or with the row itself."""
    for name, value in columns.items():
        setattr(verification, name, value)
    if verification.held is not None:
        verification.held |= columns
    return verification.held is not None or verification._state.adding


def record(verification: Verification, entry_type: str, *, at: datetime, body: Mapping[str, Any] | None = None) -> None:
    """Appends one entry about this verification, numbered within it. The counting UPDATE also locks the row."""
    count_up(verification, "sequence")
    log.append(
        log=verification.mode,
        type=entry_type,
        verification=verification,
        lender=verification.lender_id,
        body=body or {},
        at=at,
        verification_sequence=verification.sequence,
    )


def move(
    verification: Verification, how: Move, *, at: datetime, code: str = "", body: Mapping[str, Any] | None = None
) -> None:
    """Moves the status by the table and logs it; raises `Conflict` if somebody else moved it meanwhile.

    Whether it waits for the borrower or for us is no entry: what is asked, answered and judged has one each.
    """
    if (to := status.MOVES.get((Status(verification.status), how))) is None:
        raise Conflict(f"a verification that is {verification.status} cannot {how}", code="illegal_transition")
    columns: dict[str, Any] = {"status": to, "code": code}
    if to is Status.IN_REVIEW:
        columns["in_review_since"] = at
    if to in status.TERMINAL:
        columns |= {"finished_at": at, **queue.NO_STEP}
        if verification.frames_until is not None:
            columns["frames_until"] = at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS)
    unmoved = Verification.objects.filter(pk=verification.pk, status=verification.status)
    if not _set(verification, columns) and unmoved.update(**columns) != 1:
        raise Conflict("the status changed meanwhile", code="status_changed")
    if to in (Status.REQUIRES_INPUT, Status.PROCESSING):
        return
    details = {"code": code, "profile": verification.profile_id, "profile_sha256": verification.profile_sha256}
    record(verification, f"verification.{to}", at=at, body={**details, **(body or {})})
