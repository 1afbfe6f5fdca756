"""The monthly calculation index (МРП), in which the law counts sums: dated data, each value with its source."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from verification.core.errors import Misconfigured
from verification.core.reasons.reason import gettext_noop


@dataclass(frozen=True)
class Mci:
    """One value: tenge, from a day on. It holds to the end of that day's year, or to the next value."""

    in_force_from: date
    tenge: int
    source: str


VALUES: Final = (
    Mci(
        date(2024, 1, 1),
        3692,
        gettext_noop("Law on the republican budget for 2024–2026 (tengrinews.kz, 10 December 2024)"),
    ),
    Mci(
        date(2025, 1, 1),
        3932,
        gettext_noop("Law on the republican budget for 2025–2027 (tengrinews.kz, 10 December 2024)"),
    ),
    Mci(
        date(2026, 1, 1),
        4325,
        gettext_noop("Law on the republican budget for 2026–2028 (lada.kz, 8 December 2025)"),
    ),
)


WARNED_FROM_MONTH: Final = 12
"""From when a year's value is missed of the next one. The laws above were known by 10 December."""


def is_known(on: date) -> bool:
    """Whether a day has a value."""
    return bool(_of_year(on))


def tenge(number: int, *, on: date) -> int:
    """So many MCI in tenge on a day. Raises `Misconfigured` for a year that has no value yet: none is carried over."""
    of_year = _of_year(on)
    if not of_year:
        raise Misconfigured(f"no value of the MCI is known for {on.year}: add it to verification/core/mci.py")
    return number * of_year[-1].tenge


def _of_year(on: date) -> list[Mci]:
    return [value for value in VALUES if value.in_force_from <= on and value.in_force_from.year == on.year]
