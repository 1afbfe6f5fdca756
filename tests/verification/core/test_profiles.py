from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest

from verification.core import profiles
from verification.core.errors import BadInput
from verification.core.profiles import NOT_DECIDING, Status

EARLY, LATE = profiles.get("KZ-2021-04"), profiles.get("KZ-2025-01")
ALL = ("eds", "biometric", "live_face")


@pytest.mark.parametrize(
    ("combinations", "passed", "enough"),
    [
        *((EARLY.combinations, (route,), True) for route in ALL),
        (LATE.combinations, (), False),
        (LATE.combinations, ("eds",), False),
        (LATE.combinations, ("biometric",), False),
        (LATE.combinations, ("live_face",), False),
        (LATE.combinations, ("eds", "live_face"), False),
        (LATE.combinations, ("biometric", "live_face"), False),
        (LATE.combinations, ("eds", "biometric"), True),
        (LATE.combinations, ("biometric", "eds"), True),
        (LATE.combinations, ALL, True),
        (profiles.get("KZ-2024-10").combinations, ("biometric",), True),
        (profiles.get("KZ-2024-10").combinations, ("eds", "live_face"), False),
        ((), ALL, False),
        (((),), ALL, False),
    ],
)
def test_routes_suffice_where_a_whole_combination_of_the_law_was_passed(
    combinations, passed, enough
):
    assert profiles.suffices(combinations, passed_routes=passed) is enough


def test_the_borrower_does_the_routes_in_the_order_of_the_combination():
    assert profiles.next_route(("eds", "biometric"), passed_routes=[]) == "eds"
    assert profiles.next_route(("eds", "biometric"), passed_routes=["eds"]) == "biometric"
    assert profiles.next_route(("eds", "biometric"), passed_routes=["eds", "biometric"]) is None


def test_only_installed_and_wanted_routes_are_offered():
    assert profiles.usable(EARLY, installed=ALL, allowed_routes=None) == EARLY.combinations
    assert profiles.usable(EARLY, installed=("eds",), allowed_routes=None) == (("eds",),)
    assert profiles.usable(EARLY, installed=ALL, allowed_routes=("biometric",)) == (("biometric",),)


@pytest.mark.parametrize(
    ("profile", "installed", "wanted"),
    [
        (LATE, ("eds",), None),
        (LATE, ALL, ("eds",)),
        (EARLY, ("eds",), ("biometric",)),
        (EARLY, (), None),
    ],
)
def test_a_verification_that_could_never_succeed_is_not_opened(profile, installed, wanted):
    with pytest.raises(BadInput) as caught:
        profiles.usable(profile, installed=installed, allowed_routes=wanted)
    assert caught.value.code == "routes_insufficient"


@pytest.mark.parametrize(
    "name", sorted({each.name for each in fields(EARLY)} - (NOT_DECIDING - {"id"}))
)
def test_the_hash_of_a_profile_changes_with_every_field_of_its_rule(name):
    late = profiles.get("KZ-2026-01")
    others = {"combinations": EARLY.combinations, "id": "KZ-2026-02"}
    value: Any = others[name] if name in others else (getattr(late, name) or 0) + 1
    assert replace(late, **{name: value}).sha256 != late.sha256


@pytest.mark.parametrize(
    "more",
    [
        {"source": "another"},
        {"verified_by_lawyer": True},
        {"status": Status.ANNOUNCED},
        {"since": date(2027, 1, 1)},
        {"repeals": ("KZ-2020-01",)},
    ],
    ids=str,
)
def test_the_hash_of_a_profile_is_not_over_its_source_or_its_status(more):
    assert replace(EARLY, **more).sha256 == EARLY.sha256


USED = {
    "KZ-2021-04": "a8ebdbea8ab90bb37a8d31f20335dd3199506dc9893779397cfb96f849ff1d34",
    "KZ-2024-10": "b34a3bfe1814876e5b4abcb66486c3c4a5af58de7af30206a9d8067927949b38",
    "KZ-2025-01": "bb6722bb643bf1f5d302b392fc8c28588d8d505e86156bb3728cbc1e64ab9650",
    "KZ-2025-09": "dcdc08f77eec7474543bc505b3f8666ec1bcd0bc35e22ca352e2c63c4edf1fd9",
    "KZ-2026-01": "dbae83ed5a62629d740b60c4a63fe4763ec95e75d4e5d586787886f55492cafe",
    "KZ-2025-09-renewal": "73c44cd369a14125bbd22b91992d5882a39997ff3046c554ba7374bc1422358c",
}
"""By which verifications may have been opened: a line is added, and none is ever changed."""


def test_every_profile_that_was_ever_used_is_read_by_its_hash():
    assert {profiles.pinned(sha256).id: sha256 for sha256 in USED.values()} == USED
    assert {each.sha256 for each in profiles.ALL} == set(USED.values())


def test_profiles_differ_and_no_lawyer_has_verified_one():
    assert len({each.sha256 for each in profiles.PROFILES.values()}) == len(profiles.PROFILES) == 5
    assert not [each.id for each in profiles.PROFILES.values() if each.verified_by_lawyer]
    assert all(each.source for each in profiles.PROFILES.values())


@pytest.mark.parametrize(
    "passed", [(), ("eds",), ("biometric",), ("live_face",), ("eds", "live_face"), ALL], ids=str
)
def test_what_satisfies_a_later_profile_satisfies_the_earlier_ones(passed):
    enough = [
        profiles.suffices(each.combinations, passed_routes=passed)
        for each in profiles.PROFILES.values()
    ]
    assert enough == sorted(enough, reverse=True)


@pytest.mark.parametrize("name", [each.name for each in fields(EARLY) if each.default is None])
def test_what_one_profile_asks_the_later_ones_ask_too(name):
    asked = [getattr(each, name) is not None for each in profiles.PROFILES.values()]
    assert asked == sorted(asked)


@pytest.mark.parametrize(
    ("profile", "asked"),
    [
        ("KZ-2021-04", (None, None, None, None, None, None, None)),
        ("KZ-2024-10", (None, None, None, None, None, 60, None)),
        ("KZ-2025-01", (None, None, None, None, None, 60, 900)),
        ("KZ-2025-09", (21, 55, 75, 75, 24, 60, 900)),
        ("KZ-2026-01", (21, 55, 75, 75, 24, 60, 900)),
    ],
)
def test_what_each_profile_asks_before_the_money_leaves(profile, asked):
    of = profiles.get(profile)
    ages = (of.confirmed_below_years, of.confirmed_from_years)
    sums = (of.visit_over_mci, of.cooling_off_over_mci, of.cooling_off_hours)
    assert (*ages, *sums, of.stop_credit_max_age_seconds, of.account_owner_max_age_seconds) == asked
    assert (of.valid_for_seconds, of.amount_max_mci) == (259_200, None)


def test_no_lender_goes_by_an_unknown_law_or_the_law_of_a_new_consent():
    law = profiles.RENEWAL
    for name in (law.id, "KZ-1999-01"):
        with pytest.raises(BadInput):
            profiles.get(name)
    assert profiles.pinned(law.sha256) is law
    others = {
        route
        for one in profiles.PROFILES.values()
        for routes in one.combinations
        for route in routes
    }
    assert not others & {route for routes in law.combinations for route in routes}
