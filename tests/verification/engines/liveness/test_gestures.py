"""Gestures, landmarks, and hints to the borrower."""

import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verification.engines.liveness import insecure_masks, insecure_paper
from verification.core.errors import Misconfigured, Refused
from verification.engines import weights
from verification.engines.faces import backends
from verification.engines.faces.embedding import distance
from verification.engines.liveness import (
    capture,
    continuity,
    gestures,
    hints,
    landmarks,
    networks,
    pictures,
    policy,
)
from verification.engines.liveness.frames import Image
from verification.engines.liveness.gestures import (
    GESTURES,
    Gesture,
    Neutral,
    StepJudgement,
    judge,
    neutral,
)
from verification.engines.liveness.landmarks import FaceMeasurement, FrameMeasurement
from verification.engines.liveness.networks import Network, Networks
from verification.engines.liveness.pictures import SentStep

# Gestures judged on made-up measurements, each beside the smallest change that fails it.


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


# What is measured in a photograph, and what of it can be kept.


_EMPTY = np.full((480, 640, 3), 90, dtype=np.uint8)


def _face(image: Image, loaded: Networks) -> FaceMeasurement:
    face = landmarks.measure(image, networks=loaded).face
    assert face is not None
    return face


def test_a_portrait_shows_one_face_at_its_place(
    portraits: dict[str, Image], loaded: Networks
) -> None:
    measured = landmarks.measure(portraits["obama.jpg"], networks=loaded)
    assert measured.face is not None
    assert not measured.others
    assert measured.face.mesh is not None
    assert abs(measured.face.turn) < 0.05
    left, top, right, bottom = measured.face.box
    nose = measured.face.mesh[landmarks.NOSE]
    assert left < nose[0] < right
    assert top < nose[1] < bottom


def test_an_empty_picture_shows_no_face(loaded: Networks) -> None:
    assert landmarks.measure(_EMPTY, networks=loaded) == FrameMeasurement(640, 480, None)


def test_pictures_measured_together_have_the_numbers_of_each_alone(
    portraits: dict[str, Image], loaded: Networks
) -> None:
    shown = [portraits["obama.jpg"], _EMPTY, portraits["biden.jpg"], portraits["obama3.jpg"]]
    together = landmarks.measure_all(shown, networks=loaded)
    alone = [landmarks.measure(image, networks=loaded) for image in shown]
    assert together == alone
    assert [each.face is None for each in together] == [False, True, False, False]
    one, other = (
        [each.face.mesh for each in of if each.face is not None] for of in (together, alone)
    )
    assert np.array_equal(np.array(one), np.array(other))


def test_a_full_frame_has_all_numbers_of_another_but_those_of_its_lids(
    portraits: dict[str, Image], loaded: Networks
) -> None:
    face = _face(portraits["obama.jpg"], loaded)
    (still,) = landmarks.measure_all(
        [portraits["obama.jpg"]],
        networks=networks.Networks(networks.load_detection(), networks.load_mesh()),
    )
    assert still.face is not None
    assert still.face == replace(face, right_eye=None, left_eye=None)
    assert face.lids == (face.right_eye, face.left_eye)
    with pytest.raises(TypeError, match="full frame"):
        _ = still.face.lids


def test_left_is_the_persons_own_left(portraits: dict[str, Image], loaded: Networks) -> None:
    """In biden.jpg he looks to his own left, to the right of the picture; in the mirror to his
    right.
    """
    picture = portraits["biden.jpg"]
    assert _face(picture, loaded).turn > 0.2
    assert _face(np.ascontiguousarray(picture[:, ::-1]), loaded).turn < -0.2


@pytest.mark.parametrize("name", ["obama.jpg", "obama2.jpg"])
def test_in_the_mirror_the_eyes_change_places(
    portraits: dict[str, Image], loaded: Networks, name: str
) -> None:
    face = _face(portraits[name], loaded)
    mirrored = _face(np.ascontiguousarray(portraits[name][:, ::-1]), loaded)
    assert mirrored.right_eye == pytest.approx(face.left_eye, abs=0.025)
    assert mirrored.left_eye == pytest.approx(face.right_eye, abs=0.025)


