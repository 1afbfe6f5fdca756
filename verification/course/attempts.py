"""Attempts at the stages of a route: opened, answered, looked at, judged, lapsed.

The release in an entry defines the stages, checks and tries of its route.
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
"""A step succeeded: its tries start again at 0."""


def opened(state: State, entry: Entry) -> Step:
    """An attempt at a stage: no other is open, and all earlier stages are over, consent first."""
    body, faults = entry.body, []
    name, route, stage = text(body, "attempt"), text(body, "route"), text(body, "stage")
    if not name or name in state.attempts or state.newest(OPEN) or state.is_held():
        detail = (
            "an attempt was opened while another was open, or twice, or while the borrower "
            "has no turn"
        )
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
        faults.append(Fault(LAW, f"the release of {route} with this stage is unknown"))
        return state, faults
    state, more = _placed(state, entry, attempt, release)
    return state, faults + more


def hindered(state: State, entry: Entry) -> Step:
    """A due attempt could not begin because of the borrower's other attempts."""
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
        faults.append(Fault(MOVE, "an answer without an open question"))
    elif (text(entry.body, "route"), text(entry.body, "stage")) != (attempt.route, attempt.stage):
        faults.append(Fault(MOVE, "its stage is not the stage of the opening"))
    elif any(
        until is None or state.time(entry) > until
        for until in (attempt.until, state.opening.expires_at)
    ):
        detail = "it was answered after its time, or after the time of the verification"
        faults.append(Fault(TIME, detail))
    if text(entry.body, "session") != access.live_session(state):
        faults.append(Fault(SESSION, "its session is not the one that the borrower's link started"))
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
        faults.append(Fault(MOVE, "a look without an answer"))
    if attempt is not None:
        state = _turned(state, entry, name, attempt)
    return state, faults


def evidence_kept(state: State, entry: Entry) -> Step:
    """Evidence of an earlier attempt."""
    name = text(entry.body, "attempt")
    attempt = state.attempts.get(name)
    if attempt is None:
        return state, [Fault(MOVE, "evidence of an attempt that was never opened")]
    attempt = replace(attempt, entry=entry.id)
    if "expires_at" in entry.body:  # it was prepared and handed to the borrower
        until = state.moment(entry.body, "expires_at")
        memory = text(entry.body, "memory") or attempt.memory
        attempt = replace(attempt, until=until, next=Next.ASK, memory=memory)
        return state.list_evidence(name, attempt, entry, **NO_FAULTS), []
    return state.list_evidence(name, attempt, entry), []


def lapsed(state: State, entry: Entry) -> Step:
    """An open attempt, or one left for another route, lapses."""
    name, faults = text(entry.body, "attempt"), []
    attempt = state.attempts.get(name)
    if attempt is None or attempt is not (state.newest(OPEN) or state.newest(LEFT)):
        faults.append(Fault(MOVE, "the attempt that lapsed was not open"))
    elif attempt.phase == OPEN and not state.end and not _is_over(state, entry, attempt):
        faults.append(Fault(TIME, "it lapsed before its time was over"))
    if attempt is None:
        return state, faults
    reason = REASONS.get(text(entry.body, "code"))
    burns = attempt.is_begun and reason is not None and reason.burns
    attempt, more = closed(attempt, entry, burns=burns)
    return state.put(name, attempt, last=Closing("lapsed", attempt.code)), faults + more


def judged(state: State, entry: Entry) -> Step:
    """The outcome of an open and answered attempt is the result of all checks of its release."""
    body = entry.body
    name, outcome, faults = text(body, "attempt"), text(body, "outcome"), []
    attempt = state.attempts.get(name)
    is_answered = attempt is not None and attempt.phase == OPEN and attempt.next == Next.COLLECT
    if not is_answered or state.is_held():
        faults.append(Fault(MOVE, "the judged attempt was not open, or not answered"))
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
        detail = "its checks contradict whether the sandbox played the borrower"
        faults.append(Fault(PLAYED, detail))
    is_lawful = attempt.is_signed and entry.is_signed and not of_judgement
    state = state.list_evidence(name, replace(attempt, is_lawful=is_lawful), entry)
    # An attempt in review counts as spent until people pass it; not if too few people may vote.
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
    """A step failed; only steps that the borrower waits for count their tries."""
    step, faults = text(entry.body, "step"), number(entry.body, "faults")
    cause = text(entry.body, "cause")
    if step not in policy.ASKED_STEPS:
        return replace(state, fault=cause), []
    following = 1 + (state.faults if state.faulted_step == step else 0)
    state = replace(state, fault=cause, faulted_step=step, faults=faults)
    if faults <= following:
        return state, []
    detail = f"{step} states {faults} tries, and had {following}"
    return state, [Fault(TRIES, detail)]


