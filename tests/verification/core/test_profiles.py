""""""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from itertools import combinations
from pathlib import Path
from threading import Event
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest

from tests.verification import law_files
from verification.core import almaty, law_file, law_rules, profiles
from verification.core.almaty import kept_until
from verification.core.errors import BadInput, Misconfigured
from verification.core.profiles import (
    COMBINATIONS,
    DIRECTIONS,
    NO_AMENDMENTS,
    NOT_DECIDING,
    Amendments,
    Profile,
    Status,
    laxer,
    stricter,
)

""""""

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

"""By which verifications may have been opened: lines are added, and never changed."""


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


# How a lender's calendar is read, which law binds on a day, and that no later law is laxer than
# the one before.
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


# In which fields a profile asks less than another: each field that decides, in both directions.
LAW = replace(profiles.get("KZ-2025-09"), amount_max_mci=500)

HIGHER = {"confirmed_below_years", "cooling_off_hours"}


def test_every_field_that_decides_has_a_direction():
    types = get_type_hints(Profile)
    deciding = {field.name for field in fields(Profile)} - NOT_DECIDING
    truths = {
        name
        for name in deciding
        if set(get_args(types[name]) or (types[name],)) - {NoneType} == {bool}
    }
    assert deciding - truths == {COMBINATIONS, *DIRECTIONS}
    assert {field.name for field in fields(Profile)} >= NOT_DECIDING


@pytest.mark.parametrize("name", [*DIRECTIONS])
def test_a_number_is_laxer_on_one_side_only(name):
    value = getattr(LAW, name)
    more, less = (replace(LAW, **{name: value + step}) for step in (1, -1))
    lax, strict = (less, more) if name in HIGHER else (more, less)
    assert laxer(lax, LAW) == (name,)
    assert laxer(LAW, lax) == ()
    assert laxer(strict, LAW) == ()
    assert laxer(LAW, LAW) == ()


@pytest.mark.parametrize(
    "name", sorted({field.name for field in fields(LAW) if field.default is None} & {*DIRECTIONS})
)
def test_a_number_that_is_not_asked_is_the_laxest(name):
    nothing: dict[str, Any] = {name: None}
    silent = replace(LAW, **nothing)
    assert laxer(silent, LAW) == (name,)
    assert laxer(LAW, silent) == laxer(silent, silent) == ()


@pytest.mark.parametrize(
    ("combinations", "is_laxer"),
    [
        ((("eds", "biometric"),), False),
        ((("biometric", "eds"),), False),
        ((("eds", "biometric", "live_face"),), False),
        ((("eds", "biometric"), ("eds", "biometric", "live_face")), False),
        ((("eds",),), True),
        ((("eds", "biometric"), ("biometric",)), True),
        ((("eds", "live_face"),), True),
    ],
    ids=str,
)
def test_every_set_of_routes_of_a_later_law_holds_one_of_the_earlier(combinations, is_laxer):
    assert laxer(replace(LAW, combinations=combinations), LAW) == (
        ("combinations",) if is_laxer else ()
    )


@dataclass(frozen=True, kw_only=True)
class Asking(Profile):
    """A profile of a later release, with a question that this one does not know."""

    asked: bool | None = None


@pytest.mark.parametrize(
    ("value", "than", "is_laxer"),
    [
        (True, True, False),
        (True, None, False),
        (True, False, False),
        (None, False, False),
        (False, None, False),
        (None, None, False),
        (False, True, True),
        (None, True, True),
    ],
)
def test_to_ask_is_stricter_than_not_to_ask(value, than, is_laxer):
    given = {field.name: getattr(LAW, field.name) for field in fields(LAW) if field.init}
    first, second = (Asking(**given, asked=asked) for asked in (value, than))
    assert laxer(first, second) == (("asked",) if is_laxer else ())


def test_the_stricter_of_two_asks_more_somewhere_and_less_nowhere():
    more, mixed = (
        replace(LAW, valid_for_seconds=60),
        replace(LAW, valid_for_seconds=60, cooling_off_hours=1),
    )
    assert stricter(LAW, more) is more
    assert stricter(more, LAW) is more
    assert stricter(LAW, mixed) is LAW
    assert stricter(mixed, LAW) is mixed
    same = replace(LAW, source="another")
    assert stricter(LAW, same) is LAW


# How long what is kept must stay.
CREATED = datetime(2026, 3, 10, 8, tzinfo=UTC)


