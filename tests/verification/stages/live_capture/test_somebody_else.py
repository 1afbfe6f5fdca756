"""Somebody holds the borrower's photograph before the camera to look straight, and does the
commands themselves.

The match is asked alone: continuity mostly admits this, for two faces may be as near to each other
    as one that turns.
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from insecure_sandbox import warp
from tests.painted import painted
from tests.verification.stages.live_capture import captures as given
from tests.verification.stages.live_capture.conftest import Player
from verification.core.results import Inconclusive, Passed
from verification.stages.live_capture.policy import LiveCapturePolicy

POLICY = LiveCapturePolicy()

# Minutes of painting and measuring: not for every commit's quick check.
pytestmark = pytest.mark.proof("live_capture_attacks")

ORDER = ("look_straight", "turn_right", "blink", "turn_left")
COUNT = 12


def _photograph(folder: Path, name: str) -> Path:
    return folder / "faces" / "london" / f"{name}.jpg"


def _played(photograph: Path, *gestures: warp.Play) -> Mapping[str, tuple[bytes, ...]]:
    return {gesture: painted(photograph, gesture, COUNT, seed=1) for gesture in gestures}


def _registered(photograph: Path) -> bytes:
    written = BytesIO()
    Image.open(photograph).convert("RGB").save(written, "JPEG", quality=90)
    return given.photo_answer(written.getvalue())


@pytest.mark.parametrize(
    ("registered", "neutral", "actor", "code"),
    [
        pytest.param(
            "005_smiling", "005_neutral", "067_neutral", "face_mismatch", marks=pytest.mark.whole
        ),
        # The two people of the set who are nearest to each other.
        ("062_neutral", "062_smiling", "126_neutral", "face_mismatch"),
    ],
)
def test_the_face_that_does_the_commands_is_matched_too(
    shared_data: Path, registered: str, neutral: str, actor: str, code: str
) -> None:
    victim = _played(
        _photograph(shared_data, neutral), "neutral", "turn_right", "blink", "turn_left"
    )
    theirs = _played(_photograph(shared_data, actor), "turn_right", "blink", "turn_left")
    photo = _registered(_photograph(shared_data, registered))
    honest = given.Sent({**victim, "look_straight": victim["neutral"]}, order=ORDER).evidence(
        photo=photo
    )
    swapped = given.Sent({**theirs, "look_straight": victim["neutral"]}, order=ORDER).evidence(
        photo=photo
    )
    assert isinstance(given.said("face.match", honest), Passed)
    assert given.refusals([given.said("face.match", swapped)]) == {"face.match": code}


def test_one_command_that_somebody_else_does_is_enough(play: Player, obama: bytes) -> None:
    own, theirs = play("obama3.jpg", order=ORDER), play("biden.jpg", order=ORDER)
    mixed = given.Sent({**own, "blink": theirs["blink"]}, order=ORDER).evidence(photo=obama)
    assert given.refusals([given.said("face.match", mixed)]) == {"face.match": "face_mismatch"}


@pytest.mark.parametrize(
    "order",
    [
        ("look_straight", "turn_left", "nod", "turn_right"),
        ("look_straight", "come_closer", "turn_right", "turn_left"),
        ("look_straight", "turn_right", "blink", "open_mouth", "turn_left"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.whole)])
def test_the_borrower_who_does_the_commands_is_matched(
    play: Player, obama: bytes, order: tuple[str, ...], seed: int
) -> None:
    evidence = given.Sent(play("obama3.jpg", seed=seed, order=order), order=order).evidence(
        photo=obama
    )
    result = given.said("face.match", evidence)
    assert not isinstance(result, Inconclusive)
    assert isinstance(result, Passed)
    assert float(result.detail["commands"]) <= POLICY.zones.match.value - 0.01
