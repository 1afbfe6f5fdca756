"""One face of a picture: its upright cut for a net, and its quality.

Quality uses the model-free formulas of OFIQ (ISO/IEC 29794-5). The gate uses only the distance of
the eyes and extremes of light: between the extremes, light and sharpness predict errors weakly.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import cv2
import dlib
import numpy as np
import numpy.typing as npt

from verification.core.errors import Refused
from verification.engines import weights
from verification.engines.faces.image_gate import Pixels
from verification.engines.faces.policy import QualityLimits

DLIB_SIDE, _DLIB_PADDING = 150, 0.25
"""Pixels of dlib's square, and the margin around the face, as in its training."""
Points = npt.NDArray[np.float64]
"""(x, y) a row, in pixels."""
PointsKind = Literal["eyes", "dlib5", "yunet5"]


@dataclass(frozen=True)
class Template:
    """The places of a face's points in a square, pixels.

    eyes: both middles, the one farther left in the picture first.
    yunet5: these two, the tip of the nose, and the corners of the mouth, left first.
    dlib5: dlib's order: outer and inner corner of the right eye in the picture, outer and inner one
    of the other, and the base of the nose.
    """

    points: PointsKind
    places: tuple[tuple[float, float], ...]

    @property
    def eye_distance(self) -> float:
        """Between the middles of the eyes, pixels."""
        places = np.array(self.places)
        eyes = (
            (places[2:4].mean(axis=0), places[:2].mean(axis=0))
            if self.points == "dlib5"
            else places[:2]
        )
        return float(np.linalg.norm(eyes[1] - eyes[0]))


# Of 112 pixels: the training form of SFace and the nets after ArcFace (Deng et al. 2019; OpenCV's
# `alignCrop`).
ARCFACE = Template(
    "yunet5",
    (
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ),
)
# The square of 150 pixels for quality: eyes as in dlib's cut.
_MEASURED = Template("eyes", ((48.0, 47.0), (100.0, 47.0)))
# pixels of the reduced picture beside the square: interpolation needs both neighbours
_MORE = 4
_WEIGHTS = (0.2126, 0.7152, 0.0722)  # of R, G, B in luminance: ITU-R BT.709
_DARK, _BRIGHT = 25, 247  # grey levels at which OFIQ counts a pixel as under- or over-exposed
# In that square: the face; and in the face, a square under each eye.
_FACE = (slice(25, 125), slice(25, 125))
_CHEEKS = ((slice(37, 61), slice(11, 35)), (slice(37, 61), slice(63, 87)))
_CHIN = 1.48  # of the eye distance, from the eyes to the chin: the proportions of dlib's mean face
# dlib's box from YuNet's points: the distance of its middle from the eyes towards the mouth, and
# its side over the sum of that distance and the eye distance. Means over London and the portraits;
# σ 0.07 and 0.09, dlib's own steps are 0.2.
_DLIB_MIDDLE, _DLIB_SIDES = 0.53, 1.148


@dataclass(frozen=True)
class Quality:
    """The quality of a face.

    eyes: their distance, pixels of the file.
    head: eyes to chin over the picture's height.
    luminance: mean, 0 … 1.
    under, over: share of the face too dark, too bright for detail.
    entropy: bits of the luminance.
    evenness: similarity of the light on both cheeks, 0 … 1.
    score: the detector's, 0 … 1.
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
        """OFIQ's components, each from 0 to 1, higher is better."""
        eyes, head, light, glare = (
            1 / (1 + math.exp(-(value - middle) / width))  # OFIQ's sigmoid
            for value, middle, width in (
                (self.eyes, 70, 20),
                (abs(self.head - 0.45), 0, 0.05),
                (self.luminance, 0.2, 0.05),
                (self.luminance, 0.8, 0.05),
            )
        )
        return {
            "eye_distance": eyes,
            "head_size": 2 * (1 - head),
            "luminance": light * (1 - glare),
            "under_exposure": 1 - self.under,
            "over_exposure": 1 - self.over,
            "dynamic_range": self.entropy / 8,
            "evenness": self.evenness,
        }

    def refuse_poor(self, limits: QualityLimits) -> None:
        """Raises: `Refused` with the first defect to correct."""
        poor = {
            "face_too_small": self.eyes < limits.least_eyes,
            "face_too_dark": (
                self.luminance < limits.least_luminance or self.under > limits.most_under
            ),
            "face_too_bright": (
                self.luminance > limits.most_luminance or self.over > limits.most_over
            ),
            "face_light_uneven": self.evenness < limits.least_evenness,
            "face_without_contrast": self.entropy < limits.least_entropy,
        }
        if code := next((code for code, is_poor in poor.items() if is_poor), ""):
            raise Refused(code)


