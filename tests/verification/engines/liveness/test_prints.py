"""What is kept of a capture so that it is known again: movements made up here, and films of a
model of a head (`commanded`), each replay warped and compressed as a whole picture.
"""

from collections.abc import Callable
from hashlib import sha256

import cv2
import numpy as np
import pytest

from insecure_sandbox import warp
from tests.verification.engines.liveness.commanded import Film
from tools.measure_held import Held, changed
from verification.engines.liveness import landmarks, looks, policy, prints
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.networks import Networks
from verification.engines.liveness.prints import Alike, Laid, Prints, Windows

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


def _alike(one: list[Prints], other: list[Prints]) -> Alike:
    return prints.compare(one, other, limits=policy.AGAIN)


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
