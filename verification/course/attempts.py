"""The attempts at the stages of a route: opened, answered, looked at, judged, lapsed.

The release that an entry names says which stages, checks and tries its route has.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from verification.core.codes import ATTEMPTS_EXHAUSTED, REASONS
from verification.core.keeping import inputs_mark
from verification.core.releases import Release
from verification.core.results import Decision, Outcome, decide, on_record
from verification.core.route import Next
from verification.course import access, policy
from verification.course.entry import (
    CHECKS,
    CONSENT,
    INPUTS,
    LAW,
    MOVE,
    PLAYED,
    REASON,
    SESSION,
    TIME,
    TRIES,
    Entry,
    Fault,
    listed,
    number,
    released,
    replace,
    text,
)
from verification.course.state import CLOSED, LEFT, OPEN, REVIEW, Attempt, Closing, State, Step

NO_FAULTS: Mapping[str, Any] = {"faulted_step": "", "faults": 0}
"""A step went well: its tries are counted anew."""


def opened(state: State, entry: Entry) -> Step:
    """An attempt at a stage: no other is open, all stages before it are over, consent first."""
    body, faults = entry.body, []
    name, route, stage = text(body, "attempt"), text(body, "route"), text(body, "stage")
    if not name or name in state.attempts or state.newest(OPEN) or state.is_held():
        detail = "an attempt was opened while another was, or twice, or where nobody is asked"
        faults.append(Fault(MOVE, detail))
    release = released(body, route)
    attempt = Attempt(
        route=route,
        stage=stage,
        opening=entry,
        entry=entry.id,
        turn=number(body, "turn"),
        release=release,
        until=state.moment(body, "expires_at"),
        next=text(body, "next") or Next.ASK,
        memory=text(body, "memory"),
        is_signed=entry.is_signed,
    )
    state = state.put(name, attempt, **NO_FAULTS)
    if route != state.route:
        faults.append(Fault(MOVE, f"the route under way is not {route}"))
    if release is None or stage not in release.names:
        faults.append(Fault(LAW, f"nobody knows the release by which {route} has this stage"))
        return state, faults
    state, more = _placed(state, entry, attempt, release)
    return state, faults + more


def hindered(state: State, entry: Entry) -> Step:
    """No attempt could begin where one was due, for a reason of the borrower's other attempts."""
    code, stage = text(entry.body, "code"), text(entry.body, "stage")
    faults = []
    if state.newest(OPEN) or state.is_held() or stage in state.done_stages:
        faults.append(Fault(MOVE, "no attempt was due that could be hindered"))
    if code not in (*policy.HINDRANCES, ATTEMPTS_EXHAUSTED):
        faults.append(Fault(REASON, "this reason hinders no attempt"))
    return replace(state, **NO_FAULTS), faults


def answer_given(state: State, entry: Entry) -> Step:
    """The borrower answers an open attempt that waits for them."""
    name, faults = text(entry.body, "attempt"), []
    attempt = state.attempts.get(name)
    if attempt is None or attempt.phase != OPEN or attempt.next in (Next.LOOK, Next.COLLECT):
        faults.append(Fault(MOVE, "an answer to what nobody asked"))
    elif (text(entry.body, "route"), text(entry.body, "stage")) != (attempt.route, attempt.stage):
        faults.append(Fault(MOVE, "it was answered as another stage than it was opened"))
    elif any(
        until is None or state.time(entry) > until
        for until in (attempt.until, state.opening.expires_at)
    ):
        detail = "it was answered when its time was over, or the time of the whole"
        faults.append(Fault(TIME, detail))
    if text(entry.body, "session") != access.live_session(state):
        faults.append(Fault(SESSION, "its session is not the one that the borrower's link began"))
    if attempt is not None:
        following = text(entry.body, "next")
        is_piece = following in (Next.PREPARE, Next.PART)
        attempt = replace(
            attempt,
            is_begun=True,
            turn=number(entry.body, "turn") + (following != Next.PART),
            answers=attempt.answers + (bool(entry.body.get("evidence")) and not is_piece),
        )
        state = _turned(state, entry, name, attempt)
    return state, faults


def looked_at(state: State, entry: Entry) -> Step:
    """A worker looked at the answer of one turn, and states who moves next."""
    name, faults = text(entry.body, "attempt"), []
    attempt = state.attempts.get(name)
    if attempt is None or attempt.phase != OPEN or attempt.next != Next.LOOK:
        faults.append(Fault(MOVE, "a look at what nobody answered"))
    if attempt is not None:
        state = _turned(state, entry, name, attempt)
    return state, faults


