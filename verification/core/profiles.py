"""Dated legal profiles: what each state of the law asks, as data, and by which a lender goes on a day.

A lender's calendar is a list of `{"from": "2026-01-26", "profile": "KZ-2026-01"}`, one entry a day at most, in order.
Days are those of Kazakhstan. Source: api.md §1. Not legal advice; see law.md §1 and §6 (O-…, U…).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final

from verification.core import almaty, stored
from verification.core.errors import BadInput, Misconfigured
from verification.core.reasons.reason import gettext_noop

Combination = tuple[str, ...]
_ENTRY: Final = {"from", "profile"}
_NOT_IN_HASH: Final = {"source", "verified_by_lawyer", "sha256"}
_VALID_FOR_SECONDS: Final = 72 * 3600
"""No source names a time; ours: api.md §1."""
_STOP_CREDIT_SECONDS: Final = 60
"""Asked again as the money leaves, not kept (O-50, U9); api.md §1."""
_ACCOUNT_OWNER_SECONDS: Final = 15 * 60
"""No source names a time; ours: as long as a clearance lives (api.md §1)."""
_CREDIT_MCI: Final = 75
"""O-52, O-55: 294 900 KZT of 2025."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One state of the law. A field is None where that is not asked. Sums are in MCI: see `core/mci.py`.

    A verification is decided by `combinations` and `replaced_max`, a clearance by what stands below them.
    """

    id: str
    in_force_from: date
    source: str
    verified_by_lawyer: bool = False
    combinations: tuple[Combination, ...]
    """Sufficient sets of routes, each in the order the borrower does them."""
    replaced_max: int
    """How many missed commands of a live capture may be replaced; 0 where any mismatch repeats the check. O-23."""
    valid_for_seconds: int = _VALID_FOR_SECONDS
    """How old `verified` may be."""
    amount_max_mci: int | None = None
    """The most that may be lent. No source names a sum; what a verification was opened for is the most anyway."""
    confirmed_below_years: int | None = None
    """Who is younger confirms once more, outside of this flow. O-56: not any more on the birthday (U5)."""
    confirmed_from_years: int | None = None
    """Who is so old or older confirms, too. O-56: from the birthday on, the stricter reading of "over 55" (U5)."""
    visit_over_mci: int | None = None
    """The person's first online credit over this sum asks for a visit. O-55."""
    cooling_off_over_mci: int | None = None
    """Where one person's online credits of a day in Almaty come to more, the money waits. O-52, O-53, U6."""
    cooling_off_hours: int | None = None
    """So long after the contract, and then for a new consent. O-52."""
    stop_credit_max_age_seconds: int | None = None
    """How old the answer may be whether the person has refused all credits. O-50, S15. No source says from which day
    it is asked: from the law of June 2024 on, the stricter reading."""
    account_owner_max_age_seconds: int | None = None
    """How old the answer may be whose the account is. O-58, S9."""
    register_asked: bool | None = None
    """Whether the register of people must confirm, once a verification, that the person lives, is named so, was born
    that day and holds that document. O-05, O-06; law.md names no day: from the ban of 2024 on, the stricter reading."""
    sha256: str = field(init=False)
    """Hash of what decides, pinned by every verification opened under it; whence we have it is not in it."""

    def __post_init__(self) -> None:
        # What is not asked is not hashed: a question that a later law brings leaves the hashes of the earlier ones.
        asked = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in _NOT_IN_HASH}
        rule = {name: value for name, value in asked.items() if value is not None}
        object.__setattr__(self, "sha256", stored.digest(rule | {"in_force_from": self.in_force_from.isoformat()}))


