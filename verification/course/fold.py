"""A verification is the fold of its entries: `apply` adds one, and names its faults.

Each fault is named once. Later entries are judged as if the faulty entry were lawful, but it
supports no verdict.
An entry without its signature moves the course and proves no fact.
The verification of signatures names it; faults of its own rule are left out.
Source: docs/decisions/0004-entries-lead-and-rows-follow.md.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum, auto
from functools import reduce
from typing import Final

from verification.core import events
from verification.core.events import EntryType
from verification.course import (
    access,
    after,
    attempts,
    blocking,
    ends,
    frames,
    opening,
    payout,
    people,
    retention,
)
from verification.course.entry import AFTER_END, LAW, LENDER, MOVE, Entry, Fault, replace
from verification.course.standing import stand
from verification.course.state import Rule, State, Step

FIRST: Final = "verification.created"
VERIFIED: Final = "verification.verified"


class When(StrEnum):
    """When an entry of a type may occur."""

    BEFORE_END = auto()
    UNLESS_REFUSED = auto()
    """Before the end, and after one that verified the borrower."""
    ONCE_VERIFIED = auto()
    ALWAYS = auto()


@dataclass(frozen=True)
class Move:
    """One type of entry: its signers, the lender's event, its rule, and when it may occur."""

    type: EntryType
    rule: Rule
    when: When = When.BEFORE_END


def _move(name: str, rule: Rule, when: When = When.BEFORE_END) -> tuple[str, Move]:
    return name, Move(events.ENTRY_TYPES[name], rule, when)


MOVES: Final = dict(
    (
        _move(FIRST, opening.created),
        _move("route.chosen", opening.route_chosen),
        _move(events.SIMULATED, opening.simulated),
        _move("link.minted", access.link_minted),
        _move("link.spent", access.link_spent),
        _move("mobile_signing.minted", access.signing_minted),
        _move("mobile_signing.read", access.signing_read),
        _move("mobile_signing.taken", access.signing_taken),
        _move("mobile_signing.refused", access.signing_refused),
        _move("hand_over.minted", access.hand_over_minted),
        _move("hand_over.read", access.hand_over_read),
        _move("hand_over.refused", access.hand_over_refused),
        _move("hand_over.stopped", access.stopped),
        _move("verification.handed_over", access.handed_over),
        _move("attempt.opened", attempts.opened),
        _move(events.HINDERED, attempts.hindered),
        _move("attempt.answered", attempts.answer_given),
        _move("attempt.looked_at", attempts.looked_at),
        _move("attempt.judged", attempts.judged),
        # An attempt still open at the end is closed after it, and gets its document.
        _move("attempt.lapsed", attempts.lapsed, When.ALWAYS),
        _move("evidence.kept", attempts.evidence_kept, When.ALWAYS),
        _move("document.missing", access.unmoved, When.ALWAYS),
        _move("step.faulted", attempts.faulted, When.ALWAYS),
        _move("attempt.reviewed", people.reviewed),
        _move("review.voted", people.voted),
        _move("verification.in_review", people.in_review),
        _move(VERIFIED, ends.verified),
        _move("verification.declined", ends.declined),
        _move("verification.expired", ends.expired),
        _move("verification.canceled", ends.canceled),
        _move("verification.failed", ends.failed),
        # After the end: the receipt of a canceled case, destruction of frames, requests for
        # personal data.
        _move(events.RECEIPT, after.receipt_issued, When.ALWAYS),
        _move(events.DESTROYED, frames.destroyed, When.ALWAYS),
        _move(events.REQUESTED, blocking.requested, When.ALWAYS),
        _move(events.WITHDRAWN, blocking.withdrawn, When.ALWAYS),
        _move(events.REDACTED, retention.redacted, When.ALWAYS),
        _move("verification.key_revoked", access.unmoved, When.ALWAYS),
        _move(events.DISPUTED, after.disputed, When.ALWAYS),
        _move(events.ADVANCED, after.advanced, When.UNLESS_REFUSED),
        _move(events.ATTESTED, after.attested, When.ONCE_VERIFIED),
        _move("obligation.opened", after.obligation_opened, When.ONCE_VERIFIED),
        _move("obligation.closed", after.obligation_closed, When.ONCE_VERIFIED),
        _move(events.REPORTED, payout.reported, When.ONCE_VERIFIED),
        _move(events.RENEWED, payout.renewal_opened, When.ONCE_VERIFIED),
        _move("clearance.requested", payout.requested, When.ONCE_VERIFIED),
        _move(events.CLEARED, payout.issued, When.ONCE_VERIFIED),
        _move("clearance.refused", payout.refusal, When.ONCE_VERIFIED),
        _move("clearance.consumed", payout.consumed, When.ONCE_VERIFIED),
        _move("clearance.frozen", payout.frozen, When.ONCE_VERIFIED),
    )
)
"""All entry types about a verification."""


