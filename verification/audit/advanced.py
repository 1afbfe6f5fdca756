"""By how much a test clock was advanced, as the entries of a verification say. Those of a live log move nothing."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from verification.audit import policy
from verification.core.events import ADVANCED
from verification.models import AuditEntry

NOTHING: Final = timedelta(0)


def advanced_by(entry: AuditEntry) -> timedelta:
    """By how much this entry advances what is due of its verification; nothing for all others, and where it may not."""
    if entry.type != ADVANCED or entry.log != policy.TEST_LOG or not isinstance(entry.body, dict):
        return NOTHING
    seconds = entry.body.get("advance_seconds")
    if type(seconds) is not int or not 1 <= seconds <= policy.ADVANCE_SECONDS_MAX:
        return NOTHING
    return timedelta(seconds=seconds)


def advanced_since(entry: AuditEntry | None, entries: Iterable[AuditEntry]) -> timedelta:
    """By how much those after `entry` among the entries of its verification advance it; all of them for None."""
    first = (entry.verification_sequence or 0) if entry is not None else 0
    return sum((advanced_by(one) for one in entries if (one.verification_sequence or 0) > first), NOTHING)


def earlier(told: str, by: timedelta) -> str:
    """A time as a body spells it, so much earlier; what is no time stays as it is."""
    try:
        return (datetime.fromisoformat(told) - by).isoformat() if by else told
    except (OverflowError, ValueError):
        return told