def closed(attempt: Attempt, entry: Entry, *, burns: bool) -> tuple[Attempt, list[Fault]]:
    """The closed attempt. Its release and its end determine whether it is spent."""
    is_spent = attempt.is_counted and burns
    spent_at = entry.at if is_spent else None
    code = text(entry.body, "code")
    attempt = replace(attempt, phase=CLOSED, code=code, spent_at=spent_at, closing=entry)
    if entry.body.get("burnt") is is_spent:
        return attempt, []
    detail = "its statement whether it counts against the borrower contradicts its end"
    return attempt, [Fault(TRIES, detail)]


def passed_on(state: State, entry: Entry, name: str) -> State:
    """The stage of this attempt is over; after the last stage, so is its route."""
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
    """Whether its stage may open now, under its release."""
    route, stage, faults = attempt.route, attempt.stage, list[Fault]()
    if state.opening.asks_register and not release.asks_register:
        detail = (
            f"its law requires the register of people, and {route} of this release does not ask it"
        )
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
    """The next turn of its dialogue: who moves, the deadline, and the evidence."""
    body = entry.body
    until = state.moment(body, "expires_at") if "expires_at" in body else attempt.until
    is_signed = attempt.is_signed and entry.is_signed
    attempt = replace(attempt, entry=entry.id, until=until, is_signed=is_signed)
    memory = text(body, "memory") or attempt.memory
    attempt = replace(attempt, next=text(body, "next"), memory=memory)
    return state.list_evidence(name, attempt, entry, **NO_FAULTS)


def _is_over(state: State, entry: Entry, attempt: Attempt) -> bool:
    """Whether its time to answer is over."""
    return attempt.until is not None and state.time(entry) >= attempt.until


def _decision(attempt: Attempt, entry: Entry) -> Decision | None:
    """The result of a judgement's checks; None if a check is unknown."""
    required = attempt.release.checks(attempt.stage) if attempt.release else ()
    with suppress(KeyError, TypeError):
        return decide(on_record(listed(entry.body, "checks")), required=required)
    return None


def _faults_of_judgement(
    state: State, attempt: Attempt, entry: Entry, decision: Decision | None
) -> list[Fault]:
    """Defects of a passing judgement: its release, its checks, its inputs."""
    body, route, faults = entry.body, attempt.route, []
    if attempt.release is None or attempt.stage not in attempt.release.names:
        faults.append(Fault(LAW, f"the release of {route} in the judgement is unknown"))
    elif state.opening.asks_register and not attempt.release.asks_register:
        detail = f"its law requires the register of people, and {route} was judged without it"
        faults.append(Fault(LAW, detail))
    elif decision is None:
        faults.append(Fault(LAW, "a check has an unknown result"))
    elif (decision.outcome, decision.code) != (text(body, "outcome"), text(body, "code")):
        outcome = f"{decision.outcome} {decision.code}".rstrip()
        detail = f"its checks give {outcome}, which contradicts its stated outcome"
        faults.append(Fault(CHECKS, detail))
    # Evidence of the attempt, of the route's passed stages, of the consent, and shared by all
    # attempts.
    inputs = set(state.shared_evidence | attempt.evidence)
    for earlier in state.attempts.values():
        is_near = earlier.route == route or earlier.stage == "consent"
        if earlier.is_passed and earlier.stage != attempt.stage and is_near:
            inputs |= earlier.evidence
    if text(body, "inputs") != inputs_mark(inputs):
        detail = "the evidence of the judgement is not the evidence kept before it"
        faults.append(Fault(INPUTS, detail))
    return faults
