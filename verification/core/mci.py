"""The monthly calculation index (МРП), in which the law counts sums: dated data, each value with
its source.

The code ships some values; a signed law file brings that of another year (`core/law_book.py`).
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from verification.core import law_book
from verification.core.errors import Misconfigured
from verification.core.spelling import gettext_noop


@dataclass(frozen=True)
class Mci:
    """One value: tenge, from a day on. It holds to the end of that day's year, or to the next
    value.
    """

    in_force_from: date
    tenge: int
    source: str


VALUES: Final = (
    Mci(
        date(2024, 1, 1),
        3692,
        gettext_noop(
            "Law on the republican budget for 2024–2026 (tengrinews.kz, 10 December 2024)"
        ),
    ),
    Mci(
        date(2025, 1, 1),
        3932,
        gettext_noop(
            "Law on the republican budget for 2025–2027 (tengrinews.kz, 10 December 2024)"
        ),
    ),
    Mci(
        date(2026, 1, 1),
        4325,
        gettext_noop("Law on the republican budget for 2026–2028 (lada.kz, 8 December 2025)"),
    ),
)


WARNED_FROM_MONTH: Final = 12
"""From when a year's value is missed of the next one. The laws above were known by 10 December."""


def values() -> tuple[Mci, ...]:
    """All values, those that the code ships first. A year that the code ships goes by that."""
    shipped = {value.in_force_from.year for value in VALUES}
    return (
        *VALUES,
        *(value for value in law_book.current().values if value.in_force_from.year not in shipped),
    )


def is_known(on: date) -> bool:
    """Whether a day has a value."""
    return _of_day(on) is not None


def tenge(number: int, *, on: date) -> int:
    """So many MCI in tenge on a day. Raises `Misconfigured` for a year that has no value yet: none
    is carried over.
    """
    value = _of_day(on)
    if value is None:
        raise Misconfigured(
            f"no value of the MCI is known for {on.year}: take it by manage.py take_law"
        )
    return number * value.tenge


def _of_day(on: date) -> Mci | None:
    value = _newest(on)
    return _newest(on) if value is None and law_book.look_again() else value


def _newest(on: date) -> Mci | None:
    of_year = [
        value
        for value in values()
        if value.in_force_from.year == on.year and value.in_force_from <= on
    ]
    return of_year[-1] if of_year else None