def apply(state: State, entry: Entry) -> Step:
    """The state after one more entry, and its faults."""
    move, faults = MOVES.get(entry.type), list[Fault]()
    if not state.length and entry.type != FIRST:
        faults.append(Fault(MOVE, "the first entry of a verification opens it"))
    opening = state.opening.entry
    if opening is not None and entry.is_signed and entry.lender != opening.lender:
        detail = "it names another lender than the entry that opened the verification"
        faults.append(Fault(LENDER, detail))
    if opening is not None and entry.log != opening.log:  # other keys sign there
        faults.append(Fault(MOVE, "it stands in another log than the entry that opened it"))
        entry = replace(entry, is_signed=False)
    if refusal := _refusal(state, move):
        faults.append(Fault(AFTER_END, refusal))
        if move:  # skip its rule, which the signature fault replaces; the rows may follow it
            state, _ = move.rule(state, entry)
        return replace(state, length=state.length + 1, standing=stand(state, entry)), faults
    if move and move.when is When.ONCE_VERIFIED and state.end != VERIFIED:
        detail = "an entry about credit follows a verification that was not verified"
        faults.append(Fault(AFTER_END, detail))
    # 1 an attempt left to people without voters allows only its end; 2 what a block forbids;
    # 3 the rule of this type
    state, forbidden = ends.in_vain(state, entry)
    forbidden += blocking.ignored(state, entry)
    state, unlawful = move.rule(state, entry) if move else (state, [_unknown(entry)])
    state = replace(state, standing=stand(state, entry))
    if entry.is_signed:
        faults += forbidden + unlawful
    # 4 a fault's cause lasts for one entry; 5 an end
    fault = state.fault if entry.type == "step.faulted" else ""
    if move is None or not move.type.decides:
        return replace(state, length=state.length + 1, fault=fault), faults
    state = replace(
        after.with_receipt(state, entry),
        length=state.length + 1,
        fault=fault,
        end=entry.type,
        ending=entry,
        ended_at=entry.at,
        ages_from=state.time(entry),
        decision=entry.id if entry.is_signed else "",
    )
    return state, faults


def fold(entries: Iterable[Entry]) -> Iterator[tuple[Entry, State, list[Fault]]]:
    """Each entry of a verification in order, with the state after it and its faults."""
    state = State()
    for entry in entries:
        state, faults = apply(state, entry)
        yield entry, state, faults


def reach(entries: Iterable[Entry]) -> State:
    """The state after these entries."""
    return reduce(lambda state, entry: apply(state, entry)[0], entries, State())


def _refusal(state: State, move: Move | None) -> str:
    """Why no entry of this type may follow the end; empty if it may."""
    if not state.end:
        return ""
    if move is None or move.when is When.BEFORE_END:
        return f"nothing of this kind may follow {state.end}"
    if move.when is When.UNLESS_REFUSED and state.end != VERIFIED:
        return f"no step is due after {state.end}"
    return ""


def _unknown(entry: Entry) -> Fault:
    if entry.type in events.ENTRY_TYPES:
        return Fault(MOVE, "an entry of this kind never concerns a verification")
    return Fault(LAW, "the kind of this entry is unknown")
