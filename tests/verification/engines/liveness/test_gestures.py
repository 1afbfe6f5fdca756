"""Gestures judged on made-up measurements, each beside the smallest change that fails it."""

from dataclasses import replace

import pytest

from verification.core.errors import Refused
from verification.engines.liveness import gestures, policy
from verification.engines.liveness.gestures import (
    GESTURES,
    Gesture,
    Neutral,
    StepJudgement,
    judge,
    neutral,
)
from verification.engines.liveness.landmarks import FaceMeasurement, FrameMeasurement

_FACE = FaceMeasurement(
    score=0.9,
    presence=1.0,
    box=(220.0, 140.0, 420.0, 340.0),
    interocular=80.0,
    eyes=(320.0, 220.0),
    turn=0.05,
    mouth=0.03,
    right_eye=0.35,
    left_eye=0.33,
    pitch=2.0,
    roll=0.0,
    luminance=0.5,
    sharpness=0.3,
)
_REST = Neutral(turn=0.05, mouth=0.03, right_eye=0.35, left_eye=0.33, pitch=2.0, interocular=80.0)
_LIMIT = policy.GESTURES


def _frame(**changes: float | None) -> FrameMeasurement:
    return FrameMeasurement(640, 480, replace(_FACE, **changes))  # type: ignore[arg-type]


def _left(change: float) -> FrameMeasurement:
    return _frame(turn=_REST.turn + change)


def _closed(closure: float) -> FrameMeasurement:
    return _frame(right_eye=0.35 * (1 - closure), left_eye=0.33 * (1 - closure))


def _down(degrees: float) -> FrameMeasurement:
    return _frame(pitch=_REST.pitch - degrees)


def _near(scale: float) -> FrameMeasurement:
    return _frame(interocular=80.0 * scale)


_STILL = [_frame()] * 4
_EDGE = 0.001

_RIGHT_STEPS: dict[Gesture, list[FrameMeasurement]] = {
    "turn_left": [*_STILL, _left(0.2), _left(_LIMIT.turn + _EDGE), _left(0.5), _left(0.5)],
    "turn_right": [*_STILL, _left(-0.2), _left(-_LIMIT.turn - _EDGE), _left(-0.5), _left(-0.5)],
    "blink": [*_STILL, _closed(_LIMIT.closure + _EDGE), *_STILL],
    "open_mouth": [
        *_STILL,
        _frame(mouth=0.2),
        _frame(mouth=_LIMIT.mouth + _EDGE),
        _frame(mouth=0.5),
    ],
    "come_closer": [*_STILL, _near(1.1), _near(_LIMIT.closer + _EDGE), _near(1.4)],
    "nod": [*_STILL, _down(_LIMIT.nod + _EDGE), _down(3), _frame()],
}
_ALMOST: dict[Gesture, list[FrameMeasurement]] = {
    "turn_left": [
        *_STILL,
        _left(0.2),
        _left(_LIMIT.turn - _EDGE),
        _left(_LIMIT.turn - _EDGE),
        _left(0.5),
    ],
    "turn_right": [
        *_STILL,
        _left(-0.2),
        _left(-_LIMIT.turn + _EDGE),
        _left(-_LIMIT.turn + _EDGE),
        _left(-0.5),
    ],
    "blink": [*_STILL, _closed(_LIMIT.closure - _EDGE), *_STILL],
    "open_mouth": [
        *_STILL,
        _frame(mouth=0.2),
        _frame(mouth=_LIMIT.mouth - _EDGE),
        _frame(mouth=0.5),
    ],
    "come_closer": [*_STILL, _near(1.1), _near(_LIMIT.closer - _EDGE), _near(1.4)],
    "nod": [*_STILL, _down(_LIMIT.nod - _EDGE), _down(3), _frame()],
}


def _judge(gesture: Gesture, frames: list[FrameMeasurement]) -> StepJudgement:
    return judge(gesture, frames, at_rest=_REST, thresholds=_LIMIT)


