"""What a hand, a slant, a mirror and another lamp make of a film that is played again."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from verification.engines.liveness.frames import Floats, Image

_PERIOD = 1 / 6  # seconds from one frame of the chain to the next


@dataclass(frozen=True)
class Held:
    """How a film is held and shown. sway: share of a hand's most: 0.1 eye distances, 3°, 4 %.
    slant: by how much of a side its far edge is shorter. gain, gamma, side: of its light, and from
    one side to the other. quality: JPEG.
    """

    sway: float = 0.0
    slant: float = 0.0
    is_mirrored: bool = False
    gain: float = 1.0
    gamma: float = 1.0
    side: float = 0.0
    quality: int = 70


_EYES = 1 / 6  # eye distance over the width of a picture, of a face at arm's length


def changed(images: Sequence[Image], held: Held, chance: np.random.Generator) -> list[Image]:
    """The frames of one command, RGB, as they look when the film is held so."""
    high, wide = images[0].shape[:2]
    across, down, lean, nearer = (
        held.sway * most * _swayed(len(images), chance)
        for most in (0.1 * _EYES * wide, 0.1 * _EYES * wide, 3.0, 0.04)
    )
    slanted, light = (
        _slant(held.slant, (wide, high), chance),
        _light(held.side, (wide, high), chance),
    )
    made = []
    for number, image in enumerate(images):
        moved = np.vstack(
            [
                cv2.getRotationMatrix2D((wide / 2, high / 2), lean[number], 1 + nearer[number]),
                [0, 0, 1],
            ]
        )
        moved[:2, 2] += across[number], down[number]
        shown = cv2.warpPerspective(
            image, slanted @ moved, (wide, high), borderMode=cv2.BORDER_REPLICATE
        )
        shown = shown[:, ::-1] if held.is_mirrored else shown
        lit = np.clip(255 * (shown / 255.0) ** held.gamma * held.gain * light, 0, 255).astype(
            np.uint8
        )
        jpeg = cv2.imencode(
            ".jpg", np.ascontiguousarray(lit[:, :, ::-1]), [cv2.IMWRITE_JPEG_QUALITY, held.quality]
        )[1]
        made.append(np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB), dtype=np.uint8))
    return made


def _swayed(count: int, chance: np.random.Generator) -> Floats:
    """A slow random movement, -1 … 1: a sum of waves of 0.1 to 0.9 Hz, most of it slow."""
    rates, phases = chance.uniform(0.1, 0.9, 4), chance.uniform(0, 2 * np.pi, 4)
    sizes = chance.normal(size=4) / (0.3 + rates)
    waves = (sizes * np.sin(2 * np.pi * rates * _PERIOD * np.arange(count)[:, None] + phases)).sum(
        axis=1
    )
    return np.asarray(waves / max(float(np.abs(waves).max()), 1e-9), dtype=np.float64)


def _slant(share: float, size: tuple[int, int], chance: np.random.Generator) -> Floats:
    """One of the four edges shorter by so much of itself."""
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=np.float32) * np.array(
        size, dtype=np.float32
    )
    edge = int(chance.integers(0, 4))
    ends = corners[[edge, (edge + 1) % 4]]
    shorter = corners.copy()
    shorter[[edge, (edge + 1) % 4]] = ends + share / 2 * (ends[::-1] - ends)
    return np.asarray(cv2.getPerspectiveTransform(corners, shorter), dtype=np.float64)


def _light(share: float, size: tuple[int, int], chance: np.random.Generator) -> Floats:
    """Of each pixel: more on one side, less on the other."""
    way = chance.uniform(0, 2 * np.pi)
    columns, rows = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    return np.asarray(
        (1 + share * (np.cos(way) * columns + np.sin(way) * rows))[..., np.newaxis],
        dtype=np.float64,
    )
