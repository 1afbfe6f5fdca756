"""A face of the victim over the whole capture at a part share: the second attacker's, which nothing
here stops.

Of `tuned` ones the share is chosen beforehand, on the public engine: the gestures must still count,
then no other person be seen to do them, and then the face be as near to the register's as may be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tests.liveness_attacks import people, played
from tests.liveness_attacks.later import Layer
from tests.liveness_attacks.people import COUNT, NEUTRAL, Actor, Person
from tests.liveness_attacks.played import Attempt, Shown
from tests.liveness_attacks.splices import named
from verification.core.results import Step
from verification.stages.live_capture import checks
from verification.stages.live_capture.policy import CAPTURE

_SHARES, _AT_REST = (0.6, 0.7), 0.6
_OWN = 0.95  # from the face at rest: beyond it another share is tried
_WORST = True, True, 9.0

Makes = Callable[[str, float], Shown]


def blended(
    victim: Person,
    actor: Actor,
    order: Sequence[str],
    chance: np.random.Generator,
    *,
    way: str,
    share: float,
    at_rest: float | None = None,
) -> Attempt:
    """The same share of the victim in every frame, or another one in the first step, where the face
    rests.
    """
    makes = _whole(victim, actor, order, chance, way=way)
    first = share if at_rest is None else at_rest
    shown = {
        NEUTRAL: makes(NEUTRAL, first),
        **{command: makes(command, share) for command in order},
    }
    told = {"way": way, "share": f"{share:.1f}", **named(victim, actor)}
    return Attempt(shown, played.photo(victim.registered), told)


def tuned(
    victim: Person, actor: Actor, order: Sequence[str], chance: np.random.Generator, *, way: str
) -> Attempt:
    """Of each command the share that serves best."""
    makes = _whole(victim, actor, order, chance, way=way)
    begun = Attempt(
        {NEUTRAL: makes(NEUTRAL, _AT_REST)},
        played.photo(victim.registered),
        {"way": way, **named(victim, actor)},
    )
    return best(begun, order, makes, shares=_SHARES)


def best(begun: Attempt, order: Sequence[str], makes: Makes, *, shares: Sequence[float]) -> Attempt:
    """Rest and then, of one share throughout and of each command the one that serves it best, what
    serves best as a whole, as the public engine says beforehand.
    """
    made = {share: {command: makes(command, share) for command in order} for share in shares}

    def attempt(chosen: Mapping[str, float]) -> Attempt:
        shown = {command: made[share][command] for command, share in chosen.items()}
        told = {**begun.told, "share": f"{np.mean([*chosen.values()]):.1f}"}
        return replace(begun, shown={**begun.shown, **shown}, told=told)

    each = {share: _costs(attempt(dict.fromkeys(order, share)), order) for share in shares}
    mixed = {command: min(shares, key=lambda share: each[share][command]) for command in order}
    costs = [max(each[share].values()) for share in shares]
    if max(_costs(attempt(mixed), order).values()) < min(costs):
        return attempt(mixed)
    return attempt(dict.fromkeys(order, shares[costs.index(min(costs))]))


def _costs(attempt: Attempt, order: Sequence[str]) -> dict[str, tuple[bool, bool, float]]:
    """Of each command, the least first: is it missed, is somebody else seen, how far is the
    register's face?
    """
    shown, costs = played.measured(attempt).shown, dict.fromkeys(order, _WORST)
    if (
        isinstance(shown, Step)
        or isinstance(shown.gestures, Step)
        or isinstance(shown.throughout, Step)
    ):
        return costs
    chain = shown.throughout
    is_seen = not checks.is_actor(shown, played.POLICY)
    for at, (command, gesture) in enumerate(zip(order, shown.gestures, strict=False), start=1):
        rows = [row for row in chain.each if row.step == at]
        own, far = max(row.to_neutral for row in rows), [row.to_reference or 0.0 for row in rows]
        costs[command] = not gesture.is_right, is_seen or own > _OWN, float(np.median(far))
    return costs


def _whole(
    victim: Person, actor: Actor, order: Sequence[str], chance: np.random.Generator, *, way: str
) -> Makes:
    acted = {command: actor.takes(command, chance) for command in (NEUTRAL, *order)}
    layer = Layer(people.still(victim.photographs[0]), chance, way=way)

    def makes(command: str, share: float) -> Shown:
        stills = CAPTURE.rest_stills if command == NEUTRAL else CAPTURE.stills
        return played.of(layer.over(acted[command], [share] * COUNT), stills=stills)

    return makes
