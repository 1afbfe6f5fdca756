"""Parts of the victim's face over the actor's in every frame, wholly and flat: a face swap that
leaves him his nose.

A photograph that is laid flat shows no turn, and its nose tells that; an attacker who leaves the
tip of the actor's nose, and lids or lips where a command needs them, shows the turn by these and
the victim by the rest. Laid by eyes and corners of the mouth, one affine map a frame, in the
actor's colours and with soft edges.
"""

from collections.abc import Iterator, Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.liveness_attacks import people, played
from tests.liveness_attacks.later import SCALE, SIDE, Layer, Mask
from tests.liveness_attacks.people import COUNT, NEUTRAL, Actor, Person
from tests.liveness_attacks.played import Attempt
from tests.liveness_attacks.splices import named
from verification.stages.live_capture.policy import CAPTURE

PARTS = ("down_to_the_eyes", "down_to_the_nose", "but_nose_and_mouth", "but_the_nose")
_SOFT = 2.0  # how soft an edge is, in pixels of a cut-out face
# Middle and half axes, in its pixels. Where a command is seen the actor's own stays.
_FACE, _NOSE, _MOUTH = (56, 66, 44, 54), (56, 68, 11, 16), (56, 96, 30, 20)
_OWN = {"blink": ((38.3, 51.6, 12, 6), (73.5, 51.6, 12, 6)), "open_mouth": ((56, 94, 24, 16),)}
_LOWEST = {"down_to_the_eyes": 60, "down_to_the_nose": 66}


def attempts(
    victim: Person,
    actor: Actor,
    order: Sequence[str],
    chance: np.random.Generator,
    *,
    parts: Sequence[str] = PARTS,
) -> Iterator[Attempt]:
    """One for each part, of the same film of the actor."""
    acted = {command: actor.takes(command, chance) for command in (NEUTRAL, *order)}
    layer = Layer(people.still(victim.photographs[0]), chance, way="part")
    for part in parts:
        shown = {}
        for command, frames in acted.items():
            stills = CAPTURE.rest_stills if command == NEUTRAL else CAPTURE.stills
            shown[command] = played.of(
                layer.over(frames, [1.0] * COUNT, _mask(part, command)), stills=stills
            )
        yield Attempt(
            shown, played.photo(victim.registered), {"part": part, **named(victim, actor)}
        )


def best(
    victim: Person, actors: Sequence[Actor], order: Sequence[str], chance: np.random.Generator
) -> Attempt:
    """The first that the public engine verifies beforehand, of all parts on each of these actors;
    the last, if none.
    """
    for actor in actors:
        for attempt in attempts(victim, actor, order, chance):
            if played.play(attempt).outcome == "verified":
                return attempt
    return attempt


@cache
def _mask(part: str, command: str) -> Mask:
    """How much of each place is the victim's, from 0 to 1."""
    down, across = np.mgrid[0 : SIDE * SCALE, 0 : SIDE * SCALE] / SCALE

    def inside(x: float, y: float, wide: float, high: float) -> NDArray[np.bool_]:
        return np.asarray(((across - x) / wide) ** 2 + ((down - y) / high) ** 2 < 1)

    kept = inside(*_FACE)
    if part in _LOWEST:
        kept &= down < _LOWEST[part]
    else:
        kept &= ~inside(*_NOSE)
    if part == "but_nose_and_mouth":
        kept &= ~inside(*_MOUTH)
    for own in _OWN.get(command, ()):
        kept &= ~inside(*own)
    return np.asarray(
        cv2.GaussianBlur(kept.astype(np.float32), (0, 0), _SOFT * SCALE), dtype=np.float32
    )
