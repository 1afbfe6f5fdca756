"""Whether the turned object was flat: how much better a plane explains the movement than a turn in
the picture does.

1. Corners inside the face of the first frame, without eyes and mouth.
2. Follow them from frame to frame and back; drop those that do not return.
3. Fit a similarity (shift, turn in the picture, scale).
4. If its residual is large enough, there is evidence: fit a homography, which explains every flat
   object.
5. The ratio of the two residuals: near 0 for a flat object and near 1 for a head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.landmarks import LEFT_EYE, RIGHT_EYE

Grey = NDArray[np.uint8]
_RIGHT_TO_CHIN = (
    10,
    338,
    297,
    332,
    284,
    251,
    389,
    356,
    454,
    323,
    361,
    288,
    397,
    365,
    379,
    378,
    400,
    377,
)
_CHIN_TO_LEFT = (
    152,
    148,
    176,
    149,
    150,
    136,
    172,
    58,
    132,
    93,
    234,
    127,
    162,
    21,
    54,
    103,
    67,
    109,
)
OVAL = np.array((*_RIGHT_TO_CHIN, *_CHIN_TO_LEFT))
LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
_RIGHT_LIDS = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_LEFT_LIDS = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
# Where corners are sought: each part, its scale relative to its contour, and whether it counts.
_DRAWN = ((OVAL, 0.92, 255), (_RIGHT_LIDS, 1.6, 0), (_LEFT_LIDS, 1.6, 0), (LIPS, 1.3, 0))

# The method of finding and following corners under which the thresholds were measured.
_CORNERS, _QUALITY, _APART = 150, 0.01, 5.0
_SIDE, _LEVELS, _RETURN = 21, 3, 1.0  # pixels, pyramid levels, pixels
_LEAST_SIDE = 320  # pixels, to which smaller frames are enlarged before
_FLAT = 1.0  # grey levels of spread: below it a region is one colour


@dataclass(frozen=True)
class PlanarityLimits:
    """From where on there is evidence.

    evidence: residual of the similarity over eye distance, at least.
    points: corners still followed, at least.
    """

    evidence: float
    points: int


@dataclass(frozen=True)
class Planarity:
    """Depth in the frames of one or more steps.

    pairs: frames with evidence against the first one.
    ratio: median of the homography's residual over the similarity's.
    residual: median of the homography's residual over eye distance. Both are None without evidence,
    which must not pass.
    moved: the greatest residual of a similarity, with or without evidence.
    """

    pairs: int
    ratio: float | None
    residual: float | None
    moved: float


def measure(
    frames: Sequence[Image], meshes: Sequence[Floats], *, limits: PlanarityLimits
) -> Planarity:
    """Depth in the frames of one step, all of one size, each with its mesh, in order.

    Each face is adapted to the light of the first: a lamp hides corners, and moves others.
    """
    greys = [
        np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8) for frame in frames
    ]
    if greys and (scale := _LEAST_SIDE / min(greys[0].shape)) > 1:
        # Corners of a thin chain lie a fraction of a pixel apart from one frame to the next.
        greys = [
            np.asarray(
                cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC),
                dtype=np.uint8,
            )
            for grey in greys
        ]
        meshes = [mesh * scale for mesh in meshes]
    if not greys:
        return Planarity(0, None, None, 0.0)
    masks = [oval(mesh, greys[0].shape, 1.0) for mesh in meshes]
    lit = (
        evened(grey, mask, like=greys[0], under=masks[0])
        for grey, mask in zip(greys, masks, strict=True)
    )
    return _depth(list(lit), meshes, limits)


def _depth(greys: Sequence[Grey], meshes: Sequence[Floats], limits: PlanarityLimits) -> Planarity:
    corners = _corners(greys[0], meshes[0])  # 1
    if corners is None:
        return Planarity(0, None, None, 0.0)
    start, points, moved = corners, corners, 0.0
    pairs: list[tuple[float, float]] = []
    for before in range(len(greys) - 1):
        images, faces = greys[before : before + 2], meshes[before : before + 2]
        there, arrived = _flow(images, faces, points)  # 2
        back, returned = _flow(images[::-1], faces[::-1], there)
        is_followed = arrived & returned & (lengths(back - points) < _RETURN)
        start, points = start[is_followed], there[is_followed]
        if len(points) < limits.points:
            break
        right, left = (faces[1][list(eye), :2].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE))
        eyes = max(float(np.linalg.norm(left - right)), 1.0)
        similarity = float(np.median(lengths(similar(start, points) - points))) / eyes  # 3
        moved = max(moved, similarity)
        if similarity >= limits.evidence:  # 4
            # 0: least squares over all points. A robust method would fit the flatter part of a
            # head.
            matrix, _ = cv2.findHomography(start, points, 0)
            # Without a fitted plane the object counts as flat, which must not pass.
            flat = (
                points
                if matrix is None
                else np.asarray(cv2.perspectiveTransform(start[np.newaxis], matrix)[0])
            )
            homography = float(np.median(lengths(flat - points))) / eyes
            pairs.append((homography / similarity, homography))  # 5
    if not pairs:
        return Planarity(0, None, None, moved)
    return Planarity(
        len(pairs), median(fit[0] for fit in pairs), median(fit[1] for fit in pairs), moved
    )


def oval(mesh: Floats, shape: tuple[int, ...], scale: float) -> Grey:
    """The face's oval, scaled, white on black."""
    outline = mesh[OVAL, :2]
    middle = np.add.reduce(outline) / len(outline)
    hull = cv2.convexHull((middle + (outline - middle) * scale).astype(np.float32))
    return np.asarray(
        cv2.fillPoly(np.zeros(shape[:2], np.uint8), [np.asarray(hull).astype(np.int32)], 255)
    )


