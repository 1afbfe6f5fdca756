"""How a lender's calendar is read, which law binds on a day, and that no later law is laxer than the one before."""

from dataclasses import fields
from datetime import date, timedelta
from itertools import pairwise

import pytest

from verification.core import almaty, profiles
from verification.core.errors import BadInput, Misconfigured
from verification.core.profiles import Profile

IN_TIME = sorted(profiles.PROFILES.values(), key=lambda each: each.in_force_from)
TWO = [{"from": "2025-01-01", "profile": "KZ-2025-01"}, {"from": "2026-01-26", "profile": "KZ-2026-01"}]
MOST = (
    *("replaced_max", "valid_for_seconds", "amount_max_mci", "confirmed_from_years", "visit_over_mci"),
    *("cooling_off_over_mci", "stop_credit_max_age_seconds", "account_owner_max_age_seconds"),
)
LEAST = ("confirmed_below_years", "cooling_off_hours", "register_asked")
NOT_OF_THE_RULE = {"id", "in_force_from", "source", "verified_by_lawyer", "combinations", "sha256"}


@pytest.mark.parametrize(
    ("untrusted", "code"),
    [
        (None, "calendar_malformed"),
        ({"from": "2026-01-26", "profile": "KZ-2026-01"}, "calendar_malformed"),
        ([["2026-01-26", "KZ-2026-01"]], "calendar_malformed"),
        ([{"from": "2026-01-26"}], "calendar_malformed"),
        ([{"from": "2026-01-26", "profile": "KZ-2026-01", "to": "2027-01-01"}], "calendar_malformed"),
        ([{"from": 20260126, "profile": "KZ-2026-01"}], "calendar_malformed"),
        ([{"from": "20260126", "profile": "KZ-2026-01"}], "calendar_malformed"),
        ([{"from": "2026-02-30", "profile": "KZ-2026-01"}], "calendar_malformed"),
        ([{"from": "2026-01-26", "profile": "KZ-1999-01"}], "profile_unknown"),
        ([{"from": "2026-01-26", "profile": ["KZ-2026-01"]}], "profile_unknown"),
        (TWO[::-1], "calendar_unordered"),
        ([TWO[0], TWO[0]], "calendar_unordered"),
    ],
    ids=str,
)
def test_what_is_no_calendar_is_bad_input(untrusted, code):
    with pytest.raises(BadInput) as refused:
        profiles.parse_calendar(untrusted)
    assert refused.value.code == code


def test_a_live_calendar_may_be_stricter_than_the_law_and_never_laxer():
    assert profiles.parse_live_calendar(TWO) == TWO
    assert profiles.parse_live_calendar([]) == []
    early = [{"from": "2025-01-01", "profile": "KZ-2026-01"}]
    assert profiles.parse_live_calendar(early) == early
    late = [{"from": "2026-01-26", "profile": "KZ-2025-09"}]
    assert profiles.parse_calendar(late) == late
    with pytest.raises(BadInput) as refused:
        profiles.parse_live_calendar(late)
    assert refused.value.code == "calendar_too_lax"


@pytest.mark.parametrize("profile", IN_TIME, ids=lambda each: each.id)
def test_each_law_is_in_force_from_its_day_until_the_next(profile):
    assert profiles.in_force(profile.in_force_from) is profile
    day_before = date.fromordinal(profile.in_force_from.toordinal() - 1)
    if profile is IN_TIME[0]:
        with pytest.raises(Misconfigured):
            profiles.in_force(day_before)
    else:
        assert profiles.in_force(day_before) is IN_TIME[IN_TIME.index(profile) - 1]


def test_in_live_mode_the_law_of_the_day_joins_and_the_stricter_binds():
    old, new = profiles.get("KZ-2021-04"), profiles.get("KZ-2026-01")
    day = almaty.begins(date(2026, 1, 26))
    day_before = day - timedelta(microseconds=1)
    assert profiles.binding(old.id, mode="test", at=day) is old
    assert profiles.binding(old.id, mode="live", at=day) is new
    assert profiles.binding(old.id, mode="live", at=day_before) is profiles.get("KZ-2025-09")
    assert profiles.binding(new.id, mode="live", at=day_before) is new


def test_no_later_law_is_laxer_in_any_field():
    """So that the later of two is the stricter in all."""
    assert {each.name for each in fields(Profile)} == {*MOST, *LEAST} | NOT_OF_THE_RULE
    for earlier, later in pairwise(IN_TIME):
        assert earlier.in_force_from < later.in_force_from
        for name in (*MOST, *LEAST):
            before, after = getattr(earlier, name), getattr(later, name)
            if before is not None:
                assert after is not None, name
                assert after <= before if name in MOST else after >= before, name
        for combination in later.combinations:
            assert profiles.suffices(earlier.combinations, passed=combination), (earlier.id, later.id)
