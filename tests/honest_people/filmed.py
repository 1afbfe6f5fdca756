"""Clips of real people who turn, nod and blink: who is in them, what is done when, and their
frames.

A table beside the checkout names the clips; they may not be passed on, so without them nothing is
measured.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from tests.liveness_attacks.people import measured
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.gestures import Gesture
from verification.engines.liveness.landmarks import FaceMeasurement, FrameMeasurement
from verification.stages.live_capture.policy import CAPTURE

APART = CAPTURE.chain_ms / 1000
_SEEN_SIDE = 480  # pixels of the shorter side, in which a whole clip is looked at
_DEEDS = re.compile(
    r"(turn image-(?:left|right)|up|down(?!/)|mouth open)[^0-9~]*~?(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)"
)
# The picture's left is where a head goes that turns to its own right.
_SHOWN: dict[str, Gesture] = {
    "turn image-left": "turn_right",
    "turn image-right": "turn_left",
    "down": "nod",
    "mouth open": "open_mouth",
}
_MONTAGE = ("iva1",)  # single frames put in a row: no camera saw them one after another
_TWO_PEOPLE = ("int2",)


@dataclass(frozen=True)
class Deed:
    """What somebody does from one second to another; `gesture`: empty where no command asks for
    it.
    """

    gesture: str
    first: float
    last: float


@dataclass(frozen=True)
class Clip:
    """A file with one person. `cohort`: a guess by eye, asked only so that no limit is worse for
    some than others.
    """

    name: str
    person: str
    cohort: str
    path: Path
    deeds: tuple[Deed, ...]

    @cached_property
    def rate(self) -> float:
        """Frames a second."""
        return float(cv2.VideoCapture(str(self.path)).get(cv2.CAP_PROP_FPS))


@dataclass(frozen=True)
class Placing:
    """Where the face at rest is in a clip, pixels; and whether the picture is wider than high."""

    middle: tuple[float, float]
    eyes: float
    is_wide: bool

    def at(self, eyes: float) -> tuple[Floats, tuple[int, int]]:
        """The cut that has so many pixels between the eyes, and its size, as a phone or a webcam
        gives it.
        """
        size = (640, 480) if self.is_wide else (480, 640)
        scale = eyes / self.eyes
        across, down = (scale * each for each in self.middle)
        # A face stands a little above the middle of what a phone shows of a person.
        moved = [[scale, 0, size[0] / 2 - across], [0, scale, 0.47 * size[1] - down]]
        return np.array(moved), size


@dataclass(frozen=True)
class Looked:
    """A clip at the chain's rate. `scale`: of its pixels, in which it was looked at."""

    clip: Clip
    seconds: tuple[float, ...]
    seen: tuple[FrameMeasurement, ...]
    scale: float
    size: tuple[int, int]

    def faces(self, first: float, last: float) -> list[FaceMeasurement]:
        """Those from one second to another."""
        inside = zip(self.seconds, self.seen, strict=True)
        return [frame.face for at, frame in inside if first <= at <= last and frame.face]


def clips(table: Path, folders: Sequence[Path]) -> tuple[Clip, ...]:
    """The clips of the table that lie in one of the folders."""
    found = []
    for row in csv.DictReader(table.open(encoding="utf-8"), delimiter="\t"):
        files = chain.from_iterable(folder.glob(f"{row['id']}.*") for folder in folders)
        path = next(files, None)
        if path is not None and row["id"] not in (*_MONTAGE, *_TWO_PEOPLE):
            cohort = "Asian" if "Asian" in row["ethnicity"] else "other"
            deeds = _deeds(row["gestures"])
            found.append(Clip(row["id"], row["person"], cohort, path, deeds))
    return tuple(found)


def _deeds(told: str) -> tuple[Deed, ...]:
    deeds = [
        (_SHOWN.get(what, ""), float(first), float(last))
        for what, first, last in _DEEDS.findall(told)
    ]
    return tuple(sorted((Deed(*deed) for deed in deeds), key=lambda deed: deed.first))


def cut(image: Image, placing: Placing, eyes: float) -> Image:
    """The picture with so many pixels between the eyes."""
    matrix, size = placing.at(eyes)
    if matrix[0, 0] < 1:  # a camera that reduces a picture does not alias
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.5 / matrix[0, 0]), dtype=np.uint8)
    flags, border = cv2.INTER_CUBIC, cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(image, matrix, size, flags=flags, borderMode=border), np.uint8)


@cache
def look(clip: Clip) -> Looked:
    """All of a clip, in small."""
    seconds = np.arange(0, 10**4, APART)
    scale, seen, size = 1.0, [], (0, 0)
    for image in read(clip, seconds):
        size = (image.shape[1], image.shape[0])
        small, scale = reduced(image)
        seen.append(measured(small))
    return Looked(clip, tuple(seconds[: len(seen)].tolist()), tuple(seen), scale, size)


def reduced(image: Image) -> tuple[Image, float]:
    """The picture as a clip is looked at, and its share of the size."""
    scale = min(1.0, _SEEN_SIDE / min(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8), scale


def read(clip: Clip, seconds: Iterable[float]) -> Iterator[Image]:
    """The frame of each of these moments, in rising order, RGB; it ends where the clip does."""
    video, at, image = cv2.VideoCapture(str(clip.path)), -1, None
    for second in seconds:
        wanted = round(second * clip.rate)
        while at < wanted:
            if not video.grab():
                return
            at, image = at + 1, None
        if image is None:
            image = np.ascontiguousarray(video.retrieve()[1][:, :, ::-1], dtype=np.uint8)
        yield image
