"""Painting a puppet: a photograph cut as a camera sees a face, its triangles moved, the frame as a page sends it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from verification.engines.liveness.crops import Floats, Image
from verification.engines.liveness.landmarks import LEFT_EYE, RIGHT_EYE

WIDTH, HEIGHT = 640, 480  # pixels, what the page asks a camera for
_EYES = 80.0  # pixels between the eyes, as at arm's length
_MOST_BYTES = 40 * 1024
_NOISE = 1.5  # grey levels, standard deviation


@dataclass(frozen=True)
class Triangles:
    """Triangles between points of the photograph: `corners` (n, 3) are numbers of `points` (m, 2)."""

    points: Floats
    corners: NDArray[np.intp]

    @classmethod
    def between(cls, points: Floats, *, without: Sequence[int]) -> "Triangles":
        """The Delaunay triangles; those whose corners are all among `without` are left out."""
        low = np.floor(points.min(axis=0)) - 1
        high = np.ceil(points.max(axis=0)) + 2
        plane = cv2.Subdiv2D((int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])))
        for point in points:
            plane.insert((float(point[0]), float(point[1])))
        listed = np.asarray(plane.getTriangleList()).reshape(-1, 3, 2)
        away = np.linalg.norm(listed[:, :, np.newaxis] - points, axis=3)
        corners = away.argmin(axis=2)[(away.min(axis=2) < 0.5).all(axis=1)]
        return cls(points, corners[~np.isin(corners, list(without)).all(axis=1)])


def camera_cut(image: Image, mesh: Floats) -> Image:
    """The photograph as a frame of a camera: the face upright, in the middle, at arm's length."""
    eyes = mesh[list(LEFT_EYE), :2].mean(axis=0) - mesh[list(RIGHT_EYE), :2].mean(axis=0)
    scale = _EYES / float(np.linalg.norm(eyes))
    middle = mesh[:, :2].mean(axis=0)
    linear = scale**2 / _EYES * np.array([[eyes[0], eyes[1]], [-eyes[1], eyes[0]]])
    matrix = np.column_stack([linear, np.array([WIDTH, HEIGHT]) / 2 - linear @ middle])
    cut = cv2.warpAffine(
        cv2.GaussianBlur(image, (0, 0), max(0.3 / scale, 0.01)) if scale < 1 else image,
        matrix,
        (WIDTH, HEIGHT),
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(cut, dtype=np.uint8)


def paint(picture: Image, triangles: Triangles, moved: Floats, depths: Floats) -> Image:
    """The picture with each triangle where its corners went, far ones first so that near ones cover them."""
    height, width = picture.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    far = depths[triangles.corners].mean(axis=1)
    for corners in triangles.corners[np.argsort(-far, kind="stable")]:
        _point(columns, rows, source=triangles.points[corners], target=moved[corners])
    return np.asarray(cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _point(columns: NDArray[np.float32], rows: NDArray[np.float32], *, source: Floats, target: Floats) -> None:
    """Let every pixel inside the target triangle be taken from its place in the source triangle."""
    height, width = columns.shape
    low = np.clip(np.floor(target.min(axis=0)).astype(int), 0, (width, height))
    high = np.clip(np.ceil(target.max(axis=0)).astype(int) + 1, 0, (width, height))
    sides = np.column_stack([target[1] - target[0], target[2] - target[0]])
    if (high <= low).any() or abs(np.linalg.det(sides)) < 1e-6:
        return
    down, across = np.mgrid[low[1] : high[1], low[0] : high[0]]
    weights = (np.stack([across, down], axis=-1) - target[0]) @ np.linalg.inv(sides).T
    inside = (weights >= -1e-3).all(axis=-1) & (weights.sum(axis=-1) <= 1 + 1e-3)
    taken = source[0] + weights @ np.column_stack([source[1] - source[0], source[2] - source[0]]).T
    columns[low[1] : high[1], low[0] : high[0]][inside] = taken[..., 0][inside]
    rows[low[1] : high[1], low[0] : high[0]][inside] = taken[..., 1][inside]


def jpeg(image: Image, *, chance: np.random.Generator) -> bytes:
    """The frame with the noise of a sensor, as a JPEG of at most 40 KB."""
    noisy = np.clip(image + chance.normal(0, _NOISE, image.shape), 0, 255).astype(np.uint8)
    for quality in range(88, 20, -6):
        written = cv2.imencode(".jpg", cv2.cvtColor(noisy, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if written.nbytes <= _MOST_BYTES:
            break
    return written.tobytes()


def taken_anew(frame: bytes, *, chance: np.random.Generator) -> bytes:
    """The same frame with the noise of another moment: no two captures may share one."""
    image = cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR_RGB)
    return jpeg(np.asarray(image, np.uint8), chance=chance)
