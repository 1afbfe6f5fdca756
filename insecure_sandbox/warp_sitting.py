"""How one painted borrower differs from the next of the same photograph: light, features, posture,
pace.

Without it captures of one photograph share more of what a capture is known by than captures of one
person do, and are taken for each other's replays. How much it takes: docs/sandbox.md.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from insecure_sandbox.warp_picture import HEIGHT, WIDTH
from verification.engines.liveness.frames import Floats, Image

_LIGHT, _LIGHT_CELLS = (
    0.16,
    5,
)  # of the picture's own light, standard deviation; so many patches each way
_DIMMEST, _BRIGHTEST = 0.75, 1.25
_BEND, _BEND_CELLS = 4.0, 7  # pixels, standard deviation; so many patches each way
_HELD = 2.0  # degrees by which the head is held otherwise, at most
_SWAYS, _SWAYS_PER_GESTURE = 1.5, (0.4, 1.3)  # degrees, and how often, that it sways slowly
_PACE = (0.75, 1.35)  # exponents of how far a gesture has come


@dataclass(frozen=True)
class Sitting:
    """One borrower. `chance` is drawn from for each gesture; what they look like is drawn once."""

    chance: np.random.Generator
    light: NDArray[np.float32] = field(init=False)
    bent: tuple[NDArray[np.float32], NDArray[np.float32]] = field(init=False)
    offset: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        light = np.clip(1 + _LIGHT * self._patches(_LIGHT_CELLS), _DIMMEST, _BRIGHTEST)
        object.__setattr__(self, "light", light[..., np.newaxis].astype(np.float32))
        object.__setattr__(
            self, "bent", (_BEND * self._patches(_BEND_CELLS), _BEND * self._patches(_BEND_CELLS))
        )
        object.__setattr__(self, "offset", tuple(self.chance.uniform(-_HELD, _HELD, 2).tolist()))

    def apply_to(self, image: Image) -> Image:
        """The photograph as it is of this borrower."""
        down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        way = (across + self.bent[0], down + self.bent[1])
        picture = cv2.remap(image, *way, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(np.clip(picture * self.light, 0, 255), dtype=np.uint8)

    def sway(self, count: int) -> Floats:
        """Degrees (count, 2) by which the head is turned and nods by itself in the frames of one
        gesture.
        """
        begun = self.chance.uniform(0, 2 * np.pi, 2)
        often, far = (
            self.chance.uniform(*_SWAYS_PER_GESTURE, 2),
            self.chance.uniform(0.3, 1.0, 2) * _SWAYS,
        )
        places = np.arange(count)[:, np.newaxis] / count
        return np.asarray(np.sin(begun + 2 * np.pi * often * places) * far, dtype=np.float64)

    def pace(self, shares: list[float]) -> list[float]:
        """How far a gesture has come in each frame, sooner or later than usual."""
        power = self.chance.uniform(*_PACE)
        return [share**power for share in shares]

    def _patches(self, cells: int) -> NDArray[np.float32]:
        rough = self.chance.normal(0, 1, (cells, cells)).astype(np.float32)
        return np.asarray(
            cv2.resize(rough, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), dtype=np.float32
        )
