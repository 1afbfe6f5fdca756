"""The word about a small picture: one for each thing that can be mended, and none for a good
one.
"""

import re
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verification.engines.liveness import insecure_masks, insecure_paper
from verification.engines.liveness import hints, landmarks, policy
from verification.engines.liveness.frames import Image
from verification.engines.liveness.networks import Networks

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
