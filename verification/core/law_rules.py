"""What a law file may change: the next number, a year without an MCI, a profile that asks no less. Pure.

What the code ships stays. A file that breaks a rule is refused as a whole, with a code of `CODES`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, NoReturn

from verification.core import mci, profiles
from verification.core.errors import BadInput
from verification.core.law_book import NOTHING, Amendments, StatusChange
from verification.core.law_file import Law
from verification.core.profiles import Profile, Status
from verification.core.strictness import laxer

CODES: Final[Mapping[str, str]] = {
    "law_malformed": "the file is no law file of this form",
    "law_forged": "the operator's root did not sign it",
    "law_elsewhere": "it is signed for another installation",
    "law_replayed": "a file of this number was taken before",
    "law_out_of_order": "a file of a lower number is missing",
    "law_mci_known": "the year has a value of the MCI already",
    "law_profile_known": "the id names a profile already",
    "law_profile_unknown": "it names a profile that is not known",
    "law_status_impossible": "no profile goes from its status to that one",
    "law_split": "the logs have another file of this number each, and neither counts: sign the next number",
    "law_mci_implausible": "the value is not between 0.8 and 1.5 times that of the year before it",
    "law_laxer": "a profile asks less than an earlier one that it does not repeal",
}
"""Why a law file is not taken, and why `audit_verify` names an entry of one."""
SPLIT: Final = "law_split"
LAXER: Final = "law_laxer"
"""Of these also the code of a live verification that was opened by less than the law of its day."""
EARLY: Final = "law_early"
"""The code of `audit_verify` for what rests on a law file before its entry."""
_PROFILES: Final = ("KZ-2021-04", "KZ-2024-10", "KZ-2025-01", "KZ-2025-09", "KZ-2026-01")
_YEARS: Final = frozenset({2024, 2025, 2026})
"""What the first release with law files ships: nothing is ever added here, or what is on record might be refused."""
_GROWS: Final = (0.8, 1.5)
"""How many times the value before it a year's value may be. Ours: it grew by 6 to 10 % a year from 2020 to 2026."""
_FOLLOWS: Final[Mapping[Status, tuple[Status, ...]]] = {
    Status.ANNOUNCED: (Status.ADOPTED, Status.IN_FORCE),
    Status.ADOPTED: (Status.IN_FORCE,),
    Status.IN_FORCE: (),
}
"""Which status may follow which."""


def extended(amendments: Amendments, law: Law, *, is_on_record: bool = False) -> Amendments:
    """What counts once this file is taken, too. Raises `BadInput` with a code of `CODES`; then nothing of it counts.

    is_on_record: its entry is ordered. A later release may ship what was taken before it, so such a file is compared
    with what the first release ships, and with the files before it, alone.
    """
    if law.number <= amendments.number:
        _refuse("law_replayed", f"number {law.number}, and {amendments.number} was taken last")
    if law.number > amendments.number + 1:
        _refuse("law_out_of_order", f"number {law.number}, and {amendments.number + 1} is next")
    values, years = amendments.values, _YEARS if is_on_record else {value.in_force_from.year for value in mci.VALUES}
    for value in law.values:
        year = value.in_force_from.year
        if year in {*years, *(earlier.in_force_from.year for earlier in values)}:
            _refuse("law_mci_known", str(year))
        if not is_on_record:
            _require_plausible(value, (*mci.VALUES, *values))
        values = (*values, value)
    amendments = replace(amendments, number=law.number, sha256=law.sha256, values=values)
    for change in law.statuses:
        if not _is_forward(amendments, change, is_on_record=is_on_record):
            continue
        amendments = replace(amendments, statuses=(*amendments.statuses, change))
    for profile in law.profiles:
        _require_no_laxer(amendments, profile, is_on_record=is_on_record)
        amendments = replace(amendments, profiles=(*amendments.profiles, profile))
    return amendments


def all_of(laws: tuple[Law, ...]) -> Amendments:
    """What counts by these files, which are on record, in their order. Raises as `extended`."""
    amendments = NOTHING
    for law in laws:
        amendments = extended(amendments, law, is_on_record=True)
    return amendments


def _require_plausible(value: mci.Mci, known: Iterable[mci.Mci]) -> None:
    """A slip of the pen in a year's value cannot be corrected: the year has one."""
    before = [other for other in known if other.in_force_from < value.in_force_from]
    if not before:
        return
    last = max(before, key=lambda other: other.in_force_from).tenge
    if not _GROWS[0] * last <= value.tenge <= _GROWS[1] * last:
        _refuse("law_mci_implausible", f"{value.tenge} for {value.in_force_from.year}, after {last}")


def _is_forward(amendments: Amendments, change: StatusChange, *, is_on_record: bool) -> bool:
    """Whether it changes anything: a later release may ship the status, or one behind it."""
    profile = profiles.book(amendments).get(change.profile)
    if profile is None:
        _refuse("law_profile_unknown", change.profile)
    if change.status not in _FOLLOWS[profile.status]:
        if is_on_record and profile.id in profiles.PROFILES and not amendments.changes_of(profile.id):
            return False
        _refuse("law_status_impossible", f"{profile.id} is {profile.status}, and would be {change.status}")
    return True


def _require_no_laxer(amendments: Amendments, profile: Profile, *, is_on_record: bool) -> None:
    book = {**profiles.book(amendments), **{earlier.id: earlier for earlier in amendments.profiles}}
    if is_on_record:
        names = {*_PROFILES, *(earlier.id for earlier in amendments.profiles)}
        book = {name: earlier for name, earlier in book.items() if name in names}
    if profile.id in {*book, profiles.RENEWAL.id}:
        _refuse("law_profile_known", profile.id)
    if unknown := [name for name in profile.repeals if name not in book]:
        _refuse("law_profile_unknown", unknown[0])
    for earlier in book.values():
        if earlier.id not in profile.repeals and (fields := laxer(profile, earlier)):
            _refuse("law_laxer", f"{profile.id} than {earlier.id} in {', '.join(fields)}")


def _refuse(code: str, detail: str) -> NoReturn:
    raise BadInput(f"{CODES[code]}: {detail}", code=code)
