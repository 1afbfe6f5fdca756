"""The only writer of a status, and of the log entries about a verification. All of it runs inside a transaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet

from verification.audit import log
from verification.core import status
from verification.core.errors import Conflict
from verification.core.keeping import reference_mark
from verification.core.status import Move, Status
from verification.models import Verification
from verification.workflow import cases, policy

NO_STEP: Mapping[str, Any] = {
    "step": "",
    "queue": "",
    "due_at": None,
    "reserved_until": None,
    "lease_until": None,
    "fence": "",
    "faults": 0,
}
"""The columns of a row for which a worker owes nothing, and nobody holds it."""


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
            unmoved = cases.unclaimed(verification).filter(sequence=before)
            if columns and unmoved.update(**columns) != 1:
                raise Conflict("the row was written beside", code="status_changed")
    finally:
        verification.held = None


def write(
    verification: Verification, *, among: QuerySet[Verification, Verification] | None = None, **columns: Any
) -> bool:
    """Sets columns of the row: at the end of `holding`, with a row that is not inserted yet, or else at once.

    among: of which rows it must be one, to be written at once. False, and nothing is set, if it is none of them.
    """
    if verification.held is not None:
        verification.held |= columns
    elif not verification._state.adding:
        rows = Verification.objects.filter(pk=verification.pk) if among is None else among
        if rows.update(**columns) != 1:
            return False
    for name, value in columns.items():
        setattr(verification, name, value)
    return True


def record(verification: Verification, entry_type: str, *, at: datetime, body: Mapping[str, Any] | None = None) -> None:
    """Appends one entry about this verification, numbered within it. The counting UPDATE also locks the row."""
    if verification.held is not None or verification._state.adding:
        write(verification, sequence=verification.sequence + 1)
    else:
        own = cases.unclaimed(verification)
        if own.update(sequence=F("sequence") + 1) != 1:
            raise Conflict("its first entry names another lender", code="status_changed")
        verification.sequence = own.values_list("sequence", flat=True).get()
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
        raise Conflict(f"a verification that stands like this cannot {how}", code="illegal_transition")
    if to in status.TERMINAL and how is not Move.CANCEL and "receipt" not in (body or {}):
        raise ValueError(f"a worker ends a verification with its receipt, and this {how} has none: see onward.end")
    columns: dict[str, Any] = {"status": to, "code": code}
    if to is Status.IN_REVIEW:
        columns["in_review_since"] = at
    if to in status.TERMINAL:
        columns |= {"finished_at": at, **NO_STEP}
        if verification.frames_until is not None:
            columns["frames_until"] = at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS)
    # The status that was read stands in the condition: of two moves at once one finds it changed.
    unmoved = Verification.objects.filter(pk=verification.pk, status=verification.status)
    if not write(verification, among=unmoved, **columns):
        raise Conflict("the status changed meanwhile", code="status_changed")
    if to in (Status.REQUIRES_INPUT, Status.PROCESSING):
        return
    # With where it stood: of what has ended no column can be made to say something else.
    own = {name: getattr(verification, name) for name in ("route", "stage", "turn", "combination", "last_failure")}
    law = {"profile": verification.profile_id, "profile_sha256": verification.profile_sha256}
    of = {"reference": reference_mark(verification.pk, verification.client_reference)}
    record(verification, f"verification.{to}", at=at, body={"code": code, **law, **of, **own, **(body or {})})
