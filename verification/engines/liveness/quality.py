"""Whether a frame is good enough to judge, and what a person could do about it: words, never numbers."""

from dataclasses import dataclass
from typing import Literal

from verification.engines.liveness.landmarks import FrameMeasurement

Flaw = Literal["no_face", "several_faces", "too_far", "too_near", "too_dark", "too_bright", "blurred"]


@dataclass(frozen=True)
class QualityLimits:
    """`least_interocular`: pixels. `most_width`: of the face over the frame's. The others: as in `FaceMeasurement`."""

    least_interocular: float
    most_width: float
    least_luminance: float
    most_luminance: float
    sharpness: float


def flaws(frame: FrameMeasurement, *, limits: QualityLimits) -> tuple[Flaw, ...]:
    """What is wrong with the frame, the first thing to mend first; empty when nothing is."""
    face = frame.face
    if face is None:
        return ("no_face",)
    found: dict[Flaw, bool] = {
        "several_faces": frame.faces > 1,
        "too_dark": face.luminance < limits.least_luminance,
        "too_bright": face.luminance > limits.most_luminance,
        "too_far": face.interocular < limits.least_interocular,
        "too_near": face.box[2] - face.box[0] > limits.most_width * frame.width,
        "blurred": face.sharpness < limits.sharpness,
    }
    return tuple(flaw for flaw, is_there in found.items() if is_there)
