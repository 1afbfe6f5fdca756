"""How a lender's calendar is read, which law binds on a day, and that no later law is laxer than
the one before.
"""

from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations

import pytest

from tests.verification import law_files
from verification.core import almaty, law_file, law_rules, profiles
from verification.core.errors import BadInput, Misconfigured
from verification.core.profiles import NO_AMENDMENTS, Status

IN_ORDER = [*profiles.PROFILES.values()]
IN_FORCE = [profile for profile in IN_ORDER if profile.status is Status.IN_FORCE]
TWO = [
    {"from": "2025-01-01", "profile": "KZ-2025-01"},
    {"from": "2026-01-26", "profile": "KZ-2026-01"},
]


@pytest.mark.parametrize(
    ("untrusted", "code"),
    [
        (None, "calendar_malformed"),
        ({"from": "2026-01-26", "profile": "KZ-2026-01"}, "calendar_malformed"),
        ([["2026-01-26", "KZ-2026-01"]], "calendar_malformed"),
        ([{"from": "2026-01-26"}], "calendar_malformed"),
        (
            [{"from": "2026-01-26", "profile": "KZ-2026-01", "to": "2027-01-01"}],
            "calendar_malformed",
        ),
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
    late = [{"from": "2025-09-30", "profile": "KZ-2025-01"}]
    assert profiles.parse_calendar(late) == late
    with pytest.raises(BadInput) as refused:
        profiles.parse_live_calendar(late)
    assert refused.value.code == "calendar_too_lax"


def test_a_live_calendar_may_name_the_law_in_force_beside_an_equal_one_whose_day_is_not_known():
    named = [{"from": "2026-12-01", "profile": "KZ-2025-09"}]
    assert profiles.parse_live_calendar(named) == named


@pytest.mark.parametrize("profile", IN_FORCE, ids=lambda each: each.id)
def test_each_law_is_in_force_from_its_day_until_the_next(profile):
    assert profiles.in_force(profile.since) is profile
    day_before = date.fromordinal(profile.since.toordinal() - 1)
    if profile is IN_FORCE[0]:
        with pytest.raises(Misconfigured):
            profiles.in_force(day_before)
    else:
        assert profiles.in_force(day_before) is IN_FORCE[IN_FORCE.index(profile) - 1]


def test_a_profile_whose_day_is_not_known_is_not_the_law_of_any_day():
    assert profiles.in_force(date(2030, 1, 1)) is profiles.get("KZ-2025-09")


def test_in_live_mode_the_law_of_the_day_joins_and_the_stricter_binds():
    old, new = profiles.get("KZ-2021-04"), profiles.get("KZ-2025-09")
    day = almaty.begins(date(2025, 9, 30))
    day_before = day - timedelta(microseconds=1)
    assert profiles.binding(old.id, mode="test", at=day) is old
    assert profiles.binding(old.id, mode="live", at=day) is new
    assert profiles.binding(old.id, mode="live", at=day_before) is profiles.get("KZ-2025-01")
    assert profiles.binding(new.id, mode="live", at=day_before) is new


TODAY = almaty.begins(date(2026, 12, 1))
ADOPTED = profiles.get("KZ-2026-01")


def test_the_adopted_profile_asks_just_what_the_law_in_force_asks():
    law = profiles.get("KZ-2025-09")
    assert ADOPTED.combinations == law.combinations
    assert profiles.laxer(ADOPTED, law) == profiles.laxer(law, ADOPTED) == ()


@pytest.mark.parametrize("held", [*profiles.PROFILES])
def test_where_an_adopted_profile_asks_nothing_more_the_law_in_force_binds_in_live_mode(held):
    assert profiles.binding(held, mode="live", at=TODAY).id == "KZ-2025-09"
    assert profiles.binding(held, mode="test", at=TODAY).id == held


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"confirmed_below_years": 22}, "KZ-2026-01"),
        ({"valid_for_seconds": ADOPTED.valid_for_seconds - 1}, "KZ-2026-01"),
        ({"confirmed_below_years": 22, "status": Status.ANNOUNCED}, "KZ-2025-09"),
        ({"confirmed_below_years": 22, "since": date(2026, 12, 2)}, "KZ-2025-09"),
        ({"confirmed_below_years": 22, "cooling_off_hours": 23}, "KZ-2025-09"),
        ({"confirmed_below_years": 22, "status": Status.IN_FORCE}, "KZ-2026-01"),
    ],
    ids=str,
)
def test_an_adopted_profile_that_asks_more_binds_in_live_mode(monkeypatch, change, expected):
    monkeypatch.setitem(profiles.PROFILES, ADOPTED.id, replace(ADOPTED, **change))
    assert profiles.binding("KZ-2021-04", mode="live", at=TODAY).id == expected
    assert profiles.binding(expected, mode="live", at=TODAY).id == expected


def test_what_a_profile_in_force_repeals_is_no_law_any_more(monkeypatch):
    day = date(2026, 6, 1)
    milder = replace(
        profiles.get("KZ-2025-09"),
        id="KZ-2026-06",
        status=Status.IN_FORCE,
        since=day,
        cooling_off_hours=12,
        repeals=("KZ-2025-09", "KZ-2026-01"),
    )
    monkeypatch.setitem(profiles.PROFILES, milder.id, milder)
    assert profiles.in_force(date.fromordinal(day.toordinal() - 1)).id == "KZ-2025-09"
    assert profiles.in_force(day) is milder
    assert profiles.binding("KZ-2021-04", mode="live", at=TODAY) is milder
    assert profiles.binding("KZ-2025-09", mode="live", at=TODAY).id == "KZ-2025-09"


@pytest.mark.parametrize(
    ("earlier", "later"), [*combinations(IN_ORDER, 2)], ids=lambda each: each.id
)
def test_no_later_law_is_laxer_in_any_field(earlier, later):
    assert profiles.laxer(later, earlier) == ()


def test_a_status_with_a_day_to_come_leaves_the_one_before_it_until_then():
    """An adopted law that is stricter goes on to join, though its day of force is known by now."""
    strict = law_files.profile(status="adopted", since="2027-01-10", cooling_off_hours=72)
    in_force = law_files.status(law_files.STRICTER, "in_force", "2027-03-01")
    taken = NO_AMENDMENTS
    days = [law_files.noon(date(2027, month, 2)) for month in (1, 2, 3)]
    bound = []
    adopted = law_files.document(profiles=[strict], issued_at="2027-01-11T05:00:00Z")
    for document in (adopted, law_files.document(2, mci=[], statuses=[in_force])):
        taken = law_rules.extended(taken, law_file.parse(document))
        profiles.hold_amendments(taken)
        bound.append([profiles.binding("KZ-2025-09", mode="live", at=day).id for day in days])
    profiles.hold_amendments(NO_AMENDMENTS)
    assert bound == [["KZ-2025-09", law_files.STRICTER, law_files.STRICTER]] * 2


@pytest.mark.parametrize("law", IN_ORDER, ids=lambda each: each.id)
def test_a_live_verification_is_lawful_by_no_profile_that_is_laxer_than_the_law_of_its_day(law):
    at = law_files.noon(date(2026, 12, 1))
    assert profiles.is_lawful(law, mode="test", at=at)
    laxer = profiles.laxer(law, profiles.get("KZ-2025-09"))
    assert profiles.is_lawful(law, mode="live", at=at) is not bool(laxer)
    assert profiles.is_lawful(profiles.RENEWAL, mode="live", at=at)
    assert not profiles.is_lawful(law, mode="live", at=law_files.noon(date(1999, 1, 1)))
