"""Corners are sought where the face is, and are those that the whole picture has there."""

import cv2
import numpy as np
import pytest

from insecure_sandbox import warp
from insecure_sandbox.warp_picture import thinned
from tests.verification.engines.liveness import insecure_paper
from verification.engines.liveness import corners, frames, landmarks, networks, policy
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.planarity import Grey, Planarity, evened, follow, measure, oval


def masked(high: int, wide: int, *, at: tuple[int, int], axes: tuple[int, int]) -> Grey:
    return np.asarray(
        cv2.ellipse(np.zeros((high, wide), np.uint8), at, axes, 20, 0, 360, 255, -1), np.uint8
    )


@pytest.mark.parametrize(
    ("at", "axes"), [((100, 80), (40, 55)), ((10, 12), (40, 55)), ((200, 150), (30, 30))]
)
def test_what_lies_far_from_the_face_has_no_say(
    monkeypatch: pytest.MonkeyPatch,
    portraits: dict[str, Image],
    at: tuple[int, int],
    axes: tuple[int, int],
) -> None:
    one = corners.grey(
        np.asarray(cv2.resize(portraits["obama.jpg"], (213, 160), interpolation=cv2.INTER_AREA))
    )
    noise = np.random.default_rng(0).integers(-60, 61, one.shape)
    other = np.clip(np.roll(one, 2, axis=1) + noise, 0, 255).astype(np.uint8)
    mask = masked(160, 213, at=at, axes=axes)
    said = corners.share(one, other, mask, guess=None)
    monkeypatch.setattr(corners, "_AROUND", 1000)  # all of the picture
    assert said is not None
    assert 0 < said < 1
    assert corners.share(one, other, mask, guess=None) == said


@pytest.mark.parametrize("factor", [0.7, 1.3])
def test_a_lamp_takes_no_corner_away_and_brings_none(
    portraits: dict[str, Image], factor: float
) -> None:
    (one, mesh), (other, stranger) = (
        _in_a_chain(portraits[name]) for name in ("obama.jpg", "biden.jpg")
    )
    lit, cut = (np.clip(np.rint(each * factor), 0, 255).astype(np.uint8) for each in (one, other))
    shares = [
        corners.kept_share(one, seen, mesh, there)
        for seen, there in ((one, mesh), (lit, mesh), (cut, stranger))
    ]
    assert shares[0] == 1.0
    assert shares[1] is not None
    assert shares[1] > policy.GATES.corners + 0.4
    assert shares[2] is None or shares[2] < policy.GATES.corners
    assert corners.around(one, lit, mesh, mesh) is None


def test_what_is_evened_has_the_light_of_the_other_and_one_colour_stays(
    portraits: dict[str, Image],
) -> None:
    one, mesh = _in_a_chain(portraits["obama.jpg"])
    inside = oval(mesh, one.shape, 0.9)
    dark = np.clip(np.rint(one * 0.5 + 10), 0, 255).astype(np.uint8)
    found = evened(dark, inside, like=one, under=inside)
    assert abs(int(found[inside > 0].mean()) - int(one[inside > 0].mean())) <= 1
    flat = np.full_like(one, 90)
    assert len(np.unique(evened(flat, inside, like=one, under=inside))) == 1


def test_a_lamp_that_flickers_takes_no_depth_away_and_gives_paper_none(
    portraits: dict[str, Image],
) -> None:
    puppet = warp.Puppet(portraits["obama.jpg"])
    head, (still,) = puppet.play("turn_left", 12), puppet.play("neutral", 1)
    print_of = frames.decode(still, limits=policy.FRAMES)
    paper = [
        insecure_paper.jpeg(insecure_paper.turned(print_of, yaw=float(yaw), bend=0.0))
        for yaw in np.linspace(0, 36, 12)
    ]
    turning, flat = (_depth(_flickering([_thin(each) for each in seen])) for seen in (head, paper))
    assert turning.ratio is not None
    assert turning.ratio >= policy.GATES.planarity_ratio
    assert flat.ratio is not None
    assert flat.ratio < policy.GATES.planarity_ratio


def _thin(jpeg: bytes) -> Image:
    return frames.decode(thinned(jpeg, side=160, most_bytes=4_000), limits=policy.CHAIN)


def _flickering(seen: list[Image]) -> list[Image]:
    factors = np.random.default_rng(3).uniform(0.7, 1.3, len(seen))
    return [
        np.clip(np.rint(image * each), 0, 255).astype(np.uint8)
        for image, each in zip(seen, factors, strict=True)
    ]


def _depth(seen: list[Image]) -> Planarity:
    faces = [landmarks.measure(image, networks=networks.load()).face for image in seen]
    shown = [
        (image, face.mesh)
        for image, face in zip(seen, faces, strict=True)
        if face and face.mesh is not None
    ]
    return measure(
        [image for image, _ in shown], [mesh for _, mesh in shown], limits=policy.PLANARITY
    )


def _in_a_chain(image: Image) -> tuple[Grey, Floats]:
    sent = thinned(warp.Puppet(image).play("neutral", 1)[0], side=160, most_bytes=4_000)
    small = frames.decode(sent, limits=policy.CHAIN)
    found = landmarks.measure(small, networks=networks.load()).face
    assert found is not None
    assert found.mesh is not None
    return corners.grey(small), found.mesh


def test_no_face_has_no_corners() -> None:
    grey = np.zeros((160, 213), np.uint8)
    assert corners.share(grey, grey, grey, guess=None) is None


def test_a_point_that_ends_outside_was_not_found_whatever_opencv_is_asked_for(
    portraits: dict[str, Image],
) -> None:
    one = corners.grey(
        np.asarray(cv2.resize(portraits["obama.jpg"], (213, 160), interpolation=cv2.INTER_AREA))
    )
    chance = np.random.default_rng(0)
    for _ in range(100):
        warp = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]) + chance.normal(0, 1, (2, 3)) * (
            0.1,
            0.1,
            40,
        )
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
