"""Until when what is kept of a verification must stay. Law: O-80, O-81.

A credit's papers stay for five years after its obligations have ended, by whatever: law.md S1, points 53 and 54. What
no credit came of stays for five years from the attempt: the draft of the rules, as the press has it.
"""

from datetime import date, datetime, timedelta
from typing import Final

from verification.core import almaty

YEARS: Final = 5
OPENED, CLOSED = "opened", "closed"
"""What a lender says of an obligation."""


def until(*, created_at: datetime, opened_at: datetime | None, closed_at: datetime | None) -> datetime | None:
    """When it may go at the earliest, at midnight in Kazakhstan; None while an obligation is open.

    Whole days are counted, the last one included: who is in doubt keeps longer. Five years after 29 February it is
    1 March.
    """
    if opened_at is not None and closed_at is None:
        return None
    last = _years_on(almaty.day_of(closed_at or created_at))
    return almaty.begins(last + timedelta(days=1))


def _years_on(day: date) -> date:
    try:
        return day.replace(year=day.year + YEARS)
    except ValueError:
        return date(day.year + YEARS, 3, 1)
