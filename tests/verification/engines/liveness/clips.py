"""The real clips, cut by what the person in them does, and how frames are taken from them as a page
would take them.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from verification.engines.liveness import frames, policy
from verification.engines.liveness.frames import Image
from verification.engines.liveness.gestures import Gesture

_SIDE, _QUALITY = 480, 85  # pixels and JPEG quality, near what a page sends


class Clip(Enum):
    """One clip, one person: its file, how many frames it has, and in which the face rests."""

    D3 = ("driving_d3.mp4", 354, (0, 4))
    D10 = ("driving_d10.mp4", 448, (0, 2))
    D14 = ("driving_d14.mp4", 536, (0, 12))
    D18 = ("driving_d18.mp4", 216, (0, 8))
    D19 = ("driving_d19.mp4", 250, (22, 40))

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.value[0]

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return self.value[1]

    @property
    def rest(self) -> tuple[int, int]:
        """The first and the last frame in which the face looks at the camera and does nothing."""
        return self.value[2]


@dataclass(frozen=True)
class Window:
    """Frames `first` to `last` of a clip, and the one gesture they show, seen by eye; None when
    none.
    """

    clip: Clip
    first: int
    last: int
    shows: Gesture | None

    def __str__(self) -> str:
        """How a test calls it."""
        return f"{self.clip.name}-{self.first}-{self.last}-{self.shows}"


# The thresholds were set from D3, D14 and D18; no number was moved for D10 and D19.
WINDOWS = (
    Window(Clip.D3, 0, 24, "turn_right"),
    Window(Clip.D3, 218, 270, "turn_left"),
    Window(Clip.D3, 240, 285, "turn_left"),
    Window(Clip.D14, 5, 32, "blink"),
    Window(Clip.D14, 40, 60, "blink"),
    Window(Clip.D14, 100, 118, "blink"),
    Window(Clip.D14, 225, 275, None),
    Window(Clip.D14, 300, 340, None),
    Window(Clip.D18, 55, 90, "open_mouth"),
    Window(Clip.D18, 110, 150, "open_mouth"),
    Window(Clip.D10, 60, 80, "open_mouth"),
    Window(Clip.D10, 90, 120, "open_mouth"),
    Window(Clip.D10, 215, 235, "blink"),
    Window(Clip.D10, 150, 215, None),
    Window(Clip.D10, 240, 300, None),
    Window(Clip.D19, 0, 60, None),
    Window(Clip.D19, 90, 130, None),
    Window(Clip.D19, 190, 249, None),
)


def read_clip(folder: Path, clip: Clip, first: int, last: int, *, count: int) -> list[Image]:
    """`count` frames from `first` to `last`, evenly spread, each sent through a JPEG as a page
    would send it.
    """
    return [
        frames.decode(jpeg, limits=policy.FRAMES)
        for jpeg in _sent(folder, clip, first, last, count)
    ]


@cache
def _sent(folder: Path, clip: Clip, first: int, last: int, count: int) -> tuple[bytes, ...]:
    wanted = np.linspace(first, last, count).astype(int).tolist()
    video = cv2.VideoCapture(str(folder / clip.file))
    found: dict[int, bytes] = {}
    for at in range(last + 1):
        if not video.grab():
            raise ValueError(f"{clip.file} ends at {at}")
        if at in wanted:
            found[at] = encode(np.asarray(video.retrieve()[1], dtype=np.uint8))
    return tuple(found[at] for at in wanted)


def encode(bgr: Image) -> bytes:
    """A frame of OpenCV as the JPEG a page sends."""
    small = cv2.resize(bgr, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