def evened(picture: Grey, mask: Grey, *, like: Grey, under: Grey) -> Grey:
    """The picture with the mean and spread under its mask adapted to the other one's."""
    (mean, spread), (target, target_spread) = (
        [float(statistic[0, 0]) for statistic in cv2.meanStdDev(image, mask=seen_under)]
        for image, seen_under in ((picture, mask), (like, under))
    )
    # A region without spread has no corners, and stays.
    gain = target_spread / spread if spread >= _FLAT else 1.0
    levels = np.clip(np.rint((np.arange(256) - mean) * gain + target), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, levels), dtype=np.uint8)


def together(turns: Sequence[Planarity]) -> Planarity:
    """The distance of the face from a plane: the medians of several turns; None without evidence.

    One turn without evidence leaves none for all: depth must show in each.
    """
    pairs, moved = (
        sum(turn.pairs for turn in turns),
        max((turn.moved for turn in turns), default=0.0),
    )
    ratios = [turn.ratio for turn in turns if turn.ratio is not None]
    residuals = [turn.residual for turn in turns if turn.residual is not None]
    if not turns or len(ratios) < len(turns) or len(residuals) < len(turns):
        return Planarity(pairs, None, None, moved)
    return Planarity(pairs, median(ratios), median(residuals), moved)


def _corners(grey: NDArray[np.uint8], mesh: Floats) -> Floats | None:
    mask = np.zeros_like(grey)
    for part, scale, colour in _DRAWN:
        outline = mesh[list(part), :2]
        middle = outline.mean(axis=0)
        hull = cv2.convexHull((middle + (outline - middle) * scale).astype(np.float32))
        cv2.fillPoly(mask, [np.asarray(hull).astype(np.int32)], colour)
    corners = cv2.goodFeaturesToTrack(grey, _CORNERS, _QUALITY, _APART, mask=mask)
    return None if corners is None else np.asarray(corners, dtype=np.float64)[:, 0]


def _flow(
    greys: Sequence[Grey], meshes: Sequence[Floats], points: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    # The search starts at the positions of a shifted, turned and scaled face.
    guess = similar(meshes[0][OVAL, :2], meshes[1][OVAL, :2], of=points)
    return follow(greys[0], greys[1], points, guess, side=_SIDE, levels=_LEVELS)


def follow(
    first: Grey, second: Grey, points: Floats, guess: Floats, *, side: int, levels: int
) -> tuple[Floats, NDArray[np.bool_]]:
    """Positions of the first picture's points in the second, and which were found.

    side, levels: of the window, pixels, and of the pyramid.
    """
    if not len(points):
        return points, np.zeros(0, dtype=np.bool_)
    points_found, status, _ = cv2.calcOpticalFlowPyrLK(
        first,
        second,
        points.astype(np.float32, order="C").reshape(-1, 1, 2),
        guess.astype(np.float32, order="C").reshape(-1, 1, 2),
        winSize=(side, side),
        maxLevel=levels,
        # The smallest eigenvalue is at hand; the windows' similarity would cost time without use.
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW | cv2.OPTFLOW_LK_GET_MIN_EIGENVALS,
    )
    ends = np.asarray(points_found)[:, 0]
    # OpenCV reports a point as found if its window left the picture in the last step, although it
    # was not compared.
    begins, (high, wide) = np.floor(ends - np.float32((side - 1) / 2)), second.shape
    inside = (begins >= -side).all(axis=1) & (begins[:, 0] < wide) & (begins[:, 1] < high)
    return np.asarray(ends, dtype=np.float64), (np.asarray(status)[:, 0] == 1) & inside


def lengths(ways: Floats) -> Floats:
    """How long each of these is, (n, 2)."""
    return np.asarray(np.sqrt(np.add.reduce(ways * ways, axis=1)))


def similar(start: Floats, end: Floats, *, of: Floats | None = None) -> Floats:
    """The least-squares similarity from `start` to `end`, applied to `of` or to `start`. Source:
    complex regression.
    """
    middle, target = np.add.reduce(start) / len(start), np.add.reduce(end) / len(end)
    planes = (start - middle, end - target, (start if of is None else of) - middle)
    here, there, weights = (
        np.ascontiguousarray(plane).view(np.complex128)[:, 0] for plane in planes
    )
    factor = np.vdot(here, there) / max(float(np.vdot(here, here).real), 1e-9)
    return np.asarray((factor * weights).view(np.float64).reshape(-1, 2) + target, dtype=np.float64)
