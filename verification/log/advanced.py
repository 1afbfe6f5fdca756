"""How far a test clock was put forward, as the entries of a verification say."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from verification.core.events import ADVANCED
from verification.course import policy
from verification.models import AuditEntry


def advanced_since(entry: AuditEntry | None, entries: Iterable[AuditEntry]) -> timedelta:
    """By how much those after `entry` among the entries of its verification advance what is due of
    it; all for None.

    Nothing of a live log does, nor what says no time that is allowed.
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
    """A time as a body spells it, so much earlier; what is no time stays as it is."""
    try:
        return (datetime.fromisoformat(time) - delta).isoformat() if delta else time
    except (OverflowError, ValueError):
        return time
