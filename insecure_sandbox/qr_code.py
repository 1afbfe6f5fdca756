"""A phone's camera on a QR code: reads the drawn squares, the page's only form of the text."""

import re
from typing import Final

import cv2
import numpy as np

_STEP: Final = re.compile(r"([Mmh])([-\d.]+)(?: ([-\d.]+))?")
_QUIET: Final = 4  # squares of white round a code (ISO/IEC 18004)
_PIXELS: Final = 8  # per side of a square, enough for a simple reader


def read(drawing: str) -> str:
    """The text of a code from the path of its black squares, one line per row; empty if
    unreadable.
    """
    squares, x, y = list[tuple[int, int, int]](), 0, 0
    for command, first, second in _STEP.findall(drawing):
        if command == "h":
            squares.append((x, y, int(first)))
            x += int(first)
        else:
            x, y = (0, 0) if command == "M" else (x, y)
            x, y = x + int(float(first)), y + int(float(second or 0))
    if not squares:
        return ""
    side = max(y for _, y, _ in squares) + 1 + _QUIET
    picture = np.full((side, side), 255, np.uint8)
    for column, row, length in squares:
        picture[row, column : column + length] = 0
    large = picture.repeat(_PIXELS, axis=0).repeat(_PIXELS, axis=1)
    # The older detector of this library misses one code in fifty.
    return str(cv2.QRCodeDetectorAruco().detectAndDecode(large)[0])
