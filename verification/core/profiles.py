"""The law as data: dated legal profiles, the monthly calculation index (MCI), and the law of a day.

The code ships profiles and index values; the operator's root can sign more.
A process holds these amendments and replaces them as a whole.
`verification/log/laws.py` reads them from the logs, so the rules here need no rows.

The book holds the shipped profiles, then the signed ones, in order.
A later profile requires at least what each earlier one requires, field by field, unless it is
signed to repeal it.
Days are those of Kazakhstan.
Obligations (O-…): docs/regulator/obligations.md. Not legal advice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from enum import Enum, StrEnum, auto
from itertools import pairwise
from threading import RLock
from typing import Any, Final

from verification.core import almaty, stored
from verification.core.errors import BadInput, Misconfigured
from verification.core.spelling import gettext_noop

Combination = tuple[str, ...]
_VALID_FOR_SECONDS: Final = 72 * 3600
"""No source gives a time; ours."""
_STOP_CREDIT_SECONDS: Final = 60
"""Asked again at payout, not kept (O-50)."""
_ACCOUNT_OWNER_SECONDS: Final = 15 * 60
"""No source gives a time; ours: the lifetime of a clearance."""
_CREDIT_MCI: Final = 75
"""O-52, O-55: 294 900 KZT of 2025."""
COMBINATIONS: Final = "combinations"
NOT_DECIDING: Final = frozenset(
    {"id", "status", "since", "source", "repeals", "verified_by_lawyer", "sha256"}
)
"""Fields that name a profile, its status or its source."""
_NOT_IN_HASH: Final = NOT_DECIDING - {"id"}


class Status(StrEnum):
    """How far a law has come."""

    ANNOUNCED = "announced"
    ADOPTED = "adopted"
    """The day it comes into force is unknown."""
    IN_FORCE = "in_force"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One state of the law. A field is None if it is not required. Sums are in MCI: see
    `MCI_VALUES`.

    `combinations` and `replaced_max` decide a verification; the fields below them decide a
    clearance.
    """

    id: str
    status: Status
    since: date
    """The day since which it has this status; in force: the day on which it came into force."""
    source: str
    repeals: tuple[str, ...] = ()
    """Ids of earlier profiles that end when this one comes into force."""
    verified_by_lawyer: bool = False
    combinations: tuple[Combination, ...]
    """Sufficient sets of routes, each in the borrower's order."""
    replaced_max: int
    """How many missed commands of a live capture may be replaced; 0 if any mismatch repeats the
    check. O-23.
    """
    valid_for_seconds: int = _VALID_FOR_SECONDS
    """Maximum age of `verified`."""
    amount_max_mci: int | None = None
    """Maximum loan. No source gives a sum; the sum of the verification is the limit anyway."""
    confirmed_below_years: int | None = None
    """Younger borrowers confirm once more, outside this flow. O-56: until the day before the
    birthday.
    """
    confirmed_from_years: int | None = None
    """Borrowers of this age or older confirm, too. O-56: from the birthday on, the stricter
    reading of "over 55".
    """
    visit_over_mci: int | None = None
    """The person's first online credit over this sum requires a visit. O-55."""
    cooling_off_over_mci: int | None = None
    """If one person's online credits of a day in Almaty exceed this sum, the payout waits. O-52,
    O-53.
    """
    cooling_off_hours: int | None = None
    """Hours of the wait after the contract, before a renewed consent. O-52."""
    stop_credit_max_age_seconds: int | None = None
    """Maximum age of the answer on the person's refusal of all credits. O-50.

    No source gives a first day: required from the law of June 2024 on, the stricter reading.
    """
    account_owner_max_age_seconds: int | None = None
    """Maximum age of the answer on the account's owner. O-58."""
    register_asked: bool | None = None
    """Whether the register of people must confirm life, name, birth date and document, once per
    verification.

    O-05, O-06. No source gives a day: required from the ban of 2024 on, the stricter reading.
    """
    sha256: str = field(init=False)
    """Hash of the id and the deciding fields, pinned by every verification opened under it.

    A later status does not change it.
    """

    def __post_init__(self) -> None:
        # Leave absent questions out, so that a question of a later law keeps the hashes of earlier
        # profiles.
        questions = {
            member.name: getattr(self, member.name)
            for member in fields(self)
            if member.name not in _NOT_IN_HASH
        }
        rule = {name: value for name, value in questions.items() if value is not None}
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
"""Why a shipped profile is not in force, until a law file changes its status."""
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
"""The profile of a renewed consent after the wait (O-52).

No lender uses it. It opens nothing else, and permits no payout alone.
"""
ALL: Final = (*PROFILES.values(), RENEWAL)
"""All shipped profiles that can have opened a verification."""


