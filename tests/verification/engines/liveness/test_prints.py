"""Prints of frames: the same capture played again is found."""

import json
import math
import os
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from insecure_sandbox import samples, warp
from tests.proofs import Figures
from tools.genuine.clips import CLIPS, STEP, Clip, places_of, read
from tools.genuine.replays import Change, all_of, cropped, lighter, pressed
from tools.measure_held import Held, changed
from verification.engines.liveness import frames, landmarks, looks, networks, policy, prints
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.networks import Networks
from verification.engines.liveness.prints import Alike, Laid, Prints, Windows
from verification.stages.live_capture.policy import CAPTURE, OTHERS, TURNS

# Captures as the page sends them, of a photograph that follows commands as a person might: never
# twice alike.
#
# What differs from one capture to the next, as a person differs from himself: when a movement
# begins, how long it takes and how far it goes, whether and when the head comes back, what else
# moves with it, how the head sways and where it is, when the eyes blink, and the noise of the
# sensor. It is a model, not a person.


_PERIOD = CAPTURE.chain_ms / 1000  # seconds from one frame of the chain to the next
_REST, _COMMAND = 12, 23  # frames of the chain at rest and of a command
_TURN = (22.0, 34.0)  # degrees
_SIZE = (320, 240)  # pixels of the camera's picture; the chain has 213 × 160
_NOISE = 1.5  # grey levels


@dataclass(frozen=True)
class Course:
    """How one movement of a command goes: seconds, and how far of its strongest. `back`: None where
    it stays.
    """

    begin: float
    rise: float
    far: float
    back: float | None
    fall: float

    def at(self, seconds: Floats) -> Floats:
        """How far it has come at these times: quintic, as hands and heads move (Flash and Hogan
        1985).
        """
        up = _smooth((seconds - self.begin) / self.rise)
        down = (
            _smooth((seconds - self.back) / self.fall)
            if self.back is not None
            else np.zeros_like(seconds)
        )
        return self.far * (up - down)


class Film:
    """One capture of one person: any frame of it, at any time."""

    def __init__(self, puppet: warp.Puppet, *, seed: Sequence[int]) -> None:
        """Draws the commands, and how each is followed."""
        chance = self._chance = np.random.default_rng(list(seed))
        others = list(chance.choice(OTHERS, size=int(chance.integers(1, 3)), replace=False))
        order = [*TURNS, *map(str, others)]
        chance.shuffle(order)
        self.commands: tuple[str, ...] = ("look_straight", *order)
        self._puppet = puppet
        self._steps = [_step(command, chance) for command in self.commands]

    def steps(self, *, slowed: float = 1.0, of: Collection[str] | None = None) -> list[list[Image]]:
        """What the camera gives of each command, or of these alone, RGB; `slowed`: as a film that
        runs so many times as long.
        """
        played = []
        for step, (command, moved) in enumerate(zip(self.commands, self._steps, strict=True)):
            if of is not None and command not in of:
                continue
            seconds = 0.25 + np.arange(_COMMAND if step else _REST) * _PERIOD / slowed
            played.append([self._taken(moved(float(at))) for at in seconds])
        return played

    def _taken(self, moved: dict[str, float]) -> Image:
        pose = warp.Pose(
            yaw=self._puppet.rest.yaw + moved["yaw"],
            pitch=self._puppet.rest.pitch + moved["pitch"],
            closed_eyes=moved["closed"],
            open_mouth=float(np.clip(moved["mouth"], 0, 1)),
        )
        shown = self._puppet.show(pose)
        height, width = _SIZE[1], _SIZE[0]
        small = cv2.resize(shown, _SIZE, interpolation=cv2.INTER_AREA)
        matrix = cv2.getRotationMatrix2D(
            (width / 2, height / 2), moved["roll"], math.exp(moved["near"])
        )
        matrix[:, 2] += np.array([moved["x"], moved["y"]])
        there = cv2.warpAffine(small, matrix, _SIZE, borderMode=cv2.BORDER_REPLICATE)
        noise = self._chance.normal(0, _NOISE, there.shape)
        return np.asarray(np.clip(there + noise, 0, 255), dtype=np.uint8)


