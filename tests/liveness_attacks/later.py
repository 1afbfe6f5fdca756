"""Attacks of the second generation: frames made from the victim's photographs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from insecure_sandbox.warp_picture import Triangles, paint
from tests.liveness_attacks import people, played
from tests.liveness_attacks.people import COUNT, NEUTRAL, Actor, Person
from tests.liveness_attacks.played import Attempt, Shown
from tests.liveness_attacks.splices import named
from verification.core.results import Step
from verification.engines.faces.portrait import ARCFACE
from verification.engines.liveness import landmarks
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.planarity import OVAL
from verification.stages.live_capture import checks
from verification.stages.live_capture.policy import CAPTURE

# A second attacker, written after every threshold stood: only the victim's face lies over the
# actor's, in his colours.
#
# Of each frame of the actor, rest included: 1 the photograph laid on it, by eyes, nose and mouth
# (`laid`: one affine map; of a `part` of it by eyes and mouth alone; the face stays as flat as
# it is), or point by point of the mesh (`morph`) · 2 its colours made those of the actor's face
# · 3 mixed in, with soft edges and within the face's oval only, so that nothing but the face
# changes, or joined without a seam first (Poisson). How much of it, and where, is
# `later_blends`, `later_splices` and `later_parts`.


WAYS = ("laid", "morph")
_INSIDE, _SOFT = 0.95, 0.06  # of the oval; of its height, how soft its edge is
_BUT_THE_NOSE = [0, 1, 3, 4]  # of the five points
SIDE, SCALE = 112, 3
"""Of a face as it is cut out for comparison, and how many places of a mask each of its pixels
has.
"""

Mask = NDArray[np.float32]  # how much of each place is laid, from 0 to 1; (336, 336)


@dataclass(frozen=True)
class _Laid:
    """The photograph where a frame has its face, with the frame's colours, and how much of each
    pixel it may be.

    cut: brings a mask to the face.
    """

    frame: Image
    picture: Image
    weight: Floats
    cut: Floats


class Layer:
    """A photograph of the victim, as it is laid over the face of each frame."""

    def __init__(
        self, picture: Image, chance: np.random.Generator, *, way: str, is_seamless: bool = False
    ) -> None:
        self._picture, self._chance, self._way, self._is_seamless = (
            picture,
            chance,
            way,
            is_seamless,
        )
        self._mesh = people.mesh(self._picture)
        self._triangles = Triangles.between(self._mesh[:, :2], without=())
        self._laid: dict[int, _Laid | None] = {}

    def over(
        self, images: Sequence[Image], shares: Sequence[float], part: Mask | None = None
    ) -> tuple[Image, ...]:
        """Each frame with so much of the victim in its face, or in this part of it."""
        return tuple(
            self._over(image, share, part) for image, share in zip(images, shares, strict=True)
        )

    def _over(self, image: Image, share: float, part: Mask | None) -> Image:
        if id(image) not in self._laid:
            self._laid[id(image)] = self._lay(image)
        laid = self._laid[id(image)]
        if laid is None:
            return image
        weight = (
            laid.weight
            if part is None
            else laid.weight * cv2.warpAffine(part, laid.cut, image.shape[1::-1])
        )
        weight = share * weight[..., None]
        mixed = image * (1 - weight) + people.filmed(laid.picture, self._chance) * weight
        return np.asarray(np.clip(mixed, 0, 255), dtype=np.uint8)

    def _lay(self, image: Image) -> _Laid | None:
        try:
            mesh = people.mesh(image)
        except ValueError:
            return None
        if self._way == "morph":
            picture = paint(self._picture, self._triangles, mesh[:, :2], mesh[:, 2])
        else:
            start, end = (landmarks.five_points(each) for each in (self._mesh, mesh))
            kept = _BUT_THE_NOSE if self._way == "part" else [*range(len(start))]
            moved = _affine(start[kept], end[kept])
            warped = cv2.warpAffine(
                self._picture, moved, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE
            )
            picture = np.asarray(warped, dtype=np.uint8)
        hull = _hull(mesh[OVAL, :2], image.shape[:2])
        soft = cv2.GaussianBlur(hull, (0, 0), _SOFT * float(np.ptp(mesh[OVAL, 1]))) / 255.0
        picture = _toned(picture, image, hull > 0)
        if self._is_seamless:
            picture = _joined(picture, image, hull)
        places = SCALE * np.array(ARCFACE.places, dtype=np.float64)
        cut = _affine(places[_BUT_THE_NOSE], landmarks.five_points(mesh)[_BUT_THE_NOSE])
        return _Laid(image, picture, np.asarray(soft, dtype=np.float64), cut)


def _affine(start: Floats, end: Floats) -> Floats:
    """The map that brings the one nearest to the other, (2, 3)."""
    return np.asarray(
        np.linalg.lstsq(np.column_stack([start, np.ones(len(start))]), end, rcond=None)[0].T
    )


def _hull(outline: Floats, shape: tuple[int, ...]) -> Image:
    middle = outline.mean(axis=0)
    hull = cv2.convexHull((middle + _INSIDE * (outline - middle)).astype(np.float32)).astype(
        np.int32
    )
    return np.asarray(cv2.fillConvexPoly(np.zeros(shape, np.uint8), hull, 255), dtype=np.uint8)


def _joined(face: Image, into: Image, hull: Image) -> Image:
    """Without a seam, by its gradients (Poisson); as it is where the face leaves the picture."""
    left, top, wide, high = cv2.boundingRect(hull)
    if left < 1 or top < 1 or left + wide >= hull.shape[1] or top + high >= hull.shape[0]:
        return face
    middle = left + wide // 2, top + high // 2
    return np.asarray(cv2.seamlessClone(face, into, hull, middle, cv2.NORMAL_CLONE), dtype=np.uint8)


def _toned(
    face: Image, like: Image, inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> Image:
    """The face in the colours of the other, by mean and spread of each channel (Reinhard)."""
    own, other = (cv2.cvtColor(each, cv2.COLOR_RGB2LAB).astype(np.float64) for each in (face, like))
    means, spreads = zip(
        *((each[inside].mean(axis=0), each[inside].std(axis=0)) for each in (own, other)),
        strict=True,
    )
    moved = (own - means[0]) * spreads[1] / np.maximum(spreads[0], 1.0) + means[1]
    return np.asarray(
        cv2.cvtColor(np.clip(moved, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB), dtype=np.uint8
    )


# A face of the victim over the whole capture at a part share: the second attacker's, which
# nothing here stops.
#
# Of `tuned` ones the share is chosen beforehand, on the public engine: the gestures must still
# count, then no other person be seen to do them, and then the face be as near to the register's
# as may be.


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


# Parts of the victim's face over the actor's in every frame, wholly and flat: a face swap that
# leaves him his nose.
#
# A photograph that is laid flat shows no turn, and its nose tells that; an attacker who leaves
# the tip of the actor's nose, and lids or lips where a command needs them, shows the turn by
# these and the victim by the rest. Laid by eyes and corners of the mouth, one affine map a
# frame, in the actor's colours and with soft edges.


PARTS = ("down_to_the_eyes", "down_to_the_nose", "but_nose_and_mouth", "but_the_nose")
_SOFT_EDGE = 2.0  # how soft an edge is, in pixels of a cut-out face
# Middle and half axes, in its pixels. Where a command is seen the actor's own stays.
_FACE, _NOSE, _MOUTH = (56, 66, 44, 54), (56, 68, 11, 16), (56, 96, 30, 20)
_OWN_SHARE = {
    "blink": ((38.3, 51.6, 12, 6), (73.5, 51.6, 12, 6)),
    "open_mouth": ((56, 94, 24, 16),),
}
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


def best_parts(
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
    for own in _OWN_SHARE.get(command, ()):
        kept &= ~inside(*own)
    return np.asarray(
        cv2.GaussianBlur(kept.astype(np.float32), (0, 0), _SOFT_EDGE * SCALE), dtype=np.float32
    )


# Splices by the second attacker: at rest and between gestures the victim's face alone, and at a
# gesture the actor's own shows through it, by a share that falls frame by frame.


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


def tuned_splices(
    victim: Person, actor: Actor, order: Sequence[str], recipe: Recipe, chance: np.random.Generator
) -> Attempt:
    """The share at each gesture is the one of a few that the public engine finds best."""
    hand = _Hand(victim, actor, order, recipe, chance)
    told = {**recipe.told(), **named(victim, actor)}
    begun = Attempt({NEUTRAL: hand.rest()}, played.photo(victim.registered), told)
    return best(begun, order, hand.command, shares=_TUNED)


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