@pytest.mark.parametrize(
    ("changes", "is_so"),
    [
        ({}, True),
        ({"turn": _REST.turn + 0.19}, True),
        ({"turn": _REST.turn + 0.21}, False),
        ({"turn": _REST.turn + 0.11, "pitch": _REST.pitch - 10}, False),
        ({"mouth": policy.NEUTRAL.mouth + _EDGE}, False),
        ({"left_eye": policy.NEUTRAL.lids * _REST.left_eye - _EDGE}, False),
        ({"left_eye": policy.NEUTRAL.lids * _REST.left_eye + _EDGE}, True),
    ],
)
def test_a_face_is_at_rest_that_is_held_so_with_its_mouth_closed_and_both_eyes_open(
    changes: dict[str, float], is_so: bool
) -> None:
    face = replace(_FACE, **changes)  # type: ignore[arg-type]
    assert gestures.is_at_rest(face, _REST, limits=policy.NEUTRAL, near=1.0) is is_so


@pytest.mark.parametrize("gesture", GESTURES)
def test_a_gesture_passes_from_its_threshold_on(gesture: Gesture) -> None:
    assert _judge(gesture, _RIGHT_STEPS[gesture]).is_right
    assert not _judge(gesture, _ALMOST[gesture]).is_right


@pytest.mark.parametrize("shown", GESTURES)
@pytest.mark.parametrize("commanded", GESTURES)
def test_a_step_passes_one_gesture_only(shown: Gesture, commanded: Gesture) -> None:
    assert _judge(commanded, _RIGHT_STEPS[shown]).is_right == (shown == commanded)


@pytest.mark.parametrize(
    ("commanded", "added"),
    [
        ("turn_left", _left(-0.3)),
        ("turn_left", _frame(mouth=0.4)),
        ("turn_right", _left(0.3)),
        ("blink", _left(0.3)),
        ("blink", _left(-0.3)),
        ("blink", _down(15)),
        ("blink", _frame(mouth=0.4)),
        ("open_mouth", _left(0.3)),
        ("open_mouth", _near(1.3)),
        ("come_closer", _left(-0.3)),
        ("come_closer", _frame(mouth=0.4)),
        ("nod", _left(0.3)),
        ("nod", _frame(mouth=0.4)),
    ],
)
def test_a_right_gesture_with_a_contradicting_one_fails(
    commanded: Gesture, added: FrameMeasurement
) -> None:
    step = _judge(commanded, [*_RIGHT_STEPS[commanded], added])
    assert step.fired
    assert step.contradictions
    assert not step.is_right


def test_a_blink_and_a_dip_of_the_head_do_not_contradict_a_turn() -> None:
    assert _judge("turn_left", [*_RIGHT_STEPS["turn_left"], _closed(0.9), _down(20)]).is_right


def test_what_the_last_command_left_is_forgiven_for_its_first_frames_only() -> None:
    turn = [_left(0.2), _left(0.4), _left(0.5), _left(0.5)]
    forgiven, held = [_left(-0.4)] * _LIMIT.leftover, [_left(-0.4)] * (_LIMIT.leftover + 1)
    assert _judge("turn_left", [*forgiven, *turn]).is_right
    assert not _judge("turn_left", [*held, *turn]).is_right
    assert not _judge("turn_left", [_frame(), _left(-0.4), *turn, *turn]).is_right


def test_who_stays_near_after_coming_closer_may_turn() -> None:
    near = [
        _frame(interocular=110.0, turn=_REST.turn + change)
        for change in (0, 0.1, 0.2, 0.4, 0.4, 0.4)
    ]
    assert _judge("turn_left", near).is_right
    assert not _judge("turn_left", [_frame(), *near]).is_right


def test_who_is_near_from_the_start_has_not_come_closer() -> None:
    assert not _judge("come_closer", [_near(1.4)] * 8).is_right


