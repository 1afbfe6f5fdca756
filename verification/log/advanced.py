"""How far a test clock advanced, by the entries of a verification."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from verification.core.events import ADVANCED
from verification.course import policy
from verification.models import AuditEntry


def advanced_since(entry: AuditEntry | None, entries: Iterable[AuditEntry]) -> timedelta:
    """The total advance by the entries after `entry` of its verification; by all entries for None.

    Entries of a live log, and those without a permitted time, do not count.
    """
    first = (entry.verification_sequence or 0) if entry is not None else 0
    later = (
        entry
        for entry in entries
        if entry.type == ADVANCED and (entry.verification_sequence or 0) > first
    )
    bodies = (
        entry.body
        for entry in later
        if entry.log == policy.TEST_LOG and isinstance(entry.body, dict)
    )
    seconds = (body.get("advance_seconds") for body in bodies)
    lawful = (
        value
        for value in seconds
        if type(value) is int and 1 <= value <= policy.ADVANCE_SECONDS_MAX
    )
    return timedelta(seconds=sum(lawful))


def earlier(time: str, delta: timedelta) -> str:
    """A time of a body, moved earlier; other values stay."""
    try:
        return (datetime.fromisoformat(time) - delta).isoformat() if delta else time
    except (OverflowError, ValueError):
        return time
