"""Dated legal profiles: what each state of the law asks, as data, and by which a lender goes on a
day.

The book of profiles holds those that the code ships, then those that were taken since, in their
order: a later one asks at least what each before it asks, in each field, unless it is signed to
repeal that one. Days are those of Kazakhstan. Source: api.md §1. Not legal advice; see law.md §0,
§1 and §6 (O-…, U…).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from enum import StrEnum
from typing import Final

from verification.core import law_book, stored, strictness
from verification.core.errors import BadInput, Misconfigured
from verification.core.spelling import gettext_noop

Combination = tuple[str, ...]
_NOT_IN_HASH: Final = strictness.NOT_DECIDING - {"id"}
_VALID_FOR_SECONDS: Final = 72 * 3600
"""No source names a time; ours: api.md §1."""
_STOP_CREDIT_SECONDS: Final = 60
"""Asked again as the money leaves, not kept (O-50, U9); api.md §1."""
_ACCOUNT_OWNER_SECONDS: Final = 15 * 60
"""No source names a time; ours: as long as a clearance lives (api.md §1)."""
_CREDIT_MCI: Final = 75
"""O-52, O-55: 294 900 KZT of 2025."""


class Status(StrEnum):
    """How far a state of the law has come."""

    ANNOUNCED = "announced"
    ADOPTED = "adopted"
    """Its day of force is not known."""
    IN_FORCE = "in_force"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One state of the law. A field is None where that is not asked. Sums are in MCI: see
    `core/mci.py`.

    A verification is decided by `combinations` and `replaced_max`, a clearance by what stands below
    them.
    """

    id: str
    status: Status
    since: date
    """The day since which it has this status; of one in force the day on which it came into
    force.
    """
    source: str
    repeals: tuple[str, ...] = ()
    """Ids of earlier profiles that count no more once this one is in force."""
    verified_by_lawyer: bool = False
    combinations: tuple[Combination, ...]
    """Sufficient sets of routes, each in the order the borrower does them."""
    replaced_max: int
    """How many missed commands of a live capture may be replaced; 0 where any mismatch repeats the
    check. O-23.
    """
    valid_for_seconds: int = _VALID_FOR_SECONDS
    """How old `verified` may be."""
    amount_max_mci: int | None = None
    """The most that may be lent. No source names a sum; what a verification was opened for is the
    most anyway.
    """
    confirmed_below_years: int | None = None
    """Who is younger confirms once more, outside of this flow. O-56: not any more on the birthday
    (U5).
    """
    confirmed_from_years: int | None = None
    """Who is so old or older confirms, too. O-56: from the birthday on, the stricter reading of
    "over 55" (U5).
    """
    visit_over_mci: int | None = None
    """The person's first online credit over this sum asks for a visit. O-55."""
    cooling_off_over_mci: int | None = None
    """Where one person's online credits of a day in Almaty come to more, the money waits. O-52,
    O-53, U6.
    """
    cooling_off_hours: int | None = None
    """So long after the contract, and then for a new consent. O-52."""
    stop_credit_max_age_seconds: int | None = None
    """How old the answer may be whether the person has refused all credits. O-50, S15. No source
    says from which day
    it is asked: from the law of June 2024 on, the stricter reading.
    """
    account_owner_max_age_seconds: int | None = None
    """How old the answer may be whose the account is. O-58, S9."""
    register_asked: bool | None = None
    """Whether the register of people must confirm, once a verification, that the person lives, is
    named so, was born that day and holds that document. O-05, O-06; law.md names no day: from the
    ban of 2024 on, the stricter reading.
    """
    sha256: str = field(init=False)
    """Hash of the id and of what decides, pinned by every verification opened under it. A later
    status does not change it.
    """

    def __post_init__(self) -> None:
        # What is not asked is not hashed: a question that a later law brings leaves the hashes of
        # the earlier ones.
        asked = {
            each.name: getattr(self, each.name)
            for each in fields(self)
            if each.name not in _NOT_IN_HASH
        }
        rule = {name: value for name, value in asked.items() if value is not None}
        object.__setattr__(self, "sha256", stored.digest(rule))


PROFILES = {
    profile.id: profile
    for profile in (
        Profile(
            id="KZ-2021-04",
            status=Status.IN_FORCE,
            since=date(2021, 4, 30),
            source=gettext_noop(
                "ARDFM resolution of 30 April 2021: one of EDS, biometric, two-factor with a live"
                " face"
            ),
            combinations=(("eds",), ("biometric",), ("live_face",)),
            replaced_max=2,  # it says nothing of commands
        ),
        Profile(
            id="KZ-2024-10",
            status=Status.IN_FORCE,
            since=date(2024, 10, 20),
            source=gettext_noop(
                "Law of June 2024: no credit online without biometric identification; ARDFM No. 56"
                " of 16 August 2024, in force about 20 October 2024"
            ),
            combinations=(("biometric",),),
            replaced_max=0,
            register_asked=True,
            stop_credit_max_age_seconds=_STOP_CREDIT_SECONDS,
        ),
        Profile(
            id="KZ-2025-01",
            status=Status.IN_FORCE,
            since=date(2025, 1, 1),
            source=gettext_noop(
                "ARDFM No. 56 of 16 August 2024, items in force from 1 January 2025: EDS and"
                " biometric together (one source says both), and whose the account is"
            ),
            combinations=(("eds", "biometric"),),
            replaced_max=0,
            register_asked=True,
            stop_credit_max_age_seconds=_STOP_CREDIT_SECONDS,
            account_owner_max_age_seconds=_ACCOUNT_OWNER_SECONDS,
        ),
        Profile(
            id="KZ-2025-09",
            status=Status.IN_FORCE,
            since=date(2025, 9, 30),
            source=gettext_noop(
                "ARDFM's announcement of September 2025, in force from 30 September 2025, as the"
                " press has it: cooling-off, a visit for the first credit, age"
            ),
            combinations=(("eds", "biometric"),),
            replaced_max=0,
            register_asked=True,
            confirmed_below_years=21,
            confirmed_from_years=55,
            visit_over_mci=_CREDIT_MCI,
            cooling_off_over_mci=_CREDIT_MCI,
            cooling_off_hours=24,
            stop_credit_max_age_seconds=_STOP_CREDIT_SECONDS,
            account_owner_max_age_seconds=_ACCOUNT_OWNER_SECONDS,
        ),
        Profile(
            id="KZ-2026-01",
            status=Status.ADOPTED,
            since=date(2026, 1, 16),  # the first report
            source=gettext_noop(
                "Rules of biometric authentication in place of No. 56, approved by ARDFM in January"
                " 2026, as the press has them: in force ten days after official publication"
            ),
            combinations=(("eds", "biometric"),),
            replaced_max=0,
            register_asked=True,
            confirmed_below_years=21,
            confirmed_from_years=55,
            visit_over_mci=_CREDIT_MCI,
            cooling_off_over_mci=_CREDIT_MCI,
            cooling_off_hours=24,
            stop_credit_max_age_seconds=_STOP_CREDIT_SECONDS,
            account_owner_max_age_seconds=_ACCOUNT_OWNER_SECONDS,
        ),
    )
}

