"""How a case moves: its entries are put on record, and its rows follow them, in one transaction.

`record` appends an entry. The course says whether it may follow. `moving` writes at its end what
the entries imply of the row of the verification and of its attempts: nothing else writes these
columns.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, QuerySet, Subquery

from verification.case.history import History, newest_number, stated
from verification.core import codes
from verification.core.errors import Conflict
from verification.course import policy
from verification.course.projection import of_attempt, of_case
from verification.course.state import State
from verification.log import log
from verification.models import Attempt, AuditEntry, Verification

NO_STEP: Mapping[str, Any] = {
    "step": "",
    "queue": "",
    "due_at": None,
    "reserved_until": None,
    "lease_until": None,
    "fence": "",
    "faults": 0,
}
"""The columns of a row for which a worker owes nothing, and which no worker holds."""
_OF_OPENING = ("profile", "profile_sha256", "reference")
_STANDING = ("route", "stage", "turn", "combination", "last_failure")


@contextmanager
def moving(history: History) -> Iterator[None]:
    """Within, entries lead the history on. At the end they are inserted and the rows are written.

    The row is locked, or not inserted yet. After an error nothing is written.
    """
    row, before = history.row, history.state
    row.history, history.columns, history.beside = history, {}, {}
    history.at_rows = before
    try:
        with log.gathering():
            yield
            _write(history, before)
    finally:
        row.history = None


def record(
    verification: Verification,
    entry_type: str,
    *,
    at: datetime,
    body: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Appends one entry about this verification, numbered within it.

    Within `moving` the course is asked first. Elsewhere the entry moves no column but the count,
    and the UPDATE that counts it locks the row. Raises `Conflict` (illegal_transition).
    """
    history = verification.history
    if history is not None:
        number = history.sequence + 1
    else:
        if unclaimed(verification).update(sequence=F("sequence") + 1) != 1:
            raise Conflict("its first entry names another lender", code="status_changed")
        # The row is locked from here on. How many entries there are no row says.
        rows = Verification.objects.filter(pk=verification.pk)
        newest = Subquery(newest_number(verification)[:1])
        counted, last = rows.values_list("sequence", newest).get()
        number = (last or 0) + 1
        if number != counted:
            rows.update(sequence=number)
    verification.sequence = number
    entry = log.append(
        log=verification.mode,
        type=entry_type,
        verification=verification,
        lender=verification.lender_id,
        body=body or {},
        at=at,
        verification_sequence=number,
    )
    if history is not None:
        history.add(entry)
        history.restore()
    return entry


def unclaimed(verification: Verification) -> QuerySet[Verification, Verification]:
    """The row of a verification, unless its first entry names another lender than this object.

    No entry is written about a row that is not among these: the lender of all is that of the first.
    """
    first = AuditEntry.objects.filter(verification=verification.pk, verification_sequence=1)
    another = first.exclude(lender=verification.lender_id)
    return Verification.objects.filter(~Exists(another), pk=verification.pk)


def word(history: History, code: str) -> dict[str, Any]:
    """What an end, and what leads to people, states: its law, and where the case stood.

    All of it is what entries state; no row is asked. Raises `KeyError` for an unknown code.
    """
    if code:
        codes.require(code)
    opening, values = history.opening(), stated(of_case(history.state, case=history.row.pk))
    body = {name: opening[name] for name in _OF_OPENING if name in opening}
    body |= {name: values[name] for name in _STANDING if name in values}
    return {"code": code, **body}


def write(verification: Verification, **columns: Any) -> None:
    """Sets operational columns of the row: at the end of `moving`, or else at once."""
    if verification.history is not None:
        verification.history.columns |= columns
    elif not verification._state.adding:
        Verification.objects.filter(pk=verification.pk).update(**columns)
    for name, value in columns.items():
        setattr(verification, name, value)


def _write(history: History, before: State) -> None:
    row, state = history.row, history.state
    values = stated(of_case(state, case=row.pk))
    if row._state.adding:
        row.sequence = history.sequence
        row.save(force_insert=True)
        return
    # What has ended owes nothing but what is owed after it.
    columns = dict(NO_STEP) if state.ending is not before.ending else {}
    columns |= {
        name: value for name, value in values.items() if history.written.get(name, row) != value
    }
    if state.ending is not before.ending and row.frames_until is not None and state.ended_at:
        columns["frames_until"] = state.ended_at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS)
    columns |= history.columns
    columns["sequence"] = history.sequence
    Verification.objects.filter(pk=row.pk).update(**columns)
    history.written = values
    for name, value in columns.items():
        setattr(row, name, value)
    write_attempts(history)


def write_attempts(history: History) -> None:
    """What has changed of its attempts since their rows were written. A new one was inserted as it
    began."""
    before, state = history.at_rows, history.state
    is_ended = state.ending is not before.ending
    for name, attempt in state.attempts.items():
        if name not in before.attempts or (before.attempts[name] is attempt and not is_ended):
            continue
        earlier = stated(of_attempt(before, name, borrower_index=None))
        values = stated(of_attempt(state, name, borrower_index=None))
        columns = {
            column: value for column, value in values.items() if earlier.get(column) != value
        }
        columns |= history.beside.pop(name, {})
        if columns:
            Attempt.objects.filter(pk=name).update(**columns)
    history.at_rows = state
