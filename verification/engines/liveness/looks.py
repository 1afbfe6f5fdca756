"""Changes of a face's look within a command, independent of position, lean, size, slant and speed
of the picture.

A frame's look is the low frequencies of the upright face's light.
Five points of the mesh cut the face out, so a similarity of the picture has no effect.
The light is a logarithm, so a lamp only adds to it.
A window is compared without its own mean: expression remains, and pose relative to the moment.

1. Windows of each step that move.
2. Placed along the other capture at every position and speed.
3. The share of both movements that is not common.

Source: tools/measure_held.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from verification.engines.liveness.frames import Floats

_SIDE = 10
NUMBERS = (
    _SIDE * _SIDE - 1
)  # of a frame: the lowest frequencies of the face, 10 each way but the mean
_DOWN, _ACROSS = (axis.ravel()[1:] for axis in np.indices((_SIDE, _SIDE)))
# A replay's change in each, the median over replays with all changes at once. It falls with the
# vertical frequency and hardly with the horizontal one: a wall shows beside a face, not above it.
_UNITS = 0.36 / (2 + _DOWN)
_DARK = 16.0  # grey levels added before the logarithm: below them a camera shows noise
_STEPS, _LARGEST = (
    2.0,
    127,
)  # of a unit, in storage; frames of real clips have at most 40 units
_SPEEDS = np.geomspace(
    0.4, 2.5, 20
)  # apart by a tenth: a window's ends deviate by less than half a frame
_BETWEEN, _EVERY = (
    4,
    2,
)  # positions between two frames, and how many of them lie between two tries
_NEAREST = 2  # steps by which two captures are compared: inserted parts hide nothing


def look(grey: NDArray[np.uint8]) -> Floats:
    """The look of one upright face, in units. `grey`: 64 × 64, without its colours."""
    low = (
        cv2.dct(np.log(np.asarray(grey, dtype=np.float32) + _DARK))[:_SIDE, :_SIDE]
        .ravel()[1:]
        .astype(np.float64)
    )
    return np.asarray(low / max(float(np.sqrt((low**2).mean())), 1e-6) / _UNITS, dtype=np.float64)


def to_bytes(looks: Floats) -> bytes:
    """99 bytes a frame."""
    return np.clip(np.rint(looks * _STEPS), -_LARGEST, _LARGEST).astype(np.int8).tobytes()


def from_bytes(content: bytes) -> Floats:
    """The rows from `to_bytes`; incomplete ones are dropped."""
    return np.frombuffer(content, np.int8).reshape(-1, NUMBERS) / _STEPS


def mirrored(looks: Floats) -> Floats:
    """As a mirror shows them: horizontally odd frequencies change their sign."""
    return np.asarray(looks * np.where(_ACROSS % 2, -1, 1), dtype=np.float64)


@dataclass(frozen=True)
class LooksLimits:
    """When two captures look alike.

    lasts: frames of the other capture along which a window is placed.
    shortest, longest: frames of a window, for the fastest and the slowest replay.
    stride: their interval.
    moving: units² of a number, the least informative movement.
    likeness: from which on people review.
    """

    lasts: int
    shortest: int
    longest: int
    stride: int
    moving: float
    likeness: float


def likeness(
    presented: Sequence[Floats], recorded: Sequence[Floats], *, limits: LooksLimits
) -> float:
    """Similarity of two captures, 0 … 1, plain or mirrored, whichever is more.

    Uses the two moving steps of the one that are nearest to the other. 0 with fewer.
    """
    # Both ways at once, mirrored steps last: the other capture is prepared once.
    both, count = [*presented, *map(mirrored, presented)], len(presented)
    distances = laid(both, recorded, limits=limits)
    ways = [
        sorted(distances[step] for step in way if step in distances)
        for way in (range(count), range(count, 2 * count))
    ]
    return max(
        (1 - sum(way[:_NEAREST]) / _NEAREST for way in ways if len(way) >= _NEAREST), default=0.0
    )


def laid(
    presented: Sequence[Floats], recorded: Sequence[Floats], *, limits: LooksLimits
) -> dict[int, float]:
    """Each moving step's distance of its nearest window to the recorded capture, by number: 0
    equal, 1 nothing in common.
    """
    frames = np.concatenate(recorded) if recorded else np.empty((0, NUMBERS))
    if len(frames) < 2:
        return {}
    places = np.arange((len(frames) - 1) * _BETWEEN + 1) / _BETWEEN
    before = np.minimum(places.astype(int), len(frames) - 2)
    share = (places - before)[:, np.newaxis]
    along = frames[before] * (1 - share) + frames[before + 1] * share
    products = along @ along.T
    distances: dict[int, float] = {}
    for count, speeds in _lengths(limits):
        for length in sorted({min(count, len(step)) for step in presented}):
            cuts = (
                list(_moving(presented, count, length, limits)) if length >= limits.shortest else []
            )
            if not cuts:
                continue
            rows = np.stack([rows for _, rows in cuts])
            crossed = (along @ rows.reshape(-1, NUMBERS).T).reshape(len(along), len(cuts), length)
            sizes = (rows**2).sum(axis=(1, 2))
            for speed in speeds:
                for (step, _), distance in zip(
                    cuts, _nearest(products, crossed, sizes, speed), strict=True
                ):
                    distances[step] = min(distance, distances.get(step, 1.0))
    return distances


@cache
def _lengths(limits: LooksLimits) -> list[tuple[int, list[float]]]:
    """Frames of a window and their speeds: a faster film shows the same in fewer frames."""
    lengths: dict[int, list[float]] = {}
    for speed in _SPEEDS.tolist():
        lengths.setdefault(
            min(limits.longest, max(limits.shortest, round(limits.lasts / speed))), []
        ).append(speed)
    return list(lengths.items())


def _moving(
    steps: Sequence[Floats], count: int, length: int, limits: LooksLimits
) -> Iterator[tuple[int, Floats]]:
    """Moving windows without their mean, each with its step's number: of `count` frames, or the
    whole of a shorter step.
    """
    for number, step in enumerate(steps):
        if min(count, len(step)) == length:
            for begin in range(0, len(step) - length + 1, limits.stride):
                rows = step[begin : begin + length] - step[begin : begin + length].mean(axis=0)
                if float((rows**2).mean()) >= limits.moving:
                    yield number, rows


def _nearest(products: Floats, crossed: Floats, sizes: Floats, speed: float) -> list[float]:
    """The distance of each window from its best position at this speed.

    From the products of all pairs of frames, because |a - b|² = |a|² - 2ab + |b|²: no row is
    computed twice.
    """
    length = crossed.shape[2]
    steps = np.rint(np.arange(length) * speed * _BETWEEN).astype(int)
    starts = np.arange(0, len(products) - steps[-1], _EVERY)
    if not len(starts):
        return [1.0] * len(sizes)
    places = starts[:, np.newaxis] + steps
    sums = products[places[:, :, np.newaxis], places[:, np.newaxis, :]].sum(axis=(1, 2))
    moved = (products.diagonal()[places].sum(axis=1) - sums / length)[:, np.newaxis]
    common = np.sum([crossed[starts + step, :, frame] for frame, step in enumerate(steps)], axis=0)
    apart = 1 - 2 * common / np.maximum(moved + sizes, 1e-9)
    return [float(axis) for axis in np.clip(apart.min(axis=0), 0.0, 1.0)]
