"""The gate a camera frame passes before anything looks at it: untrusted bytes in, pixels out.

1 bytes · 2 structure of the file (`jpeg`) · 3 pixels as the header says, before one is decoded · 4 upright · 5 decode ·
6 the decoder found what the header said.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from verification.core.errors import Refused
from verification.engines.liveness.crops import Image
from verification.engines.liveness.jpeg import read_header

# Every code this gate refuses with.
CODES = (
    "frame_too_large",
    "frame_not_jpeg",
    "frame_malformed",
    "frame_truncated",
    "frame_not_baseline",
    "frame_not_colour",
    "frame_foreign_segment",
    "frame_trailing_bytes",
    "frame_too_many_pixels",
    "frame_too_few_pixels",
    "frame_rotated",
    "frame_undecodable",
)


@dataclass(frozen=True)
class FrameLimits:
    """`most_bytes` of the file; `least_side` and `most_side` in pixels, of both sides."""

    most_bytes: int
    most_side: int
    least_side: int


def decode(untrusted: bytes, *, limits: FrameLimits) -> Image:
    """The frame as RGB pixels. Raises `Refused` with one of `CODES`.

    A camera frame that a page draws and saves is an upright baseline JPEG in colour. Anything else is somebody's file.
    """
    if len(untrusted) > limits.most_bytes:  # 1
        raise Refused("frame_too_large", "more bytes than a frame may have")
    header = read_header(untrusted)  # 2
    if max(header.width, header.height) > limits.most_side:  # 3
        raise Refused("frame_too_many_pixels", "larger than a frame may be")
    if min(header.width, header.height) < limits.least_side:
        raise Refused("frame_too_few_pixels", "smaller than a frame may be")
    if header.orientation != 1:  # 4
        raise Refused("frame_rotated", "EXIF turns the picture; frames come upright")
    return _decode(untrusted, header.width, header.height)


def _decode(untrusted: bytes, width: int, height: int) -> Image:
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        decoded = cv2.imdecode(np.frombuffer(untrusted, dtype=np.uint8), flags)  # 5
    except cv2.error as error:
        raise Refused("frame_undecodable", "the decoder gave up") from error
    if decoded is None or decoded.shape != (height, width, 3):  # 6
        raise Refused("frame_undecodable", "the decoder found another picture than the header")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), dtype=np.uint8)