PROFILES = {
    profile.id: profile
    for profile in (
        Profile(
            id="KZ-2021-04",
            in_force_from=date(2021, 4, 30),
            source=gettext_noop(
                "ARDFM resolution of 30 April 2021: one of EDS, biometric, two-factor with a live face"
            ),
            combinations=(("eds",), ("biometric",), ("live_face",)),
            replaced_max=2,  # it says nothing of commands
        ),
        Profile(
            id="KZ-2024-10",
            in_force_from=date(2024, 10, 20),
            source=gettext_noop(
                "Law of June 2024: no credit online without biometric identification; ARDFM No. 56 of 16 August 2024, "
                "in force about 20 October 2024"
            ),
            combinations=(("biometric",),),
            replaced_max=0,
            register_asked=True,
            stop_credit_max_age_seconds=_STOP_CREDIT_SECONDS,
        ),
        Profile(
            id="KZ-2025-01",
            in_force_from=date(2025, 1, 1),
            source=gettext_noop(
                "ARDFM No. 56 of 16 August 2024, items in force from 1 January 2025: EDS and biometric together (one "
                "source says both), and whose the account is"
            ),
            combinations=(("eds", "biometric"),),
            replaced_max=0,
            register_asked=True,
            stop_credit_max_age_seconds=_STOP_CREDIT_SECONDS,
            account_owner_max_age_seconds=_ACCOUNT_OWNER_SECONDS,
        ),
        Profile(
            id="KZ-2025-09",
            in_force_from=date(2025, 9, 30),
            source=gettext_noop(
                "ARDFM's announcement of September 2025, in force from 30 September 2025, as the press has it: "
                "cooling-off, a visit for the first credit, age"
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
            in_force_from=date(2026, 1, 26),  # ten days after the first report, of 16 January 2026: law.md S8, U13
            source=gettext_noop(
                "Rules of biometric authentication in place of No. 56, January 2026, as the press has them: one paper "
                "says adopted, another draft; the day is ten days after the first report"
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


RENEWAL: Final = Profile(
    id="KZ-2025-09-renewal",
    in_force_from=date(2025, 9, 30),
    source=gettext_noop(
        "ARDFM's announcement of September 2025, as the press has it: after the wait the money leaves for a new consent"
    ),
    combinations=(("renewal",),),
    replaced_max=0,
    register_asked=True,
)
"""What a new consent after the wait is given under (O-52). No lender goes by it: nothing else is opened under it, and
no money leaves for it alone."""
ALL: Final = (*PROFILES.values(), RENEWAL)
"""By which anything may have been opened."""


def get(profile_id: str) -> Profile:
    """The profile of this id that a lender may go by; raises `BadInput` for one we do not know."""
    try:
        return PROFILES[profile_id]
    except KeyError:
        raise BadInput(f"known profiles: {', '.join(PROFILES)}", code="profile_unknown") from None


def pinned(sha256: str) -> Profile:
    """The profile of this hash, whatever its id: a profile that was ever used stays here.

    Raises `Misconfigured` for one that is not there: nothing may be decided by a law that nobody can read.
    """
    for profile in (*PROFILES.values(), RENEWAL):
        if profile.sha256 == sha256:
            return profile
    raise Misconfigured(f"no profile has the hash {sha256}, by which this verification was opened")


def usable(profile: Profile, *, installed: Sequence[str], wanted: Sequence[str] | None) -> tuple[Combination, ...]:
    """The profile's combinations made only of installed routes the lender allows; never empty.

    Raises `BadInput` when none is left: such a verification could never end in `verified`.
    """
    allowed = set(installed) if wanted is None else set(installed) & set(wanted)
    # A combination is left whole or not at all: half of one suffices for nothing.
    left = tuple(combination for combination in profile.combinations if set(combination) <= allowed)
    if not left:
        raise BadInput(
            f"{profile.id} needs one of {[list(c) for c in profile.combinations]}; available: {sorted(allowed)}",
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
    """The calendar of whoever goes by one profile from its first day on. Raises `BadInput` for an unknown one."""
    profile = get(profile_id)
    return [{"from": profile.in_force_from.isoformat(), "profile": profile.id}]


def parse_calendar(untrusted: Any) -> list[dict[str, str]]:
    """A calendar, if it is one: known profiles, each from a later day than the one before.

    Raises `BadInput`: `calendar_malformed`, `calendar_unordered`, `profile_unknown`.
    """
    if not isinstance(untrusted, list) or not all(isinstance(one, dict) and one.keys() == _ENTRY for one in untrusted):
        wanted = '[{"from": "2026-01-26", "profile": "KZ-2026-01"}]'
        raise BadInput(f"a calendar is a list like {wanted}", code="calendar_malformed")
    days = [_day(one["from"]) for one in untrusted]
    for one in untrusted:
        get(str(one["profile"]))
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise BadInput("each entry begins on a later day than the one before", code="calendar_unordered")
    return [{"from": one["from"], "profile": one["profile"]} for one in untrusted]


def parse_live_calendar(untrusted: Any) -> list[dict[str, str]]:
    """A calendar for live verifications: so read, and no entry is laxer than the law of the day it begins on.

    Raises `BadInput` as `parse_calendar`, and with `calendar_too_lax`.
    """
    parsed = parse_calendar(untrusted)
    for one in parsed:
        try:
            law = in_force(_day(one["from"]))
        except Misconfigured as error:
            detail = f"on {one['from']} no law that is known here was in force"
            raise BadInput(detail, code="calendar_malformed") from error
        if get(one["profile"]).in_force_from < law.in_force_from:
            detail = f"on {one['from']} the law asks for {law.id}, which is stricter than {one['profile']}"
            raise BadInput(detail, code="calendar_too_lax")
    return parsed


def in_force(on: date) -> Profile:
    """The law of a day. Raises `Misconfigured` for a day before the first that we know."""
    begun = [profile for profile in PROFILES.values() if profile.in_force_from <= on]
    if not begun:
        raise Misconfigured(f"no legal profile was in force on {on}: see verification/core/profiles.py")
    return stricter(*begun)


def binding(profile_id: str, *, mode: str, at: datetime) -> Profile:
    """By which profile a lender that holds this one goes at a time: in live mode the law of the day joins always."""
    profile = get(profile_id)
    return stricter(profile, in_force(almaty.day_of(at))) if mode == "live" else profile


def stricter(*of: Profile) -> Profile:
    """The strictest: each law asks at least what the one before it asked, which a test holds field by field."""
    return max(of, key=lambda one: one.in_force_from)


def _day(untrusted: Any) -> date:
    try:
        day = date.fromisoformat(untrusted)
    except (TypeError, ValueError):
        day = None
    if day is None or day.isoformat() != untrusted:
        raise BadInput("a day is written like 2026-01-26", code="calendar_malformed")
    return day