def evidence_kept(state: State, entry: Entry) -> Step:
    """Evidence of an attempt, which was opened before."""
    name = text(entry.body, "attempt")
    attempt = state.attempts.get(name)
    if attempt is None:
        return state, [Fault(MOVE, "evidence of an attempt that was never opened")]
    attempt = replace(attempt, entry=entry.id)
    if "expires_at" in entry.body:  # it was prepared, and given to the borrower
        until = state.moment(entry.body, "expires_at")
        memory = text(entry.body, "memory") or attempt.memory
        attempt = replace(attempt, until=until, next=Next.ASK, memory=memory)
        return state.list_evidence(name, attempt, entry, **NO_FAULTS), []
    return state.list_evidence(name, attempt, entry), []


def lapsed(state: State, entry: Entry) -> Step:
    """An open attempt, or one that was left for another route, is given up."""
    name, faults = text(entry.body, "attempt"), []
    attempt = state.attempts.get(name)
    if attempt is None or attempt is not (state.newest(OPEN) or state.newest(LEFT)):
        faults.append(Fault(MOVE, "what lapsed was not open"))
    elif attempt.phase == OPEN and not state.end and not _is_over(state, entry, attempt):
        faults.append(Fault(TIME, "it lapsed before its time was over"))
    if attempt is None:
        return state, faults
    reason = REASONS.get(text(entry.body, "code"))
    burns = attempt.is_begun and reason is not None and reason.burns
    attempt, more = closed(attempt, entry, burns=burns)
    return state.put(name, attempt, last=Closing("lapsed", attempt.code)), faults + more


def judged(state: State, entry: Entry) -> Step:
    """The outcome of an open and answered attempt is what all checks of its release come to."""
    body = entry.body
    name, outcome, faults = text(body, "attempt"), text(body, "outcome"), []
    attempt = state.attempts.get(name)
    is_answered = attempt is not None and attempt.phase == OPEN and attempt.next == Next.COLLECT
    if not is_answered or state.is_held():
        faults.append(Fault(MOVE, "what was judged was not open, or not answered"))
    if attempt is None:
        return state, faults
    if (text(body, "route"), text(body, "stage")) != (attempt.route, attempt.stage):
        faults.append(Fault(MOVE, "it was judged as another stage than it was opened"))
    attempt = replace(attempt, release=released(body, attempt.route))
    decision = _decision(attempt, entry)
    of_judgement = _faults_of_judgement(state, attempt, entry, decision)
    faults += of_judgement
    checks = [check for check in listed(body, "checks") if isinstance(check, dict)]
    if any(check.get("engine", {}) != state.engine for check in checks):
        detail = "its checks do not say who played the borrower, or that somebody did"
        faults.append(Fault(PLAYED, detail))
    is_lawful = attempt.is_signed and entry.is_signed and not of_judgement
    state = state.list_evidence(name, replace(attempt, is_lawful=is_lawful), entry)
    # What is left to people is spent until they pass it. Where too few could vote it is not.
    is_left = outcome == Outcome.REVIEW
    is_in_vain = is_left and attempt.is_counted and body.get("burnt") is False
    burns = (is_left and not is_in_vain) or (decision is not None and decision.burns)
    attempt, more = closed(state.attempts[name], entry, burns=burns)
    if is_left:
        attempt = replace(attempt, phase=REVIEW)
    last = Closing(outcome, attempt.code)
    state = state.put(name, attempt, last=last, is_in_vain=is_in_vain)
    if outcome == Outcome.PASSED:
        state = passed_on(state, entry, name)
    return state, faults + more


def faulted(state: State, entry: Entry) -> Step:
    """A step was tried in vain; only the tries of steps that the borrower waits for are counted."""
    step, faults = text(entry.body, "step"), number(entry.body, "faults")
    cause = text(entry.body, "cause")
    if step not in policy.ASKED_STEPS:
        return replace(state, fault=cause), []
    following = 1 + (state.faults if state.faulted_step == step else 0)
    state = replace(state, fault=cause, faulted_step=step, faults=faults)
    if faults <= following:
        return state, []
    detail = f"{step} is said to have been tried {faults} times, and was {following} times"
    return state, [Fault(TRIES, detail)]


def closed(attempt: Attempt, entry: Entry, *, burns: bool) -> tuple[Attempt, list[Fault]]:
    """The closed attempt. Whether it is spent follows from its release and from why it ended."""
    is_spent = attempt.is_counted and burns
    spent_at = entry.at if is_spent else None
    code = text(entry.body, "code")
    attempt = replace(attempt, phase=CLOSED, code=code, spent_at=spent_at, closing=entry)
    if entry.body.get("burnt") is is_spent:
        return attempt, []
    detail = "whether it counts against the borrower is not what its end says"
    return attempt, [Fault(TRIES, detail)]


