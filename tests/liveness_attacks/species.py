"""Every species by its name, and how an attempt of it is made: from its number and its own chance,
in any process.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from tests.liveness_attacks import (
    casting,
    later,
    people,
    played,
    presented,
    splices,
)
from tests.liveness_attacks.casting import Cast
from tests.liveness_attacks.later import WAYS
from tests.liveness_attacks.people import Actor, Person
from tests.liveness_attacks.played import Attempt
from verification.engines.liveness.gestures import GESTURES

AGAIN = 2
"""More tries after a refusal."""
CANDIDATES = 6
"""Splices that are made for a victim beforehand, of which those that came nearest are played."""
_PLAYED_PLACES, _PLAYED_JOINTS = ("first", "both", "peak"), ("laid", "dissolve", "soft_blend")
Made = Callable[[Cast, int, np.random.Generator], Attempt]


def _attacker(
    cast: Cast, at: int, chance: np.random.Generator
) -> tuple[Person, Actor, tuple[str, ...]]:
    """A victim, and for every other attempt a real clip in turn or the portrait of the person
    who looks most like them.
    """
    victim = cast.victim(at // 2)
    actor = (
        cast.real_attacker(at // 2)
        if at % 2 and cast.real
        else cast.warped_attacker(victim, chance)
    )
    return victim, actor, casting.order(actor, chance=chance)


def _spliced(
    cast: Cast,
    at: int,
    chance: np.random.Generator,
    *,
    places: Sequence[str],
    joints: Sequence[str],
) -> Attempt:
    victim, actor, order = _attacker(cast, at, chance)
    return splices.splice(
        victim, actor, order, splices.Recipe.number(at // 2, places, joints, chance), chance
    )


def _pasted(cast: Cast, at: int, chance: np.random.Generator, *, is_whole: bool) -> Attempt:
    return splices.pasted(*_attacker(cast, at, chance), chance, is_whole=is_whole)


def _laid_stills(cast: Cast, at: int, chance: np.random.Generator) -> Attempt:
    return splices.laid_stills(*_attacker(cast, at, chance), chance, of_chain=0.0)


def _laid_throughout(cast: Cast, at: int, chance: np.random.Generator) -> Attempt:
    return splices.laid_stills(
        *_attacker(cast, at, chance), chance, of_chain=round(float(chance.uniform(0.3, 0.6)), 2)
    )


def _blend(cast: Cast, at: int, chance: np.random.Generator) -> Attempt:
    return splices.blend(*_attacker(cast, at, chance), chance)


def _morph(cast: Cast, at: int, chance: np.random.Generator) -> Attempt:
    share = round(float(chance.uniform(0.4, 0.75)), 2)
    return later.blended(*_attacker(cast, at, chance), chance, way="morph", share=share)


def _later_commands(cast: Cast, at: int, chance: np.random.Generator) -> Attempt:
    share, way = round(float(chance.uniform(0.4, 0.75)), 2), WAYS[at // 2 % len(WAYS)]
    return later.blended(*_attacker(cast, at, chance), chance, way=way, share=share, at_rest=1.0)


def _tuned_blend(cast: Cast, at: int, chance: np.random.Generator) -> Attempt:
    return later.tuned(*_attacker(cast, at, chance), chance, way="laid")


def _part(cast: Cast, at: int, chance: np.random.Generator) -> Attempt:
    part = later.PARTS[at // 2 % len(later.PARTS)]
    return next(later.attempts(*_attacker(cast, at, chance), chance, parts=(part,)))


def _tuned_part(cast: Cast, at: int, chance: np.random.Generator) -> Attempt:
    """On each of those who look most like the victim."""
    victim = cast.victim(at)
    actors = [
        people.warped(each) for each in casting.nearest(victim, cast.people)[: casting.NEAREST]
    ]
    return later.best_parts(victim, actors, casting.order(*actors, chance=chance), chance)


def _later_splice(cast: Cast, at: int, chance: np.random.Generator, *, is_tuned: bool) -> Attempt:
    makes = later.tuned_splices if is_tuned else later.splice
    return makes(*_attacker(cast, at, chance), later.Recipe.number(at // 2, chance), chance)


def _presented(cast: Cast, at: int, chance: np.random.Generator, *, species: str) -> Attempt:
    """Who attacks before whom: only a print, the victim's own portrait, or the person who looks
    most like them.
    """
    victim = cast.victim(at)
    if species in presented.PAPER:
        return presented.PAPER[species](victim, casting.any_order(chance), chance)
    own = people.warped(victim)
    actor = own if species in presented.OWN else cast.warped_attacker(victim, chance)
    order = casting.order(actor, own, chance=chance)
    if species != "two_faces":
        return presented.ACTED[species](actor, victim, order, chance)
    attempt = presented.two_faces(actor, cast.other(victim), order, chance)
    return replace(
        attempt, registered=played.photo(victim.registered), told=splices.named(victim, actor)
    )


def _talking_head(cast: Cast, at: int, chance: np.random.Generator) -> Attempt:
    """So few minutes of talk come more than once in a capture: in the noise of another moment, or a
    repetition would be all that refuses them.
    """
    actor = cast.talkers[at % len(cast.talkers)]
    attempt = presented.talking_head(actor, cast.victim(at), casting.any_order(chance), chance)
    shown = {
        command: played.of(
            [people.filmed(image, chance) for image in each.chain], stills=len(each.stills)
        )
        for command, each in attempt.shown.items()
    }
    return replace(attempt, shown=shown)


def _warped_still(cast: Cast, at: int, chance: np.random.Generator, *, seed: int = 1) -> Attempt:
    victim = cast.victim(at)
    actor = people.warped(victim, seed=seed)
    return presented.honest(actor, victim, casting.order(actor, chance=chance), chance)


def _warped_still_again(cast: Cast, at: int, chance: np.random.Generator) -> Attempt:
    return _warped_still(cast, at // AGAIN, chance, seed=2 + at % AGAIN)


def _genuine(cast: Cast, at: int, chance: np.random.Generator) -> Attempt:
    actor = cast.whole[at % len(cast.whole)]
    return presented.own(actor, casting.order(actor, chance=chance), chance)


def _candidate(cast: Cast, at: int, chance: np.random.Generator) -> Attempt:
    """With every command there is, for the attacker does not know which are asked."""
    victim = cast.victims[at // CANDIDATES]
    recipe = splices.Recipe.number(at % CANDIDATES, _PLAYED_PLACES, _PLAYED_JOINTS, chance)
    actor = cast.warped_attacker(victim, chance, does=GESTURES)
    order = [each for each in GESTURES if each in actor.shown]
    if at % CANDIDATES == CANDIDATES - 1:
        return splices.laid_stills(victim, actor, order, chance, of_chain=0.0)
    return splices.splice(victim, actor, order, recipe, chance)


MADE: Mapping[str, Made] = {
    "splice": partial(_spliced, places=splices.PLACES, joints=splices.CUTS),
    "blended_gesture": partial(_spliced, places=splices.BLENDED_PLACES, joints=splices.BLENDS),
    "pasted": partial(_pasted, is_whole=True),
    "pasted_by_step": partial(_pasted, is_whole=False),
    **{
        species: partial(_presented, species=species)
        for species in (*presented.PAPER, *presented.ACTED)
    },
    "talking_head": _talking_head,
    "laid_stills": _laid_stills,
    "laid_throughout": _laid_throughout,
    "blend": _blend,
    "morph": _morph,
    "tuned_blend": _tuned_blend,
    "part": _part,
    "tuned_part": _tuned_part,
    "later_commands": _later_commands,
    "later_splice": partial(_later_splice, is_tuned=False),
    "tuned_splice": partial(_later_splice, is_tuned=True),
    "warped_still": _warped_still,
    "warped_still_again": _warped_still_again,
    "genuine": _genuine,
    "candidate": _candidate,
}
