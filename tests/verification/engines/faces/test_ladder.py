"""The ladder of detectors: YuNet first; dlib says only whether one face is there; the points are
always YuNet's.
"""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.verification.engines.faces.conftest import pixels
from verification.core.errors import Refused
from verification.engines.faces import detection, image_gate
from verification.engines.faces.backends import Backend
from verification.engines.faces.embedding import distance
from verification.engines.faces.image_gate import ImageLimits, Pixels
from verification.engines.faces.nets import OnnxNet

Finds = Callable[[Pixels, OnnxNet], list[detection._Found]]
_LIMITS = ImageLimits(max_bytes=20_000_000, max_pixels=30_000_000)


def only_in_a_part(find: Finds, whole: list[detection._Found]) -> Finds:
    """YuNet that finds this in the whole picture, and what it does find in a part of it."""
    asked: list[int] = []

    def finds(image: Pixels, net: OnnxNet) -> list[detection._Found]:
        asked.append(1)
        return whole if len(asked) == 1 else find(image, net)

    return finds


@pytest.fixture
def portrait(folder: Path) -> Pixels:
    return pixels(folder / "obama.jpg")


def twins(image: Pixels, find: Finds, net: OnnxNet) -> list[detection._Found]:
    """Two faces of one size where there is one."""
    [found] = find(image, net)
    return [found, found]


@pytest.mark.parametrize("how", ["nothing", "two"])
def test_where_yunet_finds_nothing_or_two_the_points_are_its_own_in_dlibs_box(
    monkeypatch: pytest.MonkeyPatch, default: Backend, portrait: Pixels, how: str
) -> None:
    find = detection._find
    sure = detection.locate(portrait, yunet=default.yunet)
    whole = [] if how == "nothing" else twins(portrait, find, default.yunet)
    monkeypatch.setattr(detection, "_find", only_in_a_part(find, whole))
    found = detection.locate(portrait, yunet=default.yunet)
    # Not dlib's, of which there are none here: near those of the first look, and to the net the
    # same face.
    assert np.abs(found.points - sure.points).max() < 0.2 * sure.eye_distance
    assert distance(default.embed(found), default.embed(sure)).value < 0.5


def test_a_face_that_dlib_alone_sees_is_not_found(
    monkeypatch: pytest.MonkeyPatch, default: Backend, portrait: Pixels
) -> None:
    monkeypatch.setattr(detection, "_find", lambda image, net: [])
    with pytest.raises(Refused) as refused:
        detection.locate(portrait, yunet=default.yunet)
    assert refused.value.code == "face_not_found"


@pytest.mark.parametrize(("boxes", "code"), [(0, "face_not_found"), (2, "multiple_faces")])
def test_no_face_is_chosen_where_dlib_finds_none_or_two(
    monkeypatch: pytest.MonkeyPatch, default: Backend, portrait: Pixels, boxes: int, code: str
) -> None:
    shown = np.hstack([portrait] * boxes) if boxes else np.zeros_like(portrait)
    monkeypatch.setattr(detection, "_find", only_in_a_part(detection._find, []))
    with pytest.raises(Refused) as refused:
        detection.locate(shown, yunet=default.yunet)
    assert refused.value.code == code


def test_dlib_is_not_asked_where_yunet_finds_one(
    monkeypatch: pytest.MonkeyPatch, default: Backend, portrait: Pixels
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(detection, "_hog", lambda: asked.append("dlib"))
    detection.locate(portrait, yunet=default.yunet)
    assert asked == []


def test_a_small_face_of_a_large_file_is_cut_from_all_its_pixels(
    default: Backend, folder: Path
) -> None:
    face = Image.open(folder / "obama.jpg").convert("RGB").resize((640, 640))
    large, small = Image.new("RGB", (2560, 2560), "grey"), io.BytesIO()
    large.paste(face, (960, 960))
    large.save(small, "JPEG", quality=95)
    draft = image_gate.open_draft(small.getvalue(), limits=_LIMITS, least=640)
    assert draft.scale > 1
    found, _ = default.open(small.getvalue(), limits=_LIMITS)
    assert (found.scale, max(found.image.shape)) == (1.0, 2560)
    whole, _ = default.find(image_gate.open_image(small.getvalue(), limits=_LIMITS))
    assert np.array_equal(found.points, whole.points)
