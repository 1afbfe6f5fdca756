"""The position of a case beside its decisions: turn, stage, routes, times."""

from typing import Final

from verification.core.events import (
    CLEARED,
    CLOSINGS,
    DESTROYED,
    DISPUTED,
    HINDERED,
    KEEPING,
    REDACTED,
    REQUESTED,
    WITHDRAWN,
)
from verification.core.results import Outcome
from verification.core.route import OURS, Next
from verification.course.entry import Entry, number, replace, text
from verification.course.policy import HINDRANCES
from verification.course.state import Standing, State

IN_REVIEW: Final = "verification.in_review"
HANDED_OVER: Final = "verification.handed_over"
_CHOSEN: Final = "route.chosen"
_OPENED: Final = "attempt.opened"
_BEGINNING: Final = (_OPENED, HINDERED)
_STOPPED: Final = "hand_over.stopped"
_ANSWERED: Final = "attempt.answered"
LOOKED_AT: Final = "attempt.looked_at"
_LISTING: Final = {*KEEPING, CLEARED, "clearance.refused", HANDED_OVER, "hand_over.stopped"}
"""Entry types that list evidence."""
_MARKED: Final = (REDACTED, REQUESTED, WITHDRAWN, DISPUTED, HANDED_OVER)


def stand(state: State, entry: Entry) -> Standing:
    """The position after one more entry."""
    standing, body = state.standing, entry.body
    is_listing = entry.type in _LISTING and ("evidence" in body or "words" in body)
    if is_listing or (entry.type == DESTROYED and "attempt" in body):
        standing = replace(standing, listings=(*standing.listings, entry))
    if entry.type == IN_REVIEW:  # the reviewers' time counts from it
        times = {**standing.times, entry.type: state.time(entry)}
        standing = replace(standing, times=times, review_code=text(body, "code"))
    elif entry.type in _MARKED:
        standing = replace(standing, times={**standing.times, entry.type: entry.at})
    elif entry.type == _CHOSEN and "route" in body:
        standing = replace(standing, choices=(*standing.choices, entry))
    elif entry.type in (*_BEGINNING, _ANSWERED) and "turn" in body:
        is_taken = entry.type == _ANSWERED and body.get("next") != Next.PART
        standing = replace(standing, turn=number(body, "turn") + is_taken)
        if entry.type in _BEGINNING:
            standing = replace(standing, stage=text(body, "stage"))
    return _with_failure(_with_turn(standing, entry), state, entry)


def _with_turn(standing: Standing, entry: Entry) -> Standing:
    """The case is with the system after the borrower's answer, until an entry states the result.

    Also after the borrower leaves a capture, or reports a caller.
    """
    if entry.type in (_ANSWERED, LOOKED_AT) and "next" in entry.body:
        return replace(standing, is_ours=text(entry.body, "next") in OURS)
    if entry.type == _STOPPED or (entry.type == _CHOSEN and "leaves" in entry.body):
        return replace(standing, is_ours=True)
    is_prepared = entry.type == "evidence.kept" and "expires_at" in entry.body
    is_over = entry.type in (*CLOSINGS, *_BEGINNING) or is_prepared
    return replace(standing, is_ours=standing.is_ours and not is_over)


def _with_failure(standing: Standing, state: State, entry: Entry) -> Standing:
    """The code of the newest attempt's failure, or the reason why the next could not begin.

    A passed attempt and a new route clear it. A new attempt states the code that it begins under.
    """
    body = entry.body
    if entry.type == _CHOSEN:
        return replace(standing, failure="")
    if entry.type == _OPENED:
        return replace(standing, failure=text(body, "notice"))
    if entry.type == HINDERED and text(body, "code") in HINDRANCES:
        return replace(standing, failure=text(body, "code"))
    attempt = state.attempts.get(text(body, "attempt"))
    if entry.type not in CLOSINGS or (attempt is not None and attempt.is_left):
        return standing
    outcome = body.get("outcome", Outcome.FAILED)
    if outcome not in (Outcome.PASSED, Outcome.FAILED):
        return standing
    return replace(standing, failure=text(body, "code") if outcome == Outcome.FAILED else "")
