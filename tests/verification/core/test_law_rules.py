"""What a law file may change, and each rule that refuses one."""

from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest

from tests.verification import law_files
from verification.core import almaty, law_file, law_rules, profiles
from verification.core.errors import BadInput, Misconfigured
from verification.core.profiles import (
    COMBINATIONS,
    DIRECTIONS,
    NO_AMENDMENTS,
    Amendments,
    Direction,
    Status,
)


def taken(*documents: dict[str, Any]) -> Amendments:
    """What counts once all were taken; then they are on record, and are read so again."""
    amendments, laws = NO_AMENDMENTS, tuple(law_file.parse(said) for said in documents)
    for law in laws:
        amendments = law_rules.extended(amendments, law)
    assert law_rules.all_of(laws) == amendments
    return amendments


def code(*documents: dict[str, Any]) -> str:
    with pytest.raises(BadInput) as refused:
        taken(*documents)
    return refused.value.code


FIRST = law_files.document()
SILENT: dict[str, Any] = {"mci": []}


def test_the_value_of_a_year_counts_once_its_file_is_taken():
    day = date(2027, 1, 2)
    assert not profiles.is_mci_known(day)
    with pytest.raises(Misconfigured):
        profiles.mci_tenge(75, on=day)
    profiles.hold_amendments(taken(FIRST))
    assert profiles.is_mci_known(day)
    assert profiles.mci_tenge(75, on=day) == 75 * 4500
    assert profiles.mci_tenge(75, on=date(2026, 12, 31)) == 75 * 4325
    assert not profiles.is_mci_known(date(2028, 1, 1))


def test_a_larger_mci_is_no_laxer_law():
    larger = law_files.MCI_2027 | {"tenge": 6487}
    assert taken(law_files.document(mci=[larger])).values[0].tenge == 6487


def test_files_are_taken_in_their_order_without_a_gap():
    second = law_files.document(2, **SILENT, statuses=[law_files.status()])
    assert taken(FIRST, second).number == 2
    assert code(second) == "law_out_of_order"
    assert (
        code(FIRST, FIRST)
        == code(FIRST, second, second)
        == code(FIRST, second, FIRST)
        == "law_replayed"
    )
    assert (
        code(FIRST, law_files.document(3, **SILENT, statuses=[law_files.status()]))
        == "law_out_of_order"
    )


STRICT = {field.name for field in fields(profiles.Profile)} & DIRECTIONS.keys()
NEWEST = profiles.get("KZ-2026-01")
LAX = {
    name: {name: getattr(NEWEST, name) + (1 if DIRECTIONS[name] is Direction.LOWER else -1)}
    for name in sorted(STRICT)
    if getattr(NEWEST, name) is not None
}
LAX |= {
    COMBINATIONS: {COMBINATIONS: [["biometric"]]},
    "a way more": {COMBINATIONS: [["eds", "biometric"], ["live_face"]]},
    "no visit": {"visit_over_mci": None},
    "no wait": {"cooling_off_over_mci": None, "cooling_off_hours": None},
    "no stop-credit": {"stop_credit_max_age_seconds": None},
    "no register of people": {"register_asked": None},
    "a no to the register of people": {"register_asked": False},
}


@pytest.mark.parametrize("change", LAX.values(), ids=LAX)
def test_a_profile_that_asks_less_in_any_field_is_refused_unless_it_is_signed_to_repeal(change):
    lax = law_files.profile(**change)
    assert code(law_files.document(profiles=[lax])) == "law_laxer"
    every = [*profiles.PROFILES]
    repealing = law_files.document(profiles=[lax | {"repeals": every}])
    assert taken(repealing).profiles[0].repeals == tuple(every)
    assert code(law_files.document(profiles=[lax | {"repeals": every[:-1]}])) == "law_laxer"


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"cooling_off_hours": 48},
        {"valid_for_seconds": 3600},
        {"amount_max_mci": 500},
        {"combinations": [["eds", "biometric", "live_face"]]},
    ],
    ids=str,
)
def test_a_profile_that_asks_as_much_or_more_is_taken(change):
    profiles.hold_amendments(taken(law_files.document(profiles=[law_files.profile(**change)])))
    day = date(2027, 3, 1)
    assert profiles.in_force(day).id == law_files.STRICTER
    assert profiles.in_force(date(2027, 2, 28)).id == "KZ-2025-09"
    assert (
        profiles.binding("KZ-2021-04", mode="live", at=almaty.begins(day)).id == law_files.STRICTER
    )
    assert profiles.pinned(profiles.get(law_files.STRICTER).sha256).id == law_files.STRICTER
    assert profiles.calendar_of(law_files.STRICTER) == [
        {"from": "2027-03-01", "profile": law_files.STRICTER}
    ]


