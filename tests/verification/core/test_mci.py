from datetime import date

import pytest

from verification.core import profiles
from verification.core.errors import Misconfigured


@pytest.mark.parametrize(
    ("on", "tenge"),
    [
        (date(2024, 1, 1), 276_900),
        (date(2024, 12, 31), 276_900),
        (date(2025, 1, 1), 294_900),
        (date(2025, 12, 31), 294_900),
        (date(2026, 1, 1), 324_375),
        (date(2026, 12, 31), 324_375),
    ],
)
def test_75_mci_are_those_of_the_year(on, tenge):
    assert profiles.mci_tenge(75, on=on) == tenge


@pytest.mark.parametrize(
    "on", [date(2023, 12, 31), date(profiles.MCI_VALUES[-1].in_force_from.year + 1, 1, 1)]
)
def test_a_year_without_a_value_gets_none_of_another_year(on):
    with pytest.raises(Misconfigured, match=str(on.year)):
        profiles.mci_tenge(75, on=on)


def test_a_value_that_changes_within_a_year_holds_from_its_day(monkeypatch):
    monkeypatch.setattr(
        profiles, "MCI_VALUES", (*profiles.MCI_VALUES, profiles.Mci(date(2026, 4, 1), 5000, ""))
    )
    assert [profiles.mci_tenge(1, on=day) for day in (date(2026, 3, 31), date(2026, 4, 1))] == [
        4325,
        5000,
    ]


def test_the_values_stand_in_the_order_of_their_days_each_with_its_source():
    days = [value.in_force_from for value in profiles.MCI_VALUES]
    assert days == sorted(set(days))
    assert all(value.source for value in profiles.MCI_VALUES)
