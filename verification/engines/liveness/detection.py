"""Faces in an image by BlazeFace, short range: boxes with six points.

1 scale the image into the model's square, black round it · 2 run · 3 drop scores below the limit · 4 decode against the
anchors · 5 suppress what overlaps a better one. Source: Bazarevsky et al. 2019, "BlazeFace", and the model card.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from verification.engines.liveness.crops import Floats, Image
from verification.engines.liveness.networks import Network

# The model's own construction, not choices of ours: two grids, 16 × 16 with two anchors a cell and 8 × 8 with six.
_GRIDS = ((16, 2), (8, 6))
_SCORE = 0.5  # a face is likelier than none; the model card's operating point
_OVERLAP = 0.3  # boxes that share more than this of their union show the same face; the model card's

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


@dataclass(frozen=True)
class Face:
    """One face. `box` is left, top, right, bottom in pixels; the eyes are the person's own right and left one."""

    score: float
    box: Box
    right_eye: Floats
    left_eye: Floats


def _anchors() -> Floats:
    centres = []
    for cells, each in _GRIDS:
        rows, columns = np.mgrid[0:cells, 0:cells]
        grid = np.stack([columns.ravel(), rows.ravel()], axis=1)
        centres.append(np.repeat((grid + 0.5) / cells, each, axis=0))
    return np.concatenate(centres)


_ANCHORS = _anchors()


def detect(image: Image, *, network: Network) -> list[Face]:
    """All faces in the image, the most certain first."""
    height, width = image.shape[:2]
    scale = network.side / max(height, width)
    square = _squeezed(image, scale=scale, side=network.side)  # 1
    boxes, logits = network.run(square)  # 2
    scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
    likely = np.flatnonzero(scores >= _SCORE)  # 3
    decoded = boxes.reshape(-1, 8, 2)[likely] / network.side  # 4
    decoded[:, 0] += _ANCHORS[likely]
    decoded[:, 2:] += _ANCHORS[likely][:, np.newaxis]
    decoded[:, [0, 2, 3]] = (decoded[:, [0, 2, 3]] * network.side - _margin(image, scale, network.side)) / scale
    decoded[:, 1] *= network.side / scale
    faces = [_face(float(scores[at]), points) for at, points in zip(likely, decoded, strict=True)]
    return _suppressed(sorted(faces, key=lambda face: -face.score))  # 5


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes: 0 apart, 1 the same."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return wide * high / (areas - wide * high)


def _squeezed(image: Image, *, scale: float, side: int) -> Floats:
    height, width = image.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    left, top = (int(each) for each in _margin(image, scale, side))
    square = np.zeros((side, side, 3))
    square[top : top + size[1], left : left + size[0]] = small
    return square / 127.5 - 1


def _margin(image: Image, scale: float, side: int) -> Floats:
    height, width = image.shape[:2]
    return np.array([(side - max(1, round(width * scale))) // 2, (side - max(1, round(height * scale))) // 2], float)


def _face(score: float, points: Floats) -> Face:
    (x, y), (wide, high) = points[0], points[1]
    box = (float(x - wide / 2), float(y - high / 2), float(x + wide / 2), float(y + high / 2))
    return Face(score, box, right_eye=points[2], left_eye=points[3])


def _suppressed(faces: list[Face]) -> list[Face]:
    kept: list[Face] = []
    for face in faces:
        if all(overlap(face.box, other.box) <= _OVERLAP for other in kept):
            kept.append(face)
    return kept
