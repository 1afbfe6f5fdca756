"""The payout: the contract, the renewed consent, the clearances. Law: O-50 to O-58.

The loan's sums are sealed. A worker, who can read them, signs them; the door's request must match.
An entry without its signature does not count here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from verification.core import almaty, profiles
from verification.core.clearance import (
    CONSUMED,
    FROZEN,
    ISSUED,
    NOT_EVALUATED,
    PASSED,
    PROCESSING,
    REFUSED,
    SUPERSEDED,
    release_not_before,
)
from verification.core.clearance import OPEN as UNUSED
from verification.core.errors import BadInput, Misconfigured
from verification.core.profiles import Profile
from verification.course import policy
from verification.course.entry import (
    GATES,
    LAW,
    MOVE,
    TERMS,
    TIME,
    Body,
    Entry,
    Fault,
    maps,
    moment,
    number,
    replace,
    text,
)
from verification.course.state import Clearance, State, Step

_PREVIOUS: Final = {
    PROCESSING: "",
    ISSUED: PROCESSING,
    REFUSED: PROCESSING,
    CONSUMED: ISSUED,
    FROZEN: ISSUED,
}
"""For each status of a clearance, the status before it."""
_LIMITS: Final = {
    "stop_credit": "stop_credit_max_age_seconds",
    "account_owner": "account_owner_max_age_seconds",
}
"""For each gate, the profile's field with the maximum age of its answer."""


def reported(state: State, entry: Entry) -> Step:
    """The lender reports its contract, once; the wait counts from the report or a later signing."""
    if not entry.is_signed:
        return state, []
    body, faults = entry.body, []
    since, signed_at = state.moment(body, "release_from"), state.moment(body, "signed_at")
    if state.credit.waits_from is not None or since is None or signed_at is None:
        return state, [Fault(MOVE, "a contract was reported twice, or without its times")]
    if since != max(signed_at, state.time(entry)):
        detail = "the wait counts neither from the report nor from a later signing"
        faults.append(Fault(TIME, detail))
    cap = state.credit.cap or number(body, "cap")
    if number(body, "cap") != cap:
        detail = "the contract's sum is not the requested sum"
        faults.append(Fault(TERMS, detail))
    contract = text(body, "contract")
    credit = replace(
        state.credit,
        waits_from=since,
        contract=contract,
        cap=cap,
        report=entry,
        release_not_before=state.moment(body, "release_not_before"),
    )
    return replace(state, credit=credit), faults


def renewal_opened(state: State, entry: Entry) -> Step:
    """The renewed consent opens after the wait that the laws of the day impose.

    The person of the lender who opens it may not attest.
    """
    if not entry.is_signed:
        return state, []
    state = replace(state, senders=state.senders | {text(entry.body, "person")} - {""})
    if state.credit.waits_from is None:
        return state, [Fault(MOVE, "a renewed consent was opened without a reported contract")]
    laws = laws_of(state, entry.body)
    if not laws:
        detail = "the law of the renewed consent is unknown"
        return state, [Fault(LAW, detail)]
    until = release_not_before(state.credit.waits_from, laws)
    if until is None or state.time(entry) < until:
        detail = "a renewed consent was opened before the end of the wait, or without a wait"
        return state, [Fault(TIME, detail)]
    return state, []