def test_closed_eyes_without_an_open_moment_are_no_blink() -> None:
    assert not _judge("blink", [_closed(0.8)] * 8).is_right


def test_one_eye_closed_is_no_blink() -> None:
    assert not _judge("blink", [*_STILL, _frame(right_eye=0.05), *_STILL]).is_right


def test_a_head_that_stays_down_has_not_nodded() -> None:
    assert not _judge("nod", [*_STILL, _down(20), _down(20), _down(20)]).is_right


def test_one_frame_is_no_turn_and_no_open_mouth() -> None:
    assert not _judge("turn_left", [*_STILL, _left(0.5), *_STILL]).is_right
    assert not _judge("open_mouth", [*_STILL, _frame(mouth=0.5), *_STILL]).is_right


def test_too_few_faces_show_nothing() -> None:
    empty = FrameMeasurement(640, 480, None)
    step = _judge("turn_left", [_left(0.5)] * (_LIMIT.frames - 1) + [empty] * 5)
    assert (step.fired, step.value) == (False, None)
    assert _judge("turn_left", [_left(0.5)] * _LIMIT.frames).is_right


def test_a_step_without_frames_shows_nothing() -> None:
    assert not _judge("blink", []).is_right


def test_the_face_at_rest_is_the_median_of_its_frames() -> None:
    rest = neutral([_frame(turn=0.0), _frame(turn=0.01), _frame(turn=0.2)], limits=policy.NEUTRAL)
    assert rest.turn == 0.01


@pytest.mark.parametrize(
    "unfit",
    [
        {"turn": policy.NEUTRAL.turn + _EDGE},
        {"turn": -policy.NEUTRAL.turn - _EDGE},
        {"mouth": policy.NEUTRAL.mouth + _EDGE},
        {"left_eye": policy.NEUTRAL.shut - _EDGE},
        {"left_eye": policy.NEUTRAL.eye - _EDGE, "right_eye": policy.NEUTRAL.eye - _EDGE},
        {"pitch": policy.NEUTRAL.pitch + _EDGE},
    ],
)
def test_a_face_that_is_not_at_rest_refuses(unfit: dict[str, float]) -> None:
    with pytest.raises(Refused) as refused:
        neutral([_frame(**unfit)] * 3, limits=policy.NEUTRAL)
    assert refused.value.code == "liveness_neutral_unfit"


def test_an_eye_in_the_dark_beside_an_open_one_is_open() -> None:
    rest = neutral([_frame(left_eye=policy.NEUTRAL.shut + _EDGE)] * 3, limits=policy.NEUTRAL)
    assert rest.left_eye < policy.NEUTRAL.eye


def test_narrow_eyes_are_open_by_the_full_frames_alone() -> None:
    narrow, open_eyes = policy.NEUTRAL.eye - 0.03, policy.NEUTRAL.eye + 0.05
    chain = [_frame(right_eye=narrow, left_eye=narrow)] * 3
    full = [_frame(right_eye=open_eyes, left_eye=open_eyes)] * 3
    assert neutral(chain, limits=policy.NEUTRAL, full=full).right_eye == narrow
    for shown in (
        [],
        [_frame(right_eye=None, left_eye=None)],
        [_frame(right_eye=0.05, left_eye=0.3)] * 3,
    ):
        with pytest.raises(Refused) as refused:
            neutral(chain, limits=policy.NEUTRAL, full=shown)
        assert refused.value.code == "liveness_neutral_unfit"
    # Open in the chain, closed in the full frames: those are the better eye.
    with pytest.raises(Refused):
        neutral(full, limits=policy.NEUTRAL, full=chain)


def test_a_rest_without_faces_refuses() -> None:
    empty = FrameMeasurement(640, 480, None)
    with pytest.raises(Refused) as refused:
        neutral([empty, empty, _frame()], limits=policy.NEUTRAL)
    assert refused.value.code == "liveness_neutral_missing"