Moved = Callable[[float], dict[str, float]]


def _step(command: str, chance: np.random.Generator) -> Moved:
    """How everything moves within one command."""
    ends = _COMMAND * _PERIOD
    sways = {
        name: _sway(chance, size)
        for name, size in {
            "yaw": 1.0,
            "pitch": 1.0,
            "roll": 0.7,
            "x": 1.5,
            "y": 1.2,
            "near": 0.01,
        }.items()
    }
    course = Course(
        begin=float(chance.uniform(0.4, 1.3)),
        rise=float(chance.uniform(0.5, 1.4)),
        far=1.0,
        back=None,
        fall=float(chance.uniform(0.5, 1.2)),
    )
    hold = float(chance.uniform(0.3, 2.0))
    begin = course.begin + course.rise + hold
    if command in ("nod", "blink") or chance.uniform() < 0.5:
        begin = course.begin + course.rise + (0.1 if command == "nod" else hold)
        course = Course(course.begin, course.rise, 1.0, begin, course.fall)
    far = {
        "turn_left": {
            "yaw": chance.uniform(*_TURN),
            "pitch": chance.normal(0, 3),
            "roll": chance.normal(0, 2.5),
        },
        "turn_right": {
            "yaw": -chance.uniform(*_TURN),
            "pitch": chance.normal(0, 3),
            "roll": chance.normal(0, 2.5),
        },
        "nod": {"pitch": chance.uniform(18, 28), "yaw": chance.normal(0, 2)},
        "open_mouth": {"mouth": chance.uniform(0.75, 1.0), "pitch": chance.normal(-5, 3)},
        "come_closer": {"near": math.log(chance.uniform(1.3, 1.5)), "pitch": chance.normal(0, 3)},
    }.get(command, {})
    aside = {name: float(chance.normal(0, size)) for name, size in {"x": 6.0, "y": 3.0}.items()}
    blinks = [float(each) for each in chance.uniform(0, ends, size=int(chance.poisson(1.0)))]
    asked = [
        float(each)
        for each in np.sort(chance.uniform(0.5, ends - 1, size=int(chance.integers(1, 4))))
    ]
    shut = [(each, 0.2) for each in blinks] + (
        [(each, 0.5) for each in asked] if command == "blink" else []
    )

    def moved(at: float) -> dict[str, float]:
        share = float(course.at(np.array([at]))[0]) if far else 0.0
        found = {
            name: sway(at) + share * (far.get(name, 0.0) + aside.get(name, 0.0))
            for name, sway in sways.items()
        }
        found["mouth"] = share * far.get("mouth", 0.0)
        found["closed"] = max(
            (1.0 for begins, lasts in shut if begins <= at <= begins + lasts), default=0.0
        )
        return found

    return moved


def _sway(chance: np.random.Generator, size: float) -> Callable[[float], float]:
    """A slow random movement: a sum of waves of 0.1 to 1.2 Hz, most of it slow."""
    rates = chance.uniform(0.1, 1.2, 6)
    sizes = chance.normal(size=6) / (0.3 + rates)
    sizes *= size / max(float(np.sqrt((sizes**2).sum() / 2)), 1e-9)
    phases = chance.uniform(0, 2 * math.pi, 6)
    return lambda at: float((sizes * np.sin(2 * math.pi * rates * at + phases)).sum())


def _smooth(share: Floats) -> Floats:
    part = np.clip(share, 0, 1)
    return np.asarray(part**3 * (10 - 15 * part + 6 * part**2), dtype=np.float64)


# What is kept of a capture so that it is known again: movements made up here, and films of a
# model of a head (`commanded`), each replay warped and compressed as a whole picture.


_FRAMES = 23


