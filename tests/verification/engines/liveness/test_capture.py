"""What cannot be measured of a capture is refused."""

import cv2
import numpy as np
import pytest

from tests.verification.engines.liveness import insecure_paper
from verification.core.errors import Refused
from verification.engines.liveness import pictures
from verification.engines.liveness.frames import measurable
from verification.engines.liveness.pictures import SentStep

_CHANCE = np.random.default_rng(1)


def _frame(width: int = 200, height: int = 180) -> bytes:
    return insecure_paper.jpeg(
        _CHANCE.integers(0, 255, (height, width, 3)).astype(np.uint8), quality=5
    )


def _step(stream: str, frames: tuple[bytes, ...]) -> SentStep:
    chain, stills = (frames, ()) if stream == "chain" else ((), frames)
    return SentStep("blink", chain, stills, (), tuple(range(len(chain))))


@pytest.mark.parametrize(("width", "height"), [(201, 180), (200, 181), (180, 200), (160, 160)])
@pytest.mark.parametrize("stream", ["chain", "stills"])
def test_frames_of_two_sizes_in_one_stream_are_refused(
    width: int, height: int, stream: str
) -> None:
    one, other = (_frame(),), (_frame(width, height),)
    within = [_step(stream, one + other)]
    between = [_step(stream, one), _step(stream, other)]
    for steps in (within, between):
        with pytest.raises(Refused) as refused:
            pictures.measure(steps)
        assert refused.value.code == "frame_size_changed"


@pytest.mark.parametrize(
    "fault",
    [cv2.error("made by a test"), ValueError(), np.linalg.LinAlgError(), ZeroDivisionError()],
)
def test_geometry_that_cannot_be_worked_with_is_refused(fault: Exception) -> None:
    with pytest.raises(Refused) as refused, measurable():
        raise fault
    assert refused.value.code == "frame_unmeasurable"
