"""Pictures from a video file, as a page takes them from a camera: a thin chain, and few full
frames.

For trying the gates on files: no route reads a video.
1. Bytes.
2. A container with its own pictures, because a playlist would name others.
3. Size and length.
4. The due pictures of each window, frame by frame.
5. Full frames: evenly at rest; for a command the first, and the one that differs most from it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from verification.core.errors import BadInput
from verification.engines.liveness.frames import Image

MAX_BYTES, MAX_SECONDS, MAX_SIDE = (
    512 * 1024 * 1024,
    300.0,
    4096,
)  # pixels. Ours: five minutes of a phone's video
# The starts of files of MP4 and QuickTime, of Matroska and WebM, and of AVI, and their offsets.
_CONTAINERS = ((4, b"ftyp"), (0, b"\x1a\x45\xdf\xa3"), (8, b"AVI "))
_HEAD = 12
# As static/borrower/pictures.js: first and last JPEG qualities, and the size for comparing frames.
_CHAIN_QUALITY, _STILL_QUALITY, _WORST, _COARSE, _FINE = 70, 85, 10, 45, 5
_THUMBNAIL = (32, 24)


@dataclass(frozen=True)
class Taking:
    """How pictures are taken.

    chain_ms: the chain's interval; its shorter side has `chain_side` pixels.
    still_side: maximum pixels of a full frame's longer side.
    chain_bytes, still_bytes: of one file.
    """

    chain_ms: int
    chain_side: int
    chain_bytes: int
    still_side: int
    still_bytes: int


@dataclass(frozen=True)
class Window:
    """The window of a command in a video.

    at: when it is shown, seconds.
    first_ms, last_ms: the time of its pictures, counted from there.
    stills: how many full frames. is_rest: whether the face rests.
    """

    at: float
    first_ms: int
    last_ms: int
    stills: int
    is_rest: bool


@dataclass
class Taken:
    """One window's pictures: JPEG files, each with its milliseconds since the command was shown."""

    chain: list[tuple[int, bytes]] = field(default_factory=list)
    stills: list[tuple[int, bytes]] = field(default_factory=list)


def cut(path: Path, windows: Sequence[Window], *, taking: Taking) -> tuple[Taken, ...]:
    """The pictures that a page would have taken in these windows, which are in rising time.

    Raises: `BadInput` with `video_too_large`, `video_unreadable`, `video_too_long` or
    `video_too_short`.
    """
    thin = (min, taking.chain_side, _CHAIN_QUALITY, taking.chain_bytes)
    full = (max, taking.still_side, _STILL_QUALITY, taking.still_bytes)
    every, takes = _frames(path), []
    at, image = next(every, (math.inf, None))
    for number, window in enumerate(windows):
        take, due, most = Taken(), window.first_ms, -1.0
        start, farthest = None, None
        while (
            image is not None and (at_ms := round(1000 * (at - window.at))) <= window.last_ms
        ):  # 4
            if at_ms >= due:
                # Signed 16 bits: the difference of two bytes would wrap around.
                now = np.asarray(
                    cv2.resize(image, _THUMBNAIL, interpolation=cv2.INTER_AREA), np.int16
                )[:, :, 1]
                start = now if start is None else start
                share = (at_ms - window.first_ms + 1) / max(window.last_ms - window.first_ms, 1)
                due_places = (
                    min(math.ceil(window.stills * share), window.stills) if window.is_rest else 1
                )
                if len(take.stills) < due_places:  # 5
                    take.stills.append((at_ms, _jpeg(image, *full)))
                if not window.is_rest and (apart := float(np.abs(now - start).sum())) > most:
                    most, farthest = apart, (at_ms, image)
                take.chain.append((at_ms, _jpeg(image, *thin)))
                due = max(due + taking.chain_ms, at_ms + 1)
            at, image = next(every, (math.inf, None))
        if not take.chain or (
            image is None and take.chain[-1][0] < window.last_ms - 2 * taking.chain_ms
        ):
            raise BadInput(
                f"the video ends before window {number + 1} does", code="video_too_short"
            )
        if farthest is not None and window.stills > 1:
            peak = max(farthest[0], take.stills[-1][0] + 1)
            take.stills.append((peak, _jpeg(farthest[1], *full)))
        takes.append(take)
    return tuple(takes)


def _frames(path: Path) -> Iterator[tuple[float, Image]]:
    """Every frame with its time in seconds."""
    try:
        with path.open("rb") as opened:
            head = opened.read(_HEAD)
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path.name} cannot be read: {type(error).__name__}", code="video_unreadable"
        ) from error
    if size > MAX_BYTES:  # 1
        raise BadInput(f"more than {MAX_BYTES} bytes", code="video_too_large")
    if not any(head[at:].startswith(mark) for at, mark in _CONTAINERS):  # 2
        raise BadInput("MP4, QuickTime, Matroska, WebM or AVI is expected", code="video_unreadable")
    # Absolute, because FFmpeg takes a name's leading word before a colon for a protocol.
    video = cv2.VideoCapture(str(path.resolve()), cv2.CAP_FFMPEG)
    try:
        if not video.isOpened():
            raise BadInput("it holds no pictures that can be decoded", code="video_unreadable")
        if (
            max(video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT))
            > MAX_SIDE
        ):  # 3
            raise BadInput(f"more than {MAX_SIDE} pixels a side", code="video_too_large")
        is_there, image = video.read()
        while is_there:
            if (at := video.get(cv2.CAP_PROP_POS_MSEC) / 1000) > MAX_SECONDS:
                raise BadInput(f"more than {MAX_SECONDS:.0f} seconds", code="video_too_long")
            yield at, np.asarray(image, dtype=np.uint8)
            is_there, image = video.read()
    finally:
        video.release()


def _jpeg(
    bgr: Image, flag_of: Callable[[Iterable[int]], int], most: int, quality: int, most_bytes: int
) -> bytes:
    """At most so many pixels on the longer or the shorter side, at the best quality that fits.

    Never a smaller picture: frames that differ in size are refused.
    """
    height, width = bgr.shape[:2]
    if (scale := most / flag_of((height, width))) < 1:
        small = cv2.resize(
            bgr, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA
        )
        bgr = np.asarray(small, dtype=np.uint8)
    while True:
        written = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if written.nbytes <= most_bytes or quality <= _WORST:
            return written.tobytes()
        quality -= 2 * _FINE if quality > _COARSE else _FINE
