"""By which dated profile a lender goes on a day, and by which law everybody goes. Source: api.md §1.

A lender's calendar is a list of `{"from": "2026-01-26", "profile": "KZ-2026-01"}`, one entry a day at most, in order.
Days are those of Kazakhstan.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, Final

from verification.core import profiles
from verification.core.errors import BadInput, Conflict, Misconfigured
from verification.core.profiles import Profile

Calendar = Sequence[Mapping[str, str]]
_NAMES: Final = {"from", "profile"}


def of_profile(profile_id: str) -> list[dict[str, str]]:
    """The calendar of whoever goes by one profile from its first day on. Raises `BadInput` for an unknown one."""
    profile = profiles.get(profile_id)
    return [{"from": profile.in_force_from.isoformat(), "profile": profile.id}]


def parse(untrusted: Any) -> list[dict[str, str]]:
    """A calendar, if it is one: known profiles, each from a later day than the one before.

    Raises `BadInput`: `calendar_malformed`, `calendar_unordered`, `profile_unknown`.
    """
    if not isinstance(untrusted, list) or not all(isinstance(one, dict) and one.keys() == _NAMES for one in untrusted):
        wanted = '[{"from": "2026-01-26", "profile": "KZ-2026-01"}]'
        raise BadInput(f"a calendar is a list like {wanted}", code="calendar_malformed")
    days = [_day(one["from"]) for one in untrusted]
    for one in untrusted:
        profiles.get(str(one["profile"]))
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise BadInput("each entry begins on a later day than the one before", code="calendar_unordered")
    return [{"from": one["from"], "profile": one["profile"]} for one in untrusted]


def parse_live(untrusted: Any) -> list[dict[str, str]]:
    """A calendar for live verifications: as `parse`, and no entry is laxer than the law of the day it begins on.

    Raises `BadInput` as `parse`, and with `calendar_too_lax`.
    """
    parsed = parse(untrusted)
    for one in parsed:
        try:
            law = in_force(_day(one["from"]))
        except Misconfigured as error:
            detail = f"on {one['from']} no law that is known here was in force"
            raise BadInput(detail, code="calendar_malformed") from error
        if profiles.get(one["profile"]).in_force_from < law.in_force_from:
            detail = f"on {one['from']} the law asks for {law.id}, which is stricter than {one['profile']}"
            raise BadInput(detail, code="calendar_too_lax")
    return parsed


def held(calendar: Calendar, *, on: date) -> Profile:
    """The profile that a lender holds on a day. Raises `Conflict` before the first day of its calendar."""
    begun = [one for one in calendar if one["from"] <= on.isoformat()]  # days so spelled are in their order as text
    if not begun:
        raise Conflict("your calendar of legal profiles has none for today", code="profile_not_held")
    return profiles.get(begun[-1]["profile"])


def in_force(on: date) -> Profile:
    """The law of a day. Raises `Misconfigured` for a day before the first that we know."""
    begun = [profile for profile in profiles.PROFILES.values() if profile.in_force_from <= on]
    if not begun:
        raise Misconfigured(f"no legal profile was in force on {on}: see verification/core/profiles.py")
    return stricter(*begun)


def binding(profile: Profile, *, mode: str, on: date) -> Profile:
    """By which profile a lender that holds this one goes on a day: in live mode the law of the day joins always."""
    return stricter(profile, in_force(on)) if mode == "live" else profile


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
