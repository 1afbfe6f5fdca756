"""A capture of a real clip as the product keeps it, so that it is known when it comes again, and
beside it the signs of the whole picture, to see whether those would do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tools.genuine.clips import STEP
from verification.engines.liveness import prints as engine
from verification.engines.liveness.frames import Image
from verification.engines.liveness.landmarks import FaceMeasurement
from verification.engines.liveness.prints import Bits

_SIDE, _REDUCED = 8, 64  # frequencies of the whole picture each way, pixels it is reduced to


@dataclass(frozen=True)
class Prints:
    """A capture: its steps, and a row a frame of the signs of the face and of the `whole`
    picture.
    """

    clip: str
    person: str
    steps: tuple[engine.Prints, ...]
    whole: Bits

    @property
    def face(self) -> Bits:
        """The signs of the face, of all steps."""
        return np.concatenate([step.signs for step in self.steps])


def prints(clip: str, person: str, frames: Sequence[tuple[Image, FaceMeasurement]]) -> Prints:
    """Of the frames of one capture."""
    steps = tuple(engine.prints_of(frames[at : at + STEP]) for at in range(0, len(frames), STEP))
    return Prints(clip, person, steps, np.array([_signs(image) for image, _ in frames]))


def _signs(image: Image) -> Bits:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = np.asarray(
        cv2.resize(grey, (_REDUCED, _REDUCED), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )
    low = cv2.dct(grey.astype(np.float32))[:_SIDE, :_SIDE].ravel()
    return np.asarray(low > np.median(low[1:]))
