"""Square cuts of an image, turned so that what is in them stands upright, and the way back to image coordinates.

What arithmetic cannot work with of somebody else's picture is refused, never a fault: see `measurable`.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from verification.core.errors import Refused

Image = NDArray[np.uint8]  # (height, width, 3), RGB
Floats = NDArray[np.float64]
Shown = NDArray[np.float32]  # (side, side, 3), as a network is shown it

# A worker's children are as many as the cores: threads of one would only wait for those of another.
cv2.setNumThreads(1)


@dataclass(frozen=True)
class Crop:
    """A square in an image: centre and side in pixels, `angle` in radians, clockwise as seen (y points down)."""

    x: float
    y: float
    side: float
    angle: float

    def cut(self, image: Image, *, pixels: int) -> Shown:
        """The square as (pixels, pixels, 3) from 0 to 1; what lies outside the image is black."""
        cosine, sine, half = math.cos(self.angle), math.sin(self.angle), pixels / 2
        along, across = cosine * (pixels / self.side), sine * (pixels / self.side)
        forward = np.array(
            [
                [along, across, half - (along * self.x + across * self.y)],
                [-across, along, half - (along * self.y - across * self.x)],
            ]
        )
        cut = cv2.warpAffine(image, forward, (pixels, pixels), flags=cv2.INTER_LINEAR)
        return np.divide(cut, np.float32(255), dtype=np.float32)

    def back(self, points: Floats, *, pixels: int) -> Floats:
        """Points of the cut in image coordinates. A third column is a depth and is scaled only."""
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        rotation = np.array([[cosine, -sine], [sine, cosine]])
        moved = points.copy()
        moved[:, :2] = (points[:, :2] - pixels / 2) @ rotation.T * (self.side / pixels) + (self.x, self.y)
        moved[:, 2:] *= self.side / pixels
        return moved


def upright(first: Floats, second: Floats, *, side: float, middle: Floats) -> Crop:
    """The square round `middle` in which the line from `first` to `second` is level."""
    across = second - first
    return Crop(float(middle[0]), float(middle[1]), side, math.atan2(float(across[1]), float(across[0])))


@contextmanager
def measurable() -> Iterator[None]:
    """Raises `Refused` with `frame_unmeasurable` where OpenCV or NumPy reject what a frame or a face's points are."""
    try:
        yield
    except (cv2.error, ValueError, ArithmeticError) as error:  # ValueError: LinAlgError among others
        raise Refused("frame_unmeasurable", type(error).__name__) from error
