"""Continuity of a capture: one face throughout, and each frame a new picture.

No frozen picture, no repetition, and a sensor's noise in all frames.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from verification.engines.liveness.frames import Image
from verification.engines.liveness.landmarks import FrameMeasurement, overlap

_WIDTH = 320  # pixels to which larger frames are reduced before comparison
_BANDS = 16  # of a frame, whose light is kept


@dataclass(frozen=True)
class SecondFaceLimits:
    """When a further face counts: the detector sometimes sees one in a pattern.

    score, share: least score, and least share of the likeliest face's width, in one frame alone.
    frames: the number of frames in a capture from which fainter ones count.
    """

    score: float
    share: float
    frames: int


@dataclass(frozen=True)
class Presence:
    """Counted faces over all frames: the share of frames with exactly one, and the maximum.
    Without frames: share 0.
    """

    one_face: float
    most: int


@dataclass(frozen=True)
class Continuity:
    """overlap: least intersection over union of consecutive boxes. distance: greatest to the
    neutral face.

    Each is None without a comparison, which must not pass. The unit of the distance is the
    embedding's.
    """

    overlap: float | None
    distance: float | None


def presence(*streams: tuple[Sequence[FrameMeasurement], SecondFaceLimits]) -> Presence:
    """The number of faces in the frames of each stream: the worst of all streams, because any
    may show another person.
    """
    shares, most = list[float](), list[int]()
    for frames, limits in streams:
        faint = [0] * len(frames)  # further faces ignored in a frame alone
        for at, frame in enumerate(frames):
            if frame.face is not None:
                least = limits.share * (frame.face.box[2] - frame.face.box[0])
                faint[at] = sum(
                    face.score < limits.score or face.width < least for face in frame.others
                )
        if sum(face > 0 for face in faint) >= limits.frames:
            faint = [0] * len(frames)
        faces = [
            (frame.face is not None) + len(frame.others) - few
            for frame, few in zip(frames, faint, strict=True)
        ]
        shares.append(sum(face == 1 for face in faces) / len(faces) if faces else 0.0)
        most.append(max(faces, default=0))
    return Presence(min(shares, default=0.0), max(most, default=0))


def continuity(
    steps: Sequence[Sequence[FrameMeasurement]], *, distances: Sequence[float]
) -> Continuity:
    """The weakest link within the steps and over them.

    Boxes are compared within a step only: between steps the page waits for an answer, and people
    move.
    Between steps the `distances` count: from the best frame of each step to the neutral one, by the
    face engine.
    """
    overlaps = [
        overlap(before.face.box, after.face.box)
        for step in steps
        for before, after in pairwise(step)
        if before.face is not None and after.face is not None
    ]
    return Continuity(min(overlaps, default=None), max(distances, default=None))


@dataclass(frozen=True)
class Trace:
    """Data on the pixels of consecutive frames that reveal repetitions, without any picture.

    apart: mean differences of consecutive frames, grey levels.
    light: each frame's sums of grey levels in `_BANDS` bands, top to bottom, in hex. Two frames
    differ by at least as much as their bands: Σ|a - b| ≥ |Σa - Σb|.
    pixels: of a frame, in the compared form.
    """

    apart: tuple[float, ...]
    light: tuple[str, ...]
    pixels: int


@dataclass(frozen=True)
class FreshnessLimits:
    """frozen: mean difference in grey levels (0 … 255) up to which two frames count as the same
    picture.
    """

    frozen: float


@dataclass(frozen=True)
class Freshness:
    """Freshness of consecutive frames.

    frozen_run: most consecutive frames with the same picture, 1 without repetition; a slow camera
    gives short runs.
    repeated: frames that show an earlier picture again after another one, which a camera never
    gives.
    noise: median of the mean differences of consecutive frames, in grey levels; None for fewer than
    two, which must not pass.
    """

    frozen_run: int
    repeated: int
    noise: float | None


def trace(frames: Sequence[Image]) -> Trace:
    """The trace of consecutive frames."""
    greys = [_grey(frame) for frame in frames]
    ends = [np.arange(_BANDS) * len(grey) // _BANDS for grey in greys]
    light = [
        np.add.reduceat(grey.sum(axis=1, dtype=np.int64), at)
        for grey, at in zip(greys, ends, strict=True)
    ]
    return Trace(
        apart=tuple(_difference(before, after) for before, after in pairwise(greys)),
        # A band of so small a picture has a sum within four bytes.
        light=tuple(levels.astype(">u4").tobytes().hex() for levels in light),
        pixels=max((grey.size for grey in greys), default=0),
    )


def freshness(
    traces: Sequence[Trace], *, frame: Callable[[int], Image], limits: FreshnessLimits
) -> Freshness:
    """Freshness of the frames of one attempt, from the traces of all its steps in order.

    frame: gives one by its position over all steps, for the few that only pixels distinguish.
    """
    grey = cache(lambda at: _grey(frame(at)))
    steps: list[float] = []
    light: list[NDArray[np.int64]] = []
    for trace_of_step in traces:
        if light and trace_of_step.light:  # from the last frame of a step to the first of the next
            steps.append(_difference(grey(len(light) - 1), grey(len(light))))
        steps += trace_of_step.apart
        light += [
            np.frombuffer(bytes.fromhex(encoded), dtype=">u4").astype(np.int64)
            for encoded in trace_of_step.light
        ]
    levels, pixels = (
        np.array(light).reshape(-1, _BANDS),
        max((trace_of_step.pixels for trace_of_step in traces), default=0),
    )
    run = longest = min(1, len(light))
    begins = [0] * len(light)  # where the run of each frame begins
    for at, step in enumerate(steps, start=1):
        frozen = step <= limits.frozen
        run = run + 1 if frozen else 1
        begins[at] = begins[at - 1] if frozen else at
        longest = max(longest, run)
    repeated = 0
    for at, begun in enumerate(begins):
        near = np.flatnonzero(
            np.abs(levels[:begun] - levels[at]).sum(axis=1) <= limits.frozen * pixels
        )
        repeated += any(
            _difference(grey(int(encoded)), grey(at)) <= limits.frozen for encoded in near
        )
    return Freshness(longest, repeated, median(steps) if steps else None)


def _grey(frame: Image) -> NDArray[np.uint8]:
    """A frame in the compared form: grey, (height, width)."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    if grey.shape[1] > _WIDTH:
        size = _WIDTH, max(1, round(grey.shape[0] * _WIDTH / grey.shape[1]))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.uint8)


def _difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    # Another shape is another picture: as different as black and white. With OpenCV, because in
    # NumPy the difference of two bytes wraps around.
    return (
        float(cv2.norm(first, second, cv2.NORM_L1)) / first.size
        if first.shape == second.shape
        else 255.0
    )
