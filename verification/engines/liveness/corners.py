"""Corners of a face, and around it, that persist from one frame of the thin chain to the next.

Between two people hardly any corner persists, even under a good overlay; of one moving face most
do.
Between two places none persists around it.
A change of lamp or exposure is no jump, so the light is equalised first.
Source: docs/evidence/genuine.json, continuity.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np

from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.planarity import (
    OVAL,
    Grey,
    evened,
    follow,
    lengths,
    oval,
    similar,
)

Guess = Callable[[Floats], Floats]
"""Predicted positions in the other frame."""

# The method of finding and following corners under which the thresholds were measured.
_CORNERS, _QUALITY, _APART = 100, 0.01, 2.0
# pixels of the shorter side to which larger pictures are reduced; all pixels below refer to it
_SHORTER = 160
_SIDE, _LEVELS, _RETURN = 9, 3, 0.5  # pixels, pyramid levels, pixels
_AROUND = 4  # pixels: a corner's gradient, its mean and its neighbours reach 3
_LEAST = 12  # corners; a share of fewer is meaningless
_INSIDE = 0.95  # of the oval: its border belongs to hair and room as well
# Multiples of the oval: where the room begins, and beyond which no head moves; and the pixels that
# describe a room.
_ROUND, _BEYOND, _ROOM = 1.15, 1.7, 200
# of the corners: the share that persists in 99 of 100 genuine neighbours; a light change affects
# less
_MOST = 0.60
# grey levels: beyond the head, genuine frames change by at most 11.9, a cut by 15.4 and more
_CHANGED = 12.0


def joints(
    frames: Sequence[tuple[Image, Floats] | None],
) -> list[tuple[float | None, float | None]]:
    """For each frame and the next, both with their mesh, the results of `kept` and `around`;
    None without a face.
    """
    shares: list[tuple[float | None, float | None]] = []
    for before, after in pairwise(None if frame is None else _reduced(*frame) for frame in frames):
        if before is None or after is None:
            shares.append((None, None))
        else:
            pair = before[0], after[0], before[1], after[1]
            shares.append((kept_share(*pair), around(*pair)))
    return shares


def _reduced(image: Image, mesh: Floats) -> tuple[Grey, Floats]:
    """A picture in grey, reduced to the measured size, and its mesh there."""
    scale = min(1.0, _SHORTER / min(image.shape[:2]))
    small = (
        image
        if scale == 1.0
        else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    )
    return grey(np.asarray(small, dtype=np.uint8)), mesh * scale


def kept_share(first: Grey, second: Grey, mesh: Floats, moved: Floats) -> float | None:
    """The share of the face's corners that persist, 0 … 1; None for too few corners."""
    start, end = (landmarks[OVAL, :2] for landmarks in (mesh, moved))
    inside, there = oval(mesh, first.shape, _INSIDE), oval(moved, first.shape, _INSIDE)

    def guess(points: Floats) -> Floats:
        return similar(start, end, of=points)

    as_is = share(first, second, inside, guess=guess)
    if as_is is None or as_is >= _MOST:
        return as_is
    # A turning face shows new parts in other light, so the unequalised picture is tried as well.
    in_one_light = share(
        first, evened(second, there, like=first, under=inside), inside, guess=guess
    )
    return as_is if in_one_light is None else max(as_is, in_one_light)


def around(first: Grey, second: Grey, mesh: Floats, moved: Floats) -> float | None:
    """The share of corners around the face that persist, 0 … 1.

    None for too few, or if too little lies or changed beyond the head to be another place.
    """
    beyond = 255 - (oval(mesh, first.shape, _BEYOND) | oval(moved, first.shape, _BEYOND))
    pixels = cv2.countNonZero(beyond)
    if pixels < _ROOM:
        return None
    second = evened(second, beyond, like=first, under=beyond)
    if cv2.norm(first, second, cv2.NORM_L1, beyond) / pixels <= _CHANGED:
        return None
    return share(first, second, 255 - oval(mesh, first.shape, _ROUND), guess=None)


def share(first: Grey, second: Grey, mask: Grey, *, guess: Guess | None) -> float | None:
    """The share of corners under a mask that are found in the other picture, and back again;
    None for too few.
    """
    # A corner's strength depends on nearby pixels only: crop to the mask.
    x, y, wide, high = cv2.boundingRect(mask)
    left, top = max(0, x - _AROUND), max(0, y - _AROUND)
    part = slice(top, y + high + _AROUND), slice(left, x + wide + _AROUND)
    points = cv2.goodFeaturesToTrack(first[part], _CORNERS, _QUALITY, _APART, mask=mask[part])
    if points is None or len(points) < _LEAST:
        return None
    start = np.asarray(points, dtype=np.float64)[:, 0] + (left, top)
    hoped = guess(start) if guess else start
    there, arrived = follow(first, second, start, hoped, side=_SIDE, levels=_LEVELS)
    back, returned = follow(
        second, first, there, start if guess else there, side=_SIDE, levels=_LEVELS
    )
    high, wide = second.shape
    # A corner that left the picture is no sign of a cut.
    inside = (hoped >= 0).all(axis=1) & (hoped[:, 0] < wide) & (hoped[:, 1] < high)
    stayed = arrived & returned & (lengths(back - start) < _RETURN)
    return float(stayed[inside].mean()) if inside.sum() >= _LEAST else None


def grey(image: Image) -> Grey:
    """An RGB picture without its colours."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
