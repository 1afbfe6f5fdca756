"""A second attacker, written after every threshold stood: only the victim's face lies over the actor's, in his colours.

Of each frame of the actor, rest included: 1 the photograph laid on it, by eyes, nose and mouth (`laid`: one affine
map, the face stays as flat as it is), or point by point of the mesh (`morph`) · 2 its colours made those of the actor's
face · 3 mixed in, with soft edges and within the face's oval only, so that nothing but the face changes. Of `tuned`
ones the share is chosen for each command beforehand, on the public engine: the gesture must still count, and then the
face be as near to the register's as may be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from insecure_sandbox.warp_picture import Triangles, paint
from tests.liveness_attacks import people, played
from tests.liveness_attacks.people import NEUTRAL, Actor, Person
from tests.liveness_attacks.played import Attempt
from tests.liveness_attacks.splices import named
from verification.core.results import Step
from verification.engines.liveness import landmarks
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.planarity import OVAL
from verification.stages.live_capture.policy import CAPTURE

WAYS = ("laid", "morph")
_SHARES, _AT_REST = (0.4, 0.5, 0.6, 0.7), 0.6
_INSIDE, _SOFT = 0.95, 0.06  # of the oval; of its height, how soft its edge is
_OWN = 0.95  # from the face at rest: beyond it another share is tried

Frames = Mapping[str, tuple[Image, ...]]


def blended(
    victim: Person, actor: Actor, order: Sequence[str], chance: np.random.Generator, *, way: str, share: float
) -> Attempt:
    """The same share of the victim in every frame."""
    acted, layer = _acted(actor, order, chance), _Layer(victim, chance, way=way)
    shown = {command: layer.over(images, share) for command, images in acted.items()}
    told = {"way": way, "share": f"{share:.1f}", **named(victim, actor)}
    return _attempt(victim, shown, told)


def tuned(victim: Person, actor: Actor, order: Sequence[str], chance: np.random.Generator, *, way: str) -> Attempt:
    """Of each command the share that serves best, as the public engine says beforehand."""
    acted, layer = _acted(actor, order, chance), _Layer(victim, chance, way=way)
    rest = {NEUTRAL: layer.over(acted[NEUTRAL], _AT_REST)}
    told = {"way": way, "share": "tuned", **named(victim, actor)}
    best: dict[str, tuple[tuple[bool, bool, float], tuple[Image, ...]]] = {}
    for share in _SHARES:
        shown = {command: layer.over(acted[command], share) for command in order}
        for command, cost in _costs(_attempt(victim, rest | shown, told), order).items():
            if command not in best or cost < best[command][0]:
                best[command] = cost, shown[command]
    chosen = {command: best[command][1] if command in best else acted[command] for command in order}
    return _attempt(victim, rest | chosen, told)


def _costs(attempt: Attempt, order: Sequence[str]) -> dict[str, tuple[bool, bool, float]]:
    """Of each command, the least first: is the gesture not seen? is it somebody else's? how far from the register?"""
    shown = played.measured(attempt).shown
    if isinstance(shown, Step) or isinstance(shown.gestures, Step) or isinstance(shown.throughout, Step):
        return {}
    costs = {}
    for at, (command, gesture) in enumerate(zip(order, shown.gestures, strict=False), start=1):
        rows = [row for row in shown.throughout.each if row.step == at]
        own, far = max(row.to_neutral for row in rows), [row.to_reference or 0.0 for row in rows]
        costs[command] = not gesture.is_right, own > _OWN, float(np.median(far))
    return costs


def _acted(actor: Actor, order: Sequence[str], chance: np.random.Generator) -> Frames:
    return {command: actor.takes(command, chance) for command in (NEUTRAL, *order)}


def _attempt(victim: Person, frames: Frames, told: Mapping[str, str]) -> Attempt:
    shown = {
        command: played.of(images, stills=CAPTURE.rest_stills if command == NEUTRAL else CAPTURE.stills)
        for command, images in frames.items()
    }
    return Attempt(shown, played.photo(victim.registered), told)


@dataclass(frozen=True)
class _Laid:
    """The photograph where a frame has its face, with the frame's colours, and how much of each pixel it may be."""

    picture: Image
    weight: Floats


class _Layer:
    """The victim's first photograph, as it is laid over the face of each frame."""

    def __init__(self, victim: Person, chance: np.random.Generator, *, way: str) -> None:
        self._picture, self._chance, self._way = people.still(victim.photographs[0]), chance, way
        self._mesh = people.mesh(self._picture)
        self._triangles = Triangles.between(self._mesh[:, :2], without=())
        self._laid: dict[int, _Laid | None] = {}

    def over(self, images: Sequence[Image], share: float) -> tuple[Image, ...]:
        """Each frame with so much of the victim in its face."""
        return tuple(self._over(image, share) for image in images)

    def _over(self, image: Image, share: float) -> Image:
        if id(image) not in self._laid:
            self._laid[id(image)] = self._lay(image)
        laid = self._laid[id(image)]
        if laid is None:
            return image
        weight = share * laid.weight[..., None]
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
            moved = np.linalg.lstsq(np.column_stack([start, np.ones(len(start))]), end, rcond=None)[0].T
            size = image.shape[1], image.shape[0]
            warped = cv2.warpAffine(self._picture, moved, size, borderMode=cv2.BORDER_REPLICATE)
            picture = np.asarray(warped, dtype=np.uint8)
        weight = _soft_oval(mesh[OVAL, :2], image.shape[:2])
        return _Laid(_toned(picture, image, weight > 0.5), weight)


def _soft_oval(outline: Floats, shape: tuple[int, ...]) -> Floats:
    middle = outline.mean(axis=0)
    hull = cv2.convexHull((middle + _INSIDE * (outline - middle)).astype(np.float32)).astype(np.int32)
    mask = cv2.fillConvexPoly(np.zeros(shape, np.uint8), hull, 255)
    soft = cv2.GaussianBlur(mask, (0, 0), _SOFT * float(np.ptp(outline[:, 1])))
    return np.asarray(soft / 255.0, dtype=np.float64)


def _toned(face: Image, like: Image, inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Image:
    """The face in the colours of the other, by mean and spread of each channel (Reinhard)."""
    own, other = (cv2.cvtColor(each, cv2.COLOR_RGB2LAB).astype(np.float64) for each in (face, like))
    means, spreads = zip(*((each[inside].mean(axis=0), each[inside].std(axis=0)) for each in (own, other)), strict=True)
    moved = (own - means[0]) * spreads[1] / np.maximum(spreads[0], 1.0) + means[1]
    return np.asarray(cv2.cvtColor(np.clip(moved, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB), dtype=np.uint8)
