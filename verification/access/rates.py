"""How often something was done within a window, over all processes: each counts, and tells once a
second or oftener.

So a limit may be passed by what the others have told in the second since this process was told, and
by what they keep: less than `policy.RATES_UNTOLD` each, also when they fall silent.
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

# Both databases spell it alike, SQLite from 3.35 on. Who adds at the same time waits for the row,
# so no count is lost.
_ADD = """
INSERT INTO verification_ratecount (name, starts_at, number) VALUES (%s, %s, %s)
ON CONFLICT (name, starts_at) DO UPDATE SET number = verification_ratecount.number + excluded.number
RETURNING number
"""


@dataclass
class _Window:
    """starts: seconds since 1970. total: what all processes had counted at `summed_at`, when this
    one last told its own. since: its own since then.
    """

    starts: int
    summed_at: float = -inf
    total: int = 0
    since: int = 0


_windows: dict[str, _Window] = {}
_lock = Lock()


def count(name: str, *, seconds: int) -> int:
    """Counts once more, and says how often it was in this window of so many seconds, this time
    among them.

    Windows begin at multiples of their length. One that is not longer than
    `policy.RATES_TOLD_SECONDS` is this process's own. Raises what the database does.
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
        window.total += number  # while the database is asked, for the threads beside
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
        )  # an answer that was overtaken by the next says less
        return window.total + window.since


def counted(name: str, *, seconds: int) -> int:
    """How often it was counted in this window, as far as this process was told. Counts nothing and
    asks no database.
    """
    with _lock:
        now, window = int(clock.now().timestamp()), _windows.get(name)
        return window.total + window.since if window and window.starts == now - now % seconds else 0


def forget(*, at: datetime) -> None:
    """Forgets the counts of windows that are over: none is longer than a day."""
    RateCount.objects.filter(starts_at__lt=at - policy.RATES_FORGOTTEN_AFTER).delete()
