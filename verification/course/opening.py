"""The start of a verification: its law, its route, and whether the sandbox plays the borrower.

The law's requirements come from code, by the profile's hash in the entry.
"""

from verification.core import profiles, scenarios
from verification.core.errors import Misconfigured
from verification.core.route import Next
from verification.course import policy
from verification.course.access import with_link
from verification.course.entry import LAW, MOVE, Entry, Fault, listed, replace, text
from verification.course.state import LEFT, OPEN, Opening, State, Step


def created(state: State, entry: Entry) -> Step:
    """The profile of this hash applies; the lender allows some of its combinations."""
    body = entry.body
    if state.length:
        return state, [Fault(MOVE, "a verification is opened once, by its first entry")]
    until = state.moment(body, "expires_at")
    law = Opening(
        entry, text(body, "profile_sha256"), opened_at=state.time(entry), expires_at=until
    )
    state = replace(state, route=text(body, "route"), until=until, opening=law)
    state = with_link(state, entry)
    if not entry.is_signed:  # no profile, so no combination suffices
        return state, []
    try:
        profile = profiles.pinned(law.profile_sha256)
    except Misconfigured:
        return state, [Fault(LAW, "the profile hash of its opening is unknown")]
    lists = (names for names in listed(body, "combinations") if isinstance(names, list))
    allowed = [tuple(map(str, names)) for names in lists]
    combinations = tuple(names for names in profile.combinations if names in allowed)
    asks_register = bool(profile.register_asked)
    law = replace(law, combinations=combinations, asks_register=asks_register)
    state = replace(state, opening=law)
    faults = []
    if (profile is profiles.RENEWAL) is not bool(text(body, "renews")):
        faults.append(Fault(LAW, f"{profile.id} permits a renewed consent only"))
    if profile.id != body.get("profile"):
        faults.append(Fault(LAW, f"its profile has the hash of {profile.id} and another id"))
    if not combinations or len(allowed) != len(combinations):
        faults.append(
            Fault(LAW, f"it allows a combination that {profile.id} lacks, or no combination")
        )
    if state.route and [state.route] != sorted({names[0] for names in combinations}):
        faults.append(Fault(MOVE, "it begins with a route that was not the only choice"))
    return state, faults


def route_chosen(state: State, entry: Entry) -> Step:
    """The borrower chooses or changes the first route; or the next route of a combination
    follows.
    """
    route, finished = text(entry.body, "route"), state.finished_routes
    if finished:
        begun = [names for names in state.opening.combinations if set(finished) <= set(names)]
        offered = [profiles.next_route(names, passed_routes=finished) for names in begun]
    else:
        offered = [names[0] for names in state.opening.combinations if names[0] != state.route]
    faults = []
    if route not in offered or state.is_held():
        faults.append(Fault(MOVE, "this route was not available here"))
    if (attempt := state.newest(OPEN)) is not None:
        void_at = None if attempt.is_with_borrower else entry.at
        left_attempt = replace(attempt, phase=LEFT, is_left=True, void_at=void_at)
        state = state.put(state.newest_name, left_attempt)
    state = replace(
        state,
        route=route,
        release=None,
        done_stages=frozenset(),
        overtaken_stages=frozenset(),
        faulted_step="",
        faults=0,
    )
    return state, faults


def simulated(state: State, entry: Entry) -> Step:
    """From here on the sandbox plays the borrower: in test mode, while no answer is being
    judged.
    """
    attempt, faults = state.newest(OPEN), []
    if entry.log != policy.TEST_LOG:
        faults.append(Fault(LAW, "a borrower is simulated in live mode"))
    if state.is_held() or (attempt is not None and attempt.next in (Next.LOOK, Next.COLLECT)):
        detail = "a borrower was simulated without an open question, or during a judgement"
        faults.append(Fault(MOVE, detail))
    if entry.is_signed:
        state = replace(state, engine=scenarios.engine(text(entry.body, "scenario")))
    return state, faults


def same_law(state: State, entry: Entry) -> list[Fault]:
    """An end, and a referral to people, name the law of the opening."""
    if text(entry.body, "profile_sha256") == state.opening.profile_sha256:
        return []
    return [Fault(LAW, "its law is not the law of the opening")]
