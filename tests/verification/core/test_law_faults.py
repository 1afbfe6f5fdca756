"""Each rule that a law file breaks is said, where the root signs it and where it is taken; and days
of a status.
"""

from datetime import date
from typing import Any

import pytest

from tests.verification import law_files
from tests.verification.core.test_law_rules import FIRST, SILENT, code, taken
from verification.core import law_file, law_rules, profiles
from verification.core.errors import BadInput
from verification.core.profiles import NO_AMENDMENTS, Amendments


def test_each_profile_than_which_one_asks_less_is_named_with_every_field() -> None:
    lax = law_files.profile(register_asked=None, cooling_off_hours=12, repeals=["KZ-2025-01"])
    with pytest.raises(BadInput) as refused:
        taken(law_files.document(profiles=[lax]))
    assert (
        refused.value.detail.partition(": ")[2]
        == "KZ-2027-03 asks less than KZ-2024-10 in register_asked and does not repeal it;"
        " KZ-2027-03 asks less than KZ-2025-09 in cooling_off_hours, register_asked and does not"
        " repeal it; KZ-2027-03 asks less than KZ-2026-01 in cooling_off_hours, register_asked"
        " and does not repeal it"
    )


def test_a_year_that_has_a_value_is_refused_with_that_value() -> None:
    with pytest.raises(BadInput, match="2026 has 4325 tenge"):
        taken(law_files.document(mci=[law_files.MCI_2027 | {"year": 2026}]))
    with pytest.raises(BadInput, match="2027 has 4500 tenge"):
        taken(FIRST, law_files.document(2))


@pytest.mark.parametrize("word", ["announced", "adopted"])
def test_what_is_not_in_force_has_its_status_by_the_day_the_file_is_issued(word: str) -> None:
    evening: dict[str, Any] = {"issued_at": "2026-12-15T20:00:00Z"}  # the 16th in Kazakhstan
    today, tomorrow = (law_files.profile(status=word, since=f"2026-12-{day}") for day in (16, 17))
    assert taken(law_files.document(profiles=[today], **evening)).profiles
    early = law_files.document(profiles=[tomorrow], **evening)
    assert code(early) == "law_malformed"
    # One that is on record counts as it stands there.
    assert law_rules.all_of((law_file.parse(early),)).number == 1
    assert taken(law_files.document(profiles=[law_files.profile(since="2030-01-01")])).profiles


def test_a_law_that_is_postponed_is_repealed_by_one_that_asks_what_still_binds() -> None:
    early = law_files.profile(cooling_off_hours=48)
    instead = law_files.profile("KZ-2025-09", id="KZ-2027-03-a", repeals=[law_files.STRICTER])
    anew = law_files.profile(id="KZ-2027-06", since="2027-06-01", cooling_off_hours=48)
    profiles.hold_amendments(
        taken(
            law_files.document(profiles=[early]),
            law_files.document(2, **SILENT, profiles=[instead, anew]),
        )
    )
    days = (date(2027, 2, 28), date(2027, 3, 1), date(2027, 5, 31), date(2027, 6, 1))
    laws = [profiles.in_force(day) for day in days]
    assert [law.cooling_off_hours for law in laws] == [24, 24, 24, 48]
    assert [law.id for law in laws] == ["KZ-2025-09", "KZ-2027-03-a", "KZ-2027-03-a", "KZ-2027-06"]


def test_a_change_of_status_that_is_not_in_force_has_no_day_to_come_either() -> None:
    first = law_files.document(profiles=[law_files.profile(status="announced", since="2026-12-01")])
    change = law_files.status(law_files.STRICTER, "adopted", since="2026-12-16")
    assert code(first, law_files.document(2, **SILENT, statuses=[change])) == "law_malformed"


def told(said: dict[str, Any], *, beside: Amendments = NO_AMENDMENTS) -> list[tuple[str, bool]]:
    """Each rule that a file breaks where the root signs it, and whether that is certain there."""
    return [
        (fault.code, fault.is_certain)
        for fault in law_rules.faults_of(law_file.parse(said), beside)
    ]


def test_every_rule_that_a_file_breaks_is_known_where_it_is_signed() -> None:
    wrong = law_files.document(
        5,
        mci=[law_files.MCI_2027 | {"year": 2026}, law_files.MCI_2027 | {"tenge": 450}],
        statuses=[law_files.status(word="announced", since="2026-12-01")],
        profiles=[
            law_files.profile(id="KZ-2025-09"),
            law_files.profile(visit_over_mci=76, repeals=["KZ-2026-01"]),
        ],
    )
    codes = [
        "law_mci_known",
        "law_mci_implausible",
        "law_status_impossible",
        "law_profile_known",
        "law_laxer",
    ]
    assert told(wrong) == [(name, True) for name in codes]


def test_what_an_earlier_file_may_mend_is_not_certain_without_it() -> None:
    later = {"year": 2028, "tenge": 7000}
    second = law_files.document(
        2,
        mci=[law_files.MCI_2027 | later],
        statuses=[law_files.status("KZ-2027-06", since="2027-06-01")],
    )
    assert told(second) == [("law_mci_implausible", False), ("law_profile_unknown", False)]
    assert told(law_files.document(statuses=[law_files.status("KZ-2027-06")])) == [
        ("law_profile_unknown", True)
    ]
    adopted = law_files.profile(id="KZ-2027-06", status="adopted", since="2026-12-01")
    beside = taken(
        law_files.document(mci=[law_files.MCI_2027 | {"tenge": 6000}], profiles=[adopted])
    )
    assert told(second, beside=beside) == []
    assert told(second, beside=taken(FIRST)) == [
        ("law_mci_implausible", True),
        ("law_profile_unknown", True),
    ]
