"""Splices by the second attacker: at rest and between gestures the victim's face alone, and at a
gesture the actor's own shows through it, by a share that falls frame by frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tests.liveness_attacks import later_blends, people, played
from tests.liveness_attacks.later import WAYS, Layer
from tests.liveness_attacks.people import COUNT, NEUTRAL, Actor, Person
from tests.liveness_attacks.played import Attempt, Shown
from tests.liveness_attacks.splices import named
from verification.engines.liveness.frames import Floats, Image
from verification.stages.live_capture.policy import CAPTURE

JOINTS = ("smooth", "seamless", "dark", "blurred", "blink")
FULL = ("laid", "chain")
PHOTOGRAPHS = ("first", "last", "both")
_LOW, _TUNED = (0.2, 0.7), (0.4, 0.55, 0.7)
_DARK, _BLUR = 0.25, 9.0  # of the light that is left; pixels

Frames = Sequence[Image]


@dataclass(frozen=True)
class Recipe:
    """`way`: how a photograph is laid on. `joint`: how it meets the gesture: over `frames` of them,
    or in one that is dark, blurred or whose eyes are closed. `full`: are the full frames the
    victim's face alone, or of the chain?
    low: the victim's share where the gesture shows most. photographs: which of the victim's.
    """

    way: str
    joint: str
    full: str
    photographs: str
    frames: int
    low: float

    @classmethod
    def number(cls, at: int, chance: np.random.Generator) -> "Recipe":
        """All kinds come in turn."""
        joint, way = JOINTS[at % len(JOINTS)], WAYS[at // len(JOINTS) % len(WAYS)]
        at //= len(JOINTS) * len(WAYS)
        full, photographs = FULL[at % len(FULL)], PHOTOGRAPHS[at % len(PHOTOGRAPHS)]
        return cls(
            way,
            joint,
            full,
            photographs,
            int(chance.integers(2, 7)),
            round(float(chance.uniform(*_LOW)), 2),
        )

    def told(self) -> dict[str, str]:
        """What of it is on record."""
        parts = {
            "way": self.way,
            "joint": self.joint,
            "full": self.full,
            "photographs": self.photographs,
        }
        return {**parts, "share": f"{self.low:.1f}"}


def splice(
    victim: Person, actor: Actor, order: Sequence[str], recipe: Recipe, chance: np.random.Generator
) -> Attempt:
    """The share at every gesture is that of the recipe."""
    hand = _Hand(victim, actor, order, recipe, chance)
    shown = {
        NEUTRAL: hand.rest(),
        **{command: hand.command(command, recipe.low) for command in order},
    }
    return Attempt(
        shown, played.photo(victim.registered), {**recipe.told(), **named(victim, actor)}
    )


def tuned(
    victim: Person, actor: Actor, order: Sequence[str], recipe: Recipe, chance: np.random.Generator
) -> Attempt:
    """The share at each gesture is the one of a few that the public engine finds best."""
    hand = _Hand(victim, actor, order, recipe, chance)
    told = {**recipe.told(), **named(victim, actor)}
    begun = Attempt({NEUTRAL: hand.rest()}, played.photo(victim.registered), told)
    return later_blends.best(begun, order, hand.command, shares=_TUNED)


class _Hand:
    """An attacker who lays the victim's photographs on the actor's frames."""

    def __init__(
        self,
        victim: Person,
        actor: Actor,
        order: Sequence[str],
        recipe: Recipe,
        chance: np.random.Generator,
    ) -> None:
        self._recipe, self._chance = recipe, chance
        paths = {
            "first": victim.photographs[:1],
            "last": victim.photographs[-1:],
            "both": victim.photographs,
        }
        is_seamless = recipe.joint == "seamless"
        self._layers = [
            Layer(people.still(path), chance, way=recipe.way, is_seamless=is_seamless)
            for path in paths[recipe.photographs]
        ]
        self._acted = {command: actor.takes(command, chance) for command in (NEUTRAL, *order)}
        self._peaks = {
            command: people.peak(command, self._acted[command], most=3) for command in order
        }
        self._closed = _closed(actor)

    def rest(self) -> Shown:
        """The victim's face alone, over the actor at rest."""
        return played.of(
            self._layers[0].over(self._acted[NEUTRAL], [1.0] * COUNT), stills=CAPTURE.rest_stills
        )

    def command(self, command: str, low: float) -> Shown:
        """The victim's face, but for the gesture, which is the actor's by all but this share."""
        images, far = list(self._acted[command]), _apart(self._peaks[command])
        frames = self._recipe.frames if self._recipe.joint in ("smooth", "seamless") else 2
        joints = (
            []
            if self._recipe.joint in ("smooth", "seamless")
            else np.flatnonzero(far == 1).tolist()
        )
        if self._recipe.joint == "blink" and self._closed is not None:
            for at in joints:
                images[at] = people.filmed(self._closed, self._chance)
        shares = low + (1 - low) * (1 - np.cos(np.pi * np.minimum(1, far / frames))) / 2
        layer = self._layers[int(self._chance.integers(len(self._layers)))]
        chain = list(layer.over(images, shares.tolist()))
        for at in joints:
            chain[at] = self._hidden(chain[at])
        if self._recipe.full == "chain":
            return played.of(chain)
        laid = self._layers[0].over(
            [self._acted[NEUTRAL][at] for at in (0, COUNT // 2)], [1.0] * CAPTURE.stills
        )
        return Shown(chain, dict(zip((0, COUNT // 2), laid, strict=True)))

    def _hidden(self, image: Image) -> Image:
        if self._recipe.joint == "dark":
            return people.filmed(np.asarray(image * _DARK, dtype=np.uint8), self._chance)
        if self._recipe.joint == "blurred":
            soft = np.asarray(cv2.GaussianBlur(image, (0, 0), _BLUR), dtype=np.uint8)
            return people.filmed(soft, self._chance)
        return image


def _apart(peaks: Sequence[int]) -> Floats:
    """How many frames each is from the gesture."""
    apart = np.abs(np.arange(COUNT)[:, None] - np.asarray(peaks)).min(axis=1)
    return np.asarray(apart, dtype=np.float64)


def _closed(actor: Actor) -> Image | None:
    """The actor with his eyes closed, if that is among what he shows."""
    for frames in actor.shown.get("blink", ()):
        return frames[people.peak("blink", frames, most=1)[0]]
    return None
