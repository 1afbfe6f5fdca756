"""Measurements of one frame: faces, the 468-point mesh of the likeliest one, and the ratios for all
gates.

1. Detect.
2. Cut the face upright, 1.5 times its box.
3. Mesh.
4. Cut each eye upright, 2.3 times its width.
5. Eyelids by the eye model, because the mesh's own do not show a blink.
6. Ratios, without unit unless stated.

`flaws` says in words, without numbers, what a person can improve in the frame.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.networks import Network, Networks, upright

# The model's construction, not a choice of ours: two grids, 16 × 16 with two anchors a cell and 8 ×
# 8 with six.
_GRIDS = ((16, 2), (8, 6))
# The middle of its cell for each anchor, row by row; (x, y) in shares of the square.
_CELLS = [(np.indices((cells, cells))[::-1].reshape(2, -1).T + 0.5) / cells for cells, _ in _GRIDS]
_ANCHORS = np.concatenate(
    [np.repeat(cells, anchors, axis=0) for cells, (_, anchors) in zip(_CELLS, _GRIDS, strict=True)]
)
_RANGE = (np.arange(256) / 127.5 - 1).astype(
    np.float32
)  # its input square for the detector, by grey level
_SCORE = 0.5  # a face is likelier than not; the model card's operating point
_OVERLAP = (
    0.3  # boxes that share more than this of their union show the same face; the model card's
)

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels

# The models' own cuts, from their model cards.
_FACE_CUT = 1.5
_EYE_CUT = 2.3
_MESH_POINTS = 468
# Points of the mesh. Right and left are the person's own; frames are not mirrored, so the right eye
# is on the left.
NOSE, RIGHT_EDGE, LEFT_EDGE = 1, 234, 454
RIGHT_EYE, LEFT_EYE = (33, 133), (362, 263)  # corners, the one further to the image's left first
UPPER_LIP, LOWER_LIP, MOUTH = 13, 14, (61, 291)
FOREHEAD, NOSE_BASE = 10, 2
# Points of the eye model's contour: 0 and 8 are the corners, 1 … 7 the lower lid, 9 … 15 the upper
# one.
_CONTOUR = 16
_LOWER_LID, _UPPER_LID, _LID_POINTS = slice(3, 6), slice(11, 14), 3


@dataclass(frozen=True)
class Face:
    """One face. `box` is left, top, right, bottom in pixels; the eyes are the person's own right
    and left one.
    """

    score: float
    box: Box
    right_eye: Floats
    left_eye: Floats


def detect(image: Image, *, network: Network) -> list[Face]:
    """All faces in the image, by falling score, from BlazeFace, short range.

    1 scale the image into the model's square, with black margins · 2 run · 3 drop low scores · 4
    decode against the anchors · 5 suppress overlaps with a better one.
    Source: Bazarevsky et al. 2019, "BlazeFace", the model card.
    """
    height, width = image.shape[:2]
    scale = network.side / max(height, width)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (network.side - wide) // 2, (network.side - high) // 2
    square = np.full((network.side, network.side, 3), _RANGE[0])
    small = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA)  # 1
    square[top : top + high, left : left + wide] = cv2.LUT(small, _RANGE)
    boxes, logits = network.run(square)  # 2
    # Clipped: beyond 709 exp overflows.
    scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
    likely = np.flatnonzero(scores >= _SCORE)  # 3
    likely = likely[np.argsort(-scores[likely], kind="stable")]
    decoded = boxes.reshape(-1, 8, 2)[likely] / network.side  # 4
    decoded[:, 0] += _ANCHORS[likely]
    decoded[:, 2:] += _ANCHORS[likely][:, np.newaxis]
    decoded[:, [0, 2, 3]] = (decoded[:, [0, 2, 3]] * network.side - (left, top)) / scale
    decoded[:, 1] *= network.side / scale
    middles, halves = decoded[:, 0], decoded[:, 1] / 2
    separate: list[Face] = []
    for at, (left, top, right, bottom) in enumerate(
        np.hstack([middles - halves, middles + halves]).tolist()
    ):
        box = (left, top, right, bottom)
        if all(overlap(box, face.box) <= _OVERLAP for face in separate):  # 5
            separate.append(
                Face(
                    float(scores[likely[at]]),
                    box,
                    right_eye=decoded[at, 2],
                    left_eye=decoded[at, 3],
                )
            )
    return separate


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes: 0 apart, 1 the same."""
    wide = min(first[2], second[2]) - max(first[0], second[0])
    high = min(first[3], second[3]) - max(first[1], second[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return wide * high / (areas - wide * high)


@dataclass(frozen=True)
class FaceMeasurement:
    """One face in one frame.

    box: left, top, right, bottom in pixels.
    score, presence: the detector's and the mesh's certainty, 0 … 1.
    interocular: distance of the eyes' middles in pixels.
    eyes: x and y of the point between them, pixels.
    turn: -1 … 1, positive when the person turns to their own left.
    mouth: gap of the lips over width of the mouth.
    right_eye, left_eye: gap of the lids over width of the eye; None in a command's full frame,
    which does not need them.
    pitch: degrees, positive when the face looks up.
    roll: degrees, positive when the head leans to the person's own left.
    luminance: mean, 0 black … 1 white.
    sharpness: standard deviation of the Laplacian over that of the light, in the upright cut.
    mesh: (468, 3) pixels, not stored.
    """

    score: float
    presence: float
    box: Box
    interocular: float
    eyes: tuple[float, float]
    turn: float
    mouth: float
    right_eye: float | None
    left_eye: float | None
    pitch: float
    roll: float
    luminance: float
    sharpness: float
    mesh: Floats | None = field(default=None, compare=False, repr=False)

    @property
    def lids(self) -> tuple[float, float]:
        """Opening of the right and left eye.

        Raises: `TypeError` if not measured.
        """
        if self.right_eye is None or self.left_eye is None:
            raise TypeError("the lids of a full frame are not measured")
        return self.right_eye, self.left_eye


@dataclass(frozen=True)
class Beside:
    """A face beside the likeliest one: the detector's certainty, 0 … 1, and its width in pixels."""

    score: float
    width: float


@dataclass(frozen=True)
class FrameMeasurement:
    """One frame: its pixels, and the likeliest face, if any. `others`: faces beside it."""

    width: int
    height: int
    face: FaceMeasurement | None
    others: tuple[Beside, ...] = ()


def measure(image: Image, *, networks: Networks) -> FrameMeasurement:
    """The faces of an RGB image and the numbers of the likeliest one."""
    return measure_all([image], networks=networks)[0]


def measure_all(images: Sequence[Image], *, networks: Networks) -> list[FrameMeasurement]:
    """The same of each image, net by net, so that each net stays in the processor's cache."""
    faces = [detect(image, network=networks.detection) for image in images]  # 1
    with_face = [
        (image, faces_found[0])
        for image, faces_found in zip(images, faces, strict=True)
        if faces_found
    ]
    fits = [fit(image, face, network=networks.mesh) for image, face in with_face]
    likeliest = iter(
        _numbers(image, face, fitted, network=networks.eye)
        for (image, face), fitted in zip(with_face, fits, strict=True)
    )
    return [
        FrameMeasurement(
            width=image.shape[1],
            height=image.shape[0],
            face=next(likeliest) if faces_found else None,
            others=tuple(
                Beside(smaller.score, smaller.box[2] - smaller.box[0])
                for smaller in faces_found[1:]
            ),
        )
        for image, faces_found in zip(images, faces, strict=True)
    ]


@dataclass(frozen=True)
class Fitted:
    """The mesh of one face, and its light. `points`: (468, 3) pixels. The others: as in
    `FaceMeasurement`.
    """

    points: Floats
    presence: float
    luminance: float
    sharpness: float


def fit(image: Image, face: Face, *, network: Network) -> Fitted:
    """The mesh and the light of a detected face."""
    left, top, right, bottom = face.box
    side = _FACE_CUT * max(right - left, bottom - top)
    middle = np.array([left + right, top + bottom]) / 2
    cut = upright(face.right_eye, face.left_eye, side=side, middle=middle)  # 2
    square = cut.cut(image, pixels=network.side)
    points, logit = network.run(square)  # 3
    inner = slice(len(square) // 6, -len(square) // 6)  # the face without the margin of the cut
    grey = cv2.cvtColor(square[inner, inner], cv2.COLOR_RGB2GRAY)
    (light, contrast), (_, edges) = (
        [float(anchors[0, 0]) for anchors in cv2.meanStdDev(picture)]
        for picture in (grey, cv2.Laplacian(grey, cv2.CV_32F))
    )
    return Fitted(
        points=cut.back(points.reshape(_MESH_POINTS, 3), pixels=network.side),
        presence=1 / (1 + math.exp(-max(-80.0, min(80.0, float(logit[0]))))),
        luminance=light,
        sharpness=edges / max(contrast, 1e-6),
    )


def five_points(mesh: Floats) -> Floats:
    """YuNet's five points, by the mesh: both eyes' middles, the tip of the nose, the corners of the
    mouth.
    """
    eyes = [(mesh[inner, :2] + mesh[outer, :2]) / 2 for inner, outer in (RIGHT_EYE, LEFT_EYE)]
    return np.array([*eyes, mesh[NOSE, :2], mesh[MOUTH[0], :2], mesh[MOUTH[1], :2]])


def distance(mesh: Floats, first: int, second: int) -> float:
    """Distance of two points of the mesh in the image plane, in pixels; never 0, so it can be a
    divisor.
    """
    across = mesh[first, :2] - mesh[second, :2]
    return max(math.hypot(across[0], across[1]), 1e-6)


def _numbers(
    image: Image, face: Face, fitted: Fitted, *, network: Network | None
) -> FaceMeasurement:
    mesh, lids = fitted.points, list[float]()
    if network is not None:
        for first, second in (
            (mesh[inner, :2], mesh[outer, :2]) for inner, outer in (RIGHT_EYE, LEFT_EYE)
        ):
            width = max(math.dist(first, second), 1.0)
            cut = upright(first, second, side=_EYE_CUT * width, middle=(first + second) / 2)  # 4
            square = cut.cut(image, pixels=network.side)
            # The model knows one eye. It sees the other mirrored, which changes no distance.
            (points,) = network.run(np.asarray(cv2.flip(square, 1)) if lids else square)  # 5
            contour = points.reshape(-1, 3)[:_CONTOUR, :2]
            lower, upper = (
                np.add.reduce(contour[lid]) / _LID_POINTS for lid in (_LOWER_LID, _UPPER_LID)
            )
            gap = math.dist(lower, upper)
            lids.append(gap / max(math.dist(contour[8], contour[0]), 1e-6))
    eyes = [(mesh[inner] + mesh[outer]) / 2 for inner, outer in (RIGHT_EYE, LEFT_EYE)]
    right_to_left = eyes[1] - eyes[0]
    to_right, to_left = distance(mesh, NOSE, RIGHT_EDGE), distance(mesh, NOSE, LEFT_EDGE)
    up = mesh[FOREHEAD] - mesh[NOSE_BASE]
    return FaceMeasurement(
        score=face.score,
        presence=fitted.presence,
        box=face.box,
        interocular=math.hypot(right_to_left[0], right_to_left[1]),
        eyes=(float(eyes[0][0] + eyes[1][0]) / 2, float(eyes[0][1] + eyes[1][1]) / 2),
        turn=(to_right - to_left) / (to_right + to_left),  # 6
        mouth=distance(mesh, UPPER_LIP, LOWER_LIP) / distance(mesh, *MOUTH),
        right_eye=lids[0] if lids else None,
        left_eye=lids[1] if lids else None,
        pitch=math.degrees(math.atan2(up[2], math.hypot(up[0], up[1]))),
        roll=math.degrees(math.atan2(right_to_left[1], right_to_left[0])),
        luminance=fitted.luminance,
        sharpness=fitted.sharpness,
        mesh=mesh,
    )


Flaw = Literal[
    "no_face", "several_faces", "too_far", "too_near", "too_dark", "too_bright", "blurred"
]


@dataclass(frozen=True)
class QualityLimits:
    """`least_interocular`: pixels. `most_width`: of the face over the frame's. The others: as in
    `FaceMeasurement`.
    """

    least_interocular: float
    most_width: float
    least_luminance: float
    most_luminance: float
    sharpness: float


def flaws(frame: FrameMeasurement, *, limits: QualityLimits) -> tuple[Flaw, ...]:
    """The frame's defects, most important first; empty without any."""
    face = frame.face
    if face is None:
        return ("no_face",)
    flaw_of: dict[Flaw, bool] = {
        "several_faces": bool(frame.others),
        "too_dark": face.luminance < limits.least_luminance,
        "too_bright": face.luminance > limits.most_luminance,
        "too_far": face.interocular < limits.least_interocular,
        "too_near": face.box[2] - face.box[0] > limits.most_width * frame.width,
        "blurred": face.sharpness < limits.sharpness,
    }
    return tuple(flaw for flaw, is_there in flaw_of.items() if is_there)