NOT_IN_FORCE: Final[Mapping[str, str]] = {
    "KZ-2026-01": gettext_noop("No source shows the official publication."),
}
"""Why a profile that the code ships is not in force, until a law file says otherwise."""

RENEWAL: Final = Profile(
    id="KZ-2025-09-renewal",
    status=Status.IN_FORCE,
    since=date(2025, 9, 30),
    source=gettext_noop(
        "ARDFM's announcement of September 2025, as the press has it: after the wait the money"
        " leaves for a new consent"
    ),
    combinations=(("renewal",),),
    replaced_max=0,
    register_asked=True,
)
"""What a new consent after the wait is given under (O-52). No lender goes by it: nothing else is
opened under it, and no money leaves for it alone.
"""
ALL: Final = (*PROFILES.values(), RENEWAL)
"""What the code ships, and by which anything may have been opened."""


def book(
    amendments: law_book.Amendments | None = None, *, on: date | None = None
) -> Mapping[str, Profile]:
    """All profiles by id, in order: those that the code ships, then those taken, each with its
    newest status.

    amendments: to what the code ships; those that count here now, if left out. on: with the status
    of that day, for a profile keeps the one it has until another begins.
    """
    law = law_book.current() if amendments is None else amendments
    if not law.number:
        return PROFILES
    every = {
        **PROFILES,
        **{profile.id: profile for profile in law.profiles if profile.id not in PROFILES},
    }
    for change in law.statuses:
        if on is None or change.since <= on:
            every[change.profile] = replace(
                every[change.profile], status=change.status, since=change.since
            )
    return every


def get(profile_id: str) -> Profile:
    """The profile of this id that a lender may go by; raises `BadInput` for one we do not know."""
    profile = book().get(profile_id)
    if profile is None and law_book.look_again():
        profile = book().get(profile_id)
    if profile is None:
        raise BadInput(f"known profiles: {', '.join(book())}", code="profile_unknown")
    return profile


def pinned(sha256: str) -> Profile:
    """The profile of this hash, whatever its id: a profile that was ever used stays here.

    Raises `Misconfigured` for one that is not there: nothing may be decided by a law that nobody
        can read.
    """
    profile = _of_hash(sha256)
    if profile is None and law_book.look_again():
        profile = _of_hash(sha256)
    if profile is None:
        raise Misconfigured(
            f"no profile has the hash {sha256}, by which this verification was opened"
        )
    return profile


def _of_hash(sha256: str) -> Profile | None:
    # What was taken may have been shipped since, perhaps corrected: what it decided is read by it
    # as it was.
    every = (*book().values(), *law_book.current().profiles, RENEWAL)
    return next((profile for profile in every if profile.sha256 == sha256), None)


def usable(
    profile: Profile, *, installed: Sequence[str], wanted: Sequence[str] | None
) -> tuple[Combination, ...]:
    """The profile's combinations made only of installed routes the lender allows; never empty.

    Raises `BadInput` when none is left: such a verification could never end in `verified`.
    """
    allowed = set(installed) if wanted is None else set(installed) & set(wanted)
    # A combination is left whole or not at all: half of one suffices for nothing.
    left = tuple(combination for combination in profile.combinations if set(combination) <= allowed)
    if not left:
        raise BadInput(
            f"{profile.id} needs one of {[list(c) for c in profile.combinations]}; available:"
            f" {sorted(allowed)}",
            code="routes_insufficient",
            pointer="/routes",
        )
    return left


def suffices(combinations: Iterable[Combination], *, passed: Iterable[str]) -> bool:
    """Whether one combination has all its routes passed. An empty combination never suffices."""
    done = set(passed)
    return any(combination and set(combination) <= done for combination in combinations)


def next_route(combination: Combination, *, passed: Iterable[str]) -> str | None:
    """The first route of the chosen combination that has not passed yet, or None when all have."""
    done = set(passed)
    return next((route for route in combination if route not in done), None)


def calendar_of(profile_id: str) -> list[dict[str, str]]:
    """The calendar of a lender that goes by one profile since its day. Raises `BadInput` for an
    unknown one.
    """
    profile = get(profile_id)
    return [{"from": profile.since.isoformat(), "profile": profile.id}]