@pytest.mark.parametrize("angle", [-25, 25])
def test_a_leaning_head_is_measured_as_an_upright_one(
    portraits: dict[str, Image], loaded: Networks, angle: float
) -> None:
    picture = portraits["obama.jpg"]
    upright = _face(picture, loaded)
    size = (picture.shape[1], picture.shape[0])
    matrix = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 3), angle, 1)
    leaning = _face(np.asarray(cv2.warpAffine(picture, matrix, size), dtype=np.uint8), loaded)
    assert leaning.roll == pytest.approx(upright.roll - angle, abs=3)
    for name in ("turn", "mouth", "right_eye", "left_eye"):
        assert getattr(leaning, name) == pytest.approx(getattr(upright, name), abs=0.08)
    assert leaning.interocular == pytest.approx(upright.interocular, rel=0.05)


def test_two_people_are_two_faces(portraits: dict[str, Image], loaded: Networks) -> None:
    half = [
        cv2.resize(portraits[name][:900, :900], (320, 320)) for name in ("obama.jpg", "biden.jpg")
    ]
    measured = landmarks.measure(np.hstack(half).astype(np.uint8), networks=loaded)
    assert measured.face is not None
    assert len(measured.others) == 1
    assert landmarks.flaws(measured, limits=policy.QUALITY)[0] == "several_faces"


def test_a_good_frame_has_no_flaw_and_a_spoiled_one_has_its_own(
    portraits: dict[str, Image], loaded: Networks
) -> None:
    photograph = portraits["obama.jpg"]
    frame = insecure_paper.sheet(photograph, eyes=_face(photograph, loaded).interocular)
    spoiled = {
        (): frame,
        ("too_dark",): (frame * 0.1).astype(np.uint8),
        ("blurred",): cv2.GaussianBlur(frame, (0, 0), 6),
        ("no_face",): _EMPTY,
    }
    for expected, image in spoiled.items():
        measured = landmarks.measure(np.asarray(image, dtype=np.uint8), networks=loaded)
        assert landmarks.flaws(measured, limits=policy.QUALITY) == expected
    small = cv2.resize(frame, (320, 240), interpolation=cv2.INTER_AREA)
    measured = landmarks.measure(np.asarray(small, dtype=np.uint8), networks=loaded)
    assert "too_far" in landmarks.flaws(measured, limits=policy.QUALITY)


def test_the_weights_of_another_model_refuse_to_run() -> None:
    with pytest.raises(Misconfigured):
        Network(weights.read(weights.IRIS), outputs=("conv2d_20", "conv2d_30"))


# The word about a small picture: one for each thing that can be mended, and none for a good one.


_PAGE = Path(__file__).resolve().parents[4] / "templates" / "borrower" / "commands.html"
_GREY = (120, 120, 120)


@pytest.fixture(scope="module")
def face(portraits: dict[str, Image], loaded: Networks) -> Image:
    """A picture of 320 × 240 with one face in its middle, at arm's length."""
    found = landmarks.measure(portraits["obama3.jpg"], networks=loaded).face
    assert found is not None
    left, top, right, bottom = found.box
    scale = 40 / found.interocular
    matrix = np.array(
        [[scale, 0, 160 - scale * (left + right) / 2], [0, scale, 120 - scale * (top + bottom) / 2]]
    )
    cut = cv2.warpAffine(portraits["obama3.jpg"], matrix, (320, 240), borderValue=_GREY)
    return np.asarray(cut, dtype=np.uint8)


def _word(picture: object) -> str:
    return hints.hint(
        insecure_paper.jpeg(np.asarray(picture, dtype=np.uint8)),
        limits=policy.HINTS,
        mask=policy.MASK,
    )


def _placed(face: Image, *, scale: float = 1.0, across: float = 0, down: float = 0) -> Image:
    matrix = np.array(
        [[scale, 0, 160 * (1 - scale) + across], [0, scale, 120 * (1 - scale) + down]]
    )
    return np.asarray(cv2.warpAffine(face, matrix, (320, 240), borderValue=_GREY), dtype=np.uint8)


def test_a_face_in_the_middle_at_arms_length_in_good_light_needs_no_word(face: Image) -> None:
    assert _word(face) == ""
    assert _word(_placed(face, scale=1.3)) == ""


def test_each_thing_to_mend_has_its_word(face: Image) -> None:
    assert _word(np.full((240, 320, 3), 120)) == "no_face"
    assert _word(np.hstack([face, face])) == "two_faces"
    assert _word(np.rot90(face)) == "turn_phone"
    assert _word(face * 0.1) == "too_dark"
    assert _word(np.zeros((240, 320, 3))) == "too_dark"
    assert _word(np.clip(face.astype(float) * 0.3 + 200, 0, 255)) == "too_bright"
    assert _word(_placed(face, scale=0.45)) == "too_far"
    assert _word(_placed(face, scale=2.6)) == "too_near"
    assert _word(_placed(face, across=90)) == "not_centred"
    assert _word(_placed(face, down=70)) == "not_centred"


