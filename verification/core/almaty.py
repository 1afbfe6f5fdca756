"""Days, ages and years as the law counts them: the country has one time zone, UTC+5 since 1 March
2024 (law.md §3).
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, reset_tzpath

# By the table that is locked with us, not by the machine's: one from before 2024 begins each day an
# hour too early.
reset_tzpath(to=())
ZONE: Final = ZoneInfo("Asia/Almaty")
_KEPT_YEARS: Final = 5
"""Law: O-80, O-81. A credit's papers stay so long after its obligations have ended, by whatever:
law.md S1, points 53 and 54. What no credit came of stays so long from the attempt: the draft of the
rules, as the press has it.
"""


def day_of(at: datetime) -> date:
    """The day it is in Kazakhstan at a time."""
    return at.astimezone(ZONE).date()


def begins(day: date) -> datetime:
    """When a day begins in Kazakhstan."""
    return datetime.combine(day, time(), tzinfo=ZONE).astimezone(UTC)


def age_on(day: date, *, born: date) -> int:
    """Whole years. Who was born on 29 February is a year older on 1 March where a year has no such
    day.
    """
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def kept_until(
    *, created_at: datetime, opened_at: datetime | None, closed_at: datetime | None
) -> datetime | None:
    """When what is kept of a verification may go at the earliest, at midnight; None while an
    obligation is open.

    Whole days are counted, the last one included: who is in doubt keeps longer. Five years after 29
    February it is 1 March.
    """
    if opened_at is not None and closed_at is None:
        return None
    last = day_of(closed_at or created_at)
    try:
        last = last.replace(year=last.year + _KEPT_YEARS)
    except ValueError:
        last = date(last.year + _KEPT_YEARS, 3, 1)
    return begins(last + timedelta(days=1))
