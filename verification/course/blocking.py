"""Blocked processing of personal data: a request for erasure, or the consent withdrawn. Law: O-82.

The law keeps the data, so both only block, until the erasure. A block moves no day of retention.
What an open obligation rests on stays readable for its lender.
An entry without its signature does not count here.
"""

from datetime import datetime, timedelta
from typing import Final

from verification.core import profiles
from verification.core.clearance import CONSUMED
from verification.core.errors import Misconfigured
from verification.core.events import (
    ASKERS,
    ATTESTED,
    CLEARED,
    CLOSED,
    OPENED,
    PAID,
    REDACTED,
    RENEWED,
    REPORTED,
    REQUESTED,
    WITHDRAWN,
)
from verification.course import policy
from verification.course.access import live_session
from verification.course.entry import (
    BLOCKED,
    MOVE,
    SESSION,
    TERMS,
    TIME,
    Entry,
    Fault,
    moment,
    replace,
    text,
)
from verification.course.state import State, Step

ENDS, BARS_PAYOUT, BLOCKS = "ends", "bars_payout", "blocks"
"""Effects of a withdrawal: on an open case, on a verified and unpaid one, and on any other."""
_VERIFIED: Final = "verification.verified"
_CANCELED: Final = "verification.canceled"
_FORBIDDEN: Final = (ATTESTED, RENEWED)
_OF_PAYOUT: Final = (REPORTED, "clearance.requested", CLEARED, PAID)


def requested(state: State, entry: Entry) -> Step:
    """The lender or the person asks for erasure, each once and after the end."""
    if not entry.is_signed:
        return state, []
    asked_by = text(entry.body, "asked_by")
    if asked_by not in ASKERS:
        return state, [Fault(MOVE, "an erasure was requested by neither the lender nor the person")]
    if not state.end or is_requested(state, asked_by) or REDACTED in state.standing.times:
        detail = "an erasure was requested before the end, twice, or after it"
        return state, [Fault(MOVE, detail)]
    return replace(state, blocks=(*state.blocks, entry)), _faults_of_due(entry)


def withdrawn(state: State, entry: Entry) -> Step:
    """The person withdraws the consent, once: an open case ends with the next entry."""
    if not entry.is_signed:
        return state, []
    is_ending = state.is_stopped and not state.end
    if is_withdrawn(state) or REDACTED in state.standing.times or is_ending:
        detail = "a consent was withdrawn twice, after the erasure, or while a report ends the case"
        return state, [Fault(MOVE, detail)]
    faults = _faults_of_due(entry)
    if text(entry.body, "effect") != effect(state):
        faults.append(Fault(TERMS, "the withdrawal states another effect than it has"))
    session = text(entry.body, "session")
    if session and session != live_session(state):
        detail = "its session is not the one that the borrower's link started"
        faults.append(Fault(SESSION, detail))
    return replace(state, blocks=(*state.blocks, entry)), faults


def ignored(state: State, entry: Entry) -> list[Fault]:
    """What a block forbids: acts of people always; after a withdrawal, too, all but the end of an
    open case, and every step towards a payout.
    """
    if not state.blocks:
        return []
    is_ignored = entry.type in _FORBIDDEN
    if is_withdrawn(state):
        is_ignored |= entry.type in _OF_PAYOUT
        is_ignored |= not state.end and entry.type not in (_CANCELED, WITHDRAWN)
    return [Fault(BLOCKED, "it followed a block of the processing")] if is_ignored else []


def effect(state: State) -> str:
    """The effect of a withdrawal on a case in this state."""
    if not state.end:
        return ENDS
    return BARS_PAYOUT if state.end == _VERIFIED and not _is_paid(state) else BLOCKS


def is_withdrawn(state: State) -> bool:
    """Whether the person withdrew the consent, and no erasure followed."""
    return any(entry.type == WITHDRAWN for entry in state.blocks)


def is_requested(state: State, asked_by: str) -> bool:
    """Whether the lender, or the person, asked for erasure."""
    return any(
        entry.type == REQUESTED and text(entry.body, "asked_by") == asked_by
        for entry in state.blocks
    )


def rests_on(state: State, *, at: datetime) -> bool:
    """Whether the lender still needs to read the case, blocked or not.

    Its obligation is open, or a payout has none reported; or the verification is fresh enough for
    a payout, and neither a withdrawal nor a dispute bars it.
    """
    obligation = state.credit.obligation
    if OPENED in obligation or _is_paid(state):
        return CLOSED not in obligation
    is_barred = is_withdrawn(state) or state.credit.is_disputed
    if state.end != _VERIFIED or is_barred or state.ages_from is None:
        return False
    try:
        law = profiles.pinned(state.opening.profile_sha256)
    except Misconfigured:
        return False
    return at + state.advanced < state.ages_from + timedelta(seconds=law.valid_for_seconds)


def _is_paid(state: State) -> bool:
    return any(clearance.status == CONSUMED for clearance in state.credit.clearances.values())


def _faults_of_due(entry: Entry) -> list[Fault]:
    due = moment(entry.body, "due")
    if due is None or due > entry.at + timedelta(days=policy.REQUEST_DAYS):
        return [Fault(TIME, "the answer to it is due too late")]
    return []
