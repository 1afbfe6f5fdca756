"""One word about a small picture, while the borrower seeks light and place; in a web process.

Uses the detector, and the mesh if no other defect is found: it shows a mask over mouth and nose.
The word carries no number: a hint helps an attacker as much as an honest person.
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
"""Words for the page; empty without a defect. A single `mask_on` may be wrong: two of three
indicate a mask.
"""

# An interpreter keeps its tensors between calls, and a web process may have threads. The first hint
# loads them.
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class HintLimits:
    """The number from which each word is given.

    eyes: their distance over the longer side of the picture, at least.
    most_width: of the face over the picture's.
    most_aside: the face's middle from the picture's, over its width or height.
    most_lean: degrees, of the line between the eyes.
    Luminances: mean of the face, 0 black … 1 white.
    """

    frames: FrameLimits
    eyes: float
    most_width: float
    most_aside: float
    most_lean: float
    least_luminance: float
    most_luminance: float


def hint(untrusted: bytes, *, limits: HintLimits, mask: MaskLimits) -> Word:
    """The first defect to correct. An unusable picture counts as one without a face."""
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
        # The detector may place a face outside the picture; then the whole picture counts.
        luminance = float((inside if inside.size else image).mean()) / 255
        is_dark, is_bright = luminance < limits.least_luminance, luminance > limits.most_luminance
        if not faces:
            # In the dark no face is found, and light is what helps.
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
