"""What one frame shows: faces, the 468-point mesh of the likeliest one, and the few ratios every gate judges by.

1 detect · 2 cut the face upright, 1.5 times its box · 3 mesh · 4 cut each eye upright, 2.3 times its width · 5 eyelids
by the eye model, for the mesh's own do not see a blink · 6 ratios, all without unit unless they say so.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import cv2
import numpy as np

from verification.engines.liveness.crops import Floats, Image, upright
from verification.engines.liveness.detection import Box, Face, detect
from verification.engines.liveness.networks import Network, Networks

# The models' own cuts, from their model cards, not choices of ours.
_FACE_CUT = 1.5
_EYE_CUT = 2.3
_MESH_POINTS = 468

# Points of the mesh. Right and left are the person's own; frames are not mirrored, so the right eye lies to the left.
NOSE, RIGHT_EDGE, LEFT_EDGE = 1, 234, 454
RIGHT_EYE, LEFT_EYE = (33, 133), (362, 263)  # corners, the one further to the image's left first
UPPER_LIP, LOWER_LIP, MOUTH = 13, 14, (61, 291)
FOREHEAD, NOSE_BASE = 10, 2

# Points of the eye model's contour: 0 and 8 are the corners, 1 … 7 the lower lid, 9 … 15 the upper one.
_CONTOUR = 16
_LOWER_LID, _UPPER_LID = slice(3, 6), slice(11, 14)


@dataclass(frozen=True)
class FaceMeasurement:
    """One face in one frame.

    `box`: left, top, right, bottom in pixels. `score`, `presence`: the detector's and the mesh's certainty, 0 … 1.
    `interocular`: distance of the eyes' middles in pixels. `turn`: -1 … 1, positive when the person turns to their own
    left. `mouth`: gap of the lips over width of the mouth. `right_eye`, `left_eye`: gap of the lids over width of the
    eye. `pitch`: degrees, positive when the face looks up. `roll`: degrees, positive when the head leans to the
    person's own left. `luminance`: mean, 0 black … 1 white. `sharpness`: standard deviation of the Laplacian over that
    of the light, in the upright cut. `mesh`: (468, 3) pixels, not part of the numbers that are kept.
    """

    score: float
    presence: float
    box: Box
    interocular: float
    turn: float
    mouth: float
    right_eye: float
    left_eye: float
    pitch: float
    roll: float
    luminance: float
    sharpness: float
    mesh: Floats | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class FrameMeasurement:
    """One frame: its pixels, how many faces, and the likeliest one. `face` is None when there is none.

    `others`: what the detector found beside it, not part of the numbers that are kept.
    """

    width: int
    height: int
    faces: int
    face: FaceMeasurement | None
    others: tuple[Face, ...] = field(default=(), compare=False, repr=False)


_SCALARS = tuple(each.name for each in fields(FaceMeasurement) if each.name not in ("box", "mesh"))
_WHOLE = ("width", "height", "faces")
_MILLIONTH = 1_000_000


def measure(image: Image, *, networks: Networks) -> FrameMeasurement:
    """The faces of an RGB image and the numbers of the likeliest one."""
    height, width = image.shape[:2]
    faces = detect(image, network=networks.detection)  # 1
    face = _measure_face(image, faces[0], networks) if faces else None
    return FrameMeasurement(width, height, len(faces), face, tuple(faces[1:]))


def numbers(measurement: FrameMeasurement) -> dict[str, object]:
    """The measurement as whole millionths, to be kept as evidence. The mesh, which shows a face, is left out."""
    face = measurement.face
    whole: dict[str, object] = {name: getattr(measurement, name) for name in _WHOLE}
    if face is None:
        return {**whole, "face": None}
    scalars = {name: round(getattr(face, name) * _MILLIONTH) for name in _SCALARS}
    return {**whole, "face": {**scalars, "box": [round(edge * _MILLIONTH) for edge in face.box]}}


def from_numbers(kept: Mapping[str, Any]) -> FrameMeasurement:
    """The measurement that `numbers` wrote, without its mesh. Raises `KeyError` or `TypeError` for anything else."""
    face = kept["face"]
    width, height, faces = (int(kept[name]) for name in _WHOLE)
    if face is None:
        return FrameMeasurement(width, height, faces, None)
    left, top, right, bottom = (edge / _MILLIONTH for edge in face["box"])
    scalars = {name: face[name] / _MILLIONTH for name in _SCALARS}
    return FrameMeasurement(width, height, faces, FaceMeasurement(box=(left, top, right, bottom), **scalars))


def _measure_face(image: Image, face: Face, networks: Networks) -> FaceMeasurement:
    left, top, right, bottom = face.box
    side = _FACE_CUT * max(right - left, bottom - top)
    middle = np.array([left + right, top + bottom]) / 2
    cut = upright(face.right_eye, face.left_eye, side=side, middle=middle)  # 2
    square = cut.cut(image, pixels=networks.mesh.side)
    points, logit = networks.mesh.run(square)  # 3
    mesh = cut.back(points.reshape(_MESH_POINTS, 3), pixels=networks.mesh.side)
    luminance, sharpness = _light(square)
    eyes = mesh[list(RIGHT_EYE)].mean(axis=0), mesh[list(LEFT_EYE)].mean(axis=0)
    right_to_left = eyes[1] - eyes[0]
    to_right, to_left = distance(mesh, NOSE, RIGHT_EDGE), distance(mesh, NOSE, LEFT_EDGE)
    up = mesh[FOREHEAD] - mesh[NOSE_BASE]
    return FaceMeasurement(
        score=face.score,
        presence=1 / (1 + math.exp(-max(-80.0, min(80.0, float(logit[0]))))),
        box=face.box,
        interocular=math.hypot(right_to_left[0], right_to_left[1]),
        turn=(to_right - to_left) / (to_right + to_left),  # 6
        mouth=distance(mesh, UPPER_LIP, LOWER_LIP) / distance(mesh, *MOUTH),
        right_eye=_opening(image, mesh, RIGHT_EYE, network=networks.eye, mirrored=False),
        left_eye=_opening(image, mesh, LEFT_EYE, network=networks.eye, mirrored=True),
        pitch=math.degrees(math.atan2(up[2], math.hypot(up[0], up[1]))),
        roll=math.degrees(math.atan2(right_to_left[1], right_to_left[0])),
        luminance=luminance,
        sharpness=sharpness,
        mesh=mesh,
    )


def distance(mesh: Floats, one: int, other: int) -> float:
    """Distance of two points of the mesh in the image plane, in pixels; never 0, so that it may divide."""
    across = mesh[one, :2] - mesh[other, :2]
    return max(math.hypot(across[0], across[1]), 1e-6)


def _opening(image: Image, mesh: Floats, corners: Sequence[int], *, network: Network, mirrored: bool) -> float:
    first, second = mesh[corners[0], :2], mesh[corners[1], :2]
    width = max(float(np.linalg.norm(second - first)), 1.0)
    cut = upright(first, second, side=_EYE_CUT * width, middle=(first + second) / 2)  # 4
    square = cut.cut(image, pixels=network.side)
    # The model knows one eye. The other is shown to it in the mirror, which changes no distance.
    (points,) = network.run(square[:, ::-1] if mirrored else square)  # 5
    contour = points.reshape(-1, 3)[:_CONTOUR, :2]
    gap = np.linalg.norm(contour[_LOWER_LID].mean(axis=0) - contour[_UPPER_LID].mean(axis=0))
    return float(gap / max(float(np.linalg.norm(contour[8] - contour[0])), 1e-6))


def _light(square: Floats) -> tuple[float, float]:
    side = square.shape[0]
    inner = square[side // 6 : -side // 6, side // 6 : -side // 6]  # the face without the margin of the cut
    grey = cv2.cvtColor(inner.astype(np.float32), cv2.COLOR_RGB2GRAY)
    edges = float(cv2.Laplacian(grey, cv2.CV_32F).std())
    return float(grey.mean()), edges / max(float(grey.std()), 1e-6)
