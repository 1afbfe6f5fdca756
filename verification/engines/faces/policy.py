"""The numbers faces are found and refused by, each with unit and source. What a distance means is a
calibration.

Fixed on 2026-11-24 before a distance was looked at. What they were measured on stands beside them.
"""

from dataclasses import dataclass

# A picture's sides, pixels, and how many times the shorter one the longer may be. Ours: 24
# megapixels of a camera are 6000 × 4000; the longest panorama of a phone is no portrait.
MOST_SIDE, MOST_RATIO = 10_000, 8
# Longest side in pixels of the draft in which a face is looked for first: twice and more what YuNet
# sees.
DRAFT_SIDE = 640
# Least distance of the eyes in a draft, pixels: that of the square dlib's net takes, 1.5 times
# SFace's. A face that is smaller in it is cut from all pixels of the file.
LEAST_DRAFT_EYES = 52
# YuNet: the longest side it sees, pixels, and the least score of a face: on London and the
# portraits scores are 0.91 … 0.95, and of 753 frames of 11 turning people none was below.
SIDE, SCORE = 256, 0.6
# boxes that share more than this of their union show the same face; the model's own configuration
OVERLAP = 0.3
# A face narrower than this in what YuNet saw is looked at again, enlarged to twice it, for its
# points to be as sure as measured: pixels. LFW's faces, which the calibration is of, are about 100
# wide in what it saw.
SURE_WIDTH = 50
# dlib's detector, where YuNet finds nothing or two: longest side in pixels, and how often it
# doubles the image.
LADDER = ((480, 0), (640, 0), (640, 1))
AROUND = (
    0.5  # of dlib's box, on each side of it: where YuNet looks for the points of the face in it
)
SECOND_FACE_SHARE = 0.5  # a second face larger than this part of the first refuses


@dataclass(frozen=True)
class QualityLimits:
    """`least_eyes`: pixels. `least_entropy`: bits. The others: shares from 0 to 1, as in
    `quality.Quality`.
    """

    least_eyes: float
    least_luminance: float
    most_luminance: float
    most_under: float
    most_over: float
    least_entropy: float
    least_evenness: float


# Re-measured on 2026-11-26 where YuNet finds the face: four portraits and 84 photographs of London,
# none of which is refused, and the same with a third and a fifth of their light, three times of it,
# a fifth and a tenth of their contrast; medians, where no range is told. Studios and good cameras:
# of phones in poor rooms they say little.
QUALITY = QualityLimits(
    # pixels, about those of a face of 52 px, which hurts; one of 78 px is fine, one of 36 px is
    # none
    least_eyes=24.0,
    # photographs 0.24 … 0.65; at a fifth of their light 0.05 … 0.13, and little detail
    least_luminance=0.08,
    most_luminance=0.90,  # the brightest photograph 0.65; at three times the light 0.98
    # photographs ≤ 0.04, at a third of the light 0.05, at most 0.85; at a fifth 0.45, at most 0.98
    most_under=0.80,
    most_over=0.40,  # photographs 0.00, at three times the light 0.90
    least_entropy=4.0,  # bits: photographs ≥ 6.0, at a fifth of the contrast 4.5, at a tenth 3.4
    least_evenness=0.35,  # photographs ≥ 0.69; below it the cheeks share 3 % of their grey levels
)
