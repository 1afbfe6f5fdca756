"""Opens a face image only after its header passes, and re-encodes pictures for people."""

import re
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError
from PIL.Image import Transpose

from verification.core.errors import Refused
from verification.engines.faces import policy

Pixels = npt.NDArray[np.uint8]
"""Height × width × 3, RGB."""
# A JPEG marker: it starts a segment or ends the picture. In the data between them FF is escaped, or
# a restart. A pattern that begins with one plain byte runs many times as fast.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"
# Passes over all pixels that a JPEG may request. Encoders make up to about 12; each of 64 bytes
# cost 15 ms at 25 million pixels when measured, so a file of 2 MB requests minutes.
_MOST_SCANS = 50
# RFC 2083: samples of a pixel by colour type, and of each of Adam7's passes the first column and
# row, and the steps to the next.
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
_INFLATED_BYTES = 65_536  # at a time
FORMATS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
# For people's pictures: longest side in pixels, and libjpeg quality. Ours: a face fills a screen
# without artefacts.
_LONGEST, _QUALITY = 1280, 90
_ORIENTATION = 0x0112  # EXIF tag, and the turn that makes each of its values upright
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


@dataclass(frozen=True)
class Opened:
    """A picture upright. scale: file pixels per pixel of this one, 1, 2, 4 or 8."""

    pixels: Pixels
    scale: float


def open_image(untrusted: bytes, *, limits: ImageLimits) -> Pixels:
    """All pixels of a JPEG or PNG, upright.

    Raises: `Refused` as `open_draft`.
    """
    return open_draft(untrusted, limits=limits, least=policy.MOST_SIDE).pixels


def open_draft(untrusted: bytes, *, limits: ImageLimits, least: int) -> Opened:
    """A JPEG or PNG upright; a JPEG at its smallest size whose longer side has `least` pixels,
    which costs less.

    The header is checked before a pixel is decoded. A 20 KB file may hold 169 million pixels, so
    the order matters.
    1 bytes · 2 kind · 3 size in the header · 4 a single still picture without repeated passes ·
    5 decode · 6 turn upright.

    Raises: `Refused`.
    """
    if len(untrusted) > limits.max_bytes:  # 1
        raise Refused("face_image_too_large", f"at most {limits.max_bytes} bytes")
    kind = next((name for magic, name in FORMATS.items() if untrusted.startswith(magic)), None)  # 2
    if kind is None:
        raise Refused("face_image_malformed", "neither JPEG nor PNG")
    try:
        with Image.open(BytesIO(untrusted), formats=[kind]) as image:
            _refuse_harmful(image, untrusted, kind=kind, limits=limits)
            (width, height), longer = image.size, max(image.size)
            if (
                kind == "JPEG"
            ):  # 5, at half, a quarter or an eighth of its size, if enough pixels remain
                image.draft(
                    None, (max(1, width * least // longer), max(1, height * least // longer))
                )
            picture, turn = image.convert("RGB"), None
            # Pillow's own turning also rewrites all metadata, and fails on an honest camera's
            # irregular ones. Unreadable metadata are ignored.
            with suppress(SyntaxError, ValueError, struct.error):  # 6
                orientation = image.getexif().get(_ORIENTATION)
                turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
            upright = np.asarray(picture if turn is None else picture.transpose(turn))
            return Opened(upright, width / picture.width)
    except Image.DecompressionBombError as error:
        raise Refused("face_image_too_large", "the header announces a bomb") from error
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        LookupError,
        TypeError,
    ) as error:
        raise Refused("face_image_malformed", type(error).__name__) from error


def _refuse_harmful(
    image: Image.Image, untrusted: bytes, *, kind: str, limits: ImageLimits
) -> None:
    """Steps 3 and 4, by the header and the file's structure: no pixel is decoded yet."""
    shorter, longer = sorted(image.size)  # 3
    if shorter * longer > limits.max_pixels:
        raise Refused("face_image_too_large", f"at most {limits.max_pixels} pixels")
    # Rows cost as well as pixels: 1 × 25 000 000 takes 2 s to decode.
    if longer > policy.MOST_SIDE or longer > policy.MOST_RATIO * shorter:
        raise Refused(
            "face_image_too_large",
            f"at most {policy.MOST_SIDE} a side, {policy.MOST_RATIO} times the other",
        )
    if image.mode.startswith("I"):  # 4
        raise Refused("face_image_malformed", "more than 8 bits a channel")
    # The end of the one picture; none if it does not end, or is the first of several.
    end, at, scans = -1, 8 if kind == "PNG" else 2, 0
    data: list[bytes] = []
    while kind == "PNG" and at + 8 <= len(untrusted):
        length, name = struct.unpack_from(">I4s", untrusted, at)
        if name == b"IDAT":
            data.append(untrusted[at + 8 : at + 8 + length])
        at += 12 + length
        # An animation has more pictures than the one that would be shown. The checksum of an empty
        # last chunk ends in a non-zero byte, so trailing zeros are detected.
        if name in (b"acTL", b"IEND"):
            end = at if name == b"IEND" else -1
            break
    while kind == "JPEG" and (marker := _MARKER.search(untrusted, at)):
        at = marker.end()
        if marker.group(1) == _END_OF_IMAGE:
            end = at
            break
        scans += marker.group(1) == _SCAN
        if scans > _MOST_SCANS:
            raise Refused("face_image_too_large", f"at most {_MOST_SCANS} scans")
        # A segment of length zero would be read for ever: it ends the search.
        at += int.from_bytes(untrusted[at : at + 2], "big") or len(untrusted)
    if end != len(untrusted.rstrip(b"\0")):
        raise Refused("face_image_malformed", "more or less in the file than one picture")
    if kind == "PNG" and not _is_whole_png(untrusted, data):
        raise Refused("face_image_malformed", "more or fewer rows than the header announces")


def _is_whole_png(untrusted: bytes, data: list[bytes]) -> bool:
    """Whether the compressed data hold all rows of the header; Pillow leaves missing ones black.

    No more is inflated than one block beyond the rows.
    """
    width, height, depth, colour, _, _, interlace = struct.unpack_from(">IIBBBBB", untrusted, 16)
    bits = depth * _SAMPLES.get(colour, 0)
    expected = 0
    for left, top, across, down in _PASSES if interlace else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        # Each row has a byte for its filter; a pass without columns has no rows.
        expected += (1 + (columns * bits + 7) // 8) * rows if columns > 0 and rows > 0 else 0
    inflater, inflated, rest = zlib.decompressobj(), 0, b"".join(data)
    try:
        while not inflater.eof and inflated <= expected:
            block = inflater.decompress(rest, _INFLATED_BYTES)
            rest = inflater.unconsumed_tail
            inflated += len(block)
            if not block and not rest:
                break
    except zlib.error:
        return False
    return inflated == expected


def renewed(untrusted: bytes, *, limits: ImageLimits) -> bytes:
    """A picture re-encoded from its pixels, without the file's other contents.

    A baseline JPEG, upright, at most 1280 pixels wide or high.

    Raises: `Refused` as `open_image`.
    """
    picture = Image.fromarray(open_image(untrusted, limits=limits))
    picture.thumbnail((_LONGEST, _LONGEST), Image.Resampling.LANCZOS)
    fresh = BytesIO()
    picture.save(fresh, "JPEG", quality=_QUALITY)
    return fresh.getvalue()
