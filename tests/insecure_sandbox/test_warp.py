"""The limit, written down: frames warped from one photograph pass the gates of the engine. They are
no live person.

If one of these tests fails because a gate became better, say so in docs/security/liveness.md and
keep the gate.
"""

from functools import cache
from pathlib import Path

import pytest

from insecure_sandbox import samples, warp
from tests.painted import painted
from verification.engines.liveness import (
    continuity,
    frames,
    gestures,
    landmarks,
    networks,
    planarity,
    policy,
)
from verification.engines.liveness.frames import Image
from verification.engines.liveness.landmarks import FrameMeasurement

# Minutes of painting and measuring: not for every commit's quick check.
pytestmark = pytest.mark.proof("live_capture_attacks")

_COUNT = 9  # frames in a step
_SEED = 1


def _portrait() -> Path:
    try:
        return samples.fetch() / "obama3.jpg"
    except OSError as error:
        pytest.skip(str(error))


@cache
def _networks() -> networks.Networks:
    return networks.load()


@cache
def _played(gesture: warp.Play) -> tuple[Image, ...]:
    sent = painted(_portrait(), gesture, _COUNT, seed=_SEED)
    return tuple(frames.decode(each, limits=policy.FRAMES) for each in sent)


@cache
def _measured(gesture: warp.Play) -> tuple[FrameMeasurement, ...]:
    return tuple(landmarks.measure(image, networks=_networks()) for image in _played(gesture))


@pytest.mark.parametrize("played", gestures.GESTURES)
def test_warped_frames_pass_the_gesture_they_play_and_no_other(played: gestures.Gesture) -> None:
    rest = gestures.neutral(_measured("neutral"), limits=policy.NEUTRAL)
    passed = [
        gesture
        for gesture in gestures.GESTURES
        if gestures.judge(
            gesture, _measured(played), at_rest=rest, thresholds=policy.GESTURES
        ).is_right
    ]
    assert passed == [played]


def test_warped_turns_have_depth() -> None:
    turns = []
    for gesture in ("turn_left", "turn_right"):
        meshes = [
            frame.face.mesh
            for frame in _measured(gesture)
            if frame.face and frame.face.mesh is not None
        ]
        turns.append(planarity.measure(_played(gesture), meshes, limits=policy.PLANARITY))
    depth = planarity.together(turns)
    assert depth.ratio is not None
    assert depth.residual is not None
    assert depth.ratio >= policy.GATES.planarity_ratio
    assert depth.residual >= policy.GATES.planarity_residual


def test_a_warped_capture_is_one_face_continuous_and_fresh() -> None:
    order: tuple[warp.Play, ...] = ("neutral", "turn_right", "blink", "turn_left")
    steps = [_measured(each) for each in order]
    there = continuity.presence(([frame for step in steps for frame in step], policy.SECOND_FACE))
    assert (there.one_face, there.most) == (1.0, 1)
    overlap = continuity.continuity(steps, distances=[]).overlap
    assert overlap is not None
    assert overlap >= policy.GATES.overlap
    images = [image for each in order for image in _played(each)]
    fresh = continuity.freshness(
        [continuity.trace(images)], frame=images.__getitem__, limits=policy.FRESHNESS
    )
    assert (fresh.frozen_run, fresh.repeated) == (1, 0)
    assert fresh.noise is not None
    assert fresh.noise > policy.GATES.noise