def _capture(
    seed: int, *, slowed: float = 1.0, size: float = 1.0, steps: int = 4, face: int = 1
) -> list[Prints]:
    """Steps of one person who moves in his own way; `size`: of the picture."""
    chance = np.random.default_rng(seed)
    of_face = np.random.default_rng(face).random(prints.SIGNS) < 0.5
    rest, *ways = np.random.default_rng(face).normal(0, 6, (6, looks.NUMBERS))
    found = []
    for _ in range(steps):
        rates, sizes, phases = (
            chance.uniform(0.1, 0.5, 9),
            chance.uniform(0.5, 1.5, 9),
            chance.uniform(0, 6, 9),
        )
        at = np.arange(_FRAMES)[:, None] / 6 / slowed
        moved = sizes * np.sin(2 * np.pi * rates * at + phases)
        motion = moved * (0.2, 6.0, 4.0, 0.1, 0.1, 0.1, 5.0, 5.0, 3.0) + (
            0,
            0,
            0,
            0.1,
            0.3,
            0.3,
            100.0,
            80.0,
            40.0,
        )
        motion[:, 6:] *= size
        flips = np.random.default_rng(seed + 1000).random((_FRAMES, prints.SIGNS)) < 0.02
        grain = np.random.default_rng(seed + 1000).normal(0, 0.3, (_FRAMES, looks.NUMBERS))
        found.append(
            Prints(
                of_face ^ flips, motion, rest + moved[:, [0, 1, 3, 4, 5]] @ np.array(ways) + grain
            )
        )
    return found


def _part(step: Prints, frames: int) -> Prints:
    return Prints(step.signs[:frames], step.motion[:frames], step.looks[:frames])


def test_they_are_kept_in_145_bytes_a_frame_and_read_back() -> None:
    (step,) = _capture(1, steps=1)
    kept = step.to_bytes()
    assert len(kept) == 1 + 145 * _FRAMES
    back = prints.from_bytes(kept)
    assert (back.signs == step.signs).all()
    assert np.abs((back.motion - step.motion) / (1, 90, 90, 1, 1, 1, 200, 200, 60)).max() < 1e-3
    assert np.abs(back.looks - step.looks).max() <= 0.25
    assert _alike([back], [step]).fitting == 1.0


