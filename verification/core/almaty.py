"""Days, ages and years as the law counts them.

Kazakhstan has one time zone: UTC+5 since 1 March 2024.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, reset_tzpath

# Use the locked tzdata package, not the machine's table: a table from before 2024 starts each day
# one hour early.
reset_tzpath(to=())
ZONE: Final = ZoneInfo("Asia/Almaty")
_KEPT_YEARS: Final = 5
"""Law: O-80, O-81. Credit papers are kept five years after the obligation ends.

Without a credit the period starts at the attempt, as the press reports the draft of the rules.
"""


def day_of(at: datetime) -> date:
    """The calendar day in Kazakhstan at a time."""
    return at.astimezone(ZONE).date()


def begins(day: date) -> datetime:
    """The instant at which a day begins in Kazakhstan."""
    return datetime.combine(day, time(), tzinfo=ZONE).astimezone(UTC)


def age_on(day: date, *, born: date) -> int:
    """Age in whole years. A person born on 29 February turns a year older on 1 March in common
    years.
    """
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def kept_until(
    *,
    created_at: datetime,
    opened_at: datetime | None,
    closed_at: datetime | None,
    disputed_at: datetime | None = None,
) -> datetime | None:
    """The earliest midnight at which a verification's data may be destroyed; None while an
    obligation is open.

    The five years count from the attempt, the obligation's end or the dispute: the latest.

    The last day counts in full, so doubt keeps data longer. Five years after 29 February is 1
    March.
    """
    if opened_at is not None and closed_at is None:
        return None
    starts = (closed_at or created_at, disputed_at)
    last = day_of(max(start for start in starts if start is not None))
    try:
        last = last.replace(year=last.year + _KEPT_YEARS)
    except ValueError:
        last = date(last.year + _KEPT_YEARS, 3, 1)
    return begins(last + timedelta(days=1))
