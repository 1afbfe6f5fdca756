"""A face that is cut out of a part of its picture has the pixels that it has in the whole of it."""

import numpy as np
import pytest

from verification.engines.faces import portrait
from verification.engines.faces.portrait import ARCFACE, Portrait

PLACES = np.array(ARCFACE.places)


def picture(chance: np.random.Generator, *, high: int, wide: int) -> np.ndarray:
    return chance.integers(0, 256, (high, wide, 3), dtype=np.uint8)


@pytest.mark.parametrize("share", [0.35, 0.8, 1.9, 2.0, 2.003, 2.5, 6.0])
@pytest.mark.parametrize("turn", [0.0, -0.4, 2.5])
def test_what_lies_right_of_a_face_and_below_has_no_say(
    monkeypatch: pytest.MonkeyPatch, share: float, turn: float
) -> None:
    chance, faces = np.random.default_rng(0), []
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    for high, wide in ((480, 640), (545, 200), (90, 700)):
        for middle in ((0.2, 0.3), (0.5, 0.5), (0.95, 0.9), (-0.3, 1.4)):
            points = (PLACES - 56) @ turned.T * share + np.array([wide, high]) * middle
            faces.append(Portrait(picture(chance, high=high, wide=wide), points, 1.0))
    cuts = [face.cut(ARCFACE, side=112) for face in faces]
    monkeypatch.setattr(portrait, "_MORE", 10_000)  # all of it
    for face, cut in zip(faces, cuts, strict=True):
        np.testing.assert_array_equal(face.cut(ARCFACE, side=112), cut)
