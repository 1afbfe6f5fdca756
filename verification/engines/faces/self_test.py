"""A picture of no face, and dlib's own numbers for it: whatever runs the net must give them, on every machine."""

import numpy as np

from verification.engines.faces.alignment import SIDE
from verification.engines.faces.embedding import Numbers
from verification.engines.faces.image_gate import Pixels

TOLERANCE = 1e-4
"""How far from dlib's numbers a backend may be, Euclidean. faces.md §5; measured 1e-6."""

# By dlib 20.0.1, compute_face_descriptor of `chip()`.
_NUMBERS = """
    -0.063710 0.158900 0.088036 -0.065250 -0.101780 -0.018027 -0.107723 -0.042203
    0.133151 -0.068480 0.173375 -0.041580 -0.182413 0.030797 -0.061419 0.089586
    -0.128847 -0.112996 -0.169316 -0.079875 0.057567 0.073580 0.050313 0.068527
    -0.110128 -0.243354 -0.055082 -0.035930 0.048578 -0.219673 0.040455 0.064756
    -0.106317 -0.015620 -0.004888 0.060470 0.031263 -0.152743 0.174396 -0.045207
    -0.182608 -0.003701 0.108597 0.278442 0.186385 0.077024 0.016880 -0.063580
    0.104026 -0.286446 0.014052 0.174306 -0.012972 0.119390 0.072011 -0.214103
    0.001156 0.119020 -0.128150 0.076932 0.012732 -0.062944 0.010979 -0.154689
    0.213001 0.130105 -0.137112 -0.183238 0.113054 -0.176386 -0.096579 0.139761
    -0.113590 -0.143646 -0.223611 -0.008275 0.253902 0.157357 -0.106983 0.019153
    -0.089087 -0.038420 -0.098474 0.103191 -0.041033 -0.004101 -0.065162 0.039541
    0.261802 -0.030796 -0.008203 0.253463 0.028544 -0.051843 -0.071951 0.086191
    -0.134172 0.046723 -0.108878 0.063269 0.034423 -0.042232 -0.018116 0.100269
    -0.177280 0.136850 -0.034919 -0.019931 -0.036403 -0.005632 -0.085277 -0.019206
    0.218176 -0.269581 0.198059 0.237253 0.138629 0.121999 0.077110 0.124455
    0.084968 -0.017255 -0.100281 -0.094046 -0.001897 -0.051805 -0.071323 0.081692
"""


def chip() -> Pixels:
    """A pattern as large as an aligned face."""
    row, column, channel = np.mgrid[0:SIDE, 0:SIDE, 0:3]
    return np.asarray((row * 7 + column * 13 + channel * 29) % 256, dtype=np.uint8)


def difference(numbers: Numbers) -> float:
    """How far these numbers for `chip()` are from dlib's; infinity for another count of them."""
    expected = np.array(_NUMBERS.split(), dtype=np.float64)
    return float(np.linalg.norm(numbers - expected)) if numbers.shape == expected.shape else float("inf")
