"""A picture for people is made anew: its pixels go on, and nothing that lay beside them."""

import io

import pytest
from PIL import Image

from tests.verification.engines.faces.test_image_gate import (
    LIMITS,
    ORIENTATION,
    gradient,
    png_header,
    saved,
)
from verification.core.errors import Refused
from verification.engines.faces.image_gate import renewed

WORD = b"where the borrower lives"


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_nothing_beside_the_picture_goes_on(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = WORD.decode()
    beside: dict[str, object] = {"exif": exif, **({"comment": WORD} if kind == "JPEG" else {})}
    given = saved(gradient(), kind, **beside)
    assert WORD in given
    fresh = renewed(given, limits=LIMITS)
    assert WORD not in fresh
    assert (opened(fresh).format, dict(opened(fresh).getexif())) == ("JPEG", {})


def test_it_stands_upright_and_fits_a_screen() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    assert opened(renewed(saved(gradient(160, 120), exif=exif), limits=LIMITS)).size == (120, 160)
    assert opened(renewed(saved(gradient(1000, 500)), limits=LIMITS)).size == (1000, 500)
    assert opened(renewed(saved(gradient(1600, 400)), limits=LIMITS)).size == (1280, 320)


@pytest.mark.parametrize(
    "hostile", [b"", b"no picture", saved(gradient())[:200], png_header(13_000, 13_000)]
)
def test_what_the_gate_refuses_is_not_made_anew(hostile: bytes) -> None:
    with pytest.raises(Refused):
        renewed(hostile, limits=LIMITS)