@pytest.mark.parametrize(
    "spoil", [lambda kept: kept[:-1], lambda kept: b"\x01" + kept[1:], lambda _: b""]
)
def test_what_is_not_whole_is_not_read(spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(ValueError, match="not whole"):
        prints.from_bytes(spoil(_capture(1, steps=1)[0].to_bytes()))


def test_a_step_without_a_face_leaves_nothing_and_is_like_nothing() -> None:
    faceless = prints.prints_of([])
    assert prints.from_bytes(faceless.to_bytes()).motion.shape == (0, 9)
    assert prints.marks(faceless) == []
    assert (
        _alike([faceless], _capture(1))
        == _alike(_capture(1), [faceless])
        == _alike([], [])
        == Alike(0.0, 0, 0, 0.0, 0.0)
    )


@pytest.mark.parametrize(
    "again",
    [
        _capture(1),
        _capture(1)[::-1],
        _capture(1, slowed=1.25),
        _capture(1, slowed=1.6),
        _capture(1, size=1.1),
        [prints.mirrored(step) for step in _capture(1)],
    ],
    ids=["same", "reordered", "slowed", "slower", "larger", "mirrored"],
)
def test_a_capture_that_comes_again_is_found(again: list[Prints]) -> None:
    assert policy.AGAIN.finds(_alike(again, _capture(1)))


@pytest.mark.parametrize("seed", range(2, 12))
def test_another_capture_of_the_same_face_is_not(seed: int) -> None:
    assert not policy.AGAIN.finds(_alike(_capture(seed), _capture(1)))


def test_the_same_movement_of_another_face_is_not() -> None:
    found = _alike(_capture(1, face=2), _capture(1))
    assert found.windows >= policy.AGAIN.fits
    assert (found.fitting, found.marked) == (0.0, 0.0)


def test_no_command_that_is_made_long_hides_that_the_others_come_again() -> None:
    first, others = _capture(1), [_capture(seed) for seed in (2, 3, 4)]
    short = [_part(step, 12) for step in first[:2]]
    long = [
        Prints(
            *(
                np.concatenate([getattr(step, name) for step in steps])
                for name in ("signs", "motion", "looks")
            )
        )
        for steps in zip(*others, strict=True)
    ][:2]
    found = _alike([*short, *long], first)
    assert found.windows > 20
    assert found.fitting == 0.5
    assert policy.AGAIN.finds(found)


@pytest.mark.parametrize(
    ("fitting", "in_mirror", "is_found"),
    [
        ([True, True, False, False], False, True),
        ([True, False], False, False),
        ([True, False], True, False),
    ],
    ids=["found", "for people", "in a mirror"],
)
def test_no_way_that_says_less_hides_one_that_says_more(
    monkeypatch: pytest.MonkeyPatch, fitting: list[bool], in_mirror: bool, is_found: bool
) -> None:
    """One window alone fits the other way round, and so all of them do."""
    one = _capture(1, steps=1)
    other = (
        [*one, prints.mirrored(one[0])]
        if is_found
        else [prints.mirrored(one[0])]
        if in_mirror
        else one
    )
    told = [Laid(int(in_mirror), 10.0, 0.0 if fits else 10.0, 0.0) for fits in fitting]
    less = Laid(int(not in_mirror), 10.0, 0.0, 0.0)
    monkeypatch.setattr(prints, "laid", lambda *_, **__: [less, *told])
    found = _alike(one, other)
    assert (found.windows, found.fits, found.fitting) == (len(fitting), sum(fitting), 0.5)
    assert (policy.AGAIN.finds(found), policy.AGAIN.resembles(found)) == (is_found, True)


def test_what_hardly_moves_is_not_judged() -> None:
    def calmed(rows: Floats) -> Floats:
        return np.asarray(rows.mean(axis=0) + 0.05 * (rows - rows.mean(axis=0)), dtype=np.float64)

    still = [Prints(step.signs, calmed(step.motion), calmed(step.looks)) for step in _capture(1)]
    assert (_alike(still, still).windows, _alike(still, still).likeness) == (0, 0.0)
    assert not policy.AGAIN.finds(_alike(still, still))


@pytest.mark.parametrize(("frames", "whole"), [(0, 0), (11, 0), (12, 1), (16, 1), (17, 2), (23, 3)])
def test_a_step_has_a_window_from_twelve_frames_with_a_face_on(frames: int, whole: int) -> None:
    (step,) = _capture(1, steps=1)
    short = _part(step, frames)
    assert prints.windows(short, limits=policy.AGAIN) == Windows(whole, whole)
    still = Prints(short.signs, np.repeat(step.motion[:1], frames, axis=0), short.looks)
    assert prints.windows(still, limits=policy.AGAIN) == Windows(whole, 0)


@pytest.mark.parametrize(
    ("fits", "marked", "fitting", "likeness", "is_found", "is_like"),
    [
        (2, 0.2, 0.4, 0.0, True, True),
        (1, 0.2, 0.4, 0.0, False, True),
        (2, 0.19, 0.4, 0.0, False, False),
        (2, 0.2, 0.39, 0.0, False, False),
        (3, 0.2, 0.1, 0.0, False, True),
        (3, 0.19, 0.1, 0.0, False, False),
        (0, 0.0, 0.0, policy.AGAIN.looks.likeness, False, True),
        (0, 0.0, 0.0, policy.AGAIN.looks.likeness - 0.01, False, False),
    ],
)
def test_it_takes_marks_and_windows_that_fit_and_for_people_a_like_look(
    fits: int, marked: float, fitting: float, likeness: float, is_found: bool, is_like: bool
) -> None:
    found = Alike(marked, 12, fits, fitting, likeness)
    assert (policy.AGAIN.finds(found), policy.AGAIN.resembles(found)) == (is_found, is_like)


def test_twice_in_a_mirror_is_as_it_was() -> None:
    (step,) = _capture(1, steps=1)
    twice = prints.mirrored(prints.mirrored(step))
    assert (twice.signs == step.signs).all()
    assert (twice.motion == step.motion).all()
    assert (twice.looks == step.looks).all()


def test_marks_stay_what_they_are_for_what_was_kept_must_be_found() -> None:
    look = np.where(np.arange(looks.NUMBERS) % 3, -1.0, 1.0)
    fixed = Prints(np.zeros((1, prints.SIGNS), dtype=bool), np.zeros((1, 9)), look[None])
    (of_frame,) = prints.marks(fixed)
    assert len(of_frame) == 12
    assert sha256(b"".join(sorted(of_frame))).hexdigest() == (
        "e592c732704f02f068dad4bd8680a64f732862a306a3926c289759fe925b76d4"
    )


_LIMITS = policy.AGAIN.looks
_TURNS = ("turn_left", "turn_right")
Steps = list[list[Image]]
REPLAYS: dict[str, tuple[Held, float]] = {
    "slanted": (Held(slant=0.1), 1.0),
    "swayed, faster, in a mirror": (Held(sway=1.0, is_mirrored=True), 0.5),
    "swayed, slower, in another light": (Held(sway=1.0, gain=0.8, side=0.2), 1.6),
}


@pytest.fixture(scope="module")
def turning(portraits: dict[str, Image]) -> Callable[[str, float], Steps]:
    """Both turns of one film of a portrait, running so many times as long."""
    films = {
        name: Film(warp.Puppet(portraits[name]), seed=(3,)) for name in ("obama.jpg", "biden.jpg")
    }

    def steps(name: str, slowed: float) -> Steps:
        return films[name].steps(slowed=slowed, of=_TURNS)

    return steps


def _looks(steps: Steps, loaded: Networks) -> list[Floats]:
    rows = []
    for step in steps:
        small = [
            np.asarray(cv2.resize(image, (213, 160), interpolation=cv2.INTER_AREA), np.uint8)
            for image in step
        ]
        faces = [(image, landmarks.measure(image, networks=loaded).face) for image in small]
        rows.append(
            prints.prints_of([(image, face) for image, face in faces if face is not None]).looks
        )
    return rows


@pytest.fixture(scope="module")
def recorded(turning: Callable[[str, float], Steps], loaded: Networks) -> list[Floats]:
    """The looks of the film that is played again."""
    return _looks(turning("obama.jpg", 1.0), loaded)


@pytest.mark.parametrize("name", REPLAYS)
def test_a_film_that_is_held_in_a_hand_is_for_people(
    turning: Callable[[str, float], Steps], recorded: list[Floats], loaded: Networks, name: str
) -> None:
    held, slowed = REPLAYS[name]
    replay = [
        changed(step, held, np.random.default_rng(1)) for step in turning("obama.jpg", slowed)
    ]
    assert looks.likeness(_looks(replay, loaded), recorded, limits=_LIMITS) >= _LIMITS.likeness


def test_another_man_who_turns_likewise_is_not(
    turning: Callable[[str, float], Steps], recorded: list[Floats], loaded: Networks
) -> None:
    other = _looks(turning("biden.jpg", 1.0), loaded)
    assert looks.likeness(recorded, other, limits=_LIMITS) < 0.75


def _drawn(seed: int, frames: int = 23, steps: int = 3) -> list[Floats]:
    """Steps of one face that changes smoothly, in a way of its own."""
    chance, ways = (
        np.random.default_rng(seed),
        np.random.default_rng(0).normal(0, 6, (5, looks.NUMBERS)),
    )
    times = np.arange(frames)[:, None] / 6
    return [
        np.sin(2 * np.pi * chance.uniform(0.1, 0.5, 5) * times + chance.uniform(0, 6, 5)) @ ways
        for _ in range(steps)
    ]


@pytest.mark.parametrize("seed", range(2, 12))
def test_another_movement_of_the_same_face_is_not(seed: int) -> None:
    assert looks.likeness(_drawn(seed), _drawn(1), limits=_LIMITS) < _LIMITS.likeness


def test_what_is_put_between_the_commands_of_a_film_hides_nothing() -> None:
    mixed = [*_drawn(2), *_drawn(1)[:2], *_drawn(3)]
    assert looks.likeness(mixed, _drawn(1), limits=_LIMITS) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    "presented", [[], _drawn(1)[:1], [each * 0.01 for each in _drawn(1)], _drawn(1, frames=7)]
)
def test_what_does_not_move_in_two_commands_is_like_nothing(presented: list[Floats]) -> None:
    assert looks.likeness(presented, _drawn(1), limits=_LIMITS) == 0.0
    assert looks.likeness(_drawn(1), [], limits=_LIMITS) == 0.0


