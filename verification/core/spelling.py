"""How sums, numbers, days and times are written for people: one way for borrowers' pages, for staff
and in an SMS.

Days and times are the same in every language: the day first, with dots, which nobody reads as a
month. Times are those of Kazakhstan (`almaty.ZONE`); whoever shows one says so beside it.
"""

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from verification.core import almaty

TENGE: Final = "KZT"
SIGN: Final = "₸"

_APART: Final = "\N{NO-BREAK SPACE}"


def gettext_noop(message: str) -> str:
    """Marks a sentence for translation; the edges translate it when they show it."""
    return message


def money(amount: str, currency: str, *, language: str) -> str:
    """A sum with grouped thousands: 150 000 ₸. Whole sums lose their zeros."""
    return f"{number(amount, language=language)}{_APART}{SIGN if currency == TENGE else currency}"


def number(decimal: str, *, language: str) -> str:
    """A decimal with its thousands apart: 1 234,5, in English 1,234.5. What is no number is shown
    as it came.
    """
    try:
        read = Decimal(decimal)
    except InvalidOperation:
        return decimal
    shown = f"{read.quantize(Decimal(1)) if read == read.to_integral_value() else read:,f}"
    return shown if language == "en" else shown.replace(",", _APART).replace(".", ",")


def day(of: date | datetime) -> str:
    """25.11.2026; of a moment, the day it is in Kazakhstan."""
    return f"{_in_kazakhstan(of):%d.%m.%Y}"


def minute(at: datetime) -> str:
    """25.11.2026 14:05."""
    return f"{_in_kazakhstan(at):%d.%m.%Y %H:%M}"


def second(at: datetime) -> str:
    """25.11.2026 14:05:07, where the order of what happened counts."""
    return f"{_in_kazakhstan(at):%d.%m.%Y %H:%M:%S}"


def _in_kazakhstan(of: date | datetime) -> date | datetime:
    return of.astimezone(almaty.ZONE) if isinstance(of, datetime) else of