def test_what_repeals_a_law_counts_from_its_day_and_not_before():
    milder = law_files.profile(cooling_off_hours=12, repeals=["KZ-2025-09", "KZ-2026-01"])
    profiles.hold_amendments(taken(law_files.document(profiles=[milder])))
    assert profiles.in_force(date(2027, 2, 28)).id == "KZ-2025-09"
    assert profiles.in_force(date(2027, 3, 1)).cooling_off_hours == 12
    waiting = law_files.document(profiles=[milder | {"status": "adopted", "since": "2026-12-01"}])
    profiles.hold_amendments(taken(waiting))
    assert (
        profiles.binding("KZ-2021-04", mode="live", at=almaty.begins(date(2027, 3, 1))).id
        == "KZ-2025-09"
    )


def profiled(*given: dict[str, Any], number: int = 1, **more: Any) -> dict[str, Any]:
    """A law file of these profiles."""
    return law_files.document(number, profiles=[*given], **more)


STRICTER = law_files.profile(cooling_off_hours=48)
LATER = law_files.profile(id="KZ-2027-06")
REFUSED: dict[str, tuple[list[dict[str, Any]], str]] = {
    **{
        f"{tenge} tenge": (
            [law_files.document(mci=[law_files.MCI_2027 | {"tenge": tenge}])],
            "law_mci_implausible",
        )
        for tenge in (43, 3459, 6488, 43250)
    },
    **{
        f"{year} is shipped": (
            [law_files.document(mci=[law_files.MCI_2027 | {"year": year}])],
            "law_mci_known",
        )
        for year in (2024, 2025, 2026)
    },
    "a year that was taken": ([FIRST, law_files.document(2)], "law_mci_known"),
    "a year twice": ([law_files.document(mci=[law_files.MCI_2027] * 2)], "law_mci_known"),
    **{
        f"{name} is shipped": ([profiled(law_files.profile(id=name))], "law_profile_known")
        for name in profiles.PROFILES
    },
    "the law of a new consent": (
        [profiled(law_files.profile(id=profiles.RENEWAL.id))],
        "law_profile_known",
    ),
    "a profile twice": ([profiled(law_files.profile(), law_files.profile())], "law_profile_known"),
    "repeals the unknown": (
        [profiled(law_files.profile(repeals=["KZ-2020-01"]))],
        "law_profile_unknown",
    ),
    "moves the unknown": (
        [law_files.document(statuses=[law_files.status("KZ-2020-01")])],
        "law_profile_unknown",
    ),
    "moves the law of a new consent": (
        [law_files.document(statuses=[law_files.status(profiles.RENEWAL.id)])],
        "law_profile_unknown",
    ),
    "laxer than one taken before": (
        [profiled(STRICTER), profiled(LATER, number=2, **SILENT)],
        "law_laxer",
    ),
    "laxer than one beside it": ([profiled(STRICTER, LATER)], "law_laxer"),
}