def test_a_picture_without_contrast_has_a_look_and_it_can_be_kept() -> None:
    flat = looks.look(np.full((64, 64), 90, dtype=np.uint8))
    assert np.isfinite(flat).all()
    assert looks.from_bytes(looks.to_bytes(flat[None])).shape == (1, looks.NUMBERS)


# Captures that come again, in every way that anybody plays a film, and pairs of captures that
# are none.
#
# The captures are those of a model (`commanded`), for there are no 80 captures of one person
# that may be kept; those of the real clips are played again where they are at hand. The numbers
# that decide were fixed on other captures of the model.


# Minutes of painting and measuring: not for every commit's quick check.

_REAL = Path(__file__).resolve().parents[5] / "shared" / "data" / "liveness"
# How many captures of each portrait, and how many of them are played again: 3 160 pairs and 506
# replays.
_CAPTURES = {
    "obama3.jpg": (32, 16),
    "biden.jpg": (20, 12),
    "obama.jpg": (14, 9),
    "obama2.jpg": (14, 9),
}
_KEPT = samples.SAMPLES.parent / "proofs" / "liveness_replays"
_QUALITIES = range(70, 5, -5)  # as the page: the best that fits
Taken = Sequence[Sequence[Image]]
"""The frames of each step."""


@dataclass(frozen=True)
class Way:
    """A way to play a capture again: what is done to each frame, how many times as long it takes,
    in which order.
    """

    change: Change
    slowed: float = 1.0
    is_reversed: bool = False