@pytest.mark.parametrize("colour", insecure_masks.COLOURS)
def test_a_mask_has_its_word_where_nothing_else_is_to_mend(
    face: Image, loaded: Networks, colour: str
) -> None:
    found = landmarks.measure(face, networks=loaded).face
    assert found is not None
    assert found.mesh is not None
    masked = insecure_masks.masked(face, found.mesh, colour)
    assert _word(masked) == "mask_on"
    assert _word(_placed(masked, scale=1.3)) == "mask_on"
    assert _word(_placed(masked, scale=0.45)) == "too_far"
    assert _word(masked * 0.1) == "too_dark"


def test_a_wide_and_an_upright_camera_are_understood(face: Image) -> None:
    assert _word(face[30:210]) == ""
    assert _word(face[:, 70:250]) == ""


@pytest.mark.parametrize("untrusted", [b"", b"GIF89a", b"\xff\xd8\xff\xd9", b"<svg/>"])
def test_what_is_no_camera_picture_shows_no_face(untrusted: bytes) -> None:
    assert hints.hint(untrusted, limits=policy.HINTS, mask=policy.MASK) == "no_face"


def test_the_page_has_a_sentence_for_every_word() -> None:
    sentences = set(re.findall(r'data-hint="(\w*)"', _PAGE.read_text(encoding="utf-8")))
    assert set(get_args(hints.Word)) == sentences


_SOME = insecure_paper.jpeg(np.full((120, 160, 3), 90, dtype=np.uint8))


@settings(max_examples=60)
@given(st.binary(max_size=300), st.integers(0, len(_SOME) - 1), st.binary(min_size=1, max_size=4))
def test_garbage_gets_a_word_and_nothing_else(garbage: bytes, at: int, other: bytes) -> None:
    for untrusted in (
        garbage,
        b"\xff\xd8" + garbage,
        _SOME[:at] + other + _SOME[at + len(other) :],
    ):
        assert hints.hint(untrusted, limits=policy.HINTS, mask=policy.MASK) in get_args(hints.Word)


# Somebody acts beside a large photograph of the borrower that leaves the frame: each detector
# sees another one face.
#
# The one of the gestures sees the person alone, so no gate counts two; the one of the comparison
# sees the photograph alone, which is near enough to the register's picture to match.


_TABLE = 120  # grey level of what stands behind
_SIDES, _OUTSIDE = (
    (340, 380, 420),
    (0.38, 0.42),
)  # of the photograph: pixels, and the share that is out of the frame


def _close(portrait: Image, *, around: float) -> Image:
    """The face with a little of what is around it, as a share of its width."""
    left, top, right, bottom = backends.in_use().find(portrait)[0].dlib_box
    more = round(around * (right - left))
    return portrait[max(0, top - more) : bottom + more, max(0, left - more) : right + more]


def _beside(person: Image, photograph: Image, *, side: int, outside: float) -> bytes:
    frame = np.full((480, 640, 3), _TABLE, np.uint8)
    frame[140:340, 10:210] = cv2.resize(person, (200, 200))
    seen, top = round(side * (1 - outside)), (480 - side) // 2
    frame[top : top + side, 640 - seen :] = cv2.resize(photograph, (side, side))[:, :seen]
    return insecure_paper.jpeg(frame)


def test_a_photograph_at_the_edge_is_never_compared_for_the_person_who_acts(
    portraits: dict[str, Image],
) -> None:
    registered = backends.in_use().embed_image(portraits["obama2.jpg"])
    person, photograph = (
        _close(portraits["biden.jpg"], around=0.35),
        _close(portraits["obama.jpg"], around=0.25),
    )
    deceived = 0
    for side, outside in product(_SIDES, _OUTSIDE):
        jpeg = _beside(person, photograph, side=side, outside=outside)
        (step,) = pictures.measure([SentStep("look_straight", (), (jpeg,), (), ())])
        (alone,) = backends.in_use().look_at_all(step.stills)
        is_near = alone.face is not None and distance(registered, alone.face).value <= 1.0
        # The attack works on each detector by itself: one face, fit to be compared, and a match.
        there = continuity.presence((step.numbers.stills, policy.SECOND_FACE))
        deceived += step.fit == (0,) and there.most == 1 and is_near and not alone.code
        with pytest.raises(Refused) as refused:
            capture.probes([step], capture.looks([step]), most=1)
        assert refused.value.code == ("multiple_faces" if step.fit else "face_not_found")
    assert deceived >= 4
