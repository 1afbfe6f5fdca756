"""A face of the victim over the whole capture at a part share: the second attacker's, which nothing here stops.

Of `tuned` ones the share is chosen for each command beforehand, on the public engine: the gesture must still count, and
then the faces of the gestures have little in common that rest has not, and the face be as near to the register's as
may be.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tests.liveness_attacks import people, played
from tests.liveness_attacks.later import Layer
from tests.liveness_attacks.people import COUNT, NEUTRAL, Actor, Person
from tests.liveness_attacks.played import Attempt, Shown
from tests.liveness_attacks.splices import named
from verification.core.results import Step
from verification.engines.liveness.policy import GATES
from verification.stages.live_capture.policy import CAPTURE

_SHARES, _AT_REST = (0.6, 0.7), 0.6
_OWN = 0.95  # from the face at rest: beyond it another share is tried, or where the gestures have too much in common

Makes = Callable[[str, float], Shown]


def blended(
    victim: Person, actor: Actor, order: Sequence[str], chance: np.random.Generator, *, way: str, share: float
) -> Attempt:
    """The same share of the victim in every frame."""
    makes = _whole(victim, actor, order, chance, way=way)
    shown = {command: makes(command, share) for command in (NEUTRAL, *order)}
    told = {"way": way, "share": f"{share:.1f}", **named(victim, actor)}
    return Attempt(shown, played.photo(victim.registered), told)


def tuned(victim: Person, actor: Actor, order: Sequence[str], chance: np.random.Generator, *, way: str) -> Attempt:
    """Of each command the share that serves best."""
    makes = _whole(victim, actor, order, chance, way=way)
    begun = Attempt({NEUTRAL: makes(NEUTRAL, _AT_REST)}, played.photo(victim.registered), named(victim, actor))
    return best(begun, order, makes, shares=_SHARES)


def best(begun: Attempt, order: Sequence[str], makes: Makes, *, shares: Sequence[float]) -> Attempt:
    """Rest and then, of each command, the share that serves best, as the public engine says beforehand."""
    chosen: dict[str, tuple[tuple[bool, bool, float], float, Shown]] = {}
    for share in shares:
        shown = {command: makes(command, share) for command in order}
        costs = _costs(Attempt({**begun.shown, **shown}, begun.registered, begun.told), order)
        for command in order:
            cost = costs.get(command, (True, True, 9.0))
            if command not in chosen or cost < chosen[command][0]:
                chosen[command] = cost, share, shown[command]
    told = {**begun.told, "share": f"{np.mean([share for _, share, _ in chosen.values()]):.1f}"}
    return Attempt({**begun.shown, **{command: chosen[command][2] for command in order}}, begun.registered, told)


def _costs(attempt: Attempt, order: Sequence[str]) -> Mapping[str, tuple[bool, bool, float]]:
    """Of each command, the least first: is the gesture not seen? is somebody else? how far from the register?"""
    shown = played.measured(attempt).shown
    if isinstance(shown, Step) or isinstance(shown.gestures, Step) or isinstance(shown.throughout, Step):
        return {}
    costs = {}
    for at, (command, gesture) in enumerate(zip(order, shown.gestures, strict=False), start=1):
        rows = [row for row in shown.throughout.each if row.step == at]
        own, far = max(row.to_neutral for row in rows), [row.to_reference or 0.0 for row in rows]
        is_seen = own > _OWN or (shown.throughout.common or 0.0) > GATES.common
        costs[command] = not gesture.is_right, is_seen, float(np.median(far))
    return costs


def _whole(victim: Person, actor: Actor, order: Sequence[str], chance: np.random.Generator, *, way: str) -> Makes:
    acted = {command: actor.takes(command, chance) for command in (NEUTRAL, *order)}
    layer = Layer(people.still(victim.photographs[0]), chance, way=way)

    def makes(command: str, share: float) -> Shown:
        stills = CAPTURE.rest_stills if command == NEUTRAL else CAPTURE.stills
        return played.of(layer.over(acted[command], [share] * COUNT), stills=stills)

    return makes
