"""Whether a capture can be known again: captures played again in every way, beside other captures.

Genuine frames only; what is done to them is what anybody does to a film. How they are told apart:
`prints`.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

from tools.genuine import Figures, spread
from tools.genuine.clips import STEP, Clip, Observed, Sender, places_of, read
from tools.genuine.prints import Prints, prints
from verification.engines.liveness import landmarks, networks
from verification.engines.liveness.frames import Image
from verification.engines.liveness.policy import AGAIN
from verification.engines.liveness.prints import Bits, compare, laid

_FRAMES = 3 * STEP  # of a capture: three commands
_MOST = 8  # captures of one clip that are played again; all are compared with one another
Change = Callable[[Image, np.random.Generator], Image]


def measure(clips: Sequence[Observed], folders: Sequence[Path]) -> Figures:
    """Captures against themselves changed in every way, and against every other one."""
    kept, again = [], dict[str, list[tuple[int, Prints]]]()
    for each in clips:
        folder = next(folder for folder in folders if (folder / each.clip.file).exists())
        images = read(folder, each.clip)
        starts = range(0, max(1, len(each.places) - _FRAMES // 2), _FRAMES)
        for number, start in enumerate(starts):
            taken = each.places[start : start + _FRAMES]
            kept.append(_prints(each.clip, [images[at] for at in taken]))
            if number >= _MOST:
                continue
            for name, places, change in _replays(each.clip, taken, len(images)):
                own = _prints(each.clip, [images[at] for at in places], change)
                again.setdefault(name, []).append((len(kept) - 1, own))
    return _compared(kept, again)


def _replays(
    clip: Clip, taken: Sequence[int], count: int
) -> list[tuple[str, list[int], Change | None]]:
    """Each way to play these frames again: which frames of the clip, and what is done to each."""
    first, last = taken[0], taken[-1]
    inside = [at for at in places_of(clip, count, shifted=0.5) if first <= at <= last]
    slow = [
        at
        for speed in (1.25,)
        for at in places_of(clip, count, slowed=speed)
        if first <= at <= last
    ][: len(taken)]
    slower = [at for at in places_of(clip, count, slowed=1.6) if first <= at <= last][: len(taken)]
    parts = [list(taken[at : at + STEP]) for at in range(0, len(taken), STEP)]
    same = list(taken)
    return [
        ("quality_90", same, pressed(90)),
        ("quality_70", same, pressed(70)),
        ("quality_40", same, pressed(40)),
        ("crop_2", same, cropped(0.02)),
        ("crop_5", same, cropped(0.05)),
        ("crop_10", same, cropped(0.10)),
        ("reordered", [at for part in reversed(parts) for at in part], pressed(70)),
        ("between_frames", inside, pressed(70)),
        ("slowed_1_25", slow, pressed(70)),
        ("slowed_1_6", slower, pressed(70)),
        ("brighter", same, lighter),
        ("leaning_4", same, leaning(4.0)),
        (
            "all_at_once",
            [at for part in reversed(parts) for at in part],
            all_of(cropped(0.08), lighter, pressed(50)),
        ),
    ]


def pressed(quality: int) -> Change:
    """Compressed anew."""

    def change(image: Image, _: np.random.Generator) -> Image:
        made = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(made, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)

    return change


def cropped(most: float) -> Change:
    """Up to so much cut off on each side, at least half of it."""

    def change(image: Image, chance: np.random.Generator) -> Image:
        high, wide = image.shape[:2]
        left, top, right, bottom = (
            int(share * side)
            for share, side in zip(chance.uniform(most / 2, most, 4), (wide, high) * 2, strict=True)
        )
        part = image[top : high - bottom, left : wide - right]
        return np.asarray(
            cv2.resize(part, (wide, high), interpolation=cv2.INTER_AREA), dtype=np.uint8
        )

    return change


def lighter(image: Image, _: np.random.Generator) -> Image:
    """As a brighter screen shows it."""
    return np.asarray(np.clip(image.astype(np.float32) * 1.15 + 8, 0, 255), dtype=np.uint8)


def leaning(degrees: float) -> Change:
    """Turned in its plane."""

    def change(image: Image, _: np.random.Generator) -> Image:
        high, wide = image.shape[:2]
        matrix = cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, 1.0)
        return np.asarray(
            cv2.warpAffine(image, matrix, (wide, high), borderMode=cv2.BORDER_REPLICATE),
            dtype=np.uint8,
        )

    return change


def all_of(*changes: Change) -> Change:
    """One after the other."""

    def change(image: Image, chance: np.random.Generator) -> Image:
        for each in changes:
            image = each(image, chance)
        return image

    return change


def _prints(clip: Clip, images: Sequence[Image], change: Change | None = None) -> Prints:
    """What is kept of a capture that the page sends of these pictures."""
    sender, frames = Sender(), []
    for image in images:
        # A crop is one for the whole capture: whoever plays a film cuts it once.
        shown = change(image, np.random.default_rng(1)) if change else image
        sent = sender.sent(shown, "chain")[0]
        face = landmarks.measure(sent, networks=networks.load()).face
        if face is not None:
            frames.append((sent, face))
    return prints(clip.name, clip.person, frames)


def _compared(kept: Sequence[Prints], again: dict[str, list[tuple[int, Prints]]]) -> Figures:
    pairs: dict[str, list[tuple[Prints, Prints]]] = {
        "same_clip": [],
        "same_person": [],
        "others": [],
    }
    for one, other in combinations(kept, 2):
        kind = (
            "same_clip"
            if one.clip == other.clip
            else "same_person"
            if one.person == other.person
            else "others"
        )
        pairs[kind].append((one, other))
    pairs |= {name: [(kept[at], own) for at, own in each] for name, each in again.items()}
    found: Figures = {"captures": len(kept), "people": len({one.person for one in kept})}
    for name, each in pairs.items():
        is_again = name in again
        windows = [
            laid(
                one.steps,
                other.steps,
                window=AGAIN.window,
                stride=AGAIN.stride,
                moving=AGAIN.moving,
            )
            for one, other in each
        ]
        told = [compare(other.steps, one.steps, limits=AGAIN) for one, other in each]
        judged = [one for one in told if one.windows >= AGAIN.fits]  # or too few could fit
        found[name] = {
            "pairs": len(each),
            "face_bits": spread(
                [_nearest(one.face, other.face) for one, other in each], low=not is_again
            ),
            "picture_bits": spread(
                [_nearest(one.whole, other.whole) for one, other in each], low=not is_again
            ),
            "left": spread(
                [one.left / one.moving for own in windows for one in own], low=not is_again
            ),
            "judged": len(judged),
            "share_of_windows": spread([one.fitting for one in judged], low=is_again),
            "found": sum(one.fits >= AGAIN.fits and one.fitting >= AGAIN.fitting for one in judged),
            "share_of_frames_with_a_word": spread([one.marked for one in told], low=is_again),
            "candidates": sum(one.marked >= AGAIN.marked for one in told),
            "found_by_both": sum(map(AGAIN.finds, told)),
        }
    return found


def _nearest(one: Bits, other: Bits) -> float:
    """How many signs of the other's frames differ from the nearest of this one, the median."""
    return float(np.median((one[:, None, :] != other[None, :, :]).sum(axis=2).min(axis=0)))
