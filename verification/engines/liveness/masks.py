"""Distinguishes a mask over mouth and nose from a bare face by two numbers of one picture and its
mesh.

1 reduce the picture, which hides a cloth's threads · 2 rough: a mouth has edges, a cloth has none ·
3 chin: a cloth seldom has the colour of skin. `policy.MASK` decides.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.planarity import LIPS, OVAL

_CHIN = (18, 200, 199, 175, 171, 140, 32, 208, 428, 262, 369, 396)
_UNDER_EYES = (
    (111, 117, 118, 119, 120, 121, 128, 232, 231, 230),
    (340, 346, 347, 348, 349, 350, 357, 452, 451, 450),
)
_FACE = 0.9  # of the oval: without the border, where hair begins
_LEAST_EDGE = 1e-3  # grey levels; prevents a division by zero for a face without edges


@dataclass(frozen=True)
class MaskLimits:
    """A face is masked with less than `rough` or more than `chin`, in a picture with a longer
    side of `side` pixels.
    """

    side: int
    rough: float
    chin: float


@dataclass(frozen=True)
class Lower:
    """The lower face.

    rough: its edges inside the lips' outline over those of the whole face, no unit.
    chin: the distance of its colour from the skin under the eyes, in a and b of OpenCV's 8-bit Lab.
    """

    rough: float
    chin: float

    def is_masked(self, limits: MaskLimits) -> bool:
        """Whether a mouth is smoother than its face, or a chin has another colour than the skin
        under the eyes.
        """
        return self.rough < limits.rough or self.chin > limits.chin


def measure(image: Image, mesh: Floats, *, side: int) -> Lower | None:
    """The lower face in an RGB picture reduced to `side`; None if a part of it lies outside the
    picture.
    """
    scale = min(1.0, side / max(image.shape[:2]))
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image  # 1
    points = mesh[:, :2] * scale
    areas = []
    for region, share in (
        (OVAL, _FACE),
        (LIPS, 1.0),
        (_CHIN, 1.0),
        *((eye, 1.0) for eye in _UNDER_EYES),
    ):
        outline = points[np.asarray(region)]
        middle = outline.mean(axis=0)
        hull = cv2.convexHull((middle + (outline - middle) * share).astype(np.float32))
        filled = cv2.fillPoly(
            np.zeros(small.shape[:2], np.uint8), [np.asarray(np.rint(hull)).astype(np.int32)], 1
        )
        areas.append(np.asarray(filled > 0))
    if not all(area.any() for area in areas):
        return None
    face, lips, chin, *under = areas
    edges = np.abs(cv2.Laplacian(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), cv2.CV_32F))  # 2
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[..., 1:]  # 3
    skin = np.mean([np.median(lab[eye], axis=0) for eye in under], axis=0)
    return Lower(
        rough=float(edges[lips].mean() / max(float(edges[face].mean()), _LEAST_EDGE)),
        chin=float(np.linalg.norm(np.median(lab[chin], axis=0) - skin)),
    )


def are_masked(faces: Iterable[tuple[Image, Floats]], *, limits: MaskLimits) -> bool:
    """Whether most of these pictures, each with its mesh, show a mask. A beard or thick rims may
    look like one.
    """
    lower = [measure(image, mesh, side=limits.side) for image, mesh in faces]
    masked = [measured.is_masked(limits) for measured in lower if measured is not None]
    return 2 * sum(masked) > len(masked)
