"""Attacks made from one photograph, each stopped by a gate of its own, and beside them what passes
that gate.
"""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.verification.engines.liveness import insecure_paper
from verification.engines.liveness import continuity, gestures, landmarks, planarity, policy
from verification.engines.liveness.continuity import Presence
from verification.engines.liveness.frames import Image
from verification.engines.liveness.landmarks import Beside, FrameMeasurement
from verification.engines.liveness.networks import Networks
from verification.engines.liveness.planarity import Planarity

# Minutes of painting and measuring: not for every commit's quick check.
pytestmark = pytest.mark.proof("live_capture_attacks")

_PRINTS = (
    "obama.jpg",
    *(pytest.param(name, marks=pytest.mark.whole) for name in ("obama3.jpg", "biden.jpg")),
)
_COUNT = 9  # frames in a step
_TURNS: tuple[gestures.Gesture, ...] = ("turn_left", "turn_right")


@pytest.fixture(scope="module", params=_PRINTS)
def paper(request: pytest.FixtureRequest, portraits: dict[str, Image], loaded: Networks) -> Image:
    """A frame with a print of each portrait."""
    photograph = portraits[request.param]
    face = landmarks.measure(photograph, networks=loaded).face
    assert face is not None
    return insecure_paper.sheet(photograph, eyes=face.interocular)


def _measured(images: Sequence[Image], loaded: Networks) -> list[FrameMeasurement]:
    return [landmarks.measure(image, networks=loaded) for image in images]


def _there(frames: Sequence[FrameMeasurement]) -> Presence:
    return continuity.presence((frames, policy.SECOND_FACE))


def _with_another(frame: FrameMeasurement, *, score: float, share: float) -> FrameMeasurement:
    assert frame.face is not None
    left, _, right, _ = frame.face.box
    return replace(frame, others=(Beside(score, share * (right - left)),))


def _depth(images: Sequence[Image], loaded: Networks) -> Planarity:
    faces = [
        (image, frame.face) for image, frame in zip(images, _measured(images, loaded), strict=True)
    ]
    meshes = [
        (image, face.mesh) for image, face in faces if face is not None and face.mesh is not None
    ]
    return planarity.measure(
        [image for image, _ in meshes], [mesh for _, mesh in meshes], limits=policy.PLANARITY
    )


def _passes(depth: Planarity) -> bool:
    return (
        depth.ratio is not None
        and depth.residual is not None
        and depth.ratio >= policy.GATES.planarity_ratio
        and depth.residual >= policy.GATES.planarity_residual
    )


def _shown(
    images: Sequence[Image], resting: Sequence[Image], loaded: Networks
) -> list[gestures.Gesture]:
    """What the frames pass, compared with the print at rest; a print that looks aside is taken as
    it is.
    """
    faces = [frame.face for frame in _measured(resting, loaded) if frame.face is not None]
    rest = gestures.Neutral(
        *(
            float(np.median([getattr(face, name) for face in faces]))
            for name in gestures.Neutral.__annotations__
        )
    )
    frames = _measured(images, loaded)
    return [
        gesture
        for gesture in gestures.GESTURES
        if gestures.judge(gesture, frames, at_rest=rest, thresholds=policy.GESTURES).is_right
    ]


@pytest.mark.parametrize("noise", [0.5, 8.0])
def test_noise_gives_flat_paper_no_depth(paper: Image, loaded: Networks, noise: float) -> None:
    turned = [insecure_paper.turned(paper, yaw=angle) for angle in np.linspace(0, 40, _COUNT)]
    assert not _passes(_depth(insecure_paper.filmed(turned, seed=3, noise=noise), loaded))


@pytest.mark.parametrize("bend", [1.5, 3.0])
@pytest.mark.parametrize("yaw", [-40, 40])
def test_bent_paper_that_is_turned_has_too_little_depth(
    paper: Image, loaded: Networks, yaw: int, bend: float
) -> None:
    turned = [
        insecure_paper.turned(paper, yaw=angle, bend=bend) for angle in np.linspace(0, yaw, _COUNT)
    ]
    assert not _passes(_depth(insecure_paper.filmed(turned, seed=1), loaded))


def test_a_print_brought_closer_shows_nothing_more_and_no_depth(
    paper: Image, loaded: Networks
) -> None:
    """Coming closer alone proves no life, which is why every order holds both turns."""
    near = [
        insecure_paper.shifted(paper, across=0, down=0, scale=scale)
        for scale in np.linspace(1, 1.5, _COUNT)
    ]
    images = insecure_paper.filmed(near, seed=1)
    assert set(_shown(images, images[:1], loaded)) <= {"come_closer"}
    assert _depth(images, loaded).ratio is None


