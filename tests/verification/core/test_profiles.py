from dataclasses import replace

import pytest

from verification.core import profiles
from verification.core.errors import BadInput

EARLY, LATE = profiles.get("KZ-2021-04"), profiles.get("KZ-2025-01")
ALL = ("eds", "biometric", "live_face")


@pytest.mark.parametrize("route", ALL)
def test_under_kz_2021_04_any_one_route_suffices(route):
    assert profiles.suffices(EARLY.combinations, passed=[route])


@pytest.mark.parametrize(
    ("passed", "enough"),
    [
        ((), False),
        (("eds",), False),
        (("biometric",), False),
        (("live_face",), False),
        (("eds", "live_face"), False),
        (("biometric", "live_face"), False),
        (("eds", "biometric"), True),
        (("biometric", "eds"), True),
        (ALL, True),
    ],
)
def test_under_kz_2025_01_only_eds_and_biometric_together_suffice(passed, enough):
    assert profiles.suffices(LATE.combinations, passed=passed) is enough


def test_nothing_passed_and_an_empty_combination_never_suffice():
    assert not profiles.suffices((), passed=ALL)
    assert not profiles.suffices(((),), passed=ALL)


def test_the_borrower_does_the_routes_in_the_order_of_the_combination():
    assert profiles.next_route(("eds", "biometric"), passed=[]) == "eds"
    assert profiles.next_route(("eds", "biometric"), passed=["eds"]) == "biometric"
    assert profiles.next_route(("eds", "biometric"), passed=["eds", "biometric"]) is None


def test_only_installed_and_wanted_routes_are_offered():
    assert profiles.usable(EARLY, installed=ALL, wanted=None) == EARLY.combinations
    assert profiles.usable(EARLY, installed=("eds",), wanted=None) == (("eds",),)
    assert profiles.usable(EARLY, installed=ALL, wanted=("biometric",)) == (("biometric",),)


@pytest.mark.parametrize(
    ("profile", "installed", "wanted"),
    [(LATE, ("eds",), None), (LATE, ALL, ("eds",)), (EARLY, ("eds",), ("biometric",)), (EARLY, (), None)],
)
def test_a_verification_that_could_never_succeed_is_not_opened(profile, installed, wanted):
    with pytest.raises(BadInput) as caught:
        profiles.usable(profile, installed=installed, wanted=wanted)
    assert caught.value.code == "routes_insufficient"


def test_the_hash_of_a_profile_changes_with_its_rule():
    changed = [replace(EARLY, combinations=LATE.combinations), replace(EARLY, replaced_max=LATE.replaced_max)]
    assert len({each.sha256 for each in (EARLY, LATE, *changed)}) == 4


def test_an_unknown_profile_is_bad_input():
    with pytest.raises(BadInput):
        profiles.get("KZ-1999-01")
