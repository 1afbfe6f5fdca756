"""Entries beside the payout: attestations, a dispute, the credit, and the test clock.

Advancing a test clock shortens each wait. An entry without its signature does not count here.
"""

from datetime import timedelta
from functools import partial

from verification.core.clearance import ATTESTATION_KINDS, CONSUMED
from verification.core.events import CLOSED, OPENED
from verification.course import policy
from verification.course.entry import MOVE, TIME, Entry, Fault, moment, number, replace, text
from verification.course.state import State, Step


def attested(state: State, entry: Entry) -> Step:
    """An employee without a part in the case attests a fact, each fact once."""
    if not entry.is_signed:
        return state, []
    subject, person, faults = text(entry.body, "what"), text(entry.body, "person"), []
    is_repeated = subject in state.credit.attested
    if subject not in ATTESTATION_KINDS or is_repeated or not person or person in state.senders:
        detail = "attested twice, or by a person who had sent the borrower a link, "
        faults.append(Fault(MOVE, f"{detail}or an unknown fact"))
    if any(clearance.status == CONSUMED for clearance in state.credit.clearances.values()):
        faults.append(Fault(MOVE, "attested after the payout"))
    credit = replace(state.credit, attested=state.credit.attested | {subject})
    return replace(state, credit=credit), faults


def receipt_issued(state: State, entry: Entry) -> Step:
    """The receipt of an end that the lender caused."""
    return with_receipt(state, entry), []


def with_receipt(state: State, entry: Entry) -> State:
    """The state with an entry's receipt."""
    if "receipt" not in entry.body:
        return state
    return replace(state, receipts={**state.receipts, entry.id: text(entry.body, "receipt")})


def disputed(state: State, entry: Entry) -> Step:
    """The borrower denies the verification: no payout from then on."""
    if not entry.is_signed:
        return state, []
    return replace(state, credit=replace(state.credit, is_disputed=True)), []


def obliged(state: State, entry: Entry, *, word: str) -> Step:
    """The obligation opened, then closed: each once, between the decision and now, with a
    tolerance.
    """
    if not entry.is_signed:
        return state, []
    at, opened = moment(entry.body, "at"), state.credit.obligation.get(OPENED)
    if at is None or word in state.credit.obligation or (word == CLOSED and opened is None):
        detail = f"an obligation that stood otherwise is said to be {word}"
        return state, [Fault(MOVE, detail)]
    seconds = policy.OBLIGATION_AHEAD_SECONDS + policy.CLOCKS_APART_SECONDS
    is_early = opened is not None and at < opened
    if state.ended_at is not None:  # the lender may return the decision's time rounded down
        is_early |= at <= state.ended_at - timedelta(seconds=policy.TOLD_TO_SECONDS)
    credit = replace(state.credit, obligation={**state.credit.obligation, word: at})
    state = replace(state, credit=credit)
    if not is_early and at <= entry.at + timedelta(seconds=seconds):
        return state, []
    detail = f"an obligation is said to be {word} before it could be, or in time to come"
    return state, [Fault(TIME, detail)]


obligation_opened = partial(obliged, word=OPENED)
obligation_closed = partial(obliged, word=CLOSED)


def advanced(state: State, entry: Entry) -> Step:
    """A test lender advances the due times, by a limited step."""
    if not entry.is_signed:
        return state, []
    seconds = number(entry.body, "advance_seconds")
    if entry.log != policy.TEST_LOG or not 1 <= seconds <= policy.ADVANCE_SECONDS_MAX:
        detail = "a clock was advanced in live mode, or by a forbidden step"
        return state, [Fault(MOVE, detail)]
    return replace(state, advanced=state.advanced + timedelta(seconds=seconds)), []
