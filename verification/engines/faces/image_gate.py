"""Opens an image of a face only after its header has been found harmless."""

import re
import struct
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from PIL.Image import Transpose

from verification.core.errors import Refused

Pixels = npt.NDArray[np.uint8]
"""Height × width × 3, RGB."""
# A marker of JPEG: what starts a segment or ends the picture. In the data between them FF is escaped, or a restart.
_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd7\xff])", re.DOTALL)
_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"
# Passes over all pixels that a JPEG may ask for. Encoders make up to about 12; each of 64 bytes was measured to cost
# 15 ms at 25 million pixels, so that a file of 2 MB asks for minutes.
_MOST_SCANS = 50
FORMATS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
_ORIENTATION = 0x0112  # EXIF tag, and what turns each of its values upright
_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class ImageLimits:
    """How large an image may be, in bytes and in pixels."""

    max_bytes: int
    max_pixels: int


def open_image(untrusted: bytes, *, limits: ImageLimits) -> Pixels:
    """The pixels of a JPEG or PNG, upright. Raises `Refused`; pixels are counted from the header before any is decoded.

    A 20 KB file may hold 169 million pixels, so the order of the steps matters: 1 bytes, 2 kind, 3 size in the header,
    4 nothing moves, follows or comes again and again, 5 decode, 6 turn as the camera said.
    """
    if len(untrusted) > limits.max_bytes:  # 1
        raise Refused("face_image_too_large", f"at most {limits.max_bytes} bytes")
    kind = next((name for magic, name in FORMATS.items() if untrusted.startswith(magic)), None)  # 2
    if kind is None:
        raise Refused("face_image_malformed", "neither JPEG nor PNG")
    try:
        with Image.open(BytesIO(untrusted), formats=[kind]) as image:
            if image.width * image.height > limits.max_pixels:  # 3
                raise Refused("face_image_too_large", f"at most {limits.max_pixels} pixels")
            if image.mode.startswith("I"):  # 4
                raise Refused("face_image_malformed", "more than 8 bits a channel")
            if _end(untrusted, kind) != len(untrusted.rstrip(b"\0")):
                raise Refused("face_image_malformed", "more or less in the file than one picture")
            picture = image.convert("RGB")  # 5
            turn = _UPRIGHT.get(_orientation(image))  # 6
            return np.asarray(picture if turn is None else picture.transpose(turn))
    except Image.DecompressionBombError as error:
        raise Refused("face_image_too_large", "the header announces a bomb") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError) as error:
        raise Refused("face_image_malformed", type(error).__name__) from error


def _orientation(image: Image.Image) -> int:
    """What the camera says; 0 where its notes say nothing. Pillow's own turning also writes all notes anew, and faults
    on those of an honest camera that are not by the book.
    """
    try:
        found = image.getexif().get(_ORIENTATION)
    except (SyntaxError, ValueError, struct.error):
        return 0
    return found if isinstance(found, int) else 0


def _end(untrusted: bytes, kind: str) -> int:
    """Where the one picture of the file ends; -1 where it does not, or is the first of several. Raises `Refused`."""
    try:
        return _end_of_jpeg(untrusted) if kind == "JPEG" else _end_of_png(untrusted)
    except (IndexError, struct.error):
        return -1


def _end_of_jpeg(untrusted: bytes) -> int:
    at, scans = 2, 0
    while True:
        found = _MARKER.search(untrusted, at)
        if found is None:
            return -1
        at = found.end()
        if found.group(1) == _END_OF_IMAGE:
            return int(at)
        scans += found.group(1) == _SCAN
        if scans > _MOST_SCANS:
            raise Refused("face_image_too_large", f"at most {_MOST_SCANS} scans")
        at += int.from_bytes(untrusted[at : at + 2], "big") or len(untrusted)


def _end_of_png(untrusted: bytes) -> int:
    at = 8
    while True:
        length, name = struct.unpack_from(">I4s", untrusted, at)
        at += 12 + length
        if name == b"acTL":
            return -1
        if name == b"IEND":
            # The check value of an empty last chunk ends in a byte that is not zero, so that zeros after it are told.
            return int(at)
