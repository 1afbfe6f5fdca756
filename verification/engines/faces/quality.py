"""What a face picture is like, by the model-free formulas of OFIQ (ISO/IEC 29794-5), and what refuses.

Gated by the distance of the eyes and by extremes of light only: within them light and sharpness predict errors weakly.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from verification.core.errors import Refused
from verification.engines.faces.alignment import Face
from verification.engines.faces.policy import QualityLimits

_WEIGHTS = (0.2126, 0.7152, 0.0722)  # of R, G, B in luminance: ITU-R BT.709
_DARK, _BRIGHT = 25, 247  # grey levels from which OFIQ counts a pixel as under-, as over-exposed
# In the cut of 150 pixels, whose eyes stand at (48, 47) and (100, 47): the face, and a square under each eye.
_FACE = (slice(25, 125), slice(25, 125))
_CHEEKS = ((slice(62, 86), slice(36, 60)), (slice(62, 86), slice(88, 112)))
_CHIN = 1.48  # of the eye distance, from the eyes to the chin: the proportions of dlib's mean face
Greys = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Quality:
    """eyes: their distance, pixels. head: eyes to chin over the picture's height. luminance: mean, 0 … 1.

    under, over: share of the face too dark, too bright to show anything. entropy: bits of the luminance. evenness: how
    alike the light on both cheeks is, 0 … 1. score: the detector's.
    """

    eyes: float
    head: float
    luminance: float
    under: float
    over: float
    entropy: float
    evenness: float
    score: float

    @property
    def components(self) -> dict[str, float]:
        """OFIQ's components, each from 0 to 1, the higher the better."""
        light = _sigmoid(self.luminance, 0.2, 0.05) * (1 - _sigmoid(self.luminance, 0.8, 0.05))
        return {
            "eye_distance": _sigmoid(self.eyes, 70, 20),
            "head_size": 2 * (1 - _sigmoid(abs(self.head - 0.45), 0, 0.05)),
            "luminance": light,
            "under_exposure": 1 - self.under,
            "over_exposure": 1 - self.over,
            "dynamic_range": self.entropy / 8,
            "evenness": self.evenness,
        }


def measure(face: Face) -> Quality:
    """The quality of one aligned face."""
    grey = np.rint(face.chip @ np.array(_WEIGHTS)).astype(np.uint8)
    inside = grey[_FACE]
    return Quality(
        eyes=face.eye_distance,
        head=_CHIN * face.eye_distance / face.image.shape[0],
        luminance=float(inside.mean()) / 255,
        under=float((inside <= _DARK).mean()),
        over=float((inside >= _BRIGHT).mean()),
        entropy=_entropy(inside),
        evenness=_evenness(grey),
        score=face.box.score,
    )


def refuse_poor(quality: Quality, *, limits: QualityLimits) -> None:
    """Raises `Refused` with the first thing to mend; nothing where the picture will do."""
    poor = {
        "face_too_small": quality.eyes < limits.least_eyes,
        "face_too_dark": quality.luminance < limits.least_luminance or quality.under > limits.most_under,
        "face_too_bright": quality.luminance > limits.most_luminance or quality.over > limits.most_over,
        "face_light_uneven": quality.evenness < limits.least_evenness,
        "face_without_contrast": quality.entropy < limits.least_entropy,
    }
    if code := next((code for code, is_poor in poor.items() if is_poor), ""):
        raise Refused(code)


def _entropy(greys: Greys) -> float:
    shares = np.bincount(greys.ravel(), minlength=256) / greys.size
    there = shares[shares > 0]
    return float(-(there * np.log2(there)).sum())


def _evenness(greys: Greys) -> float:
    left, right = (np.bincount(greys[cheek].ravel(), minlength=256) / greys[cheek].size for cheek in _CHEEKS)
    return float(np.minimum(left, right).sum() ** 0.3)


def _sigmoid(value: float, middle: float, width: float) -> float:
    return 1 / (1 + math.exp(-(value - middle) / width))