WAYS = {
    "quality_90": Way(pressed(90)),
    "quality_70": Way(pressed(70)),
    "quality_40": Way(pressed(40)),
    "cropped_2": Way(cropped(0.02)),
    "cropped_5": Way(cropped(0.05)),
    "cropped_10": Way(cropped(0.10)),
    "reordered": Way(pressed(70), is_reversed=True),
    "slowed_1_25": Way(pressed(70), slowed=1.25),
    "slowed_1_6": Way(pressed(70), slowed=1.6),
    "brighter": Way(lighter),
    "all_at_once": Way(all_of(cropped(0.08), lighter, pressed(50)), is_reversed=True),
}
BESIDE = {"mirrored": Way(lambda image, _: np.ascontiguousarray(image[:, ::-1]))}
_FEW = 1  # ways outside `make prove`, drawn by the seed


@dataclass(frozen=True)
class Seen:
    """What is kept of one capture, and of it played again in every way; of none where it is not."""

    of: str
    own: list[Prints]
    again: Mapping[str, list[Prints]]


def _sent(image: Image) -> Image:
    """The frame as the server has it of the thin chain."""
    high, wide = image.shape[:2]
    scale = CAPTURE.chain_side / min(high, wide)
    small = cv2.resize(
        image, (round(wide * scale), round(high * scale)), interpolation=cv2.INTER_AREA
    )[:, :, ::-1]
    made = next(
        sent
        for quality in _QUALITIES
        if len(
            sent := cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        )
        <= CAPTURE.chain_bytes
    )
    return frames.decode(made, limits=policy.CHAIN)


def _prints(steps: Taken, way: Way | None = None) -> list[Prints]:
    found = []
    for step in steps:
        # A crop is one for the whole capture: a player of a film cuts it once.
        shown = [
            _sent(way.change(image, np.random.default_rng(1)) if way else image) for image in step
        ]
        faces = [
            (image, landmarks.measure(image, networks=networks.load()).face) for image in shown
        ]
        found.append(prints.prints_of([(image, face) for image, face in faces if face is not None]))
    return found[::-1] if way and way.is_reversed else found


def _seen(of: str, played: Callable[[float], Taken], *, ways: Collection[str]) -> Seen:
    taken = {1.0: played(1.0)}
    again = {}
    for name, way in {**WAYS, **BESIDE}.items():
        if name not in ways:
            continue
        if way.slowed not in taken:
            taken[way.slowed] = played(way.slowed)
        again[name] = _prints(taken[way.slowed], way)
    return Seen(of, _prints(taken[1.0]), again)


