"""Presentation attacks made from one photograph: a flat or bent print that is turned, shifted and
shaken.
"""

import math
from itertools import pairwise

import cv2
import numpy as np

from verification.engines.liveness import frames, policy
from verification.engines.liveness.frames import Floats, Image

_WIDTH, _HEIGHT = 640, 480
_TABLE = (120, 120, 120)
_FOCAL = 2.2 * _WIDTH  # pixels
_STRIPS = 40  # in which a bent sheet is painted


def sheet(photograph: Image, *, eyes: float, wanted: float = 80.0) -> Image:
    """The photograph in the middle of a frame, so large that its eye distance comes from `eyes` to
    `wanted` pixels.
    """
    scale = wanted / eyes
    small = cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    frame = np.full((_HEIGHT, _WIDTH, 3), _TABLE, dtype=np.uint8)
    high, wide = min(_HEIGHT, small.shape[0]), min(_WIDTH, small.shape[1])
    left = (_WIDTH - wide) // 2
    frame[:high, left : left + wide] = small[:high, :wide]
    return frame


def turned(paper: Image, *, yaw: float, bend: float = 0.0) -> Image:
    """The sheet turned by `yaw` degrees about its middle line; `bend` is one over its radius, in
    frame widths.
    """
    turn = math.radians(yaw)
    rotation = np.array(
        [[math.cos(turn), 0, math.sin(turn)], [0, 1, 0], [-math.sin(turn), 0, math.cos(turn)]]
    )
    seen = np.full_like(paper, 120)
    edges = np.linspace(0, _WIDTH, _STRIPS + 1 if bend else 2)
    strips = [_strip(left, right, rotation, bend) for left, right in pairwise(edges)]
    for _, source, target in sorted(strips, key=lambda strip: -strip[0]):
        outline = np.round(target).astype(np.int32)
        (left, top), (right, bottom) = outline.min(axis=0).clip(0), outline.max(axis=0) + 1
        part = seen[
            top:bottom, left:right
        ]  # where it lies: painting every strip over the whole frame takes ten times as long
        matrix = cv2.getPerspectiveTransform(
            source.astype(np.float32), (target - (left, top)).astype(np.float32)
        )
        moved = cv2.warpPerspective(paper, matrix, part.shape[1::-1])
        mask = np.zeros(part.shape[:2], dtype=np.uint8)
        cv2.fillConvexPoly(mask, outline - (left, top), 255)
        cv2.copyTo(moved, mask, part)
    return seen


def shifted(
    paper: Image, *, across: float, down: float, lean: float = 0.0, scale: float = 1.0
) -> Image:
    """The sheet moved in its own plane: pixels, degrees, and nearer by `scale`."""
    matrix = cv2.getRotationMatrix2D((_WIDTH / 2, _HEIGHT / 2), lean, scale)
    matrix = matrix + np.array([[0, 0, across], [0, 0, down]])
    return np.asarray(
        cv2.warpAffine(paper, matrix, (_WIDTH, _HEIGHT), borderValue=_TABLE), dtype=np.uint8
    )


def filmed(pictures: list[Image], *, seed: int, noise: float = 2.0) -> list[Image]:
    """The pictures as a camera sends them: noise of a sensor in grey levels, JPEG, decoded by the
    gate.
    """
    chance = np.random.default_rng(seed)
    sent = []
    for picture in pictures:
        grainy = np.clip(picture + chance.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)
        sent.append(frames.decode(jpeg(grainy), limits=policy.FRAMES))
    return sent


def jpeg(rgb: Image, *, quality: int = 80) -> bytes:
    """The picture as a baseline JPEG that the gate lets in."""
    for each in (quality, *range(quality - 10, 20, -10)):
        written = cv2.imencode(
            ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, each]
        )[1]
        if written.nbytes <= policy.FRAMES.most_bytes:
            break
    return written.tobytes()


def _strip(
    left: float, right: float, rotation: Floats, bend: float
) -> tuple[float, Floats, Floats]:
    source = np.array([[left, 0], [right, 0], [right, _HEIGHT], [left, _HEIGHT]], dtype=float)
    flat = source - (_WIDTH / 2, _HEIGHT / 2)
    if bend:
        radius = _WIDTH / bend
        angle = flat[:, 0] / radius
        space = (
            np.column_stack([np.sin(angle) * radius, flat[:, 1], (1 - np.cos(angle)) * radius])
            @ rotation.T
        )
    else:
        space = np.column_stack([flat, np.zeros(4)]) @ rotation.T
    depth = _FOCAL + space[:, 2]
    return (
        float(depth.mean()),
        source,
        space[:, :2] * (_FOCAL / depth)[:, None] + (_WIDTH / 2, _HEIGHT / 2),
    )