def test_one_turn_without_evidence_leaves_none_for_both() -> None:
    deep, none = Planarity(5, 0.95, 0.05, 0.06), Planarity(0, None, None, 0.01)
    assert _passes(planarity.together([deep, deep]))
    assert not _passes(planarity.together([deep, none]))
    assert not _passes(planarity.together([]))


@pytest.mark.parametrize(("score", "share"), [(0.51, 0.8), (0.54, 0.8), (0.93, 0.24)])
def test_a_faint_likeness_of_a_face_in_one_frame_is_not_counted(
    portraits: dict[str, Image], loaded: Networks, score: float, share: float
) -> None:
    alone = landmarks.measure(portraits["obama3.jpg"], networks=loaded)
    pattern = _with_another(alone, score=score, share=share)
    assert _there([alone] * 19 + [pattern]) == Presence(1.0, 1)
    assert _there([alone] * 18 + [pattern] * 2) == Presence(0.9, 2)
    assert _there([alone] * 19 + [_with_another(alone, score=0.55, share=0.26)]) == Presence(
        0.95, 2
    )


def test_a_face_that_jumps_is_not_continuous(portraits: dict[str, Image], loaded: Networks) -> None:
    half = cv2.resize(portraits["obama.jpg"][:900, :900], (320, 320))
    there = np.hstack([half, np.full_like(half, 120)]).astype(np.uint8)
    elsewhere = np.hstack([np.full_like(half, 120), half]).astype(np.uint8)
    stays, jumps = _measured([there, there], loaded), _measured([there, elsewhere], loaded)
    assert continuity.continuity([stays], distances=[0.1, 0.2]) == continuity.Continuity(1.0, 0.2)
    overlap = continuity.continuity([jumps], distances=[]).overlap
    assert overlap is not None
    assert overlap < policy.GATES.overlap


def test_nothing_to_compare_is_no_continuity() -> None:
    empty = FrameMeasurement(640, 480, None)
    assert continuity.continuity([[empty, empty]], distances=[]) == continuity.Continuity(
        None, None
    )
    assert _there([]).one_face == _there([empty]).one_face == 0.0


def _moving(count: int, *, seed: int) -> list[Image]:
    chance = np.random.default_rng(seed)
    scene = cv2.resize(chance.integers(0, 255, (24, 32, 3)).astype(np.uint8), (640, 480))
    shifted = [
        insecure_paper.shifted(np.asarray(scene, np.uint8), across=3 * at, down=0)
        for at in range(count)
    ]
    return insecure_paper.filmed(shifted, seed=seed)


def _fresh(frames: Sequence[Image]) -> continuity.Freshness:
    return continuity.freshness(
        [continuity.trace(frames)], frame=frames.__getitem__, limits=policy.FRESHNESS
    )


def test_frames_of_a_camera_are_fresh() -> None:
    fresh = _fresh(_moving(12, seed=1))
    assert (fresh.frozen_run, fresh.repeated) == (1, policy.GATES.repeated)
    assert fresh.noise is not None
    assert fresh.noise > policy.GATES.noise


def test_a_still_scene_with_the_noise_of_a_sensor_is_fresh() -> None:
    still = insecure_paper.filmed([_moving(1, seed=2)[0]] * 6, seed=2, noise=1.0)
    fresh = _fresh(still)
    assert (fresh.frozen_run, fresh.repeated) == (1, 0)


def test_frozen_frames_are_a_run() -> None:
    frames = _moving(6, seed=3)
    allowed = [*frames[:3], *[frames[2]] * (policy.GATES.frozen_run - 1), *frames[3:]]
    frozen = [*frames[:3], *[frames[2]] * policy.GATES.frozen_run, *frames[3:]]
    fresh = _fresh(allowed)
    assert (fresh.frozen_run, fresh.repeated) == (policy.GATES.frozen_run, 0)
    assert _fresh(frozen).frozen_run > policy.GATES.frozen_run


def test_one_picture_for_all_frames_has_no_noise() -> None:
    fresh = _fresh(_moving(1, seed=4) * 10)
    assert (fresh.frozen_run, fresh.noise) == (10, 0.0)


def test_frames_sent_twice_under_new_times_are_repeated() -> None:
    frames = _moving(6, seed=5)
    assert _fresh(frames).repeated == 0
    assert _fresh([*frames, frames[1]]).repeated == 1
    assert _fresh([*frames, *frames]).repeated == 6


def test_nothing_is_not_fresh() -> None:
    assert _fresh([]) == continuity.Freshness(0, 0, None)
    assert _fresh(_moving(1, seed=7)).noise is None
