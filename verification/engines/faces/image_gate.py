"""Opens an image of a face only after its header has been found harmless."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from verification.core.errors import Refused

Pixels = npt.NDArray[np.uint8]
"""Height × width × 3, RGB."""
FORMATS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}


@dataclass(frozen=True)
class ImageLimits:
    """How large an image may be, in bytes and in pixels."""

    max_bytes: int
    max_pixels: int


def open_image(untrusted: bytes, *, limits: ImageLimits) -> Pixels:
    """The pixels of a JPEG or PNG, upright. Raises `Refused`; pixels are counted from the header before any is decoded.

    A 20 KB file may hold 169 million pixels, so the order of the steps matters: 1 bytes, 2 kind, 3 size in the header,
    4 decode, 5 turn as the camera said.
    """
    if len(untrusted) > limits.max_bytes:
        raise Refused("face_image_too_large", f"at most {limits.max_bytes} bytes")
    kind = next((name for magic, name in FORMATS.items() if untrusted.startswith(magic)), None)
    if kind is None:
        raise Refused("face_image_malformed", "neither JPEG nor PNG")
    try:
        with Image.open(BytesIO(untrusted), formats=[kind]) as image:
            if image.width * image.height > limits.max_pixels:
                raise Refused("face_image_too_large", f"at most {limits.max_pixels} pixels")
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except Image.DecompressionBombError as error:
        raise Refused("face_image_too_large", "the header announces a bomb") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError) as error:
        raise Refused("face_image_malformed", type(error).__name__) from error