def cleared(state: State, entry: Entry, *, status: str) -> Step:
    """A clearance gets this status; no other entry follows a consumed one."""
    if not entry.is_signed:
        return state, []
    name = text(entry.body, "clearance")
    clearance = state.credit.clearances.get(name, Clearance())
    cap, faults = state.credit.cap, list[Fault]()
    is_consumed = any(row.status == CONSUMED for row in state.credit.clearances.values())
    if clearance.status != _PREVIOUS[status] or is_consumed:
        faults.append(Fault(MOVE, f"a clearance became {status} from another status than required"))
    elif state.credit.is_disputed and status not in (REFUSED, FROZEN):
        detail = f"a clearance was {status} after the borrower had disputed it"
        faults.append(Fault(MOVE, detail))
    elif status == PROCESSING:
        faults += _faults_of_request(state, entry)
        cap = cap or number(entry.body, "cap")
    elif status == ISSUED:
        faults += _faults_of_issue(state, entry, clearance)
    elif status == CONSUMED:
        faults += _faults_of_payment(state, entry, clearance)
    credit = replace(
        state.credit,
        cap=cap,
        clearances=_with(state, entry, status),
        release_not_before=_waits_until(state, entry),
    )
    return replace(state, credit=credit), faults


def _waits_until(state: State, entry: Entry) -> datetime | None:
    """Until when the money waits by the gate in this entry, or as before without one."""
    until = state.credit.release_not_before
    for gate in maps(entry.body, "gates"):
        if text(gate, "name") == "cooling_off":
            is_free = text(gate, "status") in (PASSED, NOT_EVALUATED)
            return None if is_free else state.moment(gate, "release_not_before") or until
    return until


requested = partial(cleared, status=PROCESSING)
issued = partial(cleared, status=ISSUED)
refusal = partial(cleared, status=REFUSED)
consumed = partial(cleared, status=CONSUMED)
frozen = partial(cleared, status=FROZEN)


def laws_of(state: State, body: Body) -> tuple[Profile, ...]:
    """The law of the verification and the lender's law now; empty if one is unknown."""
    try:
        return profiles.pinned(state.opening.profile_sha256), profiles.get(text(body, "profile"))
    except (BadInput, Misconfigured):
        return ()


def _with(state: State, entry: Entry, status: str) -> Mapping[str, Clearance]:
    """The clearances with this entry's; a requested one supersedes the others."""
    name, clearances = text(entry.body, "clearance"), dict(state.credit.clearances)
    clearance = clearances.get(name, Clearance())
    if status == PROCESSING:
        for unused, row in state.credit.clearances.items():
            if row.status in UNUSED:
                clearances[unused] = replace(row, status=SUPERSEDED)
    clearances[name] = Clearance(
        status=status,
        terms={**clearance.terms, **entry.body},
        advanced=state.advanced if status == ISSUED else clearance.advanced,
        times={**clearance.times, status: entry.at},
        request=entry if status == PROCESSING else clearance.request,
        entry=entry.id,
    )
    return clearances


def _faults_of_request(state: State, entry: Entry) -> list[Fault]:
    """The sum never changes, nor does the contract after its report."""
    body, faults = entry.body, []
    cap, contract = number(body, "cap"), text(body, "contract")
    if not laws_of(state, body):
        faults.append(Fault(LAW, "the law of the requested clearance is unknown"))
    if not contract or contract != (state.credit.contract or contract):
        detail = "the contract of the requested clearance is missing or not the reported one"
        faults.append(Fault(TERMS, detail))
    if cap <= 0 or cap != (state.credit.cap or cap):
        detail = "the sum of the requested clearance is missing or differs from before"
        faults.append(Fault(TERMS, detail))
    return faults


def _faults_of_payment(state: State, entry: Entry, clearance: Clearance) -> list[Fault]:
    """The payout stays within the issued sum and time, by the clock of the issue."""
    faults = []
    if not 0 < number(entry.body, "amount") <= number(clearance.terms, "cap"):
        faults.append(Fault(TERMS, "the payout is missing or exceeds the clearance"))
    now = state.time(entry) - clearance.advanced
    limits = (moment(clearance.terms, name) for name in ("expires_at", "fresh_until"))
    if any(limit is not None and now >= limit for limit in limits):
        detail = "the payout came after the end of the clearance or of its answers"
        faults.append(Fault(TIME, detail))
    return faults


