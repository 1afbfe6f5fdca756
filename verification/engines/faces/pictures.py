"""A picture made anew from its pixels, for people to look at: nothing that lay beside them in the file goes on."""

from io import BytesIO

from PIL import Image

from verification.engines.faces.image_gate import ImageLimits, open_image

# Longest side in pixels, and quality as libjpeg counts it. Ours: a face fills a screen without an artefact to mistake.
_LONGEST = 1280
_QUALITY = 90


def renewed(untrusted: bytes, *, limits: ImageLimits) -> bytes:
    """The picture as a baseline JPEG, upright, at most 1280 pixels wide or high. Raises `Refused` as the gate does."""
    picture = Image.fromarray(open_image(untrusted, limits=limits))
    picture.thumbnail((_LONGEST, _LONGEST), Image.Resampling.LANCZOS)
    fresh = BytesIO()
    picture.save(fresh, "JPEG", quality=_QUALITY)
    return fresh.getvalue()