def days(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("opened", "closed", "expected"),
    [
        (None, None, "2031-03-10T19:00:00+00:00"),  # the 10th is over in Kazakhstan
        ("2026-03-11T08:00:00+00:00", None, None),
        ("2026-03-11T08:00:00+00:00", "2026-06-01T08:00:00+00:00", "2031-06-01T19:00:00+00:00"),
        # 18:59:59 UTC is the same day in Kazakhstan, a second later it is the next.
        ("2026-03-11T08:00:00+00:00", "2026-06-01T18:59:59+00:00", "2031-06-01T19:00:00+00:00"),
        ("2026-03-11T08:00:00+00:00", "2026-06-01T19:00:00+00:00", "2031-06-02T19:00:00+00:00"),
        ("2026-03-11T08:00:00+00:00", "2028-02-29T08:00:00+00:00", "2033-03-01T19:00:00+00:00"),
    ],
)
def test_five_years_after_the_obligation_or_the_attempt_and_never_while_it_is_open(
    opened, closed, expected
):
    opened_at, closed_at = (days(one) if one else None for one in (opened, closed))
    found = kept_until(created_at=CREATED, opened_at=opened_at, closed_at=closed_at)
    assert found == (days(expected) if expected else None)


MIDNIGHT = datetime(2026, 11, 28, 19, 0, tzinfo=UTC)  # in Kazakhstan


def test_a_day_begins_at_midnight_in_kazakhstan():
    assert almaty.day_of(MIDNIGHT) == date(2026, 11, 29)
    assert almaty.day_of(MIDNIGHT - timedelta(microseconds=1)) == date(2026, 11, 28)


def test_a_day_before_march_2024_began_an_hour_earlier():
    assert almaty.day_of(datetime(2024, 2, 28, 18, 0, tzinfo=UTC)) == date(2024, 2, 29)
    assert almaty.day_of(datetime(2024, 3, 1, 18, 0, tzinfo=UTC)) == date(2024, 3, 1)


def test_an_old_table_of_zones_on_the_machine_moves_no_midnight(tmp_path):
    """One from before 2024 knows the zone as Dhaka's, UTC+6."""
    old = tmp_path / "Asia" / "Almaty"
    old.parent.mkdir()
    old.write_bytes(resources.files("tzdata").joinpath("zoneinfo/Asia/Dhaka").read_bytes())
    asked = (
        "from zoneinfo import ZoneInfo; from datetime import *; print(datetime(2026, 1, 1,"
        " tzinfo=ZoneInfo(%r)))"
    )
    ours = (
        "from verification.core import almaty; from datetime import *;"
        " print(almaty.begins(date(2026, 11, 29)))"
    )
    variables = {**os.environ, "PYTHONTZPATH": str(tmp_path)}

    def run(code):
        command, place = [sys.executable, "-c", code], Path(__file__).parents[3]
        return subprocess.run(
            command, cwd=place, env=variables, capture_output=True, text=True, check=True
        ).stdout

    assert "+06:00" in run(asked % "Asia/Almaty")
    assert run(ours) == "2026-11-28 19:00:00+00:00\n"


@pytest.mark.parametrize(
    ("born", "birthday", "years"),
    [
        (date(2008, 11, 28), date(2026, 11, 28), 18),
        (date(2008, 2, 29), date(2026, 3, 1), 18),  # a year without that day
        (date(2008, 2, 29), date(2028, 2, 29), 20),
        (date(2008, 1, 1), date(2026, 1, 1), 18),
        (date(2007, 12, 31), date(2025, 12, 31), 18),
        (date(1899, 1, 1), date(2026, 1, 1), 127),
    ],
)
def test_one_is_a_year_older_on_the_birthday_and_not_the_day_before(born, birthday, years):
    assert almaty.age_on(birthday, born=born) == years
    assert almaty.age_on(birthday - timedelta(days=1), born=born) == years - 1


# One book a process: which of two threads that read at once holds, and that no question is lost
# meanwhile.


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    state, before = profiles._book, profiles.current_amendments()
    reader = state.reader
    yield
    profiles.hold_amendments(before)
    profiles.read_amendments_by(reader)


def test_a_slow_reader_never_puts_back_what_a_later_one_has_read() -> None:
    profiles.hold_amendments(NO_AMENDMENTS)
    is_reading, goes_on = Event(), Event()
    taken = [1]

    def read(is_urgent: bool) -> Amendments:
        number = taken[-1]
        if number == 1:
            is_reading.set()
            assert goes_on.wait(20)
        return Amendments(number=number)

    profiles.read_amendments_by(read)
    with ThreadPoolExecutor(3) as threads:
        slow = threads.submit(profiles.look_again)
        assert is_reading.wait(20)
        taken.append(2)
        later = threads.submit(profiles.look_again)
        profiles.keep_current()  # a request that is not urgent does not wait for the slow one
        assert profiles.current_amendments() is NO_AMENDMENTS
        goes_on.set()
        assert (slow.result(20), later.result(20)) == (True, True)
    assert profiles.current_amendments().number == 2


def test_a_reader_that_fails_leaves_the_book_and_the_next_look_reads() -> None:
    profiles.hold_amendments(Amendments(number=1))
    answers: Iterator[Exception | Amendments] = iter([ZeroDivisionError(), Amendments(number=2)])

    def read(is_urgent: bool) -> Amendments:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    profiles.read_amendments_by(read)
    with pytest.raises(ZeroDivisionError):
        profiles.look_again()
    assert profiles.current_amendments().number == 1
    assert profiles.look_again()
    assert profiles.current_amendments().number == 2
