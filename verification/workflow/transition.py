"""The only writer of a status, and of the log entries about a verification. All of it runs inside a transaction."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from verification.audit import log
from verification.core import status
from verification.core.errors import Conflict, FenceLost
from verification.core.status import Move, Status
from verification.models import Verification
from verification.workflow import doorbell, policy

NO_STEP: Mapping[str, Any] = {
    "step": "",
    "due_at": None,
    "rung_until": None,
    "lease_until": None,
    "fence": "",
    "faults": 0,
}


def record(verification: Verification, entry_type: str, *, at: datetime, body: Mapping[str, Any] | None = None) -> None:
    """Appends one entry about this verification, numbered within it. The counting UPDATE also locks the row."""
    Verification.objects.filter(pk=verification.pk).update(sequence=F("sequence") + 1)
    verification.sequence = Verification.objects.values_list("sequence", flat=True).get(pk=verification.pk)
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
    """Moves the status by the table and logs it; raises `Conflict` if somebody else moved it meanwhile."""
    to = status.after(Status(verification.status), how)
    columns: dict[str, Any] = {"status": to, "code": code}
    if to in status.TERMINAL:
        columns |= {"finished_at": at, **NO_STEP}
    changed = Verification.objects.filter(pk=verification.pk, status=verification.status).update(**columns)
    if changed != 1:
        raise Conflict("the status changed meanwhile", code="status_changed")
    for name, value in columns.items():
        setattr(verification, name, value)
    details = {"code": code, "profile": verification.profile_id, "profile_sha256": verification.profile_sha256}
    record(verification, f"verification.{to}", at=at, body={**details, **(body or {})})


def owe(verification: Verification, step: str, *, due_at: datetime, queue: str) -> None:
    """Writes down that a worker owes this row a step; one that is due is rung when that is committed."""
    is_due = due_at <= timezone.now()
    columns = {**NO_STEP, "step": step, "due_at": due_at}
    if is_due:
        columns["rung_until"] = due_at + timedelta(seconds=policy.RING_AGAIN_SECONDS)
    Verification.objects.filter(pk=verification.pk).update(**columns)
    for name, value in columns.items():
        setattr(verification, name, value)
    if is_due:
        doorbell.ring_on_commit(doorbell.ADVANCE, verification.pk, queue=queue)


def settle(verification: Verification) -> None:
    """Forgets the step a worker owes: whoever holds it loses the fence and writes nothing."""
    Verification.objects.filter(pk=verification.pk).update(**NO_STEP)
    for name, value in NO_STEP.items():
        setattr(verification, name, value)


def claim(verification_id: str, *, at: datetime) -> Verification | None:
    """Takes the step that is due: a lease, a fresh random fence, one fault counted. None if nothing is to take."""
    fence = secrets.token_hex(16)
    due = Verification.objects.filter(pk=verification_id, due_at__lte=at).exclude(step="")
    free = due.filter(lease_until=None) | due.filter(lease_until__lt=at)
    lease_until = at + timedelta(seconds=policy.LEASE_SECONDS)
    if free.update(fence=fence, lease_until=lease_until, faults=F("faults") + 1) != 1:
        return None
    return Verification.objects.filter(pk=verification_id, fence=fence).first()


def held(verification: Verification) -> None:
    """Must be the first statement of a result's transaction: clears the step if the fence is still ours.

    Raises `FenceLost` otherwise, so that whoever came late writes nothing.
    """
    mine = Verification.objects.filter(pk=verification.pk, fence=verification.fence).exclude(step="").exclude(fence="")
    if mine.update(**NO_STEP) != 1:
        raise FenceLost(f"{verification.pk}: the lease ran out")
    for name, value in NO_STEP.items():
        setattr(verification, name, value)
