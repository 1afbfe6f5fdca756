"""Whether each frame is a new picture: no frozen picture, none twice, and the noise of a sensor in all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import cv2
import numpy as np

from verification.engines.liveness.crops import Floats, Image

_WIDTH = 320  # pixels to which frames are reduced before they are compared


@dataclass(frozen=True)
class FreshnessLimits:
    """`frozen`: grey levels (0 … 255) of mean difference up to which two frames show the same picture."""

    frozen: float


@dataclass(frozen=True)
class Freshness:
    """Over frames in order.

    `frozen_run`: most consecutive frames that show the same picture, 1 when none do; a slow camera gives short runs.
    `repeated`: frames that show an earlier picture again after another one, which no camera gives. `noise`: median
    of the mean differences of consecutive frames, in grey levels; None with fewer than two, which must not pass.
    """

    frozen_run: int
    repeated: int
    noise: float | None


def measure(frames: Sequence[Image], *, limits: FreshnessLimits) -> Freshness:
    """How fresh the frames of one attempt are; hand in all its steps, in order."""
    small = [_reduced(frame) for frame in frames]
    steps = [_difference(before, after) for before, after in pairwise(small)]
    run = longest = min(1, len(small))
    begins = [0] * len(small)  # where the run of each frame begins
    for at, step in enumerate(steps, start=1):
        frozen = step <= limits.frozen
        run = run + 1 if frozen else 1
        begins[at] = begins[at - 1] if frozen else at
        longest = max(longest, run)
    repeated = sum(
        any(_difference(earlier, frame) <= limits.frozen for earlier in small[: begins[at]])
        for at, frame in enumerate(small)
    )
    return Freshness(longest, repeated, median(steps) if steps else None)


def _reduced(frame: Image) -> Floats:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    height = max(1, round(grey.shape[0] * _WIDTH / grey.shape[1]))
    return np.asarray(cv2.resize(grey, (_WIDTH, height), interpolation=cv2.INTER_AREA), dtype=np.float64)


def _difference(one: Floats, other: Floats) -> float:
    return float(np.abs(one - other).mean()) if one.shape == other.shape else 255.0
