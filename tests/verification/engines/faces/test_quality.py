"""What refuses a picture of a face: each thing the borrower can mend, just beyond its limit and
just within.
"""

from dataclasses import replace

import numpy as np
import pytest

from verification.core import codes
from verification.core.errors import Refused
from verification.engines.faces.policy import QUALITY
from verification.engines.faces.portrait import Portrait, Quality

GOOD = Quality(
    eyes=90.0, head=0.4, luminance=0.5, under=0.0, over=0.0, entropy=6.8, evenness=0.9, score=0.93
)


@pytest.mark.parametrize(
    ("within", "beyond", "code"),
    [
        ({"eyes": QUALITY.least_eyes}, {"eyes": QUALITY.least_eyes - 0.1}, "face_too_small"),
        (
            {"luminance": QUALITY.least_luminance},
            {"luminance": QUALITY.least_luminance - 0.01},
            "face_too_dark",
        ),
        ({"under": QUALITY.most_under}, {"under": QUALITY.most_under + 0.01}, "face_too_dark"),
        (
            {"luminance": QUALITY.most_luminance},
            {"luminance": QUALITY.most_luminance + 0.01},
            "face_too_bright",
        ),
        ({"over": QUALITY.most_over}, {"over": QUALITY.most_over + 0.01}, "face_too_bright"),
        (
            {"evenness": QUALITY.least_evenness},
            {"evenness": QUALITY.least_evenness - 0.01},
            "face_light_uneven",
        ),
        (
            {"entropy": QUALITY.least_entropy},
            {"entropy": QUALITY.least_entropy - 0.1},
            "face_without_contrast",
        ),
    ],
)
def test_a_picture_is_refused_just_beyond_a_limit_and_not_just_within(
    within: dict[str, float], beyond: dict[str, float], code: str
) -> None:
    replace(GOOD, **within).refuse_poor(QUALITY)
    with pytest.raises(Refused) as refused:
        replace(GOOD, **beyond).refuse_poor(QUALITY)
    assert refused.value.code == code
    assert not codes.require(code).burns


def test_the_portraits_are_good_pictures(faces: dict[str, Portrait]) -> None:
    for face in faces.values():
        measured = face.quality()
        measured.refuse_poor(QUALITY)
        assert all(0 <= each <= 1 for each in measured.components.values())
        assert measured.components["eye_distance"] > 0.8


def test_a_face_lit_from_one_side_is_less_even(faces: dict[str, Portrait]) -> None:
    face = faces["biden.jpg"]
    shade = np.where(np.arange(face.image.shape[1]) < face.points[2, 0], 0.1, 1.0)[None, :, None]
    lit = replace(face, image=(face.image * shade).astype(np.uint8))
    assert lit.quality().evenness < QUALITY.least_evenness < face.quality().evenness
