"""The structure of a JPEG file, read without decoding it: what a camera frame of a browser is, and nothing else.

1 start marker · 2 segments with their lengths, none but those a browser writes · 3 one frame header: baseline, 8 bits,
three components · 4 one scan · 5 the end marker, and not a byte after it. Source: ITU-T T.81, annex B.
"""

import re
import struct
from dataclasses import dataclass

from verification.core.errors import Refused

_START, _END = b"\xff\xd8", b"\xff\xd9"
_BASELINE, _SCAN, _EXIF = (0xC0, 0xC1), 0xDA, 0xE1
# C4, C8 and CC are tables; the others of this row are frame headers: progressive, lossless or arithmetic.
_OTHER_FRAMES = {0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}
# In the entropy-coded data FF is followed by 00; D0 … D7 restart it.
_MARKER_IN_SCAN = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
# What the browsers' `canvas.toBlob` puts beside a picture: all of them JFIF, Chromium a colour profile, Safari an EXIF
# with the size and an empty Photoshop block. How each begins, and its most bytes. A comment makes an old frame new.
_BESIDE = {
    0xE0: (b"JFIF\x00", 14),
    0xE1: (b"Exif\x00\x00", 512),
    0xE2: (b"ICC_PROFILE\x00\x01\x01", 4096),
    0xED: (b"Photoshop 3.0\x00", 54),
}
_COMMENT, _APPLICATIONS = 0xFE, range(0xE0, 0xF0)
_ORIENTATION = 0x0112
_UPRIGHT = 1


@dataclass(frozen=True)
class Header:
    """What the file says about its picture: pixels, and the EXIF orientation (1 when it has none)."""

    width: int
    height: int
    orientation: int


def read_header(untrusted: bytes) -> Header:
    """The header of a whole JPEG file of one baseline colour picture. Raises `Refused` with a code for each defect."""
    if not untrusted.startswith(_START):  # 1
        raise Refused("frame_not_jpeg", "no start marker")
    at, size, orientation = len(_START), None, _UPRIGHT
    beside: set[int] = set()
    while True:
        marker, body, at = _segment(untrusted, at)  # 2
        if marker == _COMMENT or marker in _APPLICATIONS:
            _require_of_a_browser(marker, body, beside)
        if marker in _OTHER_FRAMES:
            raise Refused("frame_not_baseline", "progressive, lossless or arithmetic coding")
        if marker in _BASELINE:
            if size is not None:
                raise Refused("frame_malformed", "two frame headers")
            size = _size(body)  # 3
        elif marker == _EXIF:
            orientation = _orientation(body[6:])
        elif marker == _SCAN:
            break
    if size is None:
        raise Refused("frame_malformed", "a scan without a frame header")
    _finish(untrusted, at)  # 4, 5
    return Header(*size, orientation)


def _segment(untrusted: bytes, at: int) -> tuple[int, bytes, int]:
    while untrusted[at : at + 2] == b"\xff\xff":  # fill bytes
        at += 1
    if at + 4 > len(untrusted):
        raise Refused("frame_truncated", "the file ends in its header")
    if untrusted[at] != 0xFF or untrusted[at + 1] in _WITHOUT_LENGTH or untrusted[at + 1] == 0:
        raise Refused("frame_malformed", "no segment where one must be")
    (length,) = struct.unpack_from(">H", untrusted, at + 2)
    end = at + 2 + length
    if length < 2:
        raise Refused("frame_malformed", "a segment shorter than its own length")
    if end > len(untrusted):
        raise Refused("frame_truncated", "the file ends in a segment")
    return untrusted[at + 1], untrusted[at + 4 : end], end


def _require_of_a_browser(marker: int, body: bytes, beside: set[int]) -> None:
    begins, most = _BESIDE.get(marker, (b"", 0))
    if marker in beside or len(body) > most or not body.startswith(begins):
        raise Refused("frame_foreign_segment", "no browser writes this beside a picture")
    beside.add(marker)


def _size(body: bytes) -> tuple[int, int]:
    if len(body) < 6:
        raise Refused("frame_malformed", "a frame header that is too short")
    precision, height, width, components = struct.unpack_from(">BHHB", body)
    if precision != 8 or components != 3:
        raise Refused("frame_not_colour", "a frame of a camera has three components of 8 bits")
    if len(body) != 6 + 3 * components:
        raise Refused("frame_malformed", "a frame header of the wrong length")
    return width, height


def _finish(untrusted: bytes, at: int) -> None:
    found = _MARKER_IN_SCAN.search(untrusted, at)
    if found is None:
        raise Refused("frame_truncated", "the file ends in its scan")
    if not found.group().endswith(_END[1:]):
        raise Refused("frame_not_baseline", "more than one scan")
    if found.end() != len(untrusted):
        raise Refused("frame_trailing_bytes", "something follows the picture")


def _orientation(tiff: bytes) -> int:
    """The orientation of the first directory. What cannot be read counts as 0, which is no orientation."""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 0
    (directory,) = struct.unpack_from(order + "I", tiff, 4)
    if directory + 2 > len(tiff):
        return 0
    (entries,) = struct.unpack_from(order + "H", tiff, directory)
    for entry in range(min(entries, (len(tiff) - directory - 2) // 12)):
        tag, _, _, value = struct.unpack_from(order + "HHIH", tiff, directory + 2 + 12 * entry)
        if tag == _ORIENTATION:
            return int(value)
    return _UPRIGHT
