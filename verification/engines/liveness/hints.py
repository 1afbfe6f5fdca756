"""One word about one small picture, while the borrower looks for light and place. The detector alone, in a web process.

Words, never numbers: what a hint tells an honest person it tells an attacker too.
"""

import math
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Literal

from verification.core.errors import Refused
from verification.engines.liveness import frames
from verification.engines.liveness.crops import Image
from verification.engines.liveness.detection import Face, detect
from verification.engines.liveness.frames import FrameLimits
from verification.engines.liveness.networks import Network, load_detection

Word = Literal["", "no_face", "two_faces", "turn_phone", "too_dark", "too_bright", "too_far", "too_near", "not_centred"]
"""What a page can say; nothing where nothing is wrong."""

# An interpreter keeps its tensors between calls, and a web process may have threads.
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class HintLimits:
    """From which number a word is said.

    `eyes`: their distance over the longer side of the picture, at least. `most_width`: of the face over the picture's.
    `most_aside`: the face's middle from the picture's, over its width or height. `most_lean`: degrees, of the line
    between the eyes. Luminances: mean of the face, 0 black … 1 white.
    """

    frames: FrameLimits
    eyes: float
    most_width: float
    most_aside: float
    most_lean: float
    least_luminance: float
    most_luminance: float


def hint(untrusted: bytes, *, limits: HintLimits) -> Word:
    """The first thing to mend. What is no camera picture shows no face."""
    try:
        image = frames.decode(untrusted, limits=limits.frames)
    except Refused:
        return "no_face"
    with _ONE_AT_A_TIME:
        faces = detect(image, network=_detector())
    if len(faces) > 1:
        return "two_faces"
    if not faces:
        # In the dark nobody is found, and light is what helps.
        return _light(image, limits) or "no_face"
    return _about(faces[0], image, limits)


def _about(face: Face, image: Image, limits: HintLimits) -> Word:
    height, width = image.shape[:2]
    left, top, right, bottom = face.box
    across, down = (float(each) for each in face.left_eye - face.right_eye)
    aside = max(abs((left + right) / 2 / width - 0.5), abs((top + bottom) / 2 / height - 0.5))
    found: dict[Word, bool] = {
        "turn_phone": abs(math.degrees(math.atan2(down, across))) > limits.most_lean,
        _light(_inside(image, face), limits): True,
        "too_far": math.hypot(across, down) < limits.eyes * max(height, width),
        "too_near": right - left > limits.most_width * width,
        "not_centred": aside > limits.most_aside,
    }
    return next((word for word, is_so in found.items() if word and is_so), "")


def _light(image: Image, limits: HintLimits) -> Word:
    luminance = float(image.mean()) / 255
    if luminance < limits.least_luminance:
        return "too_dark"
    return "too_bright" if luminance > limits.most_luminance else ""


def _inside(image: Image, face: Face) -> Image:
    """The face; the whole picture where the detector places it outside."""
    left, top, right, bottom = (max(0, round(edge)) for edge in face.box)
    cut = image[top:bottom, left:right]
    return cut if cut.size else image


@cache
def _detector() -> Network:
    return load_detection()