def usable(
    profile: Profile, *, installed: Sequence[str], allowed_routes: Sequence[str] | None
) -> tuple[Combination, ...]:
    """The profile's combinations of installed routes that the lender allows; never empty.

    Raises: `BadInput` if none remain: such a verification could never end in `verified`.
    """
    allowed = set(installed) if allowed_routes is None else set(installed) & set(allowed_routes)
    # Keep a combination whole or drop it: a part of one is not sufficient.
    combinations = tuple(
        combination for combination in profile.combinations if set(combination) <= allowed
    )
    if not combinations:
        raise BadInput(
            f"{profile.id} needs one of {[list(c) for c in profile.combinations]}; available:"
            f" {sorted(allowed)}",
            code="routes_insufficient",
            pointer="/routes",
        )
    return combinations


def suffices(combinations: Iterable[Combination], *, passed_routes: Iterable[str]) -> bool:
    """Whether one combination has all its routes passed. An empty combination never suffices."""
    done = set(passed_routes)
    return any(combination and set(combination) <= done for combination in combinations)


def next_route(combination: Combination, *, passed_routes: Iterable[str]) -> str | None:
    """The first route of the chosen combination that has not passed yet, or None when all have."""
    done = set(passed_routes)
    return next((route for route in combination if route not in done), None)


class Direction(Enum):
    """The direction in which a number is stricter. A missing number is the laxest in both."""

    LOWER = auto()
    HIGHER = auto()


DIRECTIONS: Final[Mapping[str, Direction]] = {
    "replaced_max": Direction.LOWER,
    "valid_for_seconds": Direction.LOWER,
    "amount_max_mci": Direction.LOWER,
    "confirmed_below_years": Direction.HIGHER,
    "confirmed_from_years": Direction.LOWER,
    "visit_over_mci": Direction.LOWER,
    "cooling_off_over_mci": Direction.LOWER,
    "cooling_off_hours": Direction.HIGHER,
    "stop_credit_max_age_seconds": Direction.LOWER,
    "account_owner_max_age_seconds": Direction.LOWER,
}
"""The stricter direction of each deciding number.

For a truth value, True is stricter. Sets of routes have a rule below.
"""


def laxer(profile: Profile, than: Profile) -> tuple[str, ...]:
    """The deciding fields in which a profile requires less than another, in field order; empty if
    none.

    Raises: `KeyError` for a number without a direction.
    """
    names = [field.name for field in fields(than) if field.name not in NOT_DECIDING]
    return tuple(
        name for name in names if _is_laxer(name, getattr(profile, name), getattr(than, name))
    )


def stricter(law: Profile, candidate: Profile) -> Profile:
    """The candidate if it requires more in some field and less in no field; else the law."""
    return candidate if laxer(law, candidate) and not laxer(candidate, law) else law


def _is_laxer(name: str, value: Any, than: Any) -> bool:
    if name == COMBINATIONS:
        # Each sufficient set of one must contain a sufficient set of the other.
        return not all(any(set(enough) <= set(routes) for enough in than) for routes in value)
    if isinstance(value, bool) or isinstance(than, bool):
        return bool(than) and not value
    if value is None or than is None:
        return value is None and than is not None
    is_lower: bool = value < than
    return value != than and is_lower is (DIRECTIONS[name] is Direction.HIGHER)


@dataclass(frozen=True)
class Mci:
    """One value of the monthly calculation index (МРП): tenge, from a day on.

    It holds to the end of that day's year, or to the next value.
    """

    in_force_from: date
    tenge: int
    source: str


MCI_VALUES: Final = (
    Mci(
        date(2024, 1, 1),
        3692,
        gettext_noop(
            "Law on the republican budget for 2024–2026 (tengrinews.kz, 10 December 2024)"
        ),
    ),
    Mci(
        date(2025, 1, 1),
        3932,
        gettext_noop(
            "Law on the republican budget for 2025–2027 (tengrinews.kz, 10 December 2024)"
        ),
    ),
    Mci(
        date(2026, 1, 1),
        4325,
        gettext_noop("Law on the republican budget for 2026–2028 (lada.kz, 8 December 2025)"),
    ),
)
MCI_WARNED_FROM_MONTH: Final = 12
"""The month from which a missing value of the next year raises a warning. Past laws were known
by 10 December.
"""


@dataclass(frozen=True)
class StatusChange:
    """A profile's new status, its first day and its source."""

    profile: str
    status: Status
    since: date
    source: str


