"""What a law file may change: the next number, a year without an MCI, a profile that asks no less. Pure.

What the code ships stays. A file that breaks a rule is refused as a whole, with a code of `CODES`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NoReturn

from verification.core import mci, profiles
from verification.core.errors import BadInput
from verification.core.law_book import NOTHING, Standing, Taken
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
    "law_laxer": "a profile asks less than an earlier one that it does not repeal",
}
"""Why a law file is not taken, and why `audit_verify` names an entry of one."""
EARLY: Final = "law_early"
"""The code of `audit_verify` for what rests on a law file before its entry."""
_FOLLOWS: Final[Mapping[Status, tuple[Status, ...]]] = {
    Status.ANNOUNCED: (Status.ADOPTED, Status.IN_FORCE),
    Status.ADOPTED: (Status.IN_FORCE,),
    Status.IN_FORCE: (),
}
"""Which status may follow which."""


def extended(taken: Taken, law: Law) -> Taken:
    """What counts once this file is taken, too. Raises `BadInput` with a code of `CODES`; then nothing of it counts."""
    if law.number <= taken.number:
        _refuse("law_replayed", f"number {law.number}, and {taken.number} was taken last")
    if law.number > taken.number + 1:
        _refuse("law_out_of_order", f"number {law.number}, and {taken.number + 1} is next")
    values = taken.values
    for value in law.values:
        year = value.in_force_from.year
        if year in {known.in_force_from.year for known in (*mci.VALUES, *values)}:
            _refuse("law_mci_known", str(year))
        values = (*values, value)
    taken = replace(taken, number=law.number, sha256=law.sha256, values=values)
    for standing in law.statuses:
        _require_possible(taken, standing)
        taken = replace(taken, statuses={**taken.statuses, standing.profile: standing})
    for profile in law.profiles:
        _require_no_laxer(taken, profile)
        taken = replace(taken, profiles=(*taken.profiles, profile))
    return taken


def all_of(laws: tuple[Law, ...]) -> Taken:
    """What counts by these files, in their order. Raises as `extended`."""
    taken = NOTHING
    for law in laws:
        taken = extended(taken, law)
    return taken


def _require_possible(taken: Taken, standing: Standing) -> None:
    profile = profiles.book(taken).get(standing.profile)
    if profile is None:
        _refuse("law_profile_unknown", standing.profile)
    if standing.status not in _FOLLOWS[profile.status]:
        _refuse("law_status_impossible", f"{profile.id} is {profile.status}, and would be {standing.status}")


def _require_no_laxer(taken: Taken, profile: Profile) -> None:
    book = profiles.book(taken)
    if profile.id in {*book, profiles.RENEWAL.id}:
        _refuse("law_profile_known", profile.id)
    if unknown := [name for name in profile.repeals if name not in book]:
        _refuse("law_profile_unknown", unknown[0])
    for earlier in book.values():
        if earlier.id not in profile.repeals and (names := laxer(profile, earlier)):
            _refuse("law_laxer", f"{profile.id} than {earlier.id} in {', '.join(names)}")


def _refuse(code: str, detail: str) -> NoReturn:
    raise BadInput(f"{CODES[code]}: {detail}", code=code)
