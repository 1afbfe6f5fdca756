"""The ends of a verification, and whether earlier entries justify each."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final

from verification.core import profiles, releases
from verification.core.codes import (
    ATTEMPTS_EXHAUSTED,
    COERCION_REPORTED,
    CONSENT_WITHDRAWN,
    REASONS,
    REVIEW_UNAVAILABLE,
)
from verification.core.releases import Release
from verification.core.results import Outcome
from verification.course import policy
from verification.course.blocking import is_withdrawn
from verification.course.entry import (
    CONSENT,
    LAW,
    MOVE,
    REASON,
    STAGES,
    TIME,
    TRIES,
    Entry,
    Fault,
    listed,
    maps,
    released,
    replace,
    text,
)
from verification.course.opening import same_law
from verification.course.state import OPEN, REVIEW, State, Step

UNSURE: Final = "check_missing"


def verified(state: State, entry: Entry) -> Step:
    """One combination of its law is complete: each stage of each route passed, in order."""
    body, faults = entry.body, []
    if state.is_held() or state.newest(OPEN) or state.newest(REVIEW):
        faults.append(Fault(MOVE, "it was verified while an attempt was open"))
    names = [str(name) for name in listed(body, "releases")]
    route_releases = [releases.RELEASES[name] for name in names if name in releases.RELEASES]
    routes = [release.route for release in route_releases]
    if len(routes) != len(names) or routes != listed(body, "routes"):
        detail = "the releases of its routes are unknown"
        faults.append(Fault(LAW, detail))
    missing = {release.route: unpassed(state, release) for release in route_releases}
    proven = [route for route, stages in missing.items() if not stages]
    if state.opening.asks_register and not all(release.asks_register for release in route_releases):
        detail = "it was verified by a release without the register of people, "
        faults.append(Fault(LAW, f"{detail}and its law does"))
        proven = []
    if not profiles.suffices(state.opening.combinations, passed_routes=proven):
        places = [f"{stage} of {route}" for route, stages in missing.items() for stage in stages]
        lack = f": there is no pass of {', '.join(places)}" if places else ""
        faults.append(Fault(STAGES, f"no combination of its law is complete{lack}"))
    if any(release.names[0] in missing[release.route] for release in route_releases):
        faults.append(Fault(CONSENT, "it was verified without the borrower's consent"))
    return state, faults + same_law(state, entry) + _opened_lately(state, entry)


def declined(state: State, entry: Entry) -> Step:
    """A final failure, no attempt left, a refusal by people, or a coerced borrower.

    Attempts count over all verifications of a borrower. The course does not look up those of other
    verifications.
    """
    code, last = text(entry.body, "code"), state.last
    faults: list[Fault] = []
    # The code of the last attempt, if it failed.
    failure = last.code if last and last.outcome in (Outcome.FAILED, "lapsed") else None
    if state.is_stopped:
        is_shown = (code, entry.body.get("cause")) == (COERCION_REPORTED, "hand_over")
    elif state.in_review or state.newest(OPEN) or state.newest(REVIEW):
        faults.append(Fault(MOVE, "it was declined while an attempt was open"))
        is_shown = True
    elif code == ATTEMPTS_EXHAUSTED:
        # A hindrance is not a failure of an attempt: it counts over all verifications of the
        # borrower.
        is_shown = text(entry.body, "last_failure") in ("", failure, *policy.HINDRANCES)
        faults += _exhausted(state, entry)
    elif code == UNSURE:
        is_shown = _leads_nowhere(state)
    else:
        reason = REASONS.get(code)
        is_shown = failure == code and bool(reason and reason.final)
    if not is_shown:
        faults.append(Fault(REASON, "no earlier entry justifies the decline"))
    return state, faults + same_law(state, entry)


def expired(state: State, entry: Entry) -> Step:
    """The borrower's or the reviewers' time ran out."""
    code, faults = "review_timeout" if state.in_review else "verification_expired", []
    if text(entry.body, "code") != code or state.is_stopped:
        faults.append(Fault(REASON, "the step that let it expire was not open"))
    if state.standing.is_ours:
        faults.append(Fault(MOVE, "it expired after the borrower had answered"))
    if state.until is None or state.time(entry) < state.until:
        faults.append(Fault(TIME, "it expired before its time was over"))
    return state, faults + same_law(state, entry)


def canceled(state: State, entry: Entry) -> Step:
    """The lender no longer needs it, or the person withdrew the consent."""
    faults = []
    code = CONSENT_WITHDRAWN if is_withdrawn(state) else "canceled_by_lender"
    if text(entry.body, "code") != code or state.is_stopped:
        detail = "no entry shows that its lender canceled it, or that the consent was withdrawn"
        faults.append(Fault(REASON, detail))
    return state, faults + same_law(state, entry)


def failed(state: State, entry: Entry) -> Step:
    """A fault on our side: the last judgement was inconclusive, per `cause`, or the entry before
    names the fault.

    Or review was due and a worker found too few voters. The log does not know the voters.
    """
    cause, last, faults = text(entry.body, "cause"), state.last, list[Fault]()
    if state.is_held():
        faults.append(Fault(MOVE, "it failed while no step was due"))
    is_in_vain, state = state.is_in_vain, replace(state, is_in_vain=False)
    if text(entry.body, "code") == REVIEW_UNAVAILABLE:
        # The entry before is a judgement that left the attempt to people for this cause, unburnt.
        if not is_in_vain:
            faults.append(Fault(MOVE, "no earlier judgement left it to people without voters"))
        elif last is None or last.code != cause:
            faults.append(Fault(REASON, "its cause is not the cause of the judgement"))
        return state, faults + same_law(state, entry)
    # An inconclusive judgement is the last try.
    is_shown, tries = bool(state.fault), state.faults
    if cause:
        is_shown = last is not None and (last.outcome, last.code) == (Outcome.RETRY, cause)
        tries += 1
    if text(entry.body, "code") != "retries_exhausted" or not is_shown:
        faults.append(Fault(REASON, "no earlier entry shows the fault of its failure"))
    elif tries < policy.FAULTS_MAX:
        detail = f"it failed after {tries} tries, and has {policy.FAULTS_MAX}"
        faults.append(Fault(TRIES, detail))
    return state, faults + same_law(state, entry)


def in_vain(state: State, entry: Entry) -> Step:
    """An attempt left to people without voters fails with the next entry; no other entry may
    follow.
    """
    if not state.is_in_vain or entry.type == "verification.failed":
        return state, []
    fault = Fault(MOVE, "an attempt left to people without voters must end with the next entry")
    return replace(state, is_in_vain=False), [fault]


def unpassed(state: State, release: Release) -> Sequence[str]:
    """Stages of a route without a lawful pass, or that passed before an earlier stage.

    The consent counts on any route.
    """
    first, *stages = release.names
    consents = [place for (_, stage), place in state.passes.items() if stage == first]
    places = [state.passes.get((release.route, stage)) for stage in stages]
    missing = [] if consents else [first]
    missing += [stage for stage, place in zip(stages, places, strict=True) if place is None]
    if missing:
        return missing
    order = [min(consents), *(place for place in places if place is not None)]
    pairs = zip(stages, pairwise(order), strict=True)
    return [stage for stage, (earlier, later) in pairs if earlier >= later]


def _leads_nowhere(state: State) -> bool:
    """Whether the last stage of a route has passed and its law has no continuation."""
    finished = set(state.finished_routes)
    is_begun = any(finished <= set(names) for names in state.opening.combinations)
    is_passed = state.last is not None and state.last.outcome == Outcome.PASSED
    return is_passed and (bool(state.overtaken_stages) or not is_begun)


def _exhausted(state: State, entry: Entry) -> list[Fault]:
    """It names as many spent attempts at the stage as its release allows, including its own."""
    release, stage = released(entry.body, state.route), text(entry.body, "stage")
    spent = maps(entry.body, "spent")
    verifications = {text(row, "attempt"): text(row, "verification") for row in spent}
    faults = []
    if stage in state.done_stages:
        faults.append(Fault(MOVE, f"it was declined at {stage}, which had passed"))
    if release is None or not 0 < release.tries(stage) <= len(verifications):
        detail = f"it names {len(verifications)} spent attempts, which is fewer than "
        faults.append(Fault(TRIES, f"{detail}{stage or 'no stage'} has"))
    own_names = {name for name, verification in verifications.items() if not verification}
    if not own_names <= state.spent(stage, entry.at):
        detail = "it names an attempt that is not of this stage, or not spent"
        faults.append(Fault(TRIES, detail))
    return faults


def _opened_lately(state: State, entry: Entry) -> list[Fault]:
    """Limits the age of the opening: an opening backdated to a laxer law is older than any case."""
    opened_at = state.opening.opened_at or state.time(entry)
    latest = opened_at + timedelta(seconds=policy.COURSE_SECONDS)
    if entry.log == policy.TEST_LOG or state.time(entry) <= latest:
        return []
    return [Fault(TIME, "it was verified longer after its opening than a verification can last")]
