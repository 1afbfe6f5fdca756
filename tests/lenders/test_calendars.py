"""Which profile a lender holds at a time, by its calendar."""

from datetime import date

import pytest

from lenders.keys import law_of
from lenders.models import ApiKey, Lender
from verification.core import almaty
from verification.core.errors import Conflict

TWO = [
    {"from": "2025-01-01", "profile": "KZ-2025-01"},
    {"from": "2026-01-26", "profile": "KZ-2026-01"},
]


def _law(calendar: list[dict[str, str]], day: date) -> str:
    return law_of(ApiKey(mode="test", lender=Lender(test_calendar=calendar)), at=almaty.begins(day))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 1, 1), "KZ-2025-01"),
        (date(2026, 1, 25), "KZ-2025-01"),
        (date(2026, 1, 26), "KZ-2026-01"),
        (date(2031, 1, 1), "KZ-2026-01"),
    ],
)
def test_a_profile_is_held_from_its_day_on(day, expected):
    assert _law(TWO, day) == expected


@pytest.mark.parametrize("calendar", [[], TWO], ids=["empty", "not begun"])
def test_before_the_first_day_none_is_held(calendar):
    with pytest.raises(Conflict) as refused:
        _law(calendar, date(2024, 12, 31))
    assert refused.value.code == "profile_not_held"