@pytest.mark.parametrize(("documents", "expected"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_breaks_a_rule_is_refused_by_the_code_of_the_rule(
    documents: list[dict[str, Any]], expected: str
) -> None:
    assert code(*documents) == expected


@pytest.mark.parametrize(
    ("status", "following", "is_possible"),
    [
        ("announced", "announced", False),
        ("announced", "adopted", True),
        ("announced", "in_force", True),
        ("adopted", "announced", False),
        ("adopted", "adopted", False),
        ("adopted", "in_force", True),
        ("in_force", "announced", False),
        ("in_force", "adopted", False),
        ("in_force", "in_force", False),
    ],
)
def test_a_profile_goes_forward_and_never_back(status, following, is_possible):
    first = law_files.document(profiles=[law_files.profile(status=status, since="2026-12-10")])
    change = law_files.status(law_files.STRICTER, following, since="2026-12-11")
    second = law_files.document(2, **SILENT, statuses=[change])
    if is_possible:
        profiles.hold_amendments(taken(first, second))
        assert profiles.get(law_files.STRICTER).status == following
    else:
        assert code(first, second) == "law_status_impossible"


def test_a_shipped_profile_comes_into_force_and_keeps_its_hash():
    before, day = profiles.get("KZ-2026-01"), date(2027, 2, 1)
    profiles.hold_amendments(taken(law_files.document(**SILENT, statuses=[law_files.status()])))
    after = profiles.get("KZ-2026-01")
    assert (before.status, after.status, after.since) == (Status.ADOPTED, Status.IN_FORCE, day)
    assert before.sha256 == after.sha256
    assert profiles.in_force(day) == after
    assert profiles.in_force(date(2027, 1, 31)).id == "KZ-2025-09"


def test_what_the_code_ships_stays():
    shipped, values = dict(profiles.PROFILES), profiles.MCI_VALUES
    profiles.hold_amendments(
        taken(law_files.document(profiles=[law_files.profile()], statuses=[law_files.status()]))
    )
    assert shipped == profiles.PROFILES
    assert values is profiles.MCI_VALUES
    assert [*profiles.book()] == [*shipped, law_files.STRICTER]
    assert profiles.mci_values()[: len(values)] == values
    profiles.hold_amendments(NO_AMENDMENTS)
    assert profiles.book() == shipped


@pytest.mark.parametrize(
    "said",
    [
        law_files.document(mci=[law_files.MCI_2027 | {"year": 2026}]),
        law_files.document(profiles=[law_files.profile(visit_over_mci=76)]),
        law_files.document(profiles=[law_files.profile(id="KZ-2025-09")]),
        law_files.document(profiles=[law_files.profile(repeals=["KZ-2020-01"])]),
    ],
    ids=["a second value", "laxer", "a second profile", "an unknown one"],
)
def test_a_file_that_may_not_be_taken_counts_for_nothing_on_record_either(said):
    with pytest.raises(BadInput) as refused:
        law_rules.all_of((law_file.parse(said),))
    assert refused.value.code == code(said)


def test_a_later_release_that_ships_what_was_taken_reads_the_log_as_before(monkeypatch):
    first = law_files.document(profiles=[law_files.profile()], statuses=[law_files.status()])
    second = law_files.document(2, mci=[law_files.MCI_2027 | {"year": 2028}])
    laws = tuple(law_file.parse(said) for said in (first, second))
    before = taken(first, second)
    old = laws[0].profiles[0]
    shipped = replace(old, cooling_off_hours=72)
    monkeypatch.setitem(profiles.PROFILES, shipped.id, shipped)
    adopted = profiles.get("KZ-2026-01")
    monkeypatch.setitem(profiles.PROFILES, adopted.id, replace(adopted, status=Status.IN_FORCE))
    monkeypatch.setattr(
        profiles,
        "MCI_VALUES",
        (*profiles.MCI_VALUES, profiles.Mci(date(2027, 1, 1), 4567, "a release")),
    )
    assert law_rules.all_of(laws).number == 2
    profiles.hold_amendments(law_rules.all_of(laws))
    # What the release ships counts from then on; what was decided before is read by what decided
    # it.
    assert profiles.mci_tenge(1, on=date(2027, 1, 2)) == 4567
    assert profiles.is_mci_known(date(2028, 1, 2))
    assert profiles.get(old.id) is shipped
    assert profiles.pinned(old.sha256) == old
    assert profiles.pinned(shipped.sha256) is shipped
    assert before.values == law_rules.all_of(laws).values


def test_a_refused_file_leaves_all_as_it_was():
    before = taken(FIRST)
    bad = law_file.parse(
        law_files.document(2, **SILENT, profiles=[law_files.profile(visit_over_mci=None)])
    )
    with pytest.raises(BadInput):
        law_rules.extended(before, bad)
    assert before == taken(FIRST)


@pytest.mark.parametrize(
    "question",
    [lambda: profiles.get("KZ-2027-03"), lambda: profiles.mci_tenge(1, on=date(2027, 1, 1))],
)
def test_what_is_not_known_is_looked_up_at_once_and_once(question):
    looks = []

    def look(is_urgent):
        looks.append(is_urgent)
        return taken(law_files.document(profiles=[law_files.profile()]))

    profiles.read_amendments_by(look)
    assert question()
    assert question()
    assert looks == [True]


def test_what_is_nowhere_is_unknown_after_a_look():
    profiles.read_amendments_by(lambda is_urgent: replace(NO_AMENDMENTS))
    with pytest.raises(BadInput) as refused:
        profiles.get("KZ-2027-03")
    assert refused.value.code == "profile_unknown"
    with pytest.raises(Misconfigured):
        profiles.pinned("0" * 64)