def _modelled(
    portrait: str,
    seed: tuple[int, ...],
    ways: Collection[str],
    is_kept: bool,
    commands: Collection[str] | None,
) -> Seen:
    """One capture of the model, of all commands or of these. Kept: what a proof that was broken off
    has made of this commit is taken up again.
    """
    kept = _KEPT / f"{portrait}-{'-'.join(map(str, seed))}.json"
    if is_kept and kept.is_file():
        read = {
            name: [prints.from_bytes(bytes.fromhex(step)) for step in steps]
            for name, steps in json.loads(kept.read_text()).items()
        }
        return Seen(portrait, read.pop("own"), read)
    image = np.asarray(Pillow.open(samples.SAMPLES / portrait).convert("RGB"), dtype=np.uint8)
    film = Film(warp.Puppet(image), seed=seed)
    seen = _seen(portrait, lambda slowed: film.steps(slowed=slowed, of=commands), ways=ways)
    if is_kept:
        written = {"own": seen.own, **seen.again}
        _KEPT.mkdir(parents=True, exist_ok=True)
        aside = kept.with_suffix(f".{os.getpid()}")
        aside.write_text(
            json.dumps(
                {name: [step.to_bytes().hex() for step in each] for name, each in written.items()}
            )
        )
        aside.replace(kept)
    return seen


