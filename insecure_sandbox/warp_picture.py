"""Paints a puppet: a photograph cut as a camera sees a face, its triangles moved, the frame as a
page sends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.landmarks import LEFT_EYE, RIGHT_EYE


class Lids(NamedTuple):
    """The lids of one eye, corner to corner; each point of the upper one falls on the lower one
    beside it.
    """

    upper: tuple[int, ...]
    lower: tuple[int, ...]


RIGHT_LIDS = Lids(
    upper=(246, 161, 160, 159, 158, 157, 173), lower=(7, 163, 144, 145, 153, 154, 155)
)
LEFT_LIDS = Lids(
    upper=(466, 388, 387, 386, 385, 384, 398), lower=(249, 390, 373, 374, 380, 381, 382)
)

INNER_LIPS = (
    78,
    191,
    80,
    81,
    82,
    13,
    312,
    311,
    310,
    415,
    308,
    324,
    318,
    402,
    317,
    14,
    87,
    178,
    88,
    95,
)
MOUTH_CORNERS = (61, 291)
UPPER_LIP, LOWER_LIP, CHIN = 13, 14, 152
EDGES = (234, 454)


WIDTH, HEIGHT = 640, 480  # pixels, what the page asks a camera for
_EYES = 80.0  # pixels between the eyes, as at arm's length
_MOST_BYTES = 40 * 1024
_THIN = 60  # JPEG quality of the thin chain, at most
_NOISE = 1.5  # grey levels, standard deviation
Drift = tuple[float, float, float, float]
DRIFT: Drift = (
    9.0,
    6.0,
    2.0,
    0.03,
)  # pixels, pixels, degrees, share of the size: maximum sway of a hand-held camera
_LENGTH = 12  # frames of about one period


_BESIDE = (200, 250)  # pixels of a portrait at the side, mostly its face
# its first frames: the borrower is alone during the gesture
_LOOKS_IN = 2


@dataclass(frozen=True)
class Triangles:
    """Triangles between points of the photograph: `corners` (n, 3) index `points` (m, 2)."""

    points: Floats
    corners: NDArray[np.intp]

    @classmethod
    def between(cls, points: Floats, *, without: Sequence[int]) -> "Triangles":
        """The Delaunay triangles, without those whose corners are all among `without`."""
        low = np.floor(points.min(axis=0)) - 1
        high = np.ceil(points.max(axis=0)) + 2
        plane = cv2.Subdiv2D(
            (int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))
        )
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
    """The picture with each triangle at its new corners, far ones first so that near ones cover
    them.
    """
    height, width = picture.shape[:2]
    columns, rows = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    far = depths[triangles.corners].mean(axis=1)
    corners = triangles.corners[np.argsort(-far, kind="stable")]
    _point(columns, rows, sources=triangles.points[corners], targets=moved[corners])
    return np.asarray(
        cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.uint8,
    )


def _point(
    columns: NDArray[np.float32], rows: NDArray[np.float32], *, sources: Floats, targets: Floats
) -> None:
    """Fills every pixel inside a target triangle from its source triangle; of several, the last
    wins.

    `sources` and `targets` are (n, 3, 2). All pixels of all boxes around the targets are computed
    at once, and values common to a box's row once per row.
    """
    size = columns.shape[::-1]
    low = np.clip(np.floor(targets.min(axis=1)).astype(int), 0, size)
    high = np.clip(np.ceil(targets.max(axis=1)).astype(int) + 1, 0, size)
    sides = np.stack([targets[:, 1] - targets[:, 0], targets[:, 2] - targets[:, 0]], axis=2)
    # An unmoved triangle is in place already.
    to_paint = (
        (high > low).all(axis=1)
        & (np.abs(np.linalg.det(sides)) >= 1e-6)
        & (sources != targets).any(axis=(1, 2))
    )
    low, high, sources, targets, sides = (
        array[to_paint] for array in (low, high, sources, targets, sides)
    )
    triangle_of, row = _counted((high - low)[:, 1], low[:, 1])
    wide, inverse, corner = (
        (high - low)[triangle_of, 0],
        np.linalg.inv(sides)[triangle_of],
        targets[triangle_of, 0],
    )
    line, across = _counted(wide, low[triangle_of, 0])
    begun = inverse[:, :, 1] * (row - corner[:, 1])[:, None] - inverse[:, :, 0] * corner[:, :1]
    first, second = (
        np.repeat(inverse[:, side, 0], wide) * across + np.repeat(begun[:, side], wide)
        for side in range(2)
    )
    inside = np.flatnonzero((first >= -1e-3) & (second >= -1e-3) & (first + second <= 1 + 1e-3))
    line, first, second = line[inside], first[inside], second[inside]
    places, triangle = row[line] * columns.shape[1] + across[inside], triangle_of[line]
    # For a repeated pixel, NumPy keeps the last assignment: the nearest triangle.
    for axis, plane in enumerate((columns, rows)):
        start, middle, third = (sources[:, at, axis].take(triangle) for at in range(3))
        plane.reshape(-1)[places] = start + first * (middle - start) + second * (third - start)


def _counted(
    lengths: NDArray[np.intp], begins: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Runs of consecutive numbers of these lengths: for each number its run's index, and itself."""
    starts = lengths.cumsum() - lengths
    return np.repeat(np.arange(len(lengths)), lengths), np.arange(lengths.sum()) + np.repeat(
        begins - starts, lengths
    )