def _faults_of_issue(state: State, entry: Entry, clearance: Clearance) -> list[Fault]:
    """The issue matches its request, follows the decision on the person, and has each gate
    passed.
    """
    body, faults = entry.body, []
    terms = clearance.terms
    differing = [
        name for name in ("profile", "contract", "cap") if body.get(name) != terms.get(name)
    ]
    if differing:
        detail = f"the issued clearance differs from its request: {', '.join(differing)}"
        faults.append(Fault(TERMS, detail))
    if not state.decision or text(body, "decision") != state.decision:
        detail = "its decision is not the one that verified the person"
        faults.append(Fault(TERMS, detail))
    laws = laws_of(state, body)
    if not laws:
        faults.append(Fault(LAW, "the law of the issued clearance is unknown"))
        return faults
    gates = {text(gate, "name"): gate for gate in maps(body, "gates")}
    faults += _faults_of_gates(state, entry, gates, laws)
    expires_at, fresh_until = state.moment(body, "expires_at"), state.moment(body, "fresh_until")
    latest = state.time(entry) + timedelta(seconds=policy.CLEARANCE_SECONDS)
    if expires_at is None or expires_at > latest:
        faults.append(Fault(TIME, "it lasts longer than a clearance may"))
    if fresh_until is None or fresh_until > _fresh_at_most(state, entry, gates, laws):
        faults.append(Fault(TIME, "it relies on an answer beyond the answer's validity"))
    return faults


def _faults_of_gates(
    state: State, entry: Entry, gates: Mapping[str, Body], laws: Sequence[Profile]
) -> list[Fault]:
    """Each required gate passed, the others were not evaluated, and the wait is over."""
    faults = []
    if len(maps(entry.body, "gates")) != len(gates):
        faults.append(Fault(GATES, "a gate occurs twice"))
    wrong = [*(gates.keys() - policy.GATES.keys())]
    for name, fields in policy.GATES.items():
        limits = (getattr(law, limit) for law in laws for limit in fields)
        is_asked = not fields or any(limit is not None for limit in limits)
        if text(gates.get(name, {}), "status") != (PASSED if is_asked else NOT_EVALUATED):
            wrong.append(name)
    if wrong:
        faults.append(
            Fault(GATES, f"its laws require another status of {', '.join(sorted(wrong))}")
        )
    elif _waits(state, entry, gates["cooling_off"], laws):
        detail = "its contract was not reported, or the renewed consent after the wait is missing"
        faults.append(Fault(GATES, detail))
    return faults


def _waits(state: State, entry: Entry, gate: Body, laws: Sequence[Profile]) -> bool:
    """Whether a law requires an unreported contract, or a renewed consent."""
    if gate["status"] == NOT_EVALUATED:
        return False
    if state.credit.waits_from is None or state.credit.contract != text(entry.body, "contract"):
        return True
    if "release_not_before" not in gate:
        return False
    until = release_not_before(state.credit.waits_from, laws) or state.credit.waits_from
    is_early = state.time(entry) < until
    is_other = state.moment(gate, "release_not_before") != until
    return is_other or is_early or not text(entry.body, "renewal")


def _fresh_at_most(
    state: State, entry: Entry, gates: Mapping[str, Any], laws: Sequence[Profile]
) -> datetime:
    """Until when all its answers are valid: daily ones until midnight, others by the laws."""
    tomorrow = almaty.day_of(entry.at) + timedelta(days=1)
    ends = [almaty.begins(tomorrow) + state.advanced]
    if state.ages_from is not None:
        seconds = min(law.valid_for_seconds for law in laws)
        ends.append(state.ages_from + timedelta(seconds=seconds))
    for name, limit in _LIMITS.items():
        limits = [getattr(law, limit) for law in laws if getattr(law, limit) is not None]
        at = state.moment(gates.get(name, {}), "at") or state.time(entry)
        if limits:
            ends.append(min(at, state.time(entry)) + timedelta(seconds=min(limits)))
    return min(ends)
