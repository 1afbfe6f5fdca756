"""A drawn face, of no real person, for the pictures of pages. No engine finds a face
in it.
"""

import io

from PIL import Image, ImageDraw, ImageFilter

_SCALE = 3  # drawn so much larger and made smaller, which smooths the edges
_SKIN, _SHADE, _HAIR, _COAT, _WALL = "#e3b48f", "#cf9a74", "#3a2c26", "#2f5d62", "#c9d3d6"


def drawn(*, turned: float = 0.0, width: int = 360, height: int = 480) -> bytes:
    """A JPEG of a head and shoulders; `turned`: how far the head is turned, from -0.5 to 0.5 (its
    left).
    """
    canvas = Image.new("RGB", (width * _SCALE, height * _SCALE), _WALL)
    draw, unit = ImageDraw.Draw(canvas), height * _SCALE / 480
    middle = canvas.width / 2

    def oval(x: float, y: float, wide: float, high: float, fill: str) -> None:
        draw.ellipse(
            [
                middle + (x - wide) * unit,
                (y - high) * unit,
                middle + (x + wide) * unit,
                (y + high) * unit,
            ],
            fill,
        )

    oval(0, 520, 170, 130, _COAT)
    draw.rectangle([middle - 38 * unit, 300 * unit, middle + 38 * unit, 400 * unit], _SHADE)
    oval(0, 398, 52, 22, _SHADE)
    oval(-14 * turned, 205, 112, 122, _HAIR)
    for side in (-1, 1):  # the ear one turns away from goes behind the head
        oval(side * 100 - 30 * turned, 235, 14 * (1 + side * turned / 2), 27, _SHADE)
    oval(0, 235, 100, 125, _SKIN)
    draw.pieslice(
        [middle - 106 * unit, 84 * unit, middle + 106 * unit, 270 * unit], 188, 352, _HAIR
    )
    shift = 46 * turned
    for side in (-1, 1):
        near = 1 + side * turned * 0.35
        x = side * 42 * (1 - abs(turned) * 0.25) + shift
        oval(x, 222, 17 * near, 9, "#ffffff")
        oval(x + 4 * turned, 222, 8 * near, 8, "#4b3424")
        oval(x, 196, 21 * near, 4, _HAIR)
    oval(shift * 1.25, 262, 11, 16, _SHADE)
    oval(shift, 306, 30 * (1 - abs(turned) * 0.3), 8, "#b5615a")
    smooth = canvas.resize((width, height), Image.Resampling.LANCZOS).filter(
        ImageFilter.GaussianBlur(0.4)
    )
    written = io.BytesIO()
    smooth.save(written, "JPEG", quality=90)
    return written.getvalue()
