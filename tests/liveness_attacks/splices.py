"""Splices: photographs of the victim, and somebody else's gestures between, over or under them; and
pasted faces.

Every one is a weight of the victim for each frame of a command, 1 the photograph and 0 the actor: a
cut goes from one to the other, a dissolve over several frames, a blend lies between throughout.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tests.liveness_attacks import people, played
from tests.liveness_attacks.people import COUNT, NEUTRAL, Actor, Person
from tests.liveness_attacks.played import APART_MS, FIRST_MS, Attempt, Shown
from verification.engines.liveness import landmarks
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.planarity import OVAL
from verification.stages.live_capture.policy import CAPTURE

PLACES = ("first", "last", "both", "any", "peak", "stills")
CUTS = ("hard", "laid", "dissolve", "gap")
BLENDED_PLACES = ("peak", "any", "both")
BLENDS = ("blend", "soft_blend")
_PAUSE_MS, _QUICKER_MS = 900, 30
_JITTER = (1.5, 1.5, 0.6, 0.006)  # pixels, pixels, degrees, size: of a face that keeps still


@dataclass(frozen=True)
class Recipe:
    """How a splice is made. `places`: where in a command the photographs stand. `joint`: how they
    meet the gestures.

    frames: of a dissolve. alpha: the victim's share in a blend. many: may several photographs be
        used?
    """

    places: str
    joint: str
    frames: int
    alpha: float
    many: bool

    @classmethod
    def number(
        cls, at: int, places: Sequence[str], joints: Sequence[str], chance: np.random.Generator
    ) -> "Recipe":
        """All pairs of place and joint come in turn."""
        place, joint = places[at % len(places)], joints[at // len(places) % len(joints)]
        alpha = float(chance.uniform(0.3, 0.7))
        return cls(
            place, joint, int(chance.integers(2, 7)), round(alpha, 2), bool(chance.integers(2))
        )


def splice(
    victim: Person, actor: Actor, order: Sequence[str], recipe: Recipe, chance: np.random.Generator
) -> Attempt:
    """Photographs of the victim with the actor's gestures."""
    hand = _Hand(victim, chance, many=recipe.many)
    shown = {NEUTRAL: hand.rests()}
    for command in order:
        acted = actor.takes(command, chance)
        weights = _weights(recipe, command, acted, chance)
        chain = hand.mixed(acted, weights, is_laid=recipe.joint != "hard")
        stills = {at: hand.shaken(is_laid_on=None) for at in (0, COUNT // 2)}
        shown[command] = Shown(
            chain, stills, _with_a_pause(weights, chance) if recipe.joint == "gap" else ()
        )
    told = {"places": recipe.places, "joint": recipe.joint, "alpha": f"{recipe.alpha:.1f}"}
    return Attempt(shown, played.photo(victim.registered), {**told, **named(victim, actor)})


def blend(
    victim: Person, actor: Actor, order: Sequence[str], chance: np.random.Generator
) -> Attempt:
    """The photograph lies half over every frame of every command, face on face."""
    hand, alpha = _Hand(victim, chance, many=False), round(float(chance.uniform(0.3, 0.7)), 2)
    shown = {NEUTRAL: hand.rests()}
    for command in order:
        chain = hand.mixed(actor.takes(command, chance), [alpha] * COUNT, is_laid=True)
        shown[command] = Shown(
            chain, {0: hand.shaken(is_laid_on=None), COUNT // 2: hand.shaken(is_laid_on=None)}
        )
    return Attempt(
        shown, played.photo(victim.registered), {"alpha": f"{alpha:.1f}", **named(victim, actor)}
    )


def laid_stills(
    victim: Person,
    actor: Actor,
    order: Sequence[str],
    chance: np.random.Generator,
    *,
    of_chain: float,
) -> Attempt:
    """The actor does all of it, rest included, and the photograph lies half over the full frames:
    between two people.

    of_chain: so much of the victim is in the chain as well.
    """
    hand, alpha, shown = (
        _Hand(victim, chance, many=False),
        round(float(chance.uniform(0.4, 0.65)), 2),
        {},
    )
    rest = actor.takes(NEUTRAL, chance)
    for command in (NEUTRAL, *order):
        count = CAPTURE.rest_stills if command == NEUTRAL else CAPTURE.stills
        places = [at * COUNT // count for at in range(count)]
        laid = hand.mixed(
            [people.filmed(rest[at], chance) for at in places], [alpha] * count, is_laid=True
        )
        acted = rest if command == NEUTRAL else actor.takes(command, chance)
        chain = hand.mixed(acted, [of_chain] * COUNT, is_laid=True)
        shown[command] = Shown(chain, dict(zip(places, laid, strict=True)))
    return Attempt(
        shown, played.photo(victim.registered), {"alpha": f"{alpha:.1f}", **named(victim, actor)}
    )


def pasted(
    victim: Person,
    actor: Actor,
    order: Sequence[str],
    chance: np.random.Generator,
    *,
    is_whole: bool,
) -> Attempt:
    """The victim's face cut out and put over the actor's in every frame, or in the frames of some
    commands only.
    """
    hand, shown = _Hand(victim, chance, many=False), {}
    some = {NEUTRAL, *order} if is_whole else {NEUTRAL, str(chance.choice(list(order)))}
    for command in (NEUTRAL, *order):
        acted = actor.takes(command, chance)
        chain = [hand.over(image) if command in some else image for image in acted]
        shown[command] = played.of(
            chain, stills=CAPTURE.rest_stills if command == NEUTRAL else CAPTURE.stills
        )
    return Attempt(shown, played.photo(victim.registered), named(victim, actor))


def named(victim: Person, actor: Actor) -> dict[str, str]:
    """Who is who, for the record."""
    return {"victim": victim.name, "actor": actor.name, "person": actor.person, "kind": actor.kind}


class _Hand:
    """An attacker who holds the victim's photographs before the camera."""

    def __init__(self, victim: Person, chance: np.random.Generator, *, many: bool) -> None:
        self._chance = chance
        self._pictures = [people.still(each) for each in victim.photographs[: None if many else 1]]
        self._points = [landmarks.five_points(people.mesh(each)) for each in self._pictures]

    def rests(self) -> Shown:
        """The first photograph, held before the camera."""
        return played.of(
            [self.shaken(is_laid_on=None, at=0) for _ in range(COUNT)], stills=CAPTURE.rest_stills
        )

    def shaken(self, *, is_laid_on: Image | None, at: int | None = None) -> Image:
        """A photograph as a hand holds it, or with its face laid upon another's, point on point."""
        at = int(self._chance.integers(len(self._pictures))) if at is None else at
        placed = np.eye(2, 3) if is_laid_on is None else _laid(self._points[at], is_laid_on)
        across, down, lean, size = self._chance.normal(0, _JITTER)
        high, wide = self._pictures[at].shape[:2]
        shake = cv2.getRotationMatrix2D((wide / 2, high / 2), lean, 1 + size)
        shake[:, 2] += (across, down)
        moved = (np.vstack([shake, [0, 0, 1]]) @ np.vstack([placed, [0, 0, 1]]))[:2]
        shown = cv2.warpAffine(
            self._pictures[at], moved, (wide, high), borderMode=cv2.BORDER_REPLICATE
        )
        return people.filmed(np.asarray(shown, dtype=np.uint8), self._chance)

    def mixed(
        self, acted: Sequence[Image], weights: Sequence[float], *, is_laid: bool
    ) -> list[Image]:
        """Each frame of the actor with so much of the victim in it."""
        return [
            self._mixed(image, weight, is_laid=is_laid)
            for image, weight in zip(acted, weights, strict=True)
        ]

    def over(self, image: Image) -> Image:
        """The victim's face, cut out along its oval, over the face in the image: nothing hides the
        border.
        """
        placed = _laid(self._points[0], image)
        outline = people.mesh(self._pictures[0])[list(OVAL), :2] @ placed[:, :2].T + placed[:, 2]
        mask = np.zeros(image.shape[:2], np.uint8)
        cv2.fillConvexPoly(mask, cv2.convexHull(outline.astype(np.float32)).astype(np.int32), 255)
        size = (image.shape[1], image.shape[0])
        face = cv2.warpAffine(self._pictures[0], placed, size, borderMode=cv2.BORDER_REPLICATE)
        return np.where(
            mask[..., None] > 0,
            people.filmed(np.asarray(face, dtype=np.uint8), self._chance),
            image,
        )

    def _mixed(self, image: Image, weight: float, *, is_laid: bool) -> Image:
        if weight == 0:
            return image
        photograph = self.shaken(is_laid_on=image if is_laid else None)
        return np.asarray(cv2.addWeighted(photograph, weight, image, 1 - weight, 0), dtype=np.uint8)


def _weights(
    recipe: Recipe, command: str, acted: tuple[Image, ...], chance: np.random.Generator
) -> list[float]:
    """How much of the victim each frame of a command has."""
    length = int(chance.integers(1, 4))
    mask = np.zeros(COUNT)
    if recipe.places in ("first", "both"):
        mask[:length] = 1
    if recipe.places in ("last", "both"):
        mask[-length:] = 1
    if recipe.places == "any":
        mask[chance.choice(COUNT, int(chance.integers(2, 6)), replace=False)] = 1
    if recipe.places in ("any", "peak"):
        # A gesture lasts two frames at least: these must be the actor's.
        mask = np.ones(COUNT) if recipe.places == "peak" else mask
        mask[people.peak(command, acted, most=3)] = 0
    if recipe.joint in BLENDS:
        mask[people.peak(command, acted, most=3)] = recipe.alpha
    if recipe.joint in ("dissolve", "soft_blend"):
        box = np.ones(recipe.frames + 1) / (recipe.frames + 1)
        mask = np.convolve(np.pad(mask, recipe.frames + 1, mode="edge"), box, mode="same")[
            recipe.frames + 1 :
        ][:COUNT]
    return [float(each) for each in mask.round(3)]


def _with_a_pause(weights: Sequence[float], chance: np.random.Generator) -> tuple[int, ...]:
    """When each frame is taken: at a cut none for as long as may be, where the rate of the whole
    still allows it.
    """
    cuts = [at for at in range(1, COUNT) if weights[at] != weights[at - 1]] or [COUNT // 2]
    apart = np.full(COUNT, APART_MS - _QUICKER_MS)
    apart[int(chance.choice(cuts))] = _PAUSE_MS
    return tuple(int(each) for each in FIRST_MS + np.cumsum(apart) - apart[0])


def _laid(points: Floats, image: Image) -> Floats:
    """The similarity that lays five points on those of the face in the image; where there is none,
    nothing moves.
    """
    try:
        target = landmarks.five_points(people.mesh(image))
    except ValueError:
        return np.eye(2, 3)
    found = cv2.estimateAffinePartial2D(
        points.astype(np.float32), target.astype(np.float32), method=cv2.LMEDS
    )[0]
    return np.eye(2, 3) if found is None else np.asarray(found, dtype=np.float64)