@dataclass(frozen=True)
class Amendments:
    """All changes up to a number. number: of the last law file; 0 without one."""

    number: int = 0
    sha256: str = ""
    """Of the last law file."""
    profiles: tuple[Profile, ...] = ()
    statuses: tuple[StatusChange, ...] = ()
    """Each change by a law file, in order of the files."""
    values: tuple[Mci, ...] = ()

    def changes_of(self, profile_id: str) -> tuple[StatusChange, ...]:
        """A profile's status changes, in order."""
        return tuple(change for change in self.statuses if change.profile == profile_id)


AmendmentReader = Callable[[bool], Amendments | None]
"""Gives the present amendments, or None if unchanged; the argument forces a look."""
NO_AMENDMENTS = Amendments()


@dataclass
class _Held:
    amendments: Amendments = NO_AMENDMENTS
    reader: AmendmentReader | None = None


_book, _looking = _Held(), RLock()
"""One thread at a time reads and stores: a slow reader must not overwrite a newer book."""


def current_amendments() -> Amendments:
    """The amendments of this process."""
    return _book.amendments


def hold_amendments(amendments: Amendments) -> None:
    """Puts these amendments into use. One assignment replaces the book: a thread sees the old or
    the new one.
    """
    _book.amendments = amendments


def read_amendments_by(reader: AmendmentReader | None) -> None:
    """Sets this process's reader of the book; None for a process without rows."""
    _book.reader = reader


def keep_current() -> None:
    """Reads the book again if its reader finds it due."""
    _look(False)


def look_again() -> bool:
    """Reads the book at once because an item is missing; whether it changed."""
    return _look(True)


def _look(is_urgent: bool) -> bool:
    if _book.reader is None:
        return False
    if not _looking.acquire(blocking=is_urgent):  # another thread is reading it
        return False
    try:
        earlier = _book.amendments
        amendments = _book.reader(is_urgent)
        if amendments is not None:
            hold_amendments(amendments)
        return _book.amendments != earlier
    finally:
        _looking.release()


def book(amendments: Amendments | None = None, *, on: date | None = None) -> Mapping[str, Profile]:
    """All profiles by id, in order: shipped ones, then signed ones, each with its latest status.

    amendments: to the shipped profiles; by default those of this process.
    on: the day of the status; a profile keeps one status until the next begins.
    """
    law = current_amendments() if amendments is None else amendments
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
    """The profile of this id that a lender may use.

    Raises: `BadInput` for an unknown id.
    """
    profile = book().get(profile_id)
    if profile is None and look_again():
        profile = book().get(profile_id)
    if profile is None:
        raise BadInput(f"known profiles: {', '.join(book())}", code="profile_unknown")
    return profile


def pinned(sha256: str) -> Profile:
    """The profile of this hash, under any id; used profiles are never removed.

    Raises: `Misconfigured` if it is absent: a decision needs a readable law.
    """
    profile = _of_hash(sha256)
    if profile is None and look_again():
        profile = _of_hash(sha256)
    if profile is None:
        raise Misconfigured(
            f"no profile has the hash {sha256}, by which this verification was opened"
        )
    return profile


def _of_hash(sha256: str) -> Profile | None:
    # A later release may ship a corrected form of a signed profile; its decisions keep the original
    # form.
    every = (*book().values(), *current_amendments().profiles, RENEWAL)
    return next((profile for profile in every if profile.sha256 == sha256), None)


def in_force(on: date, amendments: Amendments | None = None) -> Profile:
    """The law of a day: of the profiles in force and not repealed, the last in the book.

    amendments: as for `book`.

    Raises: `Misconfigured` for a day before the first known profile.
    """
    law = [
        profile for profile in _not_repealed(on, amendments) if profile.status is Status.IN_FORCE
    ]
    if not law:
        raise Misconfigured(
            f"no legal profile was in force on {on}: see verification/core/profiles.py"
        )
    return law[-1]


def binding(profile_id: str, *, mode: str, at: datetime) -> Profile:
    """The profile that binds a lender with this one at a time.

    In live mode it is the law of the day, or the lender's profile if stricter.
    A profile adopted without a known day binds if it is stricter still.
    In test mode the lender's profile binds.
    """
    profile = get(profile_id)
    if mode != "live":
        return profile
    day = almaty.day_of(at)
    law = stricter(in_force(day), profile)
    for adopted in _not_repealed(day):
        if adopted.status is Status.ADOPTED:
            law = stricter(law, adopted)
    return law


