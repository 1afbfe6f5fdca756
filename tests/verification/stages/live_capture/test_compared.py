"""What of a capture is compared with others: the commands that were seen, and nothing that was put
between them.
"""

import json

import numpy as np
import pytest

from verification.core import stored
from verification.engines.liveness import looks, policy, prints
from verification.engines.liveness.prints import Prints
from verification.stages.live_capture.measure import ComparedAll, compare_captures

_MOVES = np.array([0.2, 6.0, 4.0, 0.1, 0.1, 0.1, 5.0, 5.0, 3.0])
_MIDDLE = np.array([0, 0, 0, 0.1, 0.3, 0.3, 100.0, 80.0, 40.0])


def _step(seed: int, frames: int) -> bytes:
    """A step of one face that moves smoothly, in its own way."""
    chance = np.random.default_rng(seed)
    at = np.arange(frames)[:, None] / 6
    moved = np.sin(2 * np.pi * chance.uniform(0.1, 0.5, 9) * at + chance.uniform(0, 6, 9)) * _MOVES
    signs = np.random.default_rng(0).random(prints.SIGNS) < 0.5
    still = np.zeros((frames, looks.NUMBERS))
    return Prints(np.tile(signs, (frames, 1)), moved + _MIDDLE, still).to_bytes()


@pytest.mark.parametrize("seen", [True, False])
def test_a_film_between_commands_that_were_missed_is_found(seen: bool) -> None:
    film = {f"live_capture.{at}.prints": _step(at, 23) for at in range(3)}
    fillers = {f"live_capture.{at}.prints": _step(100 + at, 40) for at in range(3, 9)}
    said = {
        f"live_capture.{at}.seen": json.dumps({"seen": seen, "then": "blink"}).encode()
        for at in range(3, 9)
    }
    found = compare_captures({**film, **fillers, **said}, {"att_film": film}, True)
    [one] = stored.read(
        json.loads(found["live_capture.compared"]), into=ComparedAll, what="compared"
    ).others
    assert policy.AGAIN.finds(one.alike) is not seen


@pytest.mark.parametrize("beside", [(), ("att_before",)])
def test_the_look_of_another_attempt_of_the_same_verification_does_not_count(
    beside: tuple[str, ...],
) -> None:
    chance = np.random.default_rng(5)
    faces = [np.cumsum(chance.normal(0, 4, (23, looks.NUMBERS)), axis=0) for _ in range(3)]
    signs, motion = np.zeros((23, prints.SIGNS), dtype=bool), np.tile(_MIDDLE, (23, 1))
    kept = {
        f"live_capture.{at}.prints": Prints(signs, motion, face).to_bytes()
        for at, face in enumerate(faces)
    }
    found = compare_captures(kept, {"att_before": kept}, True, beside)
    [before] = stored.read(
        json.loads(found["live_capture.compared"]), into=ComparedAll, what="compared"
    ).others
    assert before.is_beside is bool(beside)
    assert policy.AGAIN.resembles(before.alike)
    assert not policy.AGAIN.resembles(before.alike, by_look=False)