@dataclass(frozen=True)
class Portrait:
    """One face of an image. points: YuNet's five (`Template`). score: the detector's certainty, 0 …
    1.

    scale: file pixels per image pixel; more than 1 if it was decoded at reduced size.
    """

    image: Pixels
    points: Points
    score: float
    scale: float = 1.0

    @property
    def eye_distance(self) -> float:
        """Between the eyes, pixels of the image."""
        return float(np.linalg.norm(self.points[1] - self.points[0]))

    @property
    def dlib_box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of approximately the box of dlib's detector."""
        eyes, mouth = self.points[:2].mean(axis=0), self.points[3:].mean(axis=0)
        middle = eyes + _DLIB_MIDDLE * (mouth - eyes)
        half = _DLIB_SIDES * (float(np.linalg.norm(mouth - eyes)) + self.eye_distance) / 2
        left, top, right, bottom = (
            round(float(side)) for side in (*(middle - half), *(middle + half))
        )
        return left, top, right, bottom

    def cut(self, template: Template, *, side: int) -> Pixels:
        """A square with the points at their places, by a least-squares similarity transform.

        1 as in Umeyama 1991, in complex numbers: no reflection · 2 average down to twice the size
        of the cut, because skipped pixels would be noise · 3 turn, scale and shift.
        """
        landmarks = self.points[:2] if template.points == "eyes" else self.points
        if template.points == "dlib5":
            shape = self._dlib_shape()
            landmarks = np.array(
                [[shape.part(at).x, shape.part(at).y] for at in range(5)], np.float64
            )
        here, there = (
            points @ np.array([1, 1j]) for points in (landmarks, np.array(template.places))
        )
        middle, target = here.mean(), there.mean()
        around = here - middle
        turn = np.vdot(around, there - target) / max(float(np.vdot(around, around).real), 1e-9)  # 1
        image, share = self.image, min(1.0, 2 * abs(turn))
        # A file without a face may leave too few pixels to average.
        if share < 1 and min(image.shape[:2]) * share >= 1:  # 2
            corners = (np.array([0, side, side * 1j, side * (1 + 1j)]) - target) / turn + middle
            # Crop right of and below these corners. The left and upper parts stay, because the
            # averaging grid starts there.
            bottom, right = (
                min(most, math.ceil(max(0.0, float(far)) + _MORE / share))
                for most, far in zip(
                    image.shape[:2], (corners.imag.max(), corners.real.max()), strict=True
                )
            )
            # OpenCV copies, without averaging, if the size would not change: then reduce the whole
            # picture.
            if round(bottom * share) < bottom or round(right * share) < right:
                image = image[:bottom, :right]
            image = np.asarray(
                cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8
            )
            # A pixel's place is its middle, not its corner.
            turn, middle = turn / share, ((here + 0.5 + 0.5j) * share - 0.5 - 0.5j).mean()
        shift = target - turn * middle
        forward = np.array(
            [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
        )
        return np.asarray(
            cv2.warpAffine(image, forward, (side, side), flags=cv2.INTER_LINEAR), np.uint8
        )  # 3

    def dlib_chip(self) -> Pixels:
        """The face in dlib's cut for its net, by its own five points."""
        return np.asarray(
            dlib.get_face_chip(self.image, self._dlib_shape(), DLIB_SIDE, _DLIB_PADDING)
        )

    def quality(self) -> Quality:
        """The quality of the face."""
        cut = self.cut(_MEASURED, side=DLIB_SIDE)
        inside = np.rint(cut[_FACE] @ np.array(_WEIGHTS)).astype(np.uint8)
        shares = np.bincount(inside.ravel(), minlength=256) / inside.size
        there = shares[shares > 0]
        left, right = (
            np.bincount(inside[cheek].ravel(), minlength=256) / inside[cheek].size
            for cheek in _CHEEKS
        )
        return Quality(
            eyes=self.eye_distance * self.scale,
            head=_CHIN * self.eye_distance / self.image.shape[0],
            luminance=float(inside.mean()) / 255,
            under=float((inside <= _DARK).mean()),
            over=float((inside >= _BRIGHT).mean()),
            entropy=float(-(there * np.log2(there)).sum()),
            # OFIQ's illumination uniformity: the overlap of both cheeks' histograms, to the power
            # of 0.3.
            evenness=float(np.minimum(left, right).sum() ** 0.3),
            score=self.score,
        )

    def _dlib_shape(self) -> dlib.full_object_detection:
        return _predictor()(self.image, dlib.rectangle(*self.dlib_box))


@cache
def _predictor() -> dlib.shape_predictor:
    # dlib's five-point model is public domain; its 68-point one is not used for judgements.
    weights.read(weights.FIVE_POINTS)
    return dlib.shape_predictor(str(weights.locate(weights.FIVE_POINTS)))
