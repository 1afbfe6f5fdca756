"""What a capture's facts say of what came, and what of it is compared with other captures."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.verification.stages.live_capture import captures as given
from verification.core import stored
from verification.core.results import Step
from verification.engines.liveness import looks, policy, prints
from verification.engines.liveness.prints import Prints
from verification.stages.live_capture.measure import (
    ComparedAll,
    Sent,
    compare_captures,
    marks_of_capture,
    measure_live_capture,
    sought_by_capture,
)
from verification.stages.live_capture.policy import LiveCapturePolicy

_FRAMES = {
    command: tuple(f"{command} {number}".encode() for number in range(2)) for command in given.ORDER
}


@pytest.mark.parametrize(
    ("kind", "is_told"),
    [("live_capture.0.frame.2", True), ("live_capture.0.turn", False), ("other.0.frame.1", False)],
)
def test_a_frame_that_was_presented_before_is_told_and_other_originals_are_not(
    kind: str, is_told: bool
) -> None:
    evidence = replace(given.Sent(_FRAMES).evidence(photo=b""), presented=frozenset({kind}))
    facts = measure_live_capture(given.case(), evidence, LiveCapturePolicy())
    assert isinstance(facts.sent, Sent)
    assert facts.sent.presented_before is is_told


def test_frames_that_are_none_leave_what_came_and_nothing_shown() -> None:
    facts = measure_live_capture(
        given.case(), given.Sent(_FRAMES).evidence(photo=b""), LiveCapturePolicy()
    )
    assert isinstance(facts.sent, Sent)
    assert (facts.sent.chain, facts.sent.is_bound) == ((2,) * len(given.ORDER), True)
    assert isinstance(facts.shown, Step)
    assert facts.shown.code.startswith("frame_")
    assert isinstance(facts.match, Step)


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


def test_a_capture_is_sought_by_all_marks_that_are_kept_of_it() -> None:
    items = {f"live_capture.{at}.prints": _step(at, 23) for at in range(3)}
    marks = marks_of_capture(items)
    assert marks
    assert marks <= sought_by_capture(items)
