"""Where arithmetic meets somebody else's geometry: what it cannot work with is refused, never a fault."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from verification.core.errors import Refused


@contextmanager
def measurable() -> Iterator[None]:
    """Raises `Refused` with `frame_unmeasurable` where OpenCV or NumPy reject what a frame or a face's points are."""
    try:
        yield
    except (cv2.error, ValueError, ArithmeticError) as error:  # ValueError: LinAlgError among others
        raise Refused("frame_unmeasurable", type(error).__name__) from error
