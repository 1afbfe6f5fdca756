"""What is measured of a capture is measured once, is refused once, and is let go."""

import gc
import weakref

import cv2
import numpy as np
import pytest

from tests.verification.engines.liveness import insecure_paper
from verification.core.errors import Refused
from verification.engines.liveness import capture
from verification.engines.liveness.crops import Image
from verification.engines.liveness.geometry import measurable
from verification.engines.liveness.latest import Latest, Steps

_CHANCE = np.random.default_rng(1)


def _frame(width: int = 200, height: int = 180) -> bytes:
    return insecure_paper.jpeg(_CHANCE.integers(0, 255, (height, width, 3)).astype(np.uint8), quality=40)


def _capture(*contents: bytes) -> Steps:
    return (("look_straight", contents), ("blink", contents))


def test_a_capture_is_measured_once() -> None:
    steps = _capture(_frame())
    assert capture.measure(steps) is capture.measure(_capture(*steps[0][1]))


def test_only_the_latest_capture_is_held() -> None:
    first, second = _capture(_frame()), _capture(_frame())
    pixels = weakref.ref(capture.measure(first)[0].images[0])
    capture.measure(second)
    gc.collect()
    assert pixels() is None


def test_what_is_forgotten_leaves_no_pixels() -> None:
    pixels = weakref.ref(capture.measure(_capture(_frame()))[0].images[0])
    assert pixels() is not None
    capture.forget()
    gc.collect()
    assert pixels() is None


def test_a_refusal_is_found_once_and_raised_each_time_without_the_frames_it_saw() -> None:
    seen: list[Steps] = []
    pictures: list[weakref.ref[Image]] = []
    latest = Latest()

    @latest.once
    def refuse(steps: Steps) -> None:
        picture = np.zeros((4, 4, 3), np.uint8)
        pictures.append(weakref.ref(picture))
        seen.append(steps)
        raise Refused("frame_malformed", "made by a test", facts={"at": 1})

    for _ in range(3):
        with pytest.raises(Refused) as refused:
            refuse(_capture(b""))
        assert (refused.value.code, refused.value.facts) == ("frame_malformed", {"at": 1})
    del refused
    gc.collect()
    assert len(seen) == 1
    assert pictures[0]() is None


def test_two_functions_are_remembered_apart() -> None:
    latest = Latest()

    @latest.once
    def one(steps: Steps) -> int:
        return 1

    @latest.once
    def other(steps: Steps) -> int:
        return one(steps) + 1

    assert [other(()), one(()), other(())] == [2, 1, 2]


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
