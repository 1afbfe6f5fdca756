"""How a verification ends, and whether the entries before show why."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final

from verification.core import profiles, releases
from verification.core.codes import (
    ATTEMPTS_EXHAUSTED,
    COERCION_REPORTED,
    REASONS,
    REVIEW_UNAVAILABLE,
)
from verification.core.releases import Release
from verification.core.results import Outcome
from verification.course import policy
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
    """One combination of its law is whole: each stage of each route passed, in order."""
    body, faults = entry.body, []
    if state.is_held() or state.newest(OPEN) or state.newest(REVIEW):
        faults.append(Fault(MOVE, "it was verified while something was still open"))
    names = [str(name) for name in listed(body, "releases")]
    route_releases = [releases.RELEASES[name] for name in names if name in releases.RELEASES]
    routes = [release.route for release in route_releases]
    if len(routes) != len(names) or routes != listed(body, "routes"):
        detail = "nobody knows the releases of the routes that it was verified by"
        faults.append(Fault(LAW, detail))
    missing = {release.route: unpassed(state, release) for release in route_releases}
    proven = [route for route, stages in missing.items() if not stages]
    if state.opening.asks_register and not all(release.asks_register for release in route_releases):
        detail = "it was verified by a release that does not ask the register of people, "
        faults.append(Fault(LAW, f"{detail}and its law does"))
        proven = []
    if not profiles.suffices(state.opening.combinations, passed_routes=proven):
        places = [f"{stage} of {route}" for route, stages in missing.items() for stage in stages]
        lack = f": there is no pass of {', '.join(places)}" if places else ""
        faults.append(Fault(STAGES, f"no combination of its law is whole{lack}"))
    if any(release.names[0] in missing[release.route] for release in route_releases):
        faults.append(Fault(CONSENT, "it was verified without the borrower's consent"))
    return state, faults + same_law(state, entry) + _opened_lately(state, entry)


def declined(state: State, entry: Entry) -> Step:
    """A failure that ends it, no attempt left, a refusal by people, or a coerced borrower.

    Attempts are counted over all verifications of a borrower: those of other ones that it names
    are looked up outside of the course.
    """
    code, last = text(entry.body, "code"), state.last
    faults: list[Fault] = []
    # The code by which the last attempt failed, if it did.
    failure = last.code if last and last.outcome in (Outcome.FAILED, "lapsed") else None
    if state.is_stopped:
        is_shown = (code, entry.body.get("cause")) == (COERCION_REPORTED, "hand_over")
    elif state.in_review or state.newest(OPEN) or state.newest(REVIEW):
        faults.append(Fault(MOVE, "it was declined while something was still open"))
        is_shown = True
    elif code == ATTEMPTS_EXHAUSTED:
        # What hindered another attempt is no failure of an attempt: it was counted over all
        # verifications of the borrower.
        is_shown = text(entry.body, "last_failure") in ("", failure, *policy.HINDRANCES)
        faults += _exhausted(state, entry)
    elif code == UNSURE:
        is_shown = _leads_nowhere(state)
    else:
        reason = REASONS.get(code)
        is_shown = failure == code and bool(reason and reason.final)
    if not is_shown:
        faults.append(Fault(REASON, "nothing before it shows why it was declined"))
    return state, faults + same_law(state, entry)


def expired(state: State, entry: Entry) -> Step:
    """The borrower, or the reviewers, let it run out."""
    code, faults = "review_timeout" if state.in_review else "verification_expired", []
    if text(entry.body, "code") != code or state.is_stopped:
        faults.append(Fault(REASON, "what let it run out is not what stood open"))
    if state.standing.is_ours:
        faults.append(Fault(MOVE, "it ran out when the borrower had answered"))
    if state.until is None or state.time(entry) < state.until:
        faults.append(Fault(TIME, "it ran out before its time was over"))
    return state, faults + same_law(state, entry)


def canceled(state: State, entry: Entry) -> Step:
    """The lender no longer needs it."""
    faults = []
    if text(entry.body, "code") != "canceled_by_lender" or state.is_stopped:
        faults.append(Fault(REASON, "nothing shows that its lender canceled it"))
    return state, faults + same_law(state, entry)


def failed(state: State, entry: Entry) -> Step:
    """Our fault: the last try could not tell, as `cause` states, or the entry before names it.

    Or people had to look, and a worker found too few who could vote. The log does not know who
    could.
    """
    cause, last, faults = text(entry.body, "cause"), state.last, list[Fault]()
    if state.is_held():
        faults.append(Fault(MOVE, "it failed while nothing was to be done"))
    is_in_vain, state = state.is_in_vain, replace(state, is_in_vain=False)
    if text(entry.body, "code") == REVIEW_UNAVAILABLE:
        # The entry before is a judgement that left it to people for this cause, unburnt.
        if not is_in_vain:
            faults.append(Fault(MOVE, "no judgement before it left it to people in vain"))
        elif last is None or last.code != cause:
            faults.append(Fault(REASON, "it failed for another reason than was judged"))
        return state, faults + same_law(state, entry)
    # A judgement that could not tell is the last try.
    is_shown, tries = bool(state.fault), state.faults
    if cause:
        is_shown = last is not None and (last.outcome, last.code) == (Outcome.RETRY, cause)
        tries += 1
    if text(entry.body, "code") != "retries_exhausted" or not is_shown:
        faults.append(Fault(REASON, "nothing before it shows by which fault it failed"))
    elif tries < policy.FAULTS_MAX:
        detail = f"it failed after {tries} tries, and has {policy.FAULTS_MAX}"
        faults.append(Fault(TRIES, detail))
    return state, faults + same_law(state, entry)


def in_vain(state: State, entry: Entry) -> Step:
    """What was left to people in vain fails with the next entry; no other may follow."""
    if not state.is_in_vain or entry.type == "verification.failed":
        return state, []
    fault = Fault(MOVE, "what was left to people in vain ends with the next entry")
    return replace(state, is_in_vain=False), [fault]


def unpassed(state: State, release: Release) -> Sequence[str]:
    """The stages of a route without a lawful pass, or with one before that of an earlier stage.

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
    """Whether the last stage of a route has passed, and its law knows nothing that follows."""
    finished = set(state.finished_routes)
    is_begun = any(finished <= set(names) for names in state.opening.combinations)
    is_passed = state.last is not None and state.last.outcome == Outcome.PASSED
    return is_passed and (bool(state.overtaken_stages) or not is_begun)


def _exhausted(state: State, entry: Entry) -> list[Fault]:
    """It names as many spent attempts at the stage as its release allows, and those it had."""
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
        detail = "it names as spent what was no attempt of it at this stage, or was not spent"
        faults.append(Fault(TRIES, detail))
    return faults


def _opened_lately(state: State, entry: Entry) -> list[Fault]:
    """An opening that is put back to the days of a laxer law is longer ago than any case lives."""
    opened_at = state.opening.opened_at or state.time(entry)
    latest = opened_at + timedelta(seconds=policy.COURSE_SECONDS)
    if entry.log == policy.TEST_LOG or state.time(entry) <= latest:
        return []
    return [Fault(TIME, "it was verified longer after its opening than any verification lives")]
