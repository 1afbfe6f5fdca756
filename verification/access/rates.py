"""Counts of an action per window over all processes: each process counts, and shares at least once
a second.

So a limit can be exceeded by what others counted in the last second, and by their unshared counts.
A process keeps fewer than `policy.RATES_UNTOLD` unshared, also when it stops.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from threading import Lock
from time import monotonic

from django.db import Error, connection

from verification import clock, transactions
from verification.case import policy
from verification.models import RateCount

# Both databases accept it, SQLite from 3.35 on. The upsert waits for the row, so no count is lost.
_ADD = """
INSERT INTO verification_ratecount (name, starts_at, number) VALUES (%s, %s, %s)
ON CONFLICT (name, starts_at) DO UPDATE SET number = verification_ratecount.number + excluded.number
RETURNING number
"""


@dataclass
class _Window:
    """A window's counts.

    starts: seconds since 1970.
    total: the count of all processes at `summed_at`, when this one last shared.
    since: its own counts since then.
    """

    starts: int
    summed_at: float = -inf
    total: int = 0
    since: int = 0


_windows: dict[str, _Window] = {}
_lock = Lock()


def count(name: str, *, seconds: int) -> int:
    """Counts one action, and returns the count of its window, this action included.

    Windows start at multiples of their length, in seconds.
    A window up to `policy.RATES_TOLD_SECONDS` is local to the process.

    Raises: database errors.
    """
    with _lock:
        now = int(clock.now().timestamp())
        window, starts = _windows.get(name), now - now % seconds
        if window is None or window.starts != starts:
            if len(_windows) >= policy.RATES_KEPT:
                _windows.clear()
            window = _windows[name] = _Window(starts)
        window.since += 1
        is_early = (
            monotonic() < window.summed_at + policy.RATES_TOLD_SECONDS
            and window.since < policy.RATES_UNTOLD
        )
        if seconds <= policy.RATES_TOLD_SECONDS or is_early:
            return window.total + window.since
        number, window.since, window.summed_at = window.since, 0, monotonic()
        window.total += number  # while the database answers, for concurrent threads
    try:
        starts_at = connection.ops.adapt_datetimefield_value(datetime.fromtimestamp(starts, UTC))
        with transactions.writing(), connection.cursor() as cursor:
            cursor.execute(_ADD, [name, starts_at, number])
            total = int(cursor.fetchone()[0])
    except Error:
        with _lock:
            window.total, window.since = window.total - number, window.since + number
        raise
    with _lock:
        window.total = max(
            window.total, total
        )  # an answer overtaken by the next has a lower number
        return window.total + window.since


def counted(name: str, *, seconds: int) -> int:
    """The count of this window as far as this process knows. Counts nothing and makes no query."""
    with _lock:
        now, window = int(clock.now().timestamp()), _windows.get(name)
        return window.total + window.since if window and window.starts == now - now % seconds else 0


def forget(*, at: datetime) -> None:
    """Deletes the counts of past windows: each is at most a day long."""
    RateCount.objects.filter(starts_at__lt=at - policy.RATES_FORGOTTEN_AFTER).delete()
