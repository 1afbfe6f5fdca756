"""The numbers faces are found and refused by, each with unit and source. What a distance means is a calibration.

Fixed on 2026-11-24 before a distance was looked at: faces.md §4, and the photographs named beside each.
"""

from dataclasses import dataclass

# The ladder of the detector: longest side in pixels, and how often dlib doubles the image. faces.md §4.
LADDER = ((480, 0), (640, 0), (640, 1))
SECOND_FACE_SHARE = 0.5  # a second face larger than this part of the first refuses. faces.md §4


@dataclass(frozen=True)
class QualityLimits:
    """`least_eyes`: pixels. `least_entropy`: bits. The others: shares from 0 to 1, as in `quality.Quality`."""

    least_eyes: float
    least_luminance: float
    most_luminance: float
    most_under: float
    most_over: float
    least_entropy: float
    least_evenness: float


# Against the four portraits and the 88 photographs of London, and the same darkened, brightened and made pale.
QUALITY = QualityLimits(
    least_eyes=24.0,  # pixels, about those of a face of 52 px, which hurts; one of 78 px is fine, one of 36 px is none
    least_luminance=0.08,  # photographs 0.23 … 0.66; at a fifth of its light a face has 0.08 and little detail
    most_luminance=0.90,  # the brightest photograph 0.66
    most_under=0.80,  # photographs ≤ 0.05, at a third of the light 0.38, at a fifth 0.87
    most_over=0.40,  # photographs 0.00, at three times the light 0.45
    least_entropy=4.0,  # bits: photographs ≥ 5.9, at a fifth of the contrast 4.7, at a tenth 3.7
    least_evenness=0.35,  # photographs ≥ 0.73; below it the cheeks share 3 % of their grey levels
)
