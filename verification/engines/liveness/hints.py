"""One word about one small picture, while the borrower looks for light and place; in a web process.

The detector alone, and the mesh where nothing else is to mend: it shows a mask over mouth and nose.

Words, never numbers: what a hint tells an honest person it tells an attacker too.
"""

import math
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from verification.core.errors import Refused
from verification.engines.liveness import frames, landmarks, masks
from verification.engines.liveness.frames import FrameLimits, measurable
from verification.engines.liveness.masks import MaskLimits
from verification.engines.liveness.networks import load_detection, load_mesh

Word = Literal[
    "",
    "no_face",
    "two_faces",
    "turn_phone",
    "too_dark",
    "too_bright",
    "too_far",
    "too_near",
    "not_centred",
    "mask_on",
]
"""What a page can say; nothing where nothing is wrong. One `mask_on` alone may be wrong: two of
three tell a mask.
"""

# An interpreter keeps its tensors between calls, and a web process may have threads. It loads them
# with its first hint.
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class HintLimits:
    """From which number a word is said.

    `eyes`: their distance over the longer side of the picture, at least. `most_width`: of the face
        over the picture's.
    `most_aside`: the face's middle from the picture's, over its width or height. `most_lean`:
    degrees, of the line between the eyes. Luminances: mean of the face, 0 black … 1 white.
    """

    frames: FrameLimits
    eyes: float
    most_width: float
    most_aside: float
    most_lean: float
    least_luminance: float
    most_luminance: float


def hint(untrusted: bytes, *, limits: HintLimits, mask: MaskLimits) -> Word:
    """The first thing to mend. What is no camera picture shows no face."""
    try:
        image = frames.decode(untrusted, limits=limits.frames)
        with _ONE_AT_A_TIME:
            faces = landmarks.detect(image, network=load_detection())
        if len(faces) > 1:
            return "two_faces"
        height, width = image.shape[:2]
        left, top, right, bottom = faces[0].box if faces else (0.0, 0.0, width, height)
        inside = image[
            max(0, round(top)) : max(0, round(bottom)), max(0, round(left)) : max(0, round(right))
        ]
        # The detector may place a face outside of the picture; then all of it is looked at.
        luminance = float((inside if inside.size else image).mean()) / 255
        is_dark, is_bright = luminance < limits.least_luminance, luminance > limits.most_luminance
        if not faces:
            # In the dark nobody is found, and light is what helps.
            return "too_dark" if is_dark else "too_bright" if is_bright else "no_face"
        across, down = (float(axis) for axis in faces[0].left_eye - faces[0].right_eye)
        aside = max(abs((left + right) / 2 / width - 0.5), abs((top + bottom) / 2 / height - 0.5))
        flaws: dict[Word, bool] = {
            "turn_phone": abs(math.degrees(math.atan2(down, across))) > limits.most_lean,
            "too_dark": is_dark,
            "too_bright": is_bright,
            "too_far": math.hypot(across, down) < limits.eyes * max(height, width),
            "too_near": right - left > limits.most_width * width,
            "not_centred": aside > limits.most_aside,
        }
        if word := next((word for word, is_so in flaws.items() if is_so), None):
            return word
        with measurable():
            with _ONE_AT_A_TIME:
                mesh = landmarks.fit(image, faces[0], network=load_mesh()).points
            lower = masks.measure(image, mesh, side=mask.side)
    except Refused:
        return "no_face"
    return "mask_on" if lower is not None and lower.is_masked(mask) else ""
