"""Days and ages as the law counts them: the whole country has one time zone, UTC+5 since 1 March 2024 (law.md §3)."""

from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo, reset_tzpath

# By the table that is locked with us, not by the machine's: one from before 2024 begins each day an hour too early.
reset_tzpath(to=())
ZONE: Final = ZoneInfo("Asia/Almaty")


def day_of(at: datetime) -> date:
    """The day it is in Kazakhstan at a time."""
    return at.astimezone(ZONE).date()


def begins(day: date) -> datetime:
    """When a day begins in Kazakhstan."""
    return datetime.combine(day, time(), tzinfo=ZONE).astimezone(UTC)


def age_on(day: date, *, born: date) -> int:
    """Whole years. Who was born on 29 February is a year older on 1 March where a year has no such day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
