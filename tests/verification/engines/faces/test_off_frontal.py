"""How far a turned face is from itself at rest, and from strangers at rest: real people, few of
whom turn.
"""

from collections import defaultdict
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.proofs import Figures
from verification.engines.faces.backends import Backend
from verification.engines.faces.embedding import Embedding, distance
from verification.engines.liveness import landmarks, networks

# The clips are of 30 frames a second; every fourth is about what a capture has.
# |FaceMeasurement.turn|, no unit.
_EVERY, _LONGEST = 4, 640
_POSES = ((0.0, 0.1), (0.1, 0.2), (0.2, 0.35), (0.35, 1.0))
Frames = Mapping[str, list[tuple[float, float, Embedding]]]
"""Yaw, pitch and face of each frame, by the clip's name: each clip is of another person."""


def _frames(folder: Path, backend: Backend, *, every: int) -> Frames:
    loaded, found = networks.load(), defaultdict(list)
    for path in sorted(folder.glob("*.mp4")):
        clip, number = cv2.VideoCapture(str(path)), 0
        while (read := clip.read())[0]:
            number += 1
            if number % every:
                continue
            share = min(1.0, _LONGEST / max(read[1].shape))
            small = cv2.resize(read[1], None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
            image = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)
            face, look = (
                landmarks.measure(image, networks=loaded).face,
                backend.look_at_all([image])[0],
            )
            if face is not None and look.face is not None:
                found[path.stem].append((face.turn, face.pitch, look.face))
    return found


@pytest.mark.service
@pytest.mark.proof("faces")
def test_a_turned_face_is_nearer_to_itself_at_rest_than_any_stranger(
    shared_data: Path, default: Backend, proof_figures: Figures, proof_scale: float
) -> None:
    frames = _frames(
        shared_data / "liveness", default, every=_EVERY if proof_scale >= 1 else 10 * _EVERY
    )
    if not frames:
        pytest.skip("the clips are not here")
    # At rest: straight into the camera, where 60 degrees of pitch weigh as much as a full turn.
    rest = {
        name: min(own, key=lambda frame: abs(frame[0]) + abs(frame[1]) / 60)[2]
        for name, own in frames.items()
    }
    assert default.calibration is not None
    review = default.calibration.zones.review.value
    for low, high in _POSES:
        own: dict[str, list[float]] = defaultdict(list)
        strangers: list[float] = []
        for shown, known in product(frames, rest):
            apart = [
                distance(rest[known], face).value
                for yaw, _, face in frames[shown]
                if low <= abs(yaw) < high
            ]
            if shown == known:
                own[shown] += apart
            else:
                strangers += apart
        genuine = sorted(value for each in own.values() for value in each)
        if not genuine:
            continue
        # Each person weighs alike in the last of these; few of them turn.
        missed = [np.mean([value > review for value in each]) for each in own.values() if each]
        told = {
            "people": len(missed),
            "frames": len(genuine),
            "median": round(float(np.median(genuine)), 2),
            "most_of_95_in_100": round(float(np.quantile(genuine, 0.95)), 2),
            "farthest": round(genuine[-1], 2),
            "beyond_review": round(float(np.mean([value > review for value in genuine])), 4),
            "beyond_review_by_person": round(float(np.mean(missed)), 4),
            "strangers": len(strangers),
            "nearest_stranger": round(min(strangers), 2),
        }
        proof_figures |= {f"yaw_{100 * low:.0f}_{name}": value for name, value in told.items()}
        assert genuine[-1] < min(strangers)
        assert genuine[-1] <= review
