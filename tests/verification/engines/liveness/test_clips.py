"""Real people: each window of a real clip passes the gesture it shows and no other; skipped where
there are none.
"""

from functools import cache
from pathlib import Path

import pytest

from tests.verification.engines.liveness.clips import WINDOWS, Clip, Window, read_clip
from verification.engines.liveness import (
    continuity,
    gestures,
    landmarks,
    networks,
    planarity,
    policy,
)
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.landmarks import FrameMeasurement
from verification.engines.liveness.networks import Networks

_FRAMES = 10  # in a step


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    """The folder of clips."""
    return shared_data / "liveness"


@cache
def _loaded() -> Networks:
    return networks.load()


@cache
def _measured(
    folder: Path, clip: Clip, first: int, last: int, count: int
) -> tuple[FrameMeasurement, ...]:
    images = read_clip(folder, clip, first, last, count=count)
    return tuple(landmarks.measure(image, networks=_loaded()) for image in images)


def _step(folder: Path, window: Window) -> tuple[FrameMeasurement, ...]:
    return _measured(folder, window.clip, window.first, window.last, _FRAMES)


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_a_real_clip_passes_what_it_shows_and_nothing_else(folder: Path, window: Window) -> None:
    rest = gestures.neutral(
        _measured(folder, window.clip, *window.clip.rest, 3), limits=policy.NEUTRAL
    )
    passed = [
        gesture
        for gesture in gestures.GESTURES
        if gestures.judge(
            gesture, _step(folder, window), at_rest=rest, thresholds=policy.GESTURES
        ).is_right
    ]
    assert passed == ([window.shows] if window.shows else [])


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_a_real_clip_passes_the_gates_that_hold_for_every_step(
    folder: Path, window: Window
) -> None:
    frames = _step(folder, window)
    there = continuity.presence((frames, policy.SECOND_FACE))
    assert there.one_face >= policy.GATES.one_face_share
    assert there.most <= policy.GATES.most_faces
    overlap = continuity.continuity([frames], distances=[]).overlap
    assert overlap is not None
    assert overlap >= policy.GATES.overlap
    images = read_clip(folder, window.clip, window.first, window.last, count=_FRAMES)
    fresh = continuity.freshness(
        [continuity.trace(images)], frame=images.__getitem__, limits=policy.FRESHNESS
    )
    assert (fresh.frozen_run, fresh.repeated) == (1, 0)
    assert fresh.noise is not None
    assert fresh.noise > policy.GATES.noise
    assert not any(landmarks.flaws(frame, limits=policy.QUALITY) for frame in frames)


def test_a_real_head_that_turns_is_not_flat(folder: Path) -> None:
    turns = [
        planarity.measure(*_turn(folder, window), limits=policy.PLANARITY)
        for window in _first_turns()
    ]
    depth = planarity.together(turns)
    assert depth.ratio is not None
    assert depth.residual is not None
    assert depth.ratio >= policy.GATES.planarity_ratio
    assert depth.residual >= policy.GATES.planarity_residual


def test_faces_that_do_not_turn_give_little_evidence_of_depth(folder: Path) -> None:
    still = next(window for window in WINDOWS if window.clip is Clip.D19)
    assert planarity.measure(*_turn(folder, still), limits=policy.PLANARITY).ratio is None


def _first_turns() -> list[Window]:
    sides = {
        window.shows: window
        for window in reversed(WINDOWS)
        if window.shows in ("turn_left", "turn_right")
    }
    return list(sides.values())


def _turn(folder: Path, window: Window) -> tuple[list[Image], list[Floats]]:
    images = read_clip(folder, window.clip, window.first, window.last, count=_FRAMES)
    frames = _step(folder, window)
    return images, [
        frame.face.mesh
        for frame in frames
        if frame.face is not None and frame.face.mesh is not None
    ]
