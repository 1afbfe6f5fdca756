"""Whether what turned was flat: how much better a plane explains the movement than a turn in the picture does.

1 corners inside the face of the first frame, eyes and mouth left out · 2 follow them from frame to frame and back,
drop those that do not return · 3 fit a similarity (shift, turn in the picture, scale) · 4 where that fails by enough,
there is evidence: fit a homography, which explains every flat thing · 5 the ratio of the two residuals, which is near 0
for a flat thing and near 1 for a head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from verification.engines.liveness.crops import Floats, Image
from verification.engines.liveness.landmarks import LEFT_EYE, RIGHT_EYE

_OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
_RIGHT_LIDS = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_LEFT_LIDS = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
# Which part, and how much larger or smaller than its contour it is drawn.
_INSIDE = 0.92
_LEFT_OUT = ((_RIGHT_LIDS, 1.6), (_LEFT_LIDS, 1.6), (_LIPS, 1.3))

# How corners are found and followed: the method the thresholds were measured with.
_CORNERS, _QUALITY, _APART = 150, 0.01, 5.0
_WINDOW, _LEVELS, _RETURN = (21, 21), 3, 1.0  # pixels, pyramid levels, pixels


@dataclass(frozen=True)
class PlanarityLimits:
    """From where on there is evidence.

    `evidence`: residual of the similarity over eye distance, at least. `points`: corners still followed, at least.
    """

    evidence: float
    points: int


@dataclass(frozen=True)
class Planarity:
    """Depth in the frames of one or more steps.

    `pairs`: frames that give evidence against the first one. `ratio`: median of the residual of the homography over
    that of the similarity. `residual`: median of the residual of the homography over eye distance. Both are None when
    there is no evidence, which must not pass. `moved`: the greatest residual of a similarity, evidence or not.
    """

    pairs: int
    ratio: float | None
    residual: float | None
    moved: float


def measure(frames: Sequence[Image], meshes: Sequence[Floats], *, limits: PlanarityLimits) -> Planarity:
    """Depth in the frames of one step, all of one size, each with its mesh, in order."""
    greys = [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8) for frame in frames]
    found = _corners(greys[0], meshes[0]) if greys else None  # 1
    if found is None:
        return Planarity(0, None, None, 0.0)
    start, points, moved = found, found, 0.0
    pairs: list[tuple[float, float]] = []
    for before in range(len(greys) - 1):
        kept, points = _follow(greys[before : before + 2], meshes[before : before + 2], points)  # 2
        start = start[kept]
        if len(points) < limits.points:
            break
        similarity = _residual(_similar(start, points), points) / _eye_distance(meshes[before + 1])  # 3
        moved = max(moved, similarity)
        if similarity >= limits.evidence:  # 4
            homography = _residual(_projected(start, points), points) / _eye_distance(meshes[before + 1])
            pairs.append((homography / similarity, homography))  # 5
    if not pairs:
        return Planarity(0, None, None, moved)
    return Planarity(len(pairs), median(each[0] for each in pairs), median(each[1] for each in pairs), moved)


def together(steps: Sequence[Planarity]) -> Planarity:
    """The medians of several steps. One step without evidence leaves none for all: depth must show in each turn."""
    pairs, moved = sum(step.pairs for step in steps), max((step.moved for step in steps), default=0.0)
    ratios = [step.ratio for step in steps if step.ratio is not None]
    residuals = [step.residual for step in steps if step.residual is not None]
    if not steps or len(ratios) < len(steps) or len(residuals) < len(steps):
        return Planarity(pairs, None, None, moved)
    return Planarity(pairs, median(ratios), median(residuals), moved)


def _corners(grey: NDArray[np.uint8], mesh: Floats) -> Floats | None:
    mask = np.zeros_like(grey)
    cv2.fillPoly(mask, [_drawn(mesh, _OVAL, _INSIDE)], 255)
    for part, scale in _LEFT_OUT:
        cv2.fillPoly(mask, [_drawn(mesh, part, scale)], 0)
    found = cv2.goodFeaturesToTrack(grey, _CORNERS, _QUALITY, _APART, mask=mask)
    return None if found is None else np.asarray(found, dtype=np.float64)[:, 0]


def _drawn(mesh: Floats, part: Sequence[int], scale: float) -> NDArray[np.int32]:
    outline = mesh[list(part), :2]
    middle = outline.mean(axis=0)
    hull = cv2.convexHull((middle + (outline - middle) * scale).astype(np.float32))
    return np.asarray(hull).astype(np.int32)


def _follow(
    greys: Sequence[NDArray[np.uint8]], meshes: Sequence[Floats], points: Floats
) -> tuple[NDArray[np.bool_], Floats]:
    there, arrived = _flow(greys[0], greys[1], points, _guess(meshes[0], meshes[1], points))
    back, returned = _flow(greys[1], greys[0], there, _guess(meshes[1], meshes[0], there))
    kept = arrived & returned & (np.linalg.norm(back - points, axis=1) < _RETURN)
    return kept, there[kept]


def _flow(
    before: NDArray[np.uint8], after: NDArray[np.uint8], points: Floats, guess: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    if not len(points):
        return points, np.zeros(0, dtype=np.bool_)
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        points.astype(np.float32, order="C").reshape(-1, 1, 2),
        guess.astype(np.float32, order="C").reshape(-1, 1, 2),
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return np.asarray(found, dtype=np.float64)[:, 0], np.asarray(status)[:, 0] == 1


def _guess(before: Floats, after: Floats, points: Floats) -> Floats:
    """Where the points go when the face only shifts, turns in the picture and grows: a start for the search."""
    rigid = list(_OVAL)
    return _similar(before[rigid, :2], after[rigid, :2], of=points)


def _similar(start: Floats, end: Floats, *, of: Floats | None = None) -> Floats:
    """The least-squares similarity from `start` to `end`, applied to `of` or to `start`. Source: complex regression."""
    middle, target = start.mean(axis=0), end.mean(axis=0)
    flat, goal = _complex(start - middle), _complex(end - target)
    factor = np.vdot(flat, goal) / max(float(np.vdot(flat, flat).real), 1e-9)
    moved = factor * _complex((start if of is None else of) - middle)
    return np.asarray(np.stack([moved.real, moved.imag], axis=1) + target, dtype=np.float64)


def _complex(points: Floats) -> NDArray[np.complex128]:
    return np.asarray(points[:, 0] + 1j * points[:, 1], dtype=np.complex128)


def _projected(start: Floats, end: Floats) -> Floats:
    matrix, _ = cv2.findHomography(start, end, 0)
    if matrix is None:
        return end  # No plane could be fitted: count it as flat, which must not pass.
    return np.asarray(cv2.perspectiveTransform(start[np.newaxis], matrix)[0], dtype=np.float64)


def _residual(fitted: Floats, points: Floats) -> float:
    return float(np.median(np.linalg.norm(fitted - points, axis=1)))


def _eye_distance(mesh: Floats) -> float:
    across = mesh[list(LEFT_EYE), :2].mean(axis=0) - mesh[list(RIGHT_EYE), :2].mean(axis=0)
    return max(float(np.linalg.norm(across)), 1.0)
