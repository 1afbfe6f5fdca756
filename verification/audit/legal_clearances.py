"""Might the money of a clearance leave, by the entries of its verification? Pure, as `legal_steps` is. O-50 to O-58.

What the loan comes to is sealed: a worker, who can read it, signs it, and what the door asked for must be that.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from verification.audit.legal_course import Course
from verification.audit.legal_words import GATES, LAW, MOVE, TERMS, TIME, Body, Fault, listed, moment, number, text
from verification.core import almaty, profiles
from verification.core.clearance import (
    CONSUMED,
    FROZEN,
    ISSUED,
    NOT_EVALUATED,
    OPEN,
    PASSED,
    PROCESSING,
    REFUSED,
    SUPERSEDED,
    release_not_before,
)
from verification.core.errors import BadInput, Misconfigured
from verification.core.profiles import Profile
from verification.course import policy

_BEFORE: Final = {PROCESSING: "", ISSUED: PROCESSING, REFUSED: PROCESSING, CONSUMED: ISSUED, FROZEN: ISSUED}
"""How a clearance stands before it is said to stand so."""
_KEPT_FOR: Final = {
    "stop_credit": "stop_credit_max_age_seconds",
    "account_owner": "account_owner_max_age_seconds",
}
"""How long the answer of a gate may be relied on, by the laws."""


def cleared(course: Course, body: Body, *, at: int, came: str) -> Iterator[Fault]:
    """A clearance is asked for, issued or refused, then consumed or frozen; once one is consumed nothing follows."""
    name = text(body, "clearance")
    if not course.is_signed:  # then it counts for nothing
        return
    before = course.terms.get(name, {})
    if course.clearances.get(name, "") != _BEFORE[came] or CONSUMED in course.clearances.values():
        yield MOVE, f"a clearance that stood otherwise is said to be {came}"
    elif course.is_disputed and came not in (REFUSED, FROZEN):
        yield MOVE, f"a clearance was {came} after the borrower had disputed it"
    elif came == PROCESSING:
        # Of one verification the sum is always the same, and the contract once it is reported.
        cap, contract = number(body, "cap"), text(body, "contract")
        if not laws_of(course, body):
            yield LAW, "nobody knows the law by which a clearance was asked for"
        if not contract or contract != (course.contract or contract):
            yield TERMS, "a clearance was asked for another contract than was reported, or for none"
        if cap <= 0 or cap != (course.cap or cap):
            yield TERMS, "a clearance was asked for another sum than before, or for none"
        course.cap = course.cap or cap
    elif came == ISSUED:
        yield from _issued(course, body, before)
    elif came == CONSUMED:
        # No more than was issued, and in time. That was given as time was counted when it was issued.
        if not 0 < number(body, "amount") <= number(before, "cap"):
            yield TERMS, "more money left than the clearance lets, or none"
        now = course.now - course.issued_ahead.get(name, timedelta(0))
        if any((one := moment(before, until)) and now >= one for until in ("expires_at", "fresh_until")):
            yield TIME, "the money left when the time of the clearance was over, or of its answers"
    if came == ISSUED:
        course.issued_ahead[name] = course.advanced
    if came == PROCESSING:
        course.clearances |= {one: SUPERSEDED for one, stands in course.clearances.items() if stands in OPEN}
    course.clearances[name], course.terms[name] = came, {**before, **body}


def laws_of(course: Course, body: Body) -> tuple[Profile, ...]:
    """That by which the person was verified, and that by which the lender goes; none where nobody knows one of them."""
    try:
        return profiles.pinned(course.profile_sha256), profiles.get(text(body, "profile"))
    except (BadInput, Misconfigured):
        return ()


def _issued(course: Course, body: Body, asked: Body) -> Iterator[Fault]:
    """It is what was asked for, rests on the decision that verified the person, and no gate refuses."""
    if other := [one for one in ("profile", "contract", "cap") if body.get(one) != asked.get(one)]:
        yield TERMS, f"what was issued is not what was asked for: {', '.join(other)}"
    if not course.decision or text(body, "decision") != course.decision:
        yield TERMS, "it rests on another decision than that which verified the person"
    laws = laws_of(course, body)
    if not laws:
        yield LAW, "nobody knows the law by which a clearance was issued"
        return
    said = [one for one in listed(body, "gates") if isinstance(one, dict)]
    gates = {text(one, "name"): one for one in said}
    if len(said) != len(gates):
        yield GATES, "a gate is said twice"
    # Gates that did not pass though a law asks, that are said to have passed though none does, or nobody knows.
    wrong = [*(gates.keys() - policy.GATES.keys())]
    for name, asked_by in policy.GATES.items():
        is_asked = not asked_by or any(getattr(law, one) is not None for law in laws for one in asked_by)
        if text(gates.get(name, {}), "status") != (PASSED if is_asked else NOT_EVALUATED):
            wrong.append(name)
    if wrong:
        yield GATES, f"its laws ask otherwise of {', '.join(sorted(wrong))}"
    elif _waits(course, body, gates["cooling_off"], laws):
        yield GATES, "its contract was not reported, or nobody consented anew once the wait was over"
    expires_at, fresh_until = course.moment(body, "expires_at"), course.moment(body, "fresh_until")
    latest = course.now + timedelta(seconds=policy.CLEARANCE_SECONDS)
    if expires_at is None or expires_at > latest:
        yield TIME, "it lives longer than a clearance may"
    if fresh_until is None or fresh_until > _fresh_at_most(course, gates, laws):
        yield TIME, "its answers are relied on for longer than they hold"


def _waits(course: Course, body: Body, gate: Body, laws: Sequence[Profile]) -> bool:
    """Whether the contract is not reported where a law asks, or the wait that the gate tells has no new consent."""
    if gate["status"] == NOT_EVALUATED:
        return False
    if course.waits_until is None or course.contract != text(body, "contract"):
        return True
    if "release_not_before" not in gate:
        return False
    until = release_not_before(course.waits_until, laws) or course.waits_until
    return course.moment(gate, "release_not_before") != until or course.now < until or not text(body, "renewal")


def _fresh_at_most(course: Course, gates: Mapping[str, Any], laws: Sequence[Profile]) -> datetime:
    """Until when all its answers hold: what is counted by the day until midnight, others by the laws."""
    ends = [almaty.begins(almaty.day_of(course.stamped) + timedelta(days=1)) + course.advanced]
    if course.ages_from is not None:
        ends.append(course.ages_from + timedelta(seconds=min(law.valid_for_seconds for law in laws)))
    for name, limit in _KEPT_FOR.items():
        seconds = [most for law in laws if (most := getattr(law, limit)) is not None]
        asked_at = course.moment(gates.get(name, {}), "at") or course.now
        if seconds:
            ends.append(min(asked_at, course.now) + timedelta(seconds=min(seconds)))
    return min(ends)
