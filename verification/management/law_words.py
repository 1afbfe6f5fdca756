"""The content of a law file as sentences, which the operator reads before signing and after
taking.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from verification.core import almaty, profiles
from verification.core.law_file import Law
from verification.core.profiles import Amendments, Profile, Status, StatusChange


def sentences(law: Law, amendments: Amendments | None = None) -> Iterator[str]:
    """One line for the file, then one for each of its changes.

    amendments: the law that the file joins; by default this process's.
    """
    book = {**profiles.book(amendments), **{profile.id: profile for profile in law.profiles}}
    day = almaty.day_of(law.issued_at)
    yield (
        f"law file {law.number} for {law.installation}, issued at"
        f" {law.issued_at:%Y-%m-%d %H:%M} UTC"
    )
    for value in law.values:
        yield (
            f"the MCI of {value.in_force_from.year} is {value.tenge} tenge (source: {value.source})"
        )
    for change in law.statuses:
        yield from _status(change.profile, change, day)
    for profile in law.profiles:
        yield from _status(profile.id, profile, day)
        yield from (f"  {line}" for line in _rule(profile, book))
    yield f"sha256 {law.sha256}"


def _status(name: str, item: StatusChange | Profile, day: date) -> Iterator[str]:
    """day: the file's issue."""
    yield f"{name} is {item.status.replace('_', ' ')} since {item.since} (source: {item.source})"
    if item.status is Status.IN_FORCE and item.since < day:
        yield "  this day is past: live verifications opened since then are not changed"


def _rule(profile: Profile, book: Mapping[str, Profile]) -> Iterator[str]:
    yield "suffices: " + ", or ".join(" + ".join(routes) for routes in profile.combinations)
    values = {
        name: getattr(profile, name) for name in vars(profile) if name not in profiles.NOT_DECIDING
    }
    for name, value in values.items():
        if name != profiles.COMBINATIONS:
            yield f"{name}: {'not asked' if value is None else value}"
    for name in profile.repeals:
        earlier = book.get(name)
        fields = ", ".join(profiles.laxer(profile, earlier)) if earlier else "unknown here"
        yield f"repeals {name}, and requires less in: {fields or 'nothing'}"