def is_lawful(
    profile: Profile, *, mode: str, at: datetime, amendments: Amendments | None = None
) -> bool:
    """Whether a profile may open a verification of this mode at a time.

    In live mode it must not be laxer in any field than the law of the day. A renewed consent has
    its own law.
    """
    if mode != "live" or profile.sha256 == RENEWAL.sha256:
        return True
    try:
        return not laxer(profile, in_force(almaty.day_of(at), amendments))
    except Misconfigured:
        return False


def _not_repealed(on: date, amendments: Amendments | None = None) -> list[Profile]:
    """The profiles with their status on this day, without those that a profile in force repeals."""
    begun = [profile for profile in book(amendments, on=on).values() if profile.since <= on]
    gone = {
        name for profile in begun if profile.status is Status.IN_FORCE for name in profile.repeals
    }
    return [profile for profile in begun if profile.id not in gone]


def mci_values() -> tuple[Mci, ...]:
    """All values, shipped ones first. A shipped value wins for its year."""
    shipped = {value.in_force_from.year for value in MCI_VALUES}
    return (
        *MCI_VALUES,
        *(
            value
            for value in current_amendments().values
            if value.in_force_from.year not in shipped
        ),
    )


def is_mci_known(on: date) -> bool:
    """Whether a day has a value."""
    return _mci_of_day(on) is not None


def mci_tenge(number: int, *, on: date) -> int:
    """So many MCI in tenge on a day.

    Raises: `Misconfigured` for a year without a value; no value carries over.
    """
    value = _mci_of_day(on)
    if value is None:
        raise Misconfigured(
            f"no value of the MCI is known for {on.year}: take it by manage.py take_law"
        )
    return number * value.tenge


def _mci_of_day(on: date) -> Mci | None:
    value = _newest_mci(on)
    return _newest_mci(on) if value is None and look_again() else value


def _newest_mci(on: date) -> Mci | None:
    of_year = [
        value
        for value in mci_values()
        if value.in_force_from.year == on.year and value.in_force_from <= on
    ]
    return of_year[-1] if of_year else None


_CALENDAR_ENTRY: Final = {"from", "profile"}


def parse_calendar(untrusted: Any) -> list[dict[str, str]]:
    """A calendar: known profiles, each from a later day than the one before.

    Raises: `BadInput`: `calendar_malformed`, `calendar_unordered`, `profile_unknown`.
    """
    if not isinstance(untrusted, list) or not all(isinstance(entry, dict) for entry in untrusted):
        raise _calendar_malformed()
    if not all(entry.keys() == _CALENDAR_ENTRY for entry in untrusted):
        raise _calendar_malformed()
    days = [_calendar_day(entry["from"]) for entry in untrusted]
    for entry in untrusted:
        get(str(entry["profile"]))
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise BadInput(
            "each entry must begin on a later day than the one before", code="calendar_unordered"
        )
    return [{"from": entry["from"], "profile": entry["profile"]} for entry in untrusted]


def parse_live_calendar(untrusted: Any) -> list[dict[str, str]]:
    """A calendar for live verifications: no entry is laxer than the law of its first day.

    Raises: `BadInput` as `parse_calendar`, and with `calendar_too_early`, `calendar_too_lax`.
    """
    parsed = parse_calendar(untrusted)
    for entry in parsed:
        try:
            law = in_force(_calendar_day(entry["from"]))
        except Misconfigured as error:
            detail = f"on {entry['from']} no law that is known here was in force"
            raise BadInput(detail, code="calendar_too_early") from error
        if laxer(get(entry["profile"]), law):
            detail = (
                f"on {entry['from']} the law asks for {law.id}, which is stricter than"
                f" {entry['profile']}"
            )
            raise BadInput(detail, code="calendar_too_lax")
    return parsed


def _calendar_malformed() -> BadInput:
    form = '[{"from": "2025-09-30", "profile": "KZ-2025-09"}]'
    return BadInput(f"a calendar is a list like {form}", code="calendar_malformed")


def _calendar_day(untrusted: Any) -> date:
    try:
        day = date.fromisoformat(untrusted)
    except (TypeError, ValueError):
        day = None
    if day is None or day.isoformat() != untrusted:
        raise BadInput("a day is written as 2025-09-30", code="calendar_malformed")
    return day


def calendar_of(profile_id: str) -> list[dict[str, str]]:
    """The calendar of a lender with one profile since its day.

    Raises: `BadInput` for an unknown profile.
    """
    profile = get(profile_id)
    return [{"from": profile.since.isoformat(), "profile": profile.id}]
