"""A photo somebody uploads of themselves, made into a reference: scaled, turned upright, without
what a camera adds.
"""

import io
import warnings
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from insecure_sandbox.exchange import Rejected

MAX_UPLOAD_BYTES: Final = 10 * 1024 * 1024

_MAX_PIXELS: Final = (
    50_000_000  # from the header, before anything is decoded; a phone's photo has 12 to 48 million
)
_LONGEST_SIDE: Final = 1200  # pixels of what is kept
_QUALITY: Final = 90
_FORMATS: Final = ("JPEG", "PNG")


def reference_photo(untrusted: bytes) -> bytes:
    """A JPEG of at most 1200 pixels a side. Raises `Rejected` for anything that is no photo of a
    usual size.
    """
    if not 1 <= len(untrusted) <= MAX_UPLOAD_BYTES:
        raise Rejected(413, f"choose a photo of at most {MAX_UPLOAD_BYTES // 1024 // 1024} MB")
    try:
        # Pillow only warns of a bomb; ours are refused by their header below.
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(io.BytesIO(untrusted), formats=_FORMATS) as image,
        ):
            if image.width * image.height > _MAX_PIXELS:
                raise Rejected(413, "the photo has too many pixels")
            return _encoded(image)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        OSError,
        SyntaxError,
        ValueError,
    ) as error:
        raise Rejected(400, "choose a JPEG or PNG photo") from error


def _encoded(image: Image.Image) -> bytes:
    image.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
    upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    # A copy of the pixels alone: nothing else of the file goes along.
    copy = Image.new("RGB", upright.size)
    copy.paste(upright)
    buffer = io.BytesIO()
    copy.save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()
