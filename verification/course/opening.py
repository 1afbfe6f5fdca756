"""How a verification begins: by which law, on which route, and by a person or by the sandbox.

What the law asks comes from code, by the hash of the profile that the entry names.
"""

from verification.core import profiles, scenarios
from verification.core.errors import Misconfigured
from verification.core.route import Next
from verification.course import policy
from verification.course.access import with_link
from verification.course.entry import LAW, MOVE, Entry, Fault, listed, replace, text
from verification.course.state import LEFT, OPEN, Opening, State, Step


def created(state: State, entry: Entry) -> Step:
    """By which law it goes: the profile of that hash, of which the lender allows combinations."""
    body = entry.body
    if state.length:
        return state, [Fault(MOVE, "a verification is opened once, by its first entry")]
    until = state.moment(body, "expires_at")
    law = Opening(
        entry, text(body, "profile_sha256"), opened_at=state.time(entry), expires_at=until
    )
    state = replace(state, route=text(body, "route"), until=until, opening=law)
    state = with_link(state, entry)
    if not entry.is_signed:  # no profile, so that no combination suffices
        return state, []
    try:
        profile = profiles.pinned(law.profile_sha256)
    except Misconfigured:
        return state, [Fault(LAW, "nobody knows a profile of the hash by which it was opened")]
    lists = (names for names in listed(body, "combinations") if isinstance(names, list))
    allowed = [tuple(map(str, names)) for names in lists]
    combinations = tuple(names for names in profile.combinations if names in allowed)
    asks_register = bool(profile.register_asked)
    law = replace(law, combinations=combinations, asks_register=asks_register)
    state = replace(state, opening=law)
    faults = []
    if (profile is profiles.RENEWAL) is not bool(text(body, "renews")):
        faults.append(Fault(LAW, f"by {profile.id} a new consent is given, and nothing else"))
    if profile.id != body.get("profile"):
        faults.append(Fault(LAW, f"its profile has the hash of {profile.id} and another name"))
    if not combinations or len(allowed) != len(combinations):
        faults.append(Fault(LAW, f"it allows what {profile.id} does not have, or nothing of it"))
    if state.route and [state.route] != sorted({names[0] for names in combinations}):
        faults.append(Fault(MOVE, "it begins with a route that nobody had to choose"))
    return state, faults


def route_chosen(state: State, entry: Entry) -> Step:
    """The borrower picks or changes the first route; or the next one of a combination follows."""
    route, finished = text(entry.body, "route"), state.finished_routes
    if finished:
        begun = [names for names in state.opening.combinations if set(finished) <= set(names)]
        offered = [profiles.next_route(names, passed_routes=finished) for names in begun]
    else:
        offered = [names[0] for names in state.opening.combinations if names[0] != state.route]
    faults = []
    if route not in offered or state.is_held():
        faults.append(Fault(MOVE, "this route was not to be chosen here"))
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
    """From here on the sandbox plays the borrower: in test mode, while no answer is judged."""
    attempt, faults = state.newest(OPEN), []
    if entry.log != policy.TEST_LOG:
        faults.append(Fault(LAW, "nobody plays a borrower in live mode"))
    if state.is_held() or (attempt is not None and attempt.next in (Next.LOOK, Next.COLLECT)):
        detail = "somebody was to play whom nobody asked, or an answer that was being judged"
        faults.append(Fault(MOVE, detail))
    if entry.is_signed:
        state = replace(state, engine=scenarios.engine(text(entry.body, "scenario")))
    return state, faults


def same_law(state: State, entry: Entry) -> list[Fault]:
    """An end, and what leads to people, names the law by which the verification was opened."""
    if text(entry.body, "profile_sha256") == state.opening.profile_sha256:
        return []
    return [Fault(LAW, "it names another law than it was opened by")]
