"""A lender's dated calendar of legal profiles, as it is written down for it.

It is a list of `{"from": "2025-09-30", "profile": "KZ-2025-09"}`, one entry a day at most, in
order. Source: api.md §1.
"""

from datetime import date
from itertools import pairwise
from typing import Any, Final

from verification.core import law_of_day, profiles, strictness
from verification.core.errors import BadInput, Misconfigured

_ENTRY: Final = {"from", "profile"}


def parse_calendar(untrusted: Any) -> list[dict[str, str]]:
    """A calendar, if it is one: known profiles, each from a later day than the one before.

    Raises `BadInput`: `calendar_malformed`, `calendar_unordered`, `profile_unknown`.
    """
    if not isinstance(untrusted, list) or not all(isinstance(entry, dict) for entry in untrusted):
        raise _malformed()
    if not all(entry.keys() == _ENTRY for entry in untrusted):
        raise _malformed()
    days = [_day(entry["from"]) for entry in untrusted]
    for entry in untrusted:
        profiles.get(str(entry["profile"]))
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise BadInput(
            "each entry begins on a later day than the one before", code="calendar_unordered"
        )
    return [{"from": entry["from"], "profile": entry["profile"]} for entry in untrusted]


def parse_live_calendar(untrusted: Any) -> list[dict[str, str]]:
    """A calendar for live verifications: so read, and no entry is laxer than the law of the day it
    begins on.

    Raises `BadInput` as `parse_calendar`, and with `calendar_too_lax`.
    """
    parsed = parse_calendar(untrusted)
    for entry in parsed:
        try:
            law = law_of_day.in_force(_day(entry["from"]))
        except Misconfigured as error:
            detail = f"on {entry['from']} no law that is known here was in force"
            raise BadInput(detail, code="calendar_malformed") from error
        if strictness.laxer(profiles.get(entry["profile"]), law):
            detail = (
                f"on {entry['from']} the law asks for {law.id}, which is stricter than"
                f" {entry['profile']}"
            )
            raise BadInput(detail, code="calendar_too_lax")
    return parsed


def _malformed() -> BadInput:
    form = '[{"from": "2025-09-30", "profile": "KZ-2025-09"}]'
    return BadInput(f"a calendar is a list like {form}", code="calendar_malformed")


def _day(untrusted: Any) -> date:
    try:
        day = date.fromisoformat(untrusted)
    except (TypeError, ValueError):
        day = None
    if day is None or day.isoformat() != untrusted:
        raise BadInput("a day is written like 2025-09-30", code="calendar_malformed")
    return day
