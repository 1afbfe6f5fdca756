"""What refuses a picture of a face: each thing the borrower can mend, just beyond its limit and just within."""

from dataclasses import replace

import numpy as np
import pytest

from verification.core import reasons
from verification.core.errors import Refused
from verification.engines.faces import quality
from verification.engines.faces.alignment import Face
from verification.engines.faces.policy import QUALITY
from verification.engines.faces.quality import Quality

GOOD = Quality(eyes=90.0, head=0.4, luminance=0.5, under=0.0, over=0.0, entropy=6.8, evenness=0.9, score=2.0)


@pytest.mark.parametrize(
    ("within", "beyond", "code"),
    [
        ({"eyes": QUALITY.least_eyes}, {"eyes": QUALITY.least_eyes - 0.1}, "face_too_small"),
        ({"luminance": QUALITY.least_luminance}, {"luminance": QUALITY.least_luminance - 0.01}, "face_too_dark"),
        ({"under": QUALITY.most_under}, {"under": QUALITY.most_under + 0.01}, "face_too_dark"),
        ({"luminance": QUALITY.most_luminance}, {"luminance": QUALITY.most_luminance + 0.01}, "face_too_bright"),
        ({"over": QUALITY.most_over}, {"over": QUALITY.most_over + 0.01}, "face_too_bright"),
        ({"evenness": QUALITY.least_evenness}, {"evenness": QUALITY.least_evenness - 0.01}, "face_light_uneven"),
        ({"entropy": QUALITY.least_entropy}, {"entropy": QUALITY.least_entropy - 0.1}, "face_without_contrast"),
    ],
)
def test_a_picture_is_refused_just_beyond_a_limit_and_not_just_within(
    within: dict[str, float], beyond: dict[str, float], code: str
) -> None:
    quality.refuse_poor(replace(GOOD, **within), limits=QUALITY)
    with pytest.raises(Refused) as refused:
        quality.refuse_poor(replace(GOOD, **beyond), limits=QUALITY)
    assert refused.value.code == code
    assert not reasons.require(code).burns


def test_the_portraits_are_good_pictures(faces: dict[str, Face]) -> None:
    for face in faces.values():
        measured = quality.measure(face)
        quality.refuse_poor(measured, limits=QUALITY)
        assert all(0 <= each <= 1 for each in measured.components.values())
        assert measured.components["eye_distance"] > 0.8


def test_a_face_lit_from_one_side_is_less_even(faces: dict[str, Face]) -> None:
    face = faces["biden.jpg"]
    shade = np.where(np.arange(face.chip.shape[1]) < 75, 0.1, 1.0)[None, :, None]
    lit = replace(face, chip=(face.chip * shade).astype(np.uint8))
    assert quality.measure(lit).evenness < QUALITY.least_evenness < quality.measure(face).evenness
