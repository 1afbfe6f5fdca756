"""The gate of a camera frame: untrusted bytes in, pixels out.

1 bytes · 2 the JPEG's structure, without decoding · 3 pixels per header, before decoding · 4
upright · 5 decode · 6 the decoder confirms the header.

Unmeasurable pictures are refused, too, never a fault: see `measurable`.
Source: ITU-T T.81, annex B.
"""

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from verification.core.errors import Refused

Image = NDArray[np.uint8]  # (height, width, 3), RGB
Floats = NDArray[np.float64]

# A worker has one child per core: threads of one would only wait for those of another.
cv2.setNumThreads(1)

_START, _END = b"\xff\xd8", b"\xff\xd9"
_BASELINE, _SCAN, _EXIF = (0xC0, 0xC1), 0xDA, 0xE1
# C4, C8 and CC are tables; the others of this row are frame headers: progressive, lossless or
# arithmetic.
_OTHER_FRAMES = {0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}
# In the entropy-coded data FF is followed by 00; D0 … D7 restart it. Of fill bytes the last begins
# the marker: a pattern that begins with one plain byte runs many times as fast.
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Segments that browsers' `canvas.toBlob` adds: all JFIF, Chromium a colour profile, Safari an EXIF
# with the size and an empty Photoshop block. Their first bytes, and maximum sizes. Without this
# limit a comment makes an old frame new.
_BESIDE = {
    0xE0: (b"JFIF\x00", 14),
    0xE1: (b"Exif\x00\x00", 512),
    0xE2: (b"ICC_PROFILE\x00\x01\x01", 4096),
    0xED: (b"Photoshop 3.0\x00", 54),
}
_COMMENT, _APPLICATIONS = 0xFE, range(0xE0, 0xF0)
_ORIENTATION = 0x0112
_UPRIGHT = 1
# Every code of this gate.
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
class Header:
    """The file's statement on its picture: pixels, and the EXIF orientation (1 without one)."""

    width: int
    height: int
    orientation: int


def read_header(untrusted: bytes) -> Header:
    """The header of a whole JPEG file of one baseline colour picture.

    1 start marker · 2 segments with their lengths, only those of browsers · 3 one frame header:
    baseline, 8 bits, three components · 4 one scan · 5 the end marker, and no byte after it.

    Raises: `Refused` with a code for each defect.
    """
    if not untrusted.startswith(_START):  # 1
        raise Refused("frame_not_jpeg", "no start marker")
    size, orientation = None, _UPRIGHT
    for marker, place in _segments(untrusted):  # 2
        body = untrusted[place]
        if marker in _OTHER_FRAMES:
            raise Refused("frame_not_baseline", "progressive, lossless or arithmetic coding")
        if marker in _BASELINE:  # 3
            if size is not None:
                raise Refused("frame_malformed", "two frame headers")
            size = _size(body)
        elif marker == _EXIF:
            orientation = _orientation(body[6:])
    if size is None:
        raise Refused("frame_malformed", "a scan without a frame header")
    end = _MARKER_IN_SCAN.search(untrusted, place.stop)  # 4
    if end is None:
        raise Refused("frame_truncated", "the file ends in its scan")
    if not end.group().endswith(_END[1:]):
        raise Refused("frame_not_baseline", "more than one scan")
    if end.end() != len(untrusted):  # 5
        raise Refused("frame_trailing_bytes", "something follows the picture")
    return Header(*size, orientation)


def _size(body: bytes) -> tuple[int, int]:
    """Width and height, pixels, of a frame header.

    Raises: `Refused` with a code for each defect.
    """
    # T.81 B.2.2: precision, lines, samples per line, number of components; then three bytes each.
    if len(body) < 6:
        raise Refused("frame_malformed", "a frame header that is too short")
    precision, height, width, components = struct.unpack_from(">BHHB", body)
    if precision != 8 or components != 3:
        raise Refused("frame_not_colour", "a frame of a camera has three components of 8 bits")
    if len(body) != 6 + 3 * components:
        raise Refused("frame_malformed", "a frame header of the wrong length")
    return width, height


def _segments(untrusted: bytes) -> Iterator[tuple[int, slice]]:
    """Marker and body of each segment, up to that of the scan; only those of browsers."""
    at, marker, scans = len(_START), 0, set[int]()
    while marker != _SCAN:
        while untrusted[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        if at + 4 > len(untrusted):
            raise Refused("frame_truncated", "the file ends in its header")
        if untrusted[at] != 0xFF or untrusted[at + 1] in _WITHOUT_LENGTH or untrusted[at + 1] == 0:
            raise Refused("frame_malformed", "no segment where one must be")
        (length,) = struct.unpack_from(">H", untrusted, at + 2)
        if length < 2:
            raise Refused("frame_malformed", "a segment shorter than its own length")
        end = at + 2 + length
        if end > len(untrusted):
            raise Refused("frame_truncated", "the file ends in a segment")
        marker, body = untrusted[at + 1], untrusted[at + 4 : end]
        if marker == _COMMENT or marker in _APPLICATIONS:
            begins, most = _BESIDE.get(marker, (b"", 0))
            if marker in scans or len(body) > most or not body.startswith(begins):
                raise Refused("frame_foreign_segment", "no browser writes this beside a picture")
            scans.add(marker)
        yield marker, slice(at + 4, end)
        at = end


def _orientation(tiff: bytes) -> int:
    """The orientation in the first directory. An unreadable one counts as 0, which is invalid."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 0
    (directory,) = struct.unpack_from(order + "I", tiff, 4)
    if directory + 2 > len(tiff):
        return 0
    (entries,) = struct.unpack_from(order + "H", tiff, directory)
    # TIFF 6.0 §2: an entry is tag, type, count and value, 12 bytes. Read no more than fit the
    # segment.
    for entry in range(min(entries, (len(tiff) - directory - 2) // 12)):
        tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, directory + 2 + 12 * entry)
        if tag == _ORIENTATION:
            return int(value)
    return _UPRIGHT


@dataclass(frozen=True)
class FrameLimits:
    """`most_bytes` of the file; `least_side` and `most_side` in pixels, of both sides."""

    most_bytes: int
    most_side: int
    least_side: int


def check(untrusted: bytes, *, limits: FrameLimits) -> Header:
    """A frame's header, if it permits decoding.

    A page's camera frame is an upright baseline JPEG in colour. Any other file is refused.

    Raises: `Refused` with one of `CODES`.
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
    return header


def decode(untrusted: bytes, *, limits: FrameLimits) -> Image:
    """The frame as RGB pixels.

    Raises: as `check`, also if the pixels contradict the header.
    """
    header = check(untrusted, limits=limits)
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        decoded = cv2.imdecode(np.frombuffer(untrusted, dtype=np.uint8), flags)  # 5
    except cv2.error as error:
        raise Refused("frame_undecodable", "the decoder gave up") from error
    if decoded is None or decoded.shape != (header.height, header.width, 3):  # 6
        raise Refused("frame_undecodable", "the decoder found another picture than the header")
    return np.asarray(decoded, dtype=np.uint8)


@contextmanager
def measurable() -> Iterator[None]:
    """Raises: `Refused` with `frame_unmeasurable` if OpenCV or NumPy reject a frame or a face's
    points.
    """
    try:
        yield
    except (
        cv2.error,
        ValueError,
        ArithmeticError,
    ) as error:  # ValueError: LinAlgError among others
        raise Refused("frame_unmeasurable", type(error).__name__) from error
