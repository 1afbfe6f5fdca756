"""What was taken of the law since this release, and where it is read: one book a process, replaced
as a whole.

The code ships profiles and values of the MCI. What the operator's root has signed since stands in
the logs. `verification/log/laws.py` reads it from there. Here it is only held, so that the rules
stay free of rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verification.core.mci import Mci
    from verification.core.profiles import Profile, Status


@dataclass(frozen=True)
class StatusChange:
    """Which status a profile has, since which day, and who says so."""

    profile: str
    status: "Status"
    since: date
    source: str


@dataclass(frozen=True)
class Amendments:
    """All that was taken up to a number. number: of the last law file; 0 where none was taken."""

    number: int = 0
    sha256: str = ""
    """Of the last law file."""
    profiles: tuple["Profile", ...] = ()
    statuses: tuple[StatusChange, ...] = ()
    """Each that a law file has changed, in the order of the files."""
    values: tuple["Mci", ...] = ()

    def changes_of(self, profile_id: str) -> tuple[StatusChange, ...]:
        """How the status of a profile was changed, in order."""
        return tuple(change for change in self.statuses if change.profile == profile_id)


Reader = Callable[[bool], Amendments | None]
"""Gives what counts now, or None where nothing has changed. It is told whether it must look at
once.
"""

NOTHING = Amendments()


@dataclass
class _State:
    amendments: Amendments = NOTHING
    reader: Reader | None = None


_state, _looking = _State(), RLock()
"""One thread at a time reads and holds: a slow reader must not put back what a later one has
read.
"""


def current() -> Amendments:
    """What counts in this process now."""
    return _state.amendments


def hold(amendments: Amendments) -> None:
    """From here on this counts. A book is replaced in one assignment: a thread sees the old one or
    the new one.
    """
    _state.amendments = amendments


def read_by(reader: Reader | None) -> None:
    """By whom this process reads its book; None for a process that has no rows."""
    _state.reader = reader


def keep_current() -> None:
    """Reads the book anew where the reader finds that it is time."""
    _look(False)


def look_again() -> bool:
    """Reads the book at once, for something that it lacks; whether it has changed."""
    return _look(True)


def _look(is_urgent: bool) -> bool:
    if _state.reader is None:
        return False
    if not _looking.acquire(blocking=is_urgent):  # another thread is about to know it
        return False
    try:
        before = _state.amendments
        amendments = _state.reader(is_urgent)
        if amendments is not None:
            hold(amendments)
        return _state.amendments != before
    finally:
        _looking.release()
