"""By which combinations of routes a case may be verified."""

from datetime import timedelta

from verification import clock
from verification.case.history import History
from verification.core import profiles
from verification.course import policy


def combinations(history: History) -> list[profiles.Combination]:
    """What suffices: of the profile it was opened under, by its hash from code, what the lender
    allowed.

    Nothing suffices where a new consent and its law do not fit, in live mode under a law that is
    laxer than that of its day, or where an opening is put back to the days of such a law.
    """
    opened = history.state.opening.entry
    if opened is None:
        return []
    law = profiles.pinned(str(opened.body["profile_sha256"]))
    if (law is profiles.RENEWAL) is not bool(opened.body.get("renews")):
        return []
    is_put_back = clock.now() - opened.at > timedelta(seconds=policy.COURSE_SECONDS)
    is_lawful = profiles.is_lawful(law, mode=opened.log, at=opened.at)
    if not is_lawful or (opened.log == "live" and is_put_back):
        return []
    return list(history.state.opening.combinations)
