"""What an honest person's camera, light, hand and clothes do to a capture: each condition at both
of its ends.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tests.liveness_attacks.people import measured
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.landmarks import LEFT_EYE, RIGHT_EYE

_RIM, _CLOTH = (35, 30, 30), (40, 50, 90)  # RGB
Change = Callable[[Sequence[Image], np.random.Generator], list[Image]]
"""The frames of one command, changed."""


@dataclass(frozen=True)
class Condition:
    """`eyes`: pixels between them in the full frame. `rate`: of the camera, a second; None for the
    clip's own.
    """

    eyes: float = 90.0
    rate: float | None = None
    change: Change = lambda images, chance: list(images)


def _light(images: Sequence[Image], factors: Sequence[float]) -> list[Image]:
    lit = (
        np.clip(image * float(each), 0, 255) for image, each in zip(images, factors, strict=True)
    )
    return [np.asarray(np.rint(image), dtype=np.uint8) for image in lit]


def _exposure(factor: float) -> Change:
    return lambda images, chance: _light(images, [factor] * len(images))


def _step(factor: float) -> Change:
    """In the middle of a command a lamp goes on or off."""
    return lambda images, chance: _light(
        images, [1.0 if 2 * at < len(images) else factor for at in range(len(images))]
    )


def _flicker(most: float) -> Change:
    return lambda images, chance: _light(
        images, (1 + chance.uniform(-most, most, len(images))).tolist()
    )


def _each(change: Callable[[Image], Image]) -> Change:
    return lambda images, chance: [np.asarray(change(image), dtype=np.uint8) for image in images]


def _motion(image: Image) -> Image:
    return np.asarray(cv2.filter2D(image, -1, np.full((1, 7), 1 / 7)), dtype=np.uint8)


def _compressed(image: Image) -> Image:
    jpeg = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 40])[1]
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def _shaken(images: Sequence[Image], chance: np.random.Generator) -> list[Image]:
    moved = []
    for image in images:
        across, down = chance.uniform(-8, 8, 2)
        to, size = np.array([[1, 0, across], [0, 1, down]]), (image.shape[1], image.shape[0])
        moved.append(
            np.asarray(
                cv2.warpAffine(image, to, size, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8
            )
        )
    return moved


def _noisy(images: Sequence[Image], chance: np.random.Generator) -> list[Image]:
    grainy = (np.clip(image + chance.normal(0, 10, image.shape), 0, 255) for image in images)
    return [np.asarray(image, dtype=np.uint8) for image in grainy]


def _worn(draw: Callable[[Image, Floats], None]) -> Change:
    """Something that is drawn where the mesh is; nothing where no face is found."""

    def dressed(image: Image) -> Image:
        face, drawn = measured(image).face, image.copy()
        if face is not None and face.mesh is not None:
            draw(drawn, face.mesh[:, :2])
        return drawn

    return _each(dressed)


def _glasses(image: Image, mesh: Floats) -> None:
    """Dark rims round both eyes, and a bridge between them."""
    eyes = [mesh[list(corners)].mean(axis=0) for corners in (RIGHT_EYE, LEFT_EYE)]
    across = eyes[1] - eyes[0]
    apart = float(np.hypot(*across))
    lean, thick = float(np.degrees(np.arctan2(across[1], across[0]))), max(1, round(0.05 * apart))
    for eye in eyes:
        middle = (round(float(eye[0])), round(float(eye[1])))
        axes = (round(0.40 * apart), round(0.30 * apart))
        cv2.ellipse(image, middle, axes, lean, 0, 360, _RIM, thick, cv2.LINE_AA)
    inner = [eyes[0] + 0.40 * across, eyes[1] - 0.40 * across]
    begin, end = ((round(float(x)), round(float(y))) for x, y in inner)
    cv2.line(image, begin, end, _RIM, thick, cv2.LINE_AA)


def _cap(image: Image, mesh: Floats) -> None:
    """A cap down to the middle of the forehead."""
    eyes = [mesh[list(corners)].mean(axis=0) for corners in (RIGHT_EYE, LEFT_EYE)]
    across, middle = eyes[1] - eyes[0], (eyes[0] + eyes[1]) / 2
    up = np.array([across[1], -across[0]])  # as long as the eyes are apart
    brim = middle + 0.62 * up
    lean = float(np.degrees(np.arctan2(across[1], across[0])))
    axes = (round(1.35 * float(np.hypot(*across))), round(1.1 * float(np.hypot(*across))))
    at = (round(float(brim[0])), round(float(brim[1])))
    cv2.ellipse(image, at, axes, lean, 180, 360, _CLOTH, cv2.FILLED, cv2.LINE_AA)


def together(names: Iterable[str]) -> Condition:
    """These at once, in this order; of distances and rates the last counts."""
    chosen = [CONDITIONS[name] for name in names]

    def change(images: Sequence[Image], chance: np.random.Generator) -> list[Image]:
        changed = list(images)
        for condition in chosen:
            changed = condition.change(changed, chance)
        return changed

    eyes = [condition.eyes for condition in chosen if condition.eyes != Condition.eyes]
    rates = [condition.rate for condition in chosen if condition.rate is not None]
    return Condition(eyes[-1] if eyes else Condition.eyes, rates[-1] if rates else None, change)


CONDITIONS: Mapping[str, Condition] = {
    "plain": Condition(),
    "exposure_0_5": Condition(change=_exposure(0.5)),
    "exposure_1_4": Condition(change=_exposure(1.4)),
    "step_up": Condition(change=_step(1.3)),
    "step_down": Condition(change=_step(0.7)),
    "flicker": Condition(change=_flicker(0.3)),
    "eyes_110": Condition(eyes=110.0),
    "eyes_70": Condition(eyes=70.0),
    "blur": Condition(
        change=_each(lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), 1.2), dtype=np.uint8))
    ),
    "motion_blur": Condition(change=_each(_motion)),
    "shake": Condition(change=_shaken),
    "jpeg_40": Condition(change=_each(_compressed)),
    "noise": Condition(change=_noisy),
    "glasses": Condition(change=_worn(_glasses)),
    "cap": Condition(change=_worn(_cap)),
    "rate_8": Condition(rate=8.0),
    "rate_15": Condition(rate=15.0),
}
"""Exposure, a lamp and flicker: shares of the light. Blur: σ and 7 pixels; shake: 8 pixels; noise:
10 grey levels.
"""
