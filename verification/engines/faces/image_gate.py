"""Opens an image of a face only after its header has been found harmless, and makes one anew for
people to look at.
"""

import re
import struct
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
# A marker of JPEG: what starts a segment or ends the picture. In the data between them FF is
# escaped, or a restart. A pattern that begins with one plain byte is found many times as fast.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"
# Passes over all pixels that a JPEG may ask for. Encoders make up to about 12; each of 64 bytes was
# measured to cost 15 ms at 25 million pixels, so that a file of 2 MB asks for minutes.
_MOST_SCANS = 50
FORMATS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
# Of a picture for people: longest side in pixels, and quality as libjpeg counts it. Ours: a face
# fills a screen without an artefact to mistake.
_LONGEST, _QUALITY = 1280, 90
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


@dataclass(frozen=True)
class Opened:
    """A picture upright. scale: pixels of the file that one of these is wide, 1, 2, 4 or 8."""

    pixels: Pixels
    scale: float


def open_image(untrusted: bytes, *, limits: ImageLimits) -> Pixels:
    """All pixels of a JPEG or PNG, upright. Raises `Refused` as `open_draft` does."""
    return open_draft(untrusted, limits=limits, least=policy.MOST_SIDE).pixels


def open_draft(untrusted: bytes, *, limits: ImageLimits, least: int) -> Opened:
    """A JPEG or PNG upright, a JPEG at the least of its sizes whose longer side has `least` pixels,
    which costs less.

    Raises `Refused`; a picture is judged by its header before a pixel is decoded. A 20 KB file may
    hold 169 million pixels, so the order of the steps matters: 1 bytes, 2 kind, 3 size in the
    header, 4 nothing moves, follows or comes again and again, 5 decode, 6 turn as the camera said.
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
            ):  # 5, at half, a quarter or an eighth of its size, whichever leaves that much
                image.draft(
                    None, (max(1, width * least // longer), max(1, height * least // longer))
                )
            picture, turn = image.convert("RGB"), None
            # Pillow's own turning also writes all notes anew, and faults on those of an honest
            # camera that are not by the book. Notes that cannot be read say nothing.
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
    """Steps 3 and 4, by the header and by how the file is built: no pixel is decoded yet."""
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
    # The one picture ends here; where it does not, or is the first of several, nowhere.
    end, at, scans = -1, 8 if kind == "PNG" else 2, 0
    while kind == "PNG" and at + 8 <= len(untrusted):
        length, name = struct.unpack_from(">I4s", untrusted, at)
        at += 12 + length
        # An animation has more pictures than the one that would be looked at. The check value of an
        # empty last chunk ends in a byte that is not zero, so that zeros after it are told.
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
        # A segment of no length would be read again for ever: after it there is no end.
        at += int.from_bytes(untrusted[at : at + 2], "big") or len(untrusted)
    if end != len(untrusted.rstrip(b"\0")):
        raise Refused("face_image_malformed", "more or less in the file than one picture")


def renewed(untrusted: bytes, *, limits: ImageLimits) -> bytes:
    """A picture made anew from its pixels: nothing that lay beside them in the file goes on.

    A baseline JPEG, upright, at most 1280 pixels wide or high. Raises `Refused` as `open_image`
    does.
    """
    picture = Image.fromarray(open_image(untrusted, limits=limits))
    picture.thumbnail((_LONGEST, _LONGEST), Image.Resampling.LANCZOS)
    fresh = BytesIO()
    picture.save(fresh, "JPEG", quality=_QUALITY)
    return fresh.getvalue()
