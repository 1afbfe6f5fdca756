"""Which law binds on a day, in test and in live mode, and by which a verification may be opened.
Days: Kazakhstan's.
"""

from datetime import date, datetime

from verification.core import almaty, law_book, strictness
from verification.core.errors import Misconfigured
from verification.core.profiles import RENEWAL, Profile, Status, book, get


def in_force(on: date, amendments: law_book.Amendments | None = None) -> Profile:
    """The law of a day: of what is in force and not repealed, the last in the order of the book.

    amendments: as for `book`. Raises `Misconfigured` for a day before the first that we know.
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
    """By which profile a lender that holds this one goes at a time.

    In live mode the law of the day binds, or the lender's own profile where that is stricter, or
    one that is adopted without a known day, where that is stricter still. Where nothing more is
    asked, the one in force counts.
    """
    profile = get(profile_id)
    if mode != "live":
        return profile
    day = almaty.day_of(at)
    law = strictness.stricter(in_force(day), profile)
    for adopted in _not_repealed(day):
        if adopted.status is Status.ADOPTED:
            law = strictness.stricter(law, adopted)
    return law


def is_lawful(
    profile: Profile, *, mode: str, at: datetime, amendments: law_book.Amendments | None = None
) -> bool:
    """Whether a verification of this mode may be opened by a profile at a time: a live one by none
    that is laxer in any field than the law of the day. A new consent has a law of its own.
    """
    if mode != "live" or profile.sha256 == RENEWAL.sha256:
        return True
    try:
        return not strictness.laxer(profile, in_force(almaty.day_of(at), amendments))
    except Misconfigured:
        return False


def _not_repealed(on: date, amendments: law_book.Amendments | None = None) -> list[Profile]:
    """Those that have their status on this day, without those that one in force then repeals."""
    begun = [profile for profile in book(amendments, on=on).values() if profile.since <= on]
    gone = {
        name for profile in begun if profile.status is Status.IN_FORCE for name in profile.repeals
    }
    return [profile for profile in begun if profile.id not in gone]
