"""One clock for all processes: the database's. Each process measures its own deviation and adds it.

1. At start, and every minute, a process asks the database for the time; at once if its own clock
   was set. Otherwise a tick that leapt ten minutes ahead would end fresh dialogues for up to a
   minute.
2. In between it counts by the monotonic clock, corrected by the difference. So due times, leases
   and entries of several machines are comparable, and setting a clock in the middle of a step
   changes nothing. A difference within the measurement's error counts as zero.
3. A difference of more than five seconds is a fault of the machine: such a process does not start,
   and a running one takes no more work and reports it.
"""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import Error, connection
from django.utils import timezone

from verification.core.errors import Misconfigured

logger = logging.getLogger(__name__)

MEASURE_SECONDS = 60
"""Interval of measurements. Ours. A quartz clock of 100 ppm drifts 6 ms meanwhile."""
OFFSET_MAX_SECONDS = 5
"""Above it the machine's clock is wrong, not merely late. Ours."""
LEAP_SECONDS = 1
"""A clock that differs this much from elapsed time was set. Ours: NTP slews by less than 0.04 s
in a minute.
"""
AGAIN_SECONDS = 5
"""Wait after a failed question. Ours: a vanished host blocks for ten seconds and more."""
SAMPLES = 3
"""Questions per measurement; the fastest counts, because half its duration bounds its error."""


@dataclass
class _State:
    offset: timedelta = timedelta(0)
    measured_at: float | None = None  # by the monotonic clock
    read_at: datetime | None = None  # the machine's clock at that moment
    again_at: float = 0  # by the monotonic clock; no earlier, after a failed question
    is_right: bool = False


_state = _State()


def now() -> datetime:
    """The database's time as this process knows it, in UTC."""
    if _state.read_at is None or _state.measured_at is None:
        return timezone.now() + _state.offset
    return _state.read_at + timedelta(seconds=time.monotonic() - _state.measured_at) + _state.offset


def is_right() -> bool:
    """Whether this process may take work: its clock was measured and is within the bound."""
    return _state.is_right


def keep_right() -> None:
    """Measures again if the last measurement is a minute old or the machine's clock was set since.

    Without the database the state stays, and it is not asked again at once.
    """
    if time.monotonic() < _state.again_at:
        return
    if _state.measured_at is not None:
        elapsed = time.monotonic() - _state.measured_at
        # Seconds by which the machine's clock outran elapsed time since the last measurement.
        leap = (timezone.now() - _state.read_at).total_seconds() - elapsed if _state.read_at else 0
        if elapsed < MEASURE_SECONDS and abs(leap) < LEAP_SECONDS:
            return
    try:
        measure_offset()
    except Error as error:
        _state.again_at = time.monotonic() + AGAIN_SECONDS
        logger.warning("the database's clock could not be asked (%s)", type(error).__name__)


def measure_offset() -> timedelta:
    """The difference, measured now.

    Raises: Django's database errors.
    """
    # 1 How far the database is ahead of us, and the error of that.
    samples: list[tuple[timedelta, timedelta]] = []
    for _ in range(SAMPLES):
        with connection.cursor() as cursor:
            asked_at = timezone.now()
            if connection.vendor == "postgresql":
                # Not now(), which is when the transaction began.
                cursor.execute("SELECT clock_timestamp()")
                [theirs] = cursor.fetchone()
            else:
                # The Julian date of 1970-01-01, midnight in UTC, is 2440587.5.
                cursor.execute("SELECT (julianday('now') - 2440587.5) * 86400.0")
                [seconds] = cursor.fetchone()
                theirs = datetime.fromtimestamp(seconds, UTC)
            answered_at = timezone.now()
        # SQLite's day has 8 decimal places of a double: a millisecond.
        half = (answered_at - asked_at) / 2
        samples.append((theirs - (asked_at + half), half + timedelta(milliseconds=1)))
    # A clock set back during a question makes its duration negative: that sample is the worst.
    difference, uncertainty = min(samples, key=lambda sample: abs(sample[1]))
    _state.offset = difference if abs(difference) > uncertainty else timedelta(0)
    # 2 Both clocks at one moment: of a few readings the tightest. A process suspended between the
    # two would run ahead until the next measurement.
    readings = []
    for _ in range(SAMPLES):
        at, read = time.monotonic(), timezone.now()
        readings.append((time.monotonic() - at, at, read))
    _, _state.measured_at, _state.read_at = min(readings)
    _state.is_right = abs(difference) <= timedelta(seconds=OFFSET_MAX_SECONDS)
    if not _state.is_right:
        logger.error("%s No step is claimed until it is.", _message_of(difference))
    return difference


def require_right() -> None:
    """Refuses to start a process on a wrong clock; an unanswered question is repeated later.

    Raises: `Misconfigured`.
    """
    try:
        difference = measure_offset()
    except Error as error:
        logger.warning("the database's clock could not be asked (%s)", type(error).__name__)
        return
    if not _state.is_right:
        raise Misconfigured(_message_of(difference))


def _message_of(difference: timedelta) -> str:
    seconds = round(difference.total_seconds())
    return (
        f"this machine's clock is {abs(seconds)} s {'behind' if seconds > 0 else 'ahead of'} the"
        f" database's.\nSet it right (NTP): {OFFSET_MAX_SECONDS} s are allowed."
    )
