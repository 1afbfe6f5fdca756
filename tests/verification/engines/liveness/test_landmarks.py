"""What is measured in a photograph, and what of it can be kept."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.verification.engines.liveness import insecure_paper
from verification.core.errors import Misconfigured
from verification.engines import weights
from verification.engines.liveness import landmarks, networks, policy
from verification.engines.liveness.frames import Image
from verification.engines.liveness.landmarks import FaceMeasurement, FrameMeasurement
from verification.engines.liveness.networks import Network, Networks

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