def grainy(image: Image, noise: float, *, chance: np.random.Generator) -> Image:
    """The picture with the noise of a sensor: grey levels, standard deviation."""
    flat = image.reshape(len(image), -1)
    # OpenCV draws it five times as fast as NumPy, from a generator of this thread.
    cv2.setRNGSeed(int(chance.integers(2**31)))
    drawn = cv2.randn(np.empty(flat.shape, np.int16), np.zeros(1), np.full(1, noise))
    return np.asarray(cv2.add(flat, drawn, dtype=cv2.CV_8U), np.uint8).reshape(image.shape)


def jpeg(image: Image, *, chance: np.random.Generator) -> bytes:
    """The frame with the noise of a sensor, as a JPEG of at most 40 KB."""
    noisy = grainy(image, _NOISE, chance=chance)
    for quality in range(88, 20, -6):
        written = cv2.imencode(
            ".jpg", cv2.cvtColor(noisy, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )[1]
        if written.nbytes <= _MOST_BYTES:
            break
    return written.tobytes()


def taken_anew(
    frames: Sequence[bytes],
    *,
    chance: np.random.Generator,
    drift: Drift = DRIFT,
    neighbour: Image | None = None,
) -> list[bytes]:
    """The same frames at another moment: no two captures may share one, or move alike.

    The camera's hand drifts slowly on its own path, with new noise. beside: a portrait at the first
    one's side.
    """
    places = np.arange(len(frames))[:, None] / _LENGTH
    begun, turns = chance.uniform(0, 2 * np.pi, len(drift)), chance.uniform(0.6, 1.6, len(drift))
    ways = np.sin(begun + 2 * np.pi * turns * places) * drift
    moved_frames = [
        _moved(frame, *moved) for frame, moved in zip(frames, ways.tolist(), strict=True)
    ]
    if neighbour is not None:
        small = cv2.resize(neighbour, _BESIDE, interpolation=cv2.INTER_AREA)
        for image in moved_frames[:_LOOKS_IN]:
            image[HEIGHT - _BESIDE[1] :, : _BESIDE[0]] = small
    return [jpeg(image, chance=chance) for image in moved_frames]


def _moved(frame: bytes, across: float, down: float, lean: float, size: float) -> Image:
    image = np.asarray(cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR_RGB), np.uint8)
    high, wide = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((wide / 2, high / 2), lean, 1 + size)
    matrix[:, 2] += np.array([across, down])
    return np.asarray(
        cv2.warpAffine(image, matrix, (wide, high), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def thinned(frame: bytes, *, side: int, most_bytes: int) -> bytes:
    """The same frame in the thin chain's form: so many pixels on its shorter side, at the best
    quality that fits.
    """
    image = np.asarray(cv2.imdecode(np.frombuffer(frame, np.uint8), cv2.IMREAD_COLOR), np.uint8)
    height, width = image.shape[:2]
    scale = side / min(height, width)
    small = cv2.resize(
        image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA
    )
    for quality in range(_THIN, 5, -5):
        written = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if written.nbytes <= most_bytes:
            break
    return written.tobytes()
