"""The three networks of a live capture, each in LiteRT on one thread, and their input cuts.

Input: a square cut, turned upright. Output: raw tensors, and the way back to image coordinates.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from verification.core.errors import Misconfigured
from verification.engines import weights
from verification.engines.liveness.frames import Floats, Image

Shown = NDArray[np.float32]  # (side, side, 3), a network's input


@dataclass(frozen=True)
class Crop:
    """A square in an image: centre and side in pixels, `angle` in radians, clockwise as seen (y
    points down).
    """

    x: float
    y: float
    side: float
    angle: float

    def cut(self, image: Image, *, pixels: int) -> Shown:
        """The square as (pixels, pixels, 3) from 0 to 1; outside the image it is black."""
        cosine, sine, half = math.cos(self.angle), math.sin(self.angle), pixels / 2
        along, across = cosine * (pixels / self.side), sine * (pixels / self.side)
        # From the picture to the cut; `warpAffine` inverts it, to find the source of each pixel.
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
        moved[:, :2] = (points[:, :2] - pixels / 2) @ rotation.T * (self.side / pixels) + (
            self.x,
            self.y,
        )
        moved[:, 2:] *= self.side / pixels
        return moved


def upright(first: Floats, second: Floats, *, side: float, middle: Floats) -> Crop:
    """The square around `middle` in which the line from `first` to `second` is level."""
    across = second - first
    return Crop(
        float(middle[0]), float(middle[1]), side, math.atan2(float(across[1]), float(across[0]))
    )


class Network:
    """One TFLite model. Not thread-safe: the interpreter keeps its tensors between calls."""

    def __init__(self, content: bytes, *, outputs: tuple[str, ...]) -> None:
        """`outputs`: names of the tensors to read, in order.

        Raises: `Misconfigured` for another model.
        """
        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        (entry,) = self._interpreter.get_input_details()
        index_of = {
            output["name"]: int(output["index"])
            for output in self._interpreter.get_output_details()
        }
        if not set(outputs) <= set(index_of):
            raise Misconfigured("a landmark model has other outputs than the measured one")
        self._input = int(entry["index"])
        self._outputs = [index_of[name] for name in outputs]
        self.side = int(entry["shape"][1])

    def run(self, square: Shown) -> list[Floats]:
        """The named outputs, flat, for one square image (side, side, 3) in the model's own
        range.
        """
        self._interpreter.set_tensor(self._input, square[np.newaxis])
        self._interpreter.invoke()
        return [
            self._interpreter.get_tensor(index).astype(np.float64).ravel()
            for index in self._outputs
        ]


class Networks(NamedTuple):
    """The detector, the face mesh and the eye model. Build it once per process, after a fork, and
    keep it.

    eye: None for full frames, which need place, light and pose only: the chain shows the lids.
    """

    detection: Network
    mesh: Network
    eye: Network | None = None


@cache
def load_detection() -> Network:
    """The detector alone, once per process.

    Raises: `Misconfigured` for a missing or different file.
    """
    return Network(weights.read(weights.FACE_DETECTION), outputs=("regressors", "classificators"))


@cache
def load_mesh() -> Network:
    """The face mesh alone, as `load_detection`."""
    return Network(weights.read(weights.FACE_MESH), outputs=("conv2d_20", "conv2d_30"))


@cache
def load() -> Networks:
    """The networks from the pinned files, built at a process's first capture, so after a worker's
    fork.

    Raises: `Misconfigured` for a missing or different file.
    """
    return Networks(
        detection=load_detection(),
        mesh=load_mesh(),
        eye=Network(weights.read(weights.IRIS), outputs=("output_eyes_contours_and_brows",)),
    )
