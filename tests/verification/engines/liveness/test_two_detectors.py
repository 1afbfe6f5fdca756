"""Somebody acts beside a large photograph of the borrower that leaves the frame: each detector sees
another one face.

The one of the gestures sees the person alone, so no gate counts two; the one of the comparison sees
the photograph alone, which is near enough to the register's picture to match.
"""

from itertools import product

import cv2
import numpy as np
import pytest

from tests.verification.engines.liveness import insecure_paper
from verification.core.errors import Refused
from verification.engines.faces import backends
from verification.engines.faces.embedding import distance
from verification.engines.liveness import capture, continuity, pictures, policy
from verification.engines.liveness.frames import Image
from verification.engines.liveness.pictures import SentStep

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
