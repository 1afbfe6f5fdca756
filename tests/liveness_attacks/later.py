"""A second attacker, written after every threshold stood: only the victim's face lies over the
actor's, in his colours.

Of each frame of the actor, rest included: 1 the photograph laid on it, by eyes, nose and mouth
(`laid`: one affine map; of a `part` of it by eyes and mouth alone; the face stays as flat as it
is), or point by point of the mesh (`morph`) · 2 its colours made those of the actor's face · 3
mixed in, with soft edges and within the face's oval only, so that nothing but the face changes, or
joined without a seam first (Poisson). How much of it, and where, is `later_blends`, `later_splices`
and `later_parts`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from insecure_sandbox.warp_picture import Triangles, paint
from tests.liveness_attacks import people
from verification.engines.faces.portrait import ARCFACE
from verification.engines.liveness import landmarks
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.planarity import OVAL

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
