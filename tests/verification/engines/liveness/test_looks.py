"""A film that a hand moves, slants, slows or turns over is known by its look; another face or
movement is not.

The films are of a head that a model moves (`commanded`), each replay warped and compressed as a
whole picture.
"""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from insecure_sandbox import warp
from tests.verification.engines.liveness.commanded import Film
from tools.measure_held import Held, changed
from verification.engines.liveness import landmarks, looks, policy, prints
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.networks import Networks

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
        film = films[name]
        shown = film.steps(slowed=slowed)
        return [shown[number] for number, command in enumerate(film.commands) if command in _TURNS]

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
