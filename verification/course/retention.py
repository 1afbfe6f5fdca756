"""How long the personal data of a case are kept, and their erasure."""

from datetime import datetime

from verification.core import almaty
from verification.core.events import CLOSED, DISPUTED, OPENED, REDACTED
from verification.course.entry import MOVE, TIME, Entry, Fault, replace
from verification.course.state import State, Step


def until(state: State) -> datetime | None:
    """The earliest midnight of the erasure; None while an obligation is open, and once erased.

    A dispute starts the period again: its case is evidence.
    """
    opening, times = state.opening.entry, state.standing.times
    if opening is None or REDACTED in times:
        return None
    obligation = state.credit.obligation
    return almaty.kept_until(
        created_at=opening.at,
        opened_at=obligation.get(OPENED),
        closed_at=obligation.get(CLOSED),
        disputed_at=times.get(DISPUTED) if state.credit.is_disputed else None,
    )


def redacted(state: State, entry: Entry) -> Step:
    """The erasure: once, after the end, and not before the last day of retention is over."""
    if not entry.is_signed:
        return state, []
    if not state.end or REDACTED in state.standing.times:
        return state, [Fault(MOVE, "personal data were erased before the end, or twice")]
    due = until(state)
    if due is None or entry.at < due:
        return state, [Fault(TIME, "personal data were erased before their retention was over")]
    return replace(state, blocks=()), []