def passed_on(state: State, entry: Entry, name: str) -> State:
    """The stage of this attempt is over, and with the last stage its route."""
    attempt = state.attempts[name]
    passes, finished = state.passes, state.finished_routes
    if attempt.is_lawful:
        passes = {**passes, (attempt.route, attempt.stage): state.length + 1}
    if attempt.release and attempt.stage == attempt.release.names[-1]:
        finished = (*finished, attempt.route)
    return state.put(
        name,
        replace(attempt, is_passed=entry.is_signed),
        done_stages=state.done_stages | {attempt.stage},
        past_stages=state.past_stages | {attempt.stage},
        passes=passes,
        finished_routes=finished,
    )


def _placed(state: State, entry: Entry, attempt: Attempt, release: Release) -> Step:
    """Whether its stage may be opened now, by the release that it names."""
    route, stage, faults = attempt.route, attempt.stage, list[Fault]()
    if state.opening.asks_register and not release.asks_register:
        detail = f"its law wants the register of people asked, and {route} by this release does not"
        faults.append(Fault(LAW, detail))
    earlier = release.stages_before(stage)
    if earlier and earlier[0] not in state.past_stages:
        faults.append(Fault(CONSENT, f"{stage} was opened without the borrower's consent"))
    overtaken = state.overtaken_stages
    if state.release is not None and state.done_stages:
        overtaken |= set(earlier) - set(state.release.stages_before(stage))
    state = replace(state, release=release, overtaken_stages=overtaken)
    missing = [name for name in earlier[1:] if name not in state.done_stages | overtaken]
    if missing:
        faults.append(Fault(MOVE, f"{stage} was opened before {missing[0]} had passed"))
    if stage in state.done_stages:
        faults.append(Fault(MOVE, f"{stage} was opened again after it had passed"))
    tries = release.tries(stage)
    if tries and len(state.spent(stage, entry.at)) >= tries:
        detail = f"{stage} was opened after {tries} attempts at it were spent"
        faults.append(Fault(TRIES, detail))
    return state, faults


def _turned(state: State, entry: Entry, name: str, attempt: Attempt) -> State:
    """One more turn of its dialogue: who moves next, until when, and what evidence came."""
    body = entry.body
    until = state.moment(body, "expires_at") if "expires_at" in body else attempt.until
    is_signed = attempt.is_signed and entry.is_signed
    attempt = replace(attempt, entry=entry.id, until=until, is_signed=is_signed)
    memory = text(body, "memory") or attempt.memory
    attempt = replace(attempt, next=text(body, "next"), memory=memory)
    return state.list_evidence(name, attempt, entry, **NO_FAULTS)


def _is_over(state: State, entry: Entry, attempt: Attempt) -> bool:
    """Whether the time is over in which it may be answered."""
    return attempt.until is not None and state.time(entry) >= attempt.until


def _decision(attempt: Attempt, entry: Entry) -> Decision | None:
    """What the checks of a judgement come to; None where one states what is in no table."""
    required = attempt.release.checks(attempt.stage) if attempt.release else ()
    with suppress(KeyError, TypeError):
        return decide(on_record(listed(entry.body, "checks")), required=required)
    return None


def _faults_of_judgement(
    state: State, attempt: Attempt, entry: Entry, decision: Decision | None
) -> list[Fault]:
    """What keeps a judgement from passing: its release, its checks, what they were made of."""
    body, route, faults = entry.body, attempt.route, []
    if attempt.release is None or attempt.stage not in attempt.release.names:
        faults.append(Fault(LAW, f"nobody knows the release of {route} that it was judged by"))
    elif state.opening.asks_register and not attempt.release.asks_register:
        detail = f"its law wants the register of people asked, and {route} was judged without it"
        faults.append(Fault(LAW, detail))
    elif decision is None:
        faults.append(Fault(LAW, "a check says what nobody knows"))
    elif (decision.outcome, decision.code) != (text(body, "outcome"), text(body, "code")):
        outcome = f"{decision.outcome} {decision.code}".rstrip()
        detail = f"its checks come to {outcome}, which is not what was said of it"
        faults.append(Fault(CHECKS, detail))
    # All evidence of the attempt, of the stages of its route that have passed, of the consent,
    # and what is asked once for all attempts.
    inputs = set(state.shared_evidence | attempt.evidence)
    for earlier in state.attempts.values():
        is_near = earlier.route == route or earlier.stage == "consent"
        if earlier.is_passed and earlier.stage != attempt.stage and is_near:
            inputs |= earlier.evidence
    if text(body, "inputs") != inputs_mark(inputs):
        detail = "it was judged by something else than what was kept before it"
        faults.append(Fault(INPUTS, detail))
    return faults
