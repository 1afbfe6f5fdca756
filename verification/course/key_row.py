"""What the entries of a case imply of its key: there until erasure destroys it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from verification.course.row import Lawful, Row
from verification.course.standing import REDACTED
from verification.course.state import State
from verification.course.tables import KEY


def of_key(state: State, *, case: str) -> Iterator[Row]:
    """The row of the key with which a case was sealed as it was opened."""
    opening = state.opening.entry
    if opening is None or "case" not in opening.body:
        return
    yield Row(KEY, (case,), opening.id, {})
    at = state.standing.times.get(REDACTED)
    values = {"destroyed_at": _destroyed(at).of(case), "wrapped_key": Lawful(_wrapped).of(case)}
    yield Row(KEY, (case,), "", values)


def _destroyed(at: datetime | None) -> Lawful:
    detail = "its key counts as destroyed when no entry destroyed it, or otherwise"
    return Lawful(lambda row: "" if row["destroyed_at"] == at else detail)


def _wrapped(row: Mapping[str, Any]) -> str:
    if (row["wrapped_key"] is None) == (row["destroyed_at"] is not None):
        return ""
    return "its key is gone and does not count as destroyed, or otherwise"
