"""Numbers for finding and refusing faces, each with unit and source. A calibration gives distances
their meaning.

Fixed on 2026-11-24 before any distance was measured. The material of each measurement
stands beside it.
"""

from dataclasses import dataclass

# Maximum side in pixels, and maximum ratio of the sides. Ours: a 24-megapixel photo is 6000 × 4000,
# and a phone's longest panorama is no portrait.
MOST_SIDE, MOST_RATIO = 10_000, 8
# Longest side in pixels of the draft for the first search: at least twice YuNet's input. Ours.
DRAFT_SIDE = 640
# Least distance of the eyes in a draft, pixels: that of dlib's square, 1.5 times SFace's. A smaller
# face is cut from all pixels of the file.
LEAST_DRAFT_EYES = 52
# YuNet: longest side of its input, pixels, and least score of a face.
# London and the portraits score 0.91 … 0.95, and none of 753 frames of 11 turning people scored
# below.
SIDE, SCORE = 256, 0.6
# boxes that share more than this of their union show the same face; the model's own configuration
OVERLAP = 0.3
# A narrower face in YuNet's input is enlarged to twice this and located again, for points as
# precise as in the calibration: pixels. LFW's faces, the calibration's material, are about 100 wide
# there.
SURE_WIDTH = 50
# dlib's detector, if YuNet finds no face or two: longest side in pixels, and how often it doubles
# the image.
LADDER = ((480, 0), (640, 0), (640, 1))
AROUND = 0.5  # of dlib's box, on each side: where YuNet searches the points of the face
SECOND_FACE_SHARE = 0.5  # a second face larger than this part of the first refuses. Ours


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


# Measured again on 2026-11-26 on faces found by YuNet. Material: four portraits and 84 photographs
# of London, all of which pass. The same with a third and a fifth of their light, three times of it,
# a fifth and a tenth of their contrast.
# Values are medians unless a range is given. They come from studios and good cameras, and say
# little about phones in poor rooms.
QUALITY = QualityLimits(
    # pixels, about those of a face of 52 px, which suffers; 78 px is good, 36 px is useless
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
