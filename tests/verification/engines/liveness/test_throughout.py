"""Which frames of the thin chain are compared, which corners go on from one to the next, and what a
cut to another person looks like.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest

from insecure_sandbox import warp
from insecure_sandbox.warp_picture import thinned
from tests.verification.engines.liveness import insecure_paper
from verification.core.errors import Refused
from verification.engines.faces.embedding import Embedding
from verification.engines.liveness import (
    corners,
    frames,
    gestures,
    landmarks,
    networks,
    pictures,
    planarity,
    policy,
)
from verification.engines.liveness import throughout as throughout_of
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.pictures import SentStep, StepMeasurement
from verification.engines.liveness.planarity import Grey, Planarity, evened, follow, measure, oval
from verification.engines.liveness.policy import GATES, THROUGHOUT
from verification.engines.liveness.throughout import Throughout, throughout

FRAMES, APART = 12, 167


def played(photo: Image, *gestures: warp.Play) -> list[list[bytes]]:
    """The thin chain of each gesture that a portrait is warped to."""
    puppet = warp.Puppet(photo)
    return [
        [
            thinned(frame, side=160, most_bytes=4_000)
            for frame in puppet.play(gesture, FRAMES, seed=7)
        ]
        for gesture in gestures
    ]


def measured(
    chains: list[list[bytes]], *commands: str, apart: int = APART
) -> tuple[StepMeasurement, ...]:
    return _measured(tuple(map(tuple, chains)), commands, apart)


@cache
def _measured(
    chains: tuple[tuple[bytes, ...], ...], commands: tuple[str, ...], apart: int
) -> tuple[StepMeasurement, ...]:
    taken = tuple(apart * at for at in range(FRAMES))
    steps = [
        SentStep(name, chain, (), (), taken) for name, chain in zip(commands, chains, strict=True)
    ]
    return pictures.measure(steps)


def found(
    steps: tuple[StepMeasurement, ...], drawn: int = 0, known: Embedding | None = None
) -> Throughout:
    at_rest = gestures.neutral(steps[0].numbers.frames, limits=policy.NEUTRAL)
    steps = tuple(replace(step, sent=replace(step.sent, drawn=drawn)) for step in steps)
    return throughout(steps, at_rest=at_rest, reference=known)


@pytest.fixture(scope="module", autouse=True)
def _seen_once(seen_once: None) -> None:
    """Most tests look at the same frames."""


@pytest.fixture(scope="module")
def victim(portraits: dict[str, Image]) -> list[list[bytes]]:
    return played(portraits["obama.jpg"], "neutral", "turn_left", "open_mouth")


@pytest.fixture(scope="module")
def stranger(portraits: dict[str, Image]) -> list[list[bytes]]:
    return played(portraits["biden.jpg"], "neutral", "turn_left", "open_mouth")


def test_one_person_is_near_to_their_face_at_rest_in_every_frame(victim: list[list[bytes]]) -> None:
    said = found(measured(victim[:2], "look_straight", "turn_left"))
    assert said.frames >= 2 * FRAMES // THROUGHOUT.every
    assert said.acting is not None
    assert said.next is not None
    assert said.corners is not None
    assert max(said.farthest, said.acting) < 1.0
    assert said.corners >= GATES.corners
    assert said.jumps == ()


def test_a_turn_is_passed_on_the_way_and_is_deep_beyond_it(victim: list[list[bytes]]) -> None:
    steps = measured(victim[:2], "look_straight", "turn_left")
    way, at_rest = (
        found(steps).way,
        gestures.neutral(steps[0].numbers.frames, limits=policy.NEUTRAL),
    )
    assert way.frames is not None
    assert way.frames >= 2
    assert way.deep is not None
    assert way.deep_median is not None
    assert way.acting is None  # a turn is proven where it is deep
    assert way.median <= min(way.farthest, way.deep_median) <= way.deep < 1.0
    turns = [abs(frame.face.turn - at_rest.turn) for frame in steps[1].numbers.frames if frame.face]
    assert min(turns) < THROUGHOUT.way_turn < max(turns)


def test_an_open_mouth_is_proven_on_the_way(victim: list[list[bytes]]) -> None:
    way = found(measured([victim[0], victim[2]], "look_straight", "open_mouth")).way
    assert (way.frames, way.deep, way.deep_median) == (None, None, None)
    assert way.acting is not None
    assert way.acting <= way.farthest


def test_gestures_share_little_beyond_the_rest_of_their_person_and_much_of_another(
    victim: list[list[bytes]], stranger: list[list[bytes]]
) -> None:
    names = ("look_straight", "turn_left", "open_mouth")
    own, other = (found(measured(each, *names)) for each in (victim, [victim[0], *stranger[1:]]))
    assert own.common is not None
    assert other.common is not None
    assert own.common <= GATES.common < 2 * GATES.common < other.common
    assert own.resting is not None
    between = found(measured([victim[0], stranger[0]], "look_straight", "blink")).resting
    assert between is not None
    assert own.resting <= GATES.resting < 1.0 < between


def test_a_face_that_shows_its_gesture_is_not_at_rest(
    victim: list[list[bytes]], portraits: dict[str, Image]
) -> None:
    """Nearer in every frame, and held as at rest."""
    (nearer,) = played(portraits["obama.jpg"], "come_closer")
    nearest = nearer[FRAMES // 2 : FRAMES // 2 + 2] * (FRAMES // 2)
    assert found(measured([victim[0], nearest], "look_straight", "come_closer")).resting is None
    assert found(measured([victim[0], nearest], "look_straight", "nod")).resting is not None


def test_what_gestures_have_in_common_is_beyond_all_moments_at_rest(
    victim: list[list[bytes]],
) -> None:
    """By chance the first step lies aside; later moments at rest do not, and so neither does the
    mean.
    """
    steps = measured(victim, "look_straight", "turn_left", "open_mouth")
    at_rest = gestures.neutral(steps[0].numbers.frames, limits=policy.NEUTRAL)
    quiet = next(
        at
        for at, each in enumerate(steps[1].numbers.frames)
        if each.face and abs(each.face.turn) < 0.05
    )
    places = [
        throughout_of._Places([], proving, frozenset(proving), [], {}, [])
        for proving in ([], [11], [11])
    ]
    numbers = {
        (0, 0): (1.0, 0.6, 0.0, 0.0),
        (1, 11): (1.0, 0.0, 0.7, 0.0),
        (2, 11): (1.0, 0.0, 0.0, 0.7),
    }
    alone = {place: Embedding("a/single-l2", np.array(each)) for place, each in numbers.items()}
    later = {**alone, (1, quiet): Embedding("a/single-l2", np.array((1.0, -0.6, 0.0, 0.0)))}
    first, all_moments = (
        throughout_of._between(steps, places, faces, at_rest) for faces in (alone, later)
    )
    assert first == {"common": pytest.approx(0.4215, abs=1e-3), "resting": None}
    assert all_moments == {
        "common": pytest.approx(0.0, abs=1e-6),
        "resting": pytest.approx(1.0290, abs=1e-3),
    }


def test_one_gesture_done_twice_is_one_gesture(victim: list[list[bytes]]) -> None:
    assert found(measured(victim[:2], "look_straight", "turn_left")).common is None
    twice = [*victim[:2], victim[1]]
    assert found(measured(twice, "look_straight", "turn_left", "turn_left")).common is None


def test_a_command_without_a_face_at_rest_says_nothing_of_how_it_rests(
    victim: list[list[bytes]],
) -> None:
    turned = [victim[0], [victim[1][FRAMES // 2]] * FRAMES]
    assert found(measured(turned, "look_straight", "turn_left")).resting is None


@pytest.mark.parametrize("drawn", range(THROUGHOUT.every))
def test_a_stranger_who_does_the_command_is_far_from_the_face_at_rest_in_every_draw(
    victim: list[list[bytes]], stranger: list[list[bytes]], drawn: int
) -> None:
    """The victim looks straight, and again at both ends of the command; a stranger does it."""
    spliced = [*victim[0][:2], *stranger[1][2:-2], *victim[0][-2:]]
    said = found(measured([victim[0], spliced], "look_straight", "turn_left"), drawn)
    assert said.acting is not None
    assert said.acting > 1.08
    assert said.corners is not None
    assert said.corners < GATES.corners
    # Whatever is drawn, both sides of the cut are compared.
    assert max(apart for _, apart in said.jumps) > GATES.next_face


def test_what_corners_do_not_join_is_compared_on_both_sides(
    victim: list[list[bytes]], stranger: list[list[bytes]]
) -> None:
    """One frame of somebody else, between two gaps of time in which nothing is seen."""
    spliced = [*victim[0][:4], stranger[0][4], *victim[0][5:]]
    gaps = THROUGHOUT.apart_ms + 1
    steps = measured([victim[0], spliced], "look_straight", "blink", apart=gaps)
    for begins in range(THROUGHOUT.every):
        said = found(steps, begins)
        assert said.corners is None
        assert said.farthest > 1.08


def test_the_room_is_held_to_what_it_was_also_where_time_is_missing(
    victim: list[list[bytes]],
) -> None:
    steps = measured(victim[:2], "look_straight", "turn_left", apart=THROUGHOUT.apart_ms + 1)
    assert found(steps).surroundings is None
    jumped = (0.1, *[None] * (FRAMES - 2))
    there: Any = replace(steps[1].looked, surroundings=jumped)
    said = found((steps[0], replace(steps[1], looked=there)))
    assert (said.corners, said.surroundings) == (None, 0.1)


def test_a_chain_in_which_no_face_is_found_cannot_be_compared(victim: list[list[bytes]]) -> None:
    steps = measured(victim[:2], "look_straight", "turn_left")
    none = (None,) * (FRAMES - 1)
    blind: Any = replace(steps[1].looked, points=(None,) * FRAMES, corners=none, surroundings=none)
    with pytest.raises(Refused) as refused:
        found((steps[0], replace(steps[1], looked=blind)))
    assert refused.value.code == "liveness_face_missing"


def test_corners_go_on_in_one_picture_that_moves_and_not_into_another(
    portraits: dict[str, Image],
) -> None:
    puppet = warp.Puppet(portraits["obama.jpg"])
    one = [thinned(frame, side=160, most_bytes=4_000) for frame in puppet.play("turn_left", 2)]
    other = [
        thinned(frame, side=160, most_bytes=4_000)
        for frame in warp.Puppet(portraits["biden.jpg"]).play("neutral", 2)
    ]
    joined = pictures.look(
        SentStep("turn_left", (one[0], one[0], one[1], other[0]), (), (), (0, 1, 2, 3))
    )[0].corners
    assert len(joined) == 3
    assert joined[0] == 1.0
    assert joined[2] is None or joined[2] < GATES.corners
    assert np.isfinite(joined[1] or 0.0)


def test_a_face_that_goes_on_in_another_room_is_seen(portraits: dict[str, Image]) -> None:
    """The first frame again, a pixel aside, with another room round the head."""
    frame = thinned(
        warp.Puppet(portraits["obama.jpg"]).play("neutral", 1)[0], side=160, most_bytes=4_000
    )
    image = frames.decode(frame, limits=policy.CHAIN)
    found = landmarks.measure(image, networks=networks.load()).face
    assert found is not None
    assert found.mesh is not None
    head = planarity.oval(found.mesh, image.shape, 1.15)[..., None] > 0
    room = cv2.resize(
        np.random.default_rng(1).integers(0, 255, (20, 27, 3), np.uint8), image.shape[1::-1]
    )
    here = corners.grey(image)
    for other, is_there in ((image, True), (np.where(head, image, room).astype(np.uint8), False)):
        moved, there = found.mesh + np.array([1, 0, 0]), corners.grey(np.roll(other, 1, axis=1))
        kept, around = (
            corners.kept_share(here, there, found.mesh, moved),
            corners.around(here, there, found.mesh, moved),
        )
        assert kept is not None
        assert kept >= GATES.corners
        assert around is None if is_there else around is not None and around < GATES.surroundings


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
