"""Corners are sought where the face is, and are those that the whole picture has there."""

import cv2
import numpy as np
import pytest

from verification.engines.liveness import corners
from verification.engines.liveness.frames import Image
from verification.engines.liveness.planarity import Grey, follow


def masked(high: int, wide: int, *, at: tuple[int, int], axes: tuple[int, int]) -> Grey:
    return np.asarray(cv2.ellipse(np.zeros((high, wide), np.uint8), at, axes, 20, 0, 360, 255, -1), np.uint8)


@pytest.mark.parametrize(("at", "axes"), [((100, 80), (40, 55)), ((10, 12), (40, 55)), ((200, 150), (30, 30))])
def test_what_lies_far_from_the_face_has_no_say(
    monkeypatch: pytest.MonkeyPatch, portraits: dict[str, Image], at: tuple[int, int], axes: tuple[int, int]
) -> None:
    one = corners.grey(np.asarray(cv2.resize(portraits["obama.jpg"], (213, 160), interpolation=cv2.INTER_AREA)))
    noise = np.random.default_rng(0).integers(-60, 61, one.shape)
    other = np.clip(np.roll(one, 2, axis=1) + noise, 0, 255).astype(np.uint8)
    mask = masked(160, 213, at=at, axes=axes)
    said = corners.share(one, other, mask, guess=None)
    monkeypatch.setattr(corners, "_AROUND", 1000)  # all of the picture
    assert said is not None
    assert 0 < said < 1
    assert corners.share(one, other, mask, guess=None) == said


def test_no_face_has_no_corners() -> None:
    grey = np.zeros((160, 213), np.uint8)
    assert corners.share(grey, grey, grey, guess=None) is None


def test_a_point_that_ends_outside_was_not_found_whatever_opencv_is_asked_for(portraits: dict[str, Image]) -> None:
    one = corners.grey(np.asarray(cv2.resize(portraits["obama.jpg"], (213, 160), interpolation=cv2.INTER_AREA)))
    chance = np.random.default_rng(0)
    for _ in range(100):
        warp = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]) + chance.normal(0, 1, (2, 3)) * (0.1, 0.1, 40)
        other = np.asarray(cv2.warpAffine(one, warp, (213, 160)), np.uint8)
        points = chance.uniform(0, (213, 160), (200, 2))
        guess = points + chance.normal(0, 40, points.shape)
        found, is_there = follow(one, other, points, guess, side=9, levels=3)
        starts, ends = (each.astype(np.float32).reshape(-1, 1, 2) for each in (points, guess))
        plain, status, _ = cv2.calcOpticalFlowPyrLK(
            one, other, starts, ends, winSize=(9, 9), maxLevel=3, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
        )
        np.testing.assert_array_equal(is_there, np.asarray(status)[:, 0] == 1)
        np.testing.assert_array_equal(found, np.asarray(plain)[:, 0])
