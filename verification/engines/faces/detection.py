"""Finds the one face of an image with dlib's HOG detector. Several faces of one size are never chosen from."""

from functools import cache
from typing import NamedTuple

import dlib
import numpy as np
from PIL import Image

from verification.core.errors import Refused
from verification.engines.faces import policy
from verification.engines.faces.image_gate import Pixels


class Box(NamedTuple):
    """A face: its sides in pixels, and how sure the detector is (above 0; the higher, the fewer errors of matching)."""

    left: int
    top: int
    right: int
    bottom: int
    score: float

    @property
    def area(self) -> int:
        """Of the box, in pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


def locate(image: Pixels) -> Box:
    """Where the one face is. Raises `Refused` with `face_not_found` or `multiple_faces`."""
    for longest, doublings in policy.LADDER:
        small, scale = _shrunk(image, longest)
        # 0: dlib's own threshold of the score.
        found, scores, _ = _detector().run(small, doublings, 0.0)
        if found:
            return _only([_scaled(one, score, scale) for one, score in zip(found, scores, strict=True)])
    raise Refused("face_not_found")


@cache
def _detector() -> dlib.fhog_object_detector:
    # Not thread-safe: one in a process, built at the first face, so after a worker has forked.
    return dlib.get_frontal_face_detector()


def _only(boxes: list[Box]) -> Box:
    first, *others = sorted(boxes, key=lambda box: box.area, reverse=True)
    if any(other.area > policy.SECOND_FACE_SHARE * first.area for other in others):
        raise Refused("multiple_faces")
    return first


def _shrunk(image: Pixels, longest: int) -> tuple[Pixels, float]:
    height, width = image.shape[:2]
    scale = max(height, width) / longest
    if scale <= 1:
        return image, 1.0
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)), scale


def _scaled(box: dlib.rectangle, score: float, scale: float) -> Box:
    left, top, right, bottom = (round(side * scale) for side in (box.left(), box.top(), box.right(), box.bottom()))
    return Box(left, top, right, bottom, float(score))
