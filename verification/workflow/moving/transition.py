"""The only writer of a status, and of the log entries about a verification. All of it runs inside a transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F

from verification.audit import log
from verification.core import status
from verification.core.errors import Conflict
from verification.core.status import Move, Status
from verification.models import Verification
from verification.workflow.moving import queue


def write(verification: Verification, **columns: Any) -> None:
    """Sets columns of a row that this transaction holds; one that is not inserted yet takes them along when it is."""
    for name, value in columns.items():
        setattr(verification, name, value)
    if not verification._state.adding:
        Verification.objects.filter(pk=verification.pk).update(**columns)


def count_up(verification: Verification, counter: str, **columns: Any) -> None:
    """Adds one to a counter of the row, which also locks it, and sets columns with it."""
    count = getattr(verification, counter) + 1
    if not verification._state.adding:  # else nobody but us knows of it
        own = Verification.objects.filter(pk=verification.pk)
        own.update(**columns, **{counter: F(counter) + 1})
        count = own.values_list(counter, flat=True).get()
    for name, value in {**columns, counter: count}.items():
        setattr(verification, name, value)


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

    That it is with us for a moment is told to nobody: the answer before and the judgement after have their entries.
    """
    to = status.after(Status(verification.status), how)
    columns: dict[str, Any] = {"status": to, "code": code}
    if to is Status.IN_REVIEW:
        columns["in_review_since"] = at
    if to in status.TERMINAL:
        columns |= {"finished_at": at, **queue.NO_STEP}
    if not verification._state.adding:
        unmoved = Verification.objects.filter(pk=verification.pk, status=verification.status)
        if unmoved.update(**columns) != 1:
            raise Conflict("the status changed meanwhile", code="status_changed")
    for name, value in columns.items():
        setattr(verification, name, value)
    if to is Status.PROCESSING:
        return
    details = {"code": code, "profile": verification.profile_id, "profile_sha256": verification.profile_sha256}
    record(verification, f"verification.{to}", at=at, body={**details, **(body or {})})
