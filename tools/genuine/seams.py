"""A face in its own picture, inside and just outside its border: noise, sharpness, colour and
movement.

A pasted face has another sensor's noise, another light, or its own movement. Distributions of
genuine frames only.
"""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.genuine import Figures, spread
from tools.genuine.clips import Observed, Seen
from verification.engines.liveness.frames import Floats
from verification.engines.liveness.planarity import oval, similar

NAMES = ("noise", "sharpness", "red", "blue", "light", "border")
_CHIN = (152, 148, 377, 176, 400)  # the lower end of the oval


def measure(clips: Sequence[Observed]) -> Figures:
    """For each stream: each value, and its distance from the value at rest within a clip.

    A face pasted per step would change that distance. Then the movement of the band inside the
    border, compared with the band outside.
    """
    figures: Figures = {}
    for stream in ("full", "chain"):
        rows_by_clip = {
            film.clip.name: [_inside_out(frame) for frame in getattr(film, stream)]
            for film in clips
        }
        rows = {name: np.array(values) for name, values in rows_by_clip.items()}
        from_rest = {
            film.clip.name: np.abs(rows[film.clip.name] - rows[film.clip.name][film.rest_at])
            for film in clips
        }
        jumps = {name: np.abs(np.diff(values, axis=0)) for name, values in rows.items()}
        figures[stream] = {
            name: {
                "value": spread(np.concatenate([values[:, at] for values in rows.values()]))
                | {
                    "min": round(
                        float(
                            np.nanmin(np.concatenate([values[:, at] for values in rows.values()]))
                        ),
                        4,
                    )
                },
                "from_rest": spread(
                    np.concatenate([values[:, at] for values in from_rest.values()])
                ),
                "from_rest_p99_by_clip": {
                    clip: round(float(np.nanquantile(values[:, at], 0.99)), 3)
                    for clip, values in from_rest.items()
                },
                "step": spread(np.concatenate([values[:, at] for values in jumps.values()])),
            }
            for at, name in enumerate(NAMES)
        }
    slips = {
        film.clip.name: [_slip(first, second) for first, second in pairwise(film.chain)]
        for film in clips
    }
    figures["slip"] = spread([value for values in slips.values() for value in values])
    figures["slip_by_clip"] = {name: spread(values) for name, values in slips.items()}
    return figures


def _inside_out(frame: Seen) -> tuple[float, ...]:
    """Logarithms of inside over outside: noise, sharpness; differences of colour and light to the
    neck below the chin; and
    the contrast of the border itself.
    """
    shape = frame.image.shape
    grey = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    colours = cv2.cvtColor(frame.image, cv2.COLOR_RGB2YCrCb).astype(np.float64)
    inner = (oval(frame.mesh, shape, 0.95) > 0) & ~(oval(frame.mesh, shape, 0.7) > 0)
    outer = (oval(frame.mesh, shape, 1.3) > 0) & ~(oval(frame.mesh, shape, 1.05) > 0)
    rough = np.abs(grey - cv2.medianBlur(grey, 3))
    edges = np.abs(cv2.Laplacian(grey, cv2.CV_32F))
    chin, neck = _chin(frame.mesh, shape, 0.9), _chin(frame.mesh, shape, 1.15)
    apart = (
        colours[chin].mean(axis=0) - colours[neck].mean(axis=0)
        if chin.any() and neck.any()
        else np.full(3, np.nan)
    )
    at_border = (oval(frame.mesh, shape, 1.03) > 0) & ~(oval(frame.mesh, shape, 0.97) > 0)
    return (
        _log(rough[inner].mean(), rough[outer].mean()),
        _log(edges[inner].mean() / grey[inner].std(), edges[outer].mean() / grey[outer].std()),
        float(apart[1]),
        float(apart[2]),
        float(apart[0]),
        _log(edges[at_border].mean(), edges[inner].mean()),
    )


def _chin(mesh: Floats, shape: tuple[int, ...], scale: float) -> NDArray[np.bool_]:
    """A spot below the mouth or, with a scale above 1, on the neck."""
    eyes = mesh[[33, 263], :2]
    wide = float(np.linalg.norm(eyes[1] - eyes[0]))
    middle = mesh[list(_CHIN), :2].mean(axis=0)
    centre = mesh[1, :2] + (middle - mesh[1, :2]) * (scale if scale < 1 else scale + 0.15)
    spot = np.zeros(shape[:2], np.uint8)
    cv2.circle(
        spot,
        (round(float(centre[0])), round(float(centre[1]))),
        max(2, round(0.12 * wide)),
        255,
        -1,
    )
    return np.asarray(spot > 0)


def _slip(first: Seen, second: Seen) -> float:
    """How far the area just outside the face moves against the face itself, in eye distances.

    The median over corners within half a face of its border, whether or not they move with it; NaN
    for too few.
    """
    greys = [
        np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        for frame in (first, second)
    ]
    inner, near, head = (oval(first.mesh, greys[0].shape, scale) for scale in (0.95, 1.02, 1.2))
    outer = np.asarray(cv2.bitwise_and(head, 255 - near), dtype=np.uint8)
    moved = []
    for mask in (inner, outer):
        points = cv2.goodFeaturesToTrack(greys[0], 80, 0.01, 2.0, mask=mask)
        if points is None or len(points) < 8:
            return float("nan")
        there, status, _ = cv2.calcOpticalFlowPyrLK(
            greys[0], greys[1], points, np.zeros_like(points), winSize=(9, 9), maxLevel=3
        )
        back, again, _ = cv2.calcOpticalFlowPyrLK(
            greys[1], greys[0], there, np.zeros_like(points), winSize=(9, 9), maxLevel=3
        )
        good = (
            (status[:, 0] == 1)
            & (again[:, 0] == 1)
            & (np.linalg.norm((back - points)[:, 0], axis=1) < 0.5)
        )
        if good.sum() < 6:
            return float("nan")
        moved.append((points[good, 0].astype(float), there[good, 0].astype(float)))
    (inside, arrived), (outside, went) = moved
    eyes = first.frame.face.interocular if first.frame.face else 1.0
    return (
        float(np.median(np.linalg.norm(similar(inside, arrived, of=outside) - went, axis=1))) / eyes
    )


def _log(first: float, second: float) -> float:
    return float(np.log(max(first, 1e-3) / max(second, 1e-3)))
