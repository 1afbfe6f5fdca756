"""What a law file may change: the next number, a year without an MCI, a profile that requires no
less. Pure.

Shipped values do not change. A file that breaks one rule is refused as a whole, with a code of
`codes.LAW_FILES`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, NoReturn

from verification.core import almaty, profiles
from verification.core.codes import LAW_FILES
from verification.core.errors import BadInput
from verification.core.law_file import MALFORMED, Law
from verification.core.profiles import (
    NO_AMENDMENTS,
    Amendments,
    Profile,
    Status,
    StatusChange,
    laxer,
)

SPLIT: Final = "law_split"
LAXER: Final = "law_laxer"
"""Also the code of a live verification that was opened under a law laxer than its day's."""
EARLY: Final = "law_early"
"""The code of `audit_verify` for anything that uses a law file before its entry."""
_PROFILES: Final = ("KZ-2021-04", "KZ-2024-10", "KZ-2025-01", "KZ-2025-09", "KZ-2026-01")
_YEARS: Final = frozenset({2024, 2025, 2026})
"""The first release with law files ships these years. Add none: a recorded file could become
invalid.
"""
_GROWS: Final = (0.8, 1.5)
"""Limits of a year's value as a multiple of the previous one. Ours: it grew by 6 to 10 % a year
from 2020 to 2026.
"""
_FOLLOWS: Final[Mapping[Status, tuple[Status, ...]]] = {
    Status.ANNOUNCED: (Status.ADOPTED, Status.IN_FORCE),
    Status.ADOPTED: (Status.IN_FORCE,),
    Status.IN_FORCE: (),
}
"""The statuses that may follow each status."""


@dataclass(frozen=True)
class Fault:
    """A rule that a file breaks, by a code of `LAW_FILES`.

    is_certain: the fault holds whatever the missing earlier files contain.
    """

    code: str
    detail: str
    is_certain: bool = True


def extended(amendments: Amendments, law: Law, *, is_on_record: bool = False) -> Amendments:
    """The law after this file.

    is_on_record: its entry has a place in the log.
    A later release may ship what a recorded file brought.
    So a recorded file is compared only with the first release's values and the files before it.

    Raises: `BadInput` with a code of `LAW_FILES`; then no part of the file applies.
    """
    if law.number <= amendments.number:
        _refuse("law_replayed", f"number {law.number}, and {amendments.number} was taken last")
    if law.number > amendments.number + 1:
        _refuse("law_out_of_order", f"number {law.number}, and {amendments.number + 1} is next")
    result, faults = _walked(amendments, law, is_on_record=is_on_record)
    if faults:
        code = faults[0].code
        _refuse(code, "; ".join(fault.detail for fault in faults if fault.code == code))
    return result


def faults_of(law: Law, amendments: Amendments = NO_AMENDMENTS) -> list[Fault]:
    """Every rule that a file breaks, against shipped values and the files given.

    amendments: of the files before it. A fault that a missing file may explain is not certain.
    """
    faults = _walked(amendments, law, is_on_record=False)[1]
    if amendments.number == law.number - 1:
        return faults
    return [
        replace(fault, is_certain=fault.is_certain and fault.code != "law_profile_unknown")
        for fault in faults
    ]


def all_of(laws: tuple[Law, ...]) -> Amendments:
    """The law after these recorded files, in their order.

    Raises: as `extended`.
    """
    amendments = NO_AMENDMENTS
    for law in laws:
        amendments = extended(amendments, law, is_on_record=True)
    return amendments