@pytest.fixture(scope="module")
def modelled(request: pytest.FixtureRequest, proof_seed: int) -> Iterator[list[Seen]]:
    """The captures of the model; both turns of two of them, and of one the replay in one way,
    outside `make prove`.
    """
    try:
        samples.fetch()
    except OSError as error:
        pytest.skip(str(error))
    is_whole = request.config.getoption("--prove")
    # The seed of `make test` is the same from commit to commit, so nothing of it may be taken up
    # again.
    is_kept = is_whole and proof_seed != 0
    ways = [*WAYS, *BESIDE] if is_whole else random.Random(proof_seed).sample([*WAYS], _FEW)
    wanted = [
        (
            portrait,
            (proof_seed, number, kind),
            ways if number < (again if is_whole else kind == 0) else (),
            is_kept,
            None if is_whole else ("look_straight", *TURNS),
        )
        for kind, (portrait, (count, again)) in enumerate(_CAPTURES.items())
        for number in range(count if is_whole else count // 20)
    ]
    if not is_whole:
        yield [_modelled(*each) for each in wanted]
        return
    # Not forked: the networks of this process may be in the middle of something.
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        yield list(pool.map(_modelled, *zip(*wanted, strict=True)))


def _alike(one: Sequence[Prints], other: Sequence[Prints]) -> Alike:
    return prints.compare(one, other, limits=policy.AGAIN)


def _is_for_people(found: Alike) -> bool:
    return policy.AGAIN.resembles(found) and not policy.AGAIN.finds(found)


def _is_candidate(one: Sequence[Prints], other: Sequence[Prints]) -> bool:
    """Whether the index finds the other by the one: as the stage asks it, and as the workflow
    counts.
    """
    indexed = partial(prints.marks, kinds=policy.AGAIN_KINDS)
    kept = frozenset[bytes]().union(
        *(own for step in other for own in indexed(step)[:: policy.AGAIN_EVERY])
    )
    ways = [shown for step in one for shown in (step, prints.mirrored(step))]
    sought = frozenset[bytes]().union(*(own for shown in ways for own in indexed(shown)))
    return len(kept & sought) >= policy.AGAIN_SHARED


@pytest.mark.proof("liveness_replays")
def test_a_capture_that_is_played_again_is_found(
    modelled: list[Seen], proof_figures: Figures
) -> None:
    found, looked_at, played, fewest = (
        Counter[str](),
        Counter[str](),
        Counter[str](),
        Counter[str](),
    )
    for seen in modelled:
        for name, again in seen.again.items():
            played[name] += 1
            alike, is_compared = _alike(again, seen.own), _is_candidate(again, seen.own)
            found[name] += is_compared and policy.AGAIN.finds(alike)
            looked_at[name] += is_compared and _is_for_people(alike)
            fewest[name] = min(fewest.get(name, alike.fits), alike.fits)
    of_ways, are_found, to_people = (
        sum(count[name] for name in WAYS) for count in (played, found, looked_at)
    )
    proof_figures |= {
        "replays": of_ways,
        "replays_found": are_found,
        "replays_to_people": to_people,
    }
    proof_figures |= {
        "replays_missed": of_ways - are_found - to_people,
        "fewest_fits": min(fewest.values()),
    }
    proof_figures |= {"mirrored_to_people": looked_at["mirrored"]}
    proof_figures |= {f"found_{name}": found[name] for name in played} | {
        f"played_{name}": played[name] for name in played
    }
    assert are_found >= 0.99 * of_ways


@pytest.mark.proof("liveness_replays")
def test_no_other_capture_is_taken_for_it(modelled: list[Seen], proof_figures: Figures) -> None:
    pairs, alarms, looked_at, candidates = (
        Counter[str](),
        Counter[str](),
        Counter[str](),
        Counter[str](),
    )
    nearest, fits = Counter[str](), Counter[str]()
    for one, other in combinations(modelled, 2):
        kind = (
            "one_place"
            if one.of == other.of
            else "one_man"
            if {one.of, other.of}.isdisjoint({"biden.jpg"})
            else "two"
        )
        pairs[kind] += 1
        found = _alike(other.own, one.own)
        alarms[kind] += policy.AGAIN.finds(found)
        looked_at[kind] += _is_for_people(found)
        candidates[kind] += _is_candidate(other.own, one.own)
        nearest[kind] = max(nearest[kind], round(100 * found.fitting))
        fits[kind] = max(fits[kind], found.fits)
    proof_figures |= {"pairs": sum(pairs.values()), "alarms": sum(alarms.values())}
    proof_figures |= {"pairs_to_people": sum(looked_at.values()), "most_fits": max(fits.values())}
    for kind, number in pairs.items():
        proof_figures |= {
            f"pairs_{kind}": number,
            f"alarms_{kind}": alarms[kind],
            f"candidates_{kind}": candidates[kind],
            f"most_fitting_percent_{kind}": nearest[kind],
        }
    assert sum(alarms.values()) == 0


def _real_captures(clip: Clip) -> list[Seen]:
    images, found = read(_REAL, clip), []
    places, whole = places_of(clip, len(images)), 3 * STEP
    for start in range(0, max(1, len(places) - whole // 2), whole):
        first, *_, last = taken = places[start : start + whole]

        def played(
            slowed: float, first: int = first, last: int = last, count: int = len(taken)
        ) -> Taken:
            every = [
                at for at in places_of(clip, len(images), slowed=slowed) if first <= at <= last
            ][:count]
            return [
                [images[at] for at in every[step : step + STEP]]
                for step in range(0, len(every), STEP)
            ]

        found.append(_seen(clip.person, played, ways=[*WAYS, *BESIDE]))
    return found


@pytest.mark.proof("liveness_replays")
@pytest.mark.whole
def test_real_clips_are_found_and_not_taken_for_one_another(proof_figures: Figures) -> None:
    there = [clip for clip in CLIPS if (_REAL / clip.file).is_file()]
    if not there:
        pytest.skip("no real clips beside the checkout")
    seen = [each for clip in there for each in _real_captures(clip)]
    # What hardly moves is not judged: these people were not told to move.
    judged = {name: [_alike(each.again[name], each.own) for each in seen] for name in WAYS}
    moving = {
        name: [one for one in each if one.windows >= policy.AGAIN.fits]
        for name, each in judged.items()
    }
    found = {name: sum(map(policy.AGAIN.finds, each)) for name, each in moving.items()}
    pairs = [_alike(other.own, one.own) for one, other in combinations(seen, 2)]
    alarms = sum(map(policy.AGAIN.finds, pairs))
    looked_at = [one for each in moving.values() for one in each if _is_for_people(one)]
    proof_figures |= {
        "real_captures": len(seen),
        "real_replays": sum(map(len, judged.values())),
        "real_replays_that_move": sum(map(len, moving.values())),
        "real_replays_found": sum(found.values()),
        "real_replays_to_people": len(looked_at),
        "real_pairs": len(pairs),
        "real_alarms": alarms,
        "real_pairs_to_people": sum(map(_is_for_people, pairs)),
    }
    proof_figures |= {f"real_missed_{name}": len(moving[name]) - found[name] for name in WAYS}
    assert alarms == 0
