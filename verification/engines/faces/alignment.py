"""Five points of a face by dlib's public-domain model, and the face cut out upright. Its 68-point one judges nobody."""

from dataclasses import dataclass
from functools import cache

import dlib
import numpy as np
import numpy.typing as npt

from verification.engines import weights
from verification.engines.faces.detection import Box
from verification.engines.faces.image_gate import Pixels

SIDE, PADDING = 150, 0.25
"""Pixels of the square cut, and the share of a face that stands round it. dlib: what its net was trained on."""
Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Face:
    """One face of an image.

    eyes: the middle of each eye, pixels, the one farther left in the image first. chip: `SIDE` × `SIDE` × 3, RGB.
    """

    image: Pixels
    box: Box
    eyes: Points
    chip: Pixels

    @property
    def eye_distance(self) -> float:
        """Between the eyes, pixels."""
        return float(np.linalg.norm(self.eyes[1] - self.eyes[0]))


def align(image: Pixels, box: Box) -> Face:
    """The face in the box, with its points and cut out. Raises `Misconfigured` where the model is another."""
    found = _predictor()(image, dlib.rectangle(*box[:4]))
    corners = np.array([[found.part(at).x, found.part(at).y] for at in range(4)], dtype=np.float64)
    # dlib: 0 and 1 are the corners of the eye farther right in the image, 2 and 3 those of the other.
    eyes = np.stack([corners[2:].mean(axis=0), corners[:2].mean(axis=0)])
    return Face(image, box, eyes, np.asarray(dlib.get_face_chip(image, found, SIDE, PADDING)))


@cache
def _predictor() -> dlib.shape_predictor:
    weights.read(weights.FIVE_POINTS)
    return dlib.shape_predictor(str(weights.locate(weights.FIVE_POINTS)))