def _walked(
    amendments: Amendments, law: Law, *, is_on_record: bool
) -> tuple[Amendments, list[Fault]]:
    """The law after a file with the right number, without its faulty parts; and each rule that
    it breaks.
    """
    is_whole = amendments.number == law.number - 1
    day = None if is_on_record else almaty.day_of(law.issued_at)
    amendments, faults = replace(amendments, number=law.number, sha256=law.sha256), list[Fault]()
    for value in law.values:
        broken = [
            *_faults_of_value(amendments, value, is_on_record=is_on_record, is_whole=is_whole)
        ]
        faults += broken
        if not broken:
            amendments = replace(amendments, values=(*amendments.values, value))
    for change in law.statuses:
        broken = [
            *_faults_of_day(change.profile, change, day),
            *_faults_of_status(amendments, change, is_on_record),
        ]
        faults += broken
        if not broken and _is_forward(amendments, change):
            amendments = replace(amendments, statuses=(*amendments.statuses, change))
    for profile in law.profiles:
        broken = [
            *_faults_of_day(profile.id, profile, day),
            *_faults_of_profile(amendments, profile, is_on_record),
        ]
        faults += broken
        # Later profiles are still compared with a laxer one.
        if {fault.code for fault in broken} <= {LAXER}:
            amendments = replace(amendments, profiles=(*amendments.profiles, profile))
    return amendments, faults


def _faults_of_value(
    amendments: Amendments, value: profiles.Mci, *, is_on_record: bool, is_whole: bool
) -> Iterator[Fault]:
    """Faults of a year's value: the year has one already, or the value is a probable slip.

    A later file cannot correct a value.
    is_whole: all files before this one are known here.
    """
    year, shipped = (
        value.in_force_from.year,
        {item.in_force_from.year: item for item in profiles.MCI_VALUES},
    )
    counting = {earlier.in_force_from.year: earlier for earlier in amendments.values}
    counting |= {
        number: item for number, item in shipped.items() if not is_on_record or number in _YEARS
    }
    if year in counting:
        yield Fault("law_mci_known", f"{year} has {counting[year].tenge} tenge")
    elif not is_on_record and (years := [number for number in counting if number < year]):
        last = counting[max(years)].tenge
        if not _GROWS[0] * last <= value.tenge <= _GROWS[1] * last:
            detail = f"{value.tenge} for {year}, after {last} for {max(years)}"
            yield Fault(
                "law_mci_implausible", detail, is_certain=is_whole or max(years) == year - 1
            )


def _faults_of_day(name: str, item: StatusChange | Profile, day: date | None) -> Iterator[Fault]:
    """Faults of a day: only a status in force may start in the future. day: the file's issue;
    None for one on record.
    """
    if day and item.status is not Status.IN_FORCE and item.since > day:
        detail = (
            f"{name} would be {item.status} since {item.since}, after the file was issued: name a"
            " day of before"
        )
        yield Fault(MALFORMED, detail)


def _faults_of_status(
    amendments: Amendments, change: StatusChange, is_on_record: bool
) -> Iterator[Fault]:
    """Faults of a status. A later release may ship the same status as a recorded file, or a
    later one.
    """
    profile = profiles.book(amendments).get(change.profile)
    if profile is None:
        yield Fault("law_profile_unknown", change.profile)
        return
    is_shipped = (
        is_on_record and profile.id in profiles.PROFILES and not amendments.changes_of(profile.id)
    )
    if not _is_forward(amendments, change) and not is_shipped:
        detail = f"{profile.id} is {profile.status}, and would be {change.status}"
        yield Fault("law_status_impossible", detail)


def _is_forward(amendments: Amendments, change: StatusChange) -> bool:
    return change.status in _FOLLOWS[profiles.book(amendments)[change.profile].status]


def _faults_of_profile(
    amendments: Amendments, profile: Profile, is_on_record: bool
) -> Iterator[Fault]:
    book = {**profiles.book(amendments), **{earlier.id: earlier for earlier in amendments.profiles}}
    if is_on_record:
        names = {*_PROFILES, *(earlier.id for earlier in amendments.profiles)}
        book = {name: earlier for name, earlier in book.items() if name in names}
    if profile.id in {*book, profiles.RENEWAL.id}:
        yield Fault("law_profile_known", profile.id)
        return
    for name in profile.repeals:
        if name not in book:
            yield Fault("law_profile_unknown", name)
    for earlier in book.values():
        if earlier.id not in profile.repeals and (fields := laxer(profile, earlier)):
            detail = (
                f"{profile.id} asks less than {earlier.id} in {', '.join(fields)} and does not"
                " repeal it"
            )
            yield Fault(LAXER, detail)


def _refuse(code: str, detail: str) -> NoReturn:
    raise BadInput(f"{LAW_FILES[code].law_file}: {detail}", code=code)
