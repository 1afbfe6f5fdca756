"""Whoever deploys is told in December that the next year has no value of the MCI."""

from datetime import UTC, datetime

import pytest
from django.core import checks

from verification import clock
from verification.case import stages
from verification.core import profiles


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 11, 30, 18, 59, tzinfo=UTC), []),
        (datetime(2026, 11, 30, 19, tzinfo=UTC), ["tulga.W901"]),  # 1 December in Almaty
        (datetime(2026, 12, 31, 18, 59, tzinfo=UTC), ["tulga.W901"]),
        (datetime(2026, 12, 31, 19, tzinfo=UTC), ["tulga.E901"]),
    ],
)
def test_a_year_without_an_mci_is_missed_from_december_and_stops_nothing(
    settings, monkeypatch, at, expected
):
    settings.TULGA_MODES_LIVE = True
    monkeypatch.setattr(clock, "now", lambda: at)
    monkeypatch.setattr(
        profiles,
        "MCI_VALUES",
        [one for one in profiles.MCI_VALUES if one.in_force_from.year <= 2026],
    )

    def named():
        found = checks.run_checks(tags=[stages.LIVE_TAG], include_deployment_checks=True)
        return [one.id for one in found if one.id in ("tulga.W901", "tulga.E901")]

    assert named() == expected
    told = checks.run_checks(tags=[stages.LIVE_TAG], include_deployment_checks=True)
    assert ["take_law" in str(message.hint) for message in told if message.id in expected] == [
        True
    ] * len(expected)
    assert not any("MCI" in str(one.msg) for one in checks.run_checks(tags=[stages.LIVE_TAG]))
    monkeypatch.setattr(
        profiles,
        "MCI_VALUES",
        [*profiles.MCI_VALUES, profiles.Mci(at.date().replace(2027, 1, 1), 4500, "a test")],
    )
    assert named() == []
    settings.TULGA_MODES_LIVE = False
    monkeypatch.setattr(profiles, "MCI_VALUES", ())
    assert named() == []
