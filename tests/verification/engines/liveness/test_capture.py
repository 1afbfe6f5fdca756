"""What cannot be measured of a capture is refused."""

import cv2
import numpy as np
import pytest

from tests.verification.engines.liveness import insecure_paper
from verification.core.errors import Refused
from verification.engines.liveness import capture
from verification.engines.liveness.crops import measurable

_CHANCE = np.random.default_rng(1)


def _frame(width: int = 200, height: int = 180) -> bytes:
    return insecure_paper.jpeg(_CHANCE.integers(0, 255, (height, width, 3)).astype(np.uint8), quality=40)


def _capture(*contents: bytes) -> capture.Steps:
    return (("look_straight", contents), ("blink", contents))


@pytest.mark.parametrize(("width", "height"), [(201, 180), (200, 181), (180, 200), (160, 160)])
def test_frames_of_two_sizes_are_refused(width: int, height: int) -> None:
    within = _capture(_frame(), _frame(width, height))
    between = (("look_straight", (_frame(),)), ("turn_left", (_frame(width, height),)))
    for steps in (within, between):
        with pytest.raises(Refused) as refused:
            capture.measure(steps)
        assert refused.value.code == "frame_size_changed"


@pytest.mark.parametrize(
    "fault", [cv2.error("made by a test"), ValueError(), np.linalg.LinAlgError(), ZeroDivisionError()]
)
def test_geometry_that_cannot_be_worked_with_is_refused(fault: Exception) -> None:
    with pytest.raises(Refused) as refused, measurable():
        raise fault
    assert refused.value.code == "frame_unmeasurable"
