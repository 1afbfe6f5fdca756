"""Whether a capture is recognised later: captures replayed in every way, compared with other
captures.

Genuine frames only, with the changes that anybody can make to a film. `Prints` distinguishes them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np

from tools.genuine import Figures, spread
from tools.genuine.clips import STEP, Clip, Observed, Sender, places_of, read
from verification.engines.liveness import landmarks, networks
from verification.engines.liveness import prints as engine
from verification.engines.liveness.frames import Image
from verification.engines.liveness.landmarks import FaceMeasurement
from verification.engines.liveness.policy import AGAIN
from verification.engines.liveness.prints import Bits, compare, laid

_SIDE, _REDUCED = 8, 64  # frequencies of the whole picture each way, pixels of its reduced size


@dataclass(frozen=True)
class Prints:
    """A capture: its steps, and a row per frame of the signs of the face and of the whole
    picture.
    """

    clip: str
    person: str
    steps: tuple[engine.Prints, ...]
    picture: Bits

    @property
    def face(self) -> Bits:
        """The signs of the face, of all steps."""
        return np.concatenate([step.signs for step in self.steps])


def prints(clip: str, person: str, frames: Sequence[tuple[Image, FaceMeasurement]]) -> Prints:
    """Of the frames of one capture."""
    steps = tuple(engine.prints_of(frames[at : at + STEP]) for at in range(0, len(frames), STEP))
    return Prints(clip, person, steps, np.array([_signs(image) for image, _ in frames]))


def _signs(image: Image) -> Bits:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = np.asarray(
        cv2.resize(grey, (_REDUCED, _REDUCED), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )
    low = cv2.dct(grey.astype(np.float32))[:_SIDE, :_SIDE].ravel()
    return np.asarray(low > np.median(low[1:]))


_FRAMES = 3 * STEP  # of a capture: three commands
_MOST = 8  # of one clip that are replayed; all are compared with one another
Change = Callable[[Image, np.random.Generator], Image]


def measure(clips: Sequence[Observed], folders: Sequence[Path]) -> Figures:
    """Captures compared with themselves under every change, and with every other one."""
    captures, again = [], dict[str, list[tuple[int, Prints]]]()
    for film in clips:
        folder = next(folder for folder in folders if (folder / film.clip.file).exists())
        images = read(folder, film.clip)
        starts = range(0, max(1, len(film.places) - _FRAMES // 2), _FRAMES)
        for number, start in enumerate(starts):
            window = film.places[start : start + _FRAMES]
            captures.append(_prints(film.clip, [images[at] for at in window]))
            if number >= _MOST:
                continue
            for name, places, change in _replays(film.clip, window, len(images)):
                replay = _prints(film.clip, [images[at] for at in places], change)
                again.setdefault(name, []).append((len(captures) - 1, replay))
    return _compared(captures, again)


def _replays(
    clip: Clip, places: Sequence[int], count: int
) -> list[tuple[str, list[int], Change | None]]:
    """Each way to replay these frames: which frames of the clip, and their changes."""
    first, last = places[0], places[-1]
    inside = [at for at in places_of(clip, count, shifted=0.5) if first <= at <= last]
    slow = [
        at
        for speed in (1.25,)
        for at in places_of(clip, count, slowed=speed)
        if first <= at <= last
    ][: len(places)]
    slower = [at for at in places_of(clip, count, slowed=1.6) if first <= at <= last][: len(places)]
    parts = [list(places[at : at + STEP]) for at in range(0, len(places), STEP)]
    same = list(places)
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
    """Recompressed."""

    def change(image: Image, _: np.random.Generator) -> Image:
        encoded = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)

    return change


def cropped(most: float) -> Change:
    """Cropped by up to so much on each side, at least half of it."""

    def change(image: Image, chance: np.random.Generator) -> Image:
        high, wide = image.shape[:2]
        left_edge, top, right, bottom = (
            int(share * side)
            for share, side in zip(chance.uniform(most / 2, most, 4), (wide, high) * 2, strict=True)
        )
        part = image[top : high - bottom, left_edge : wide - right]
        return np.asarray(
            cv2.resize(part, (wide, high), interpolation=cv2.INTER_AREA), dtype=np.uint8
        )

    return change


def lighter(image: Image, _: np.random.Generator) -> Image:
    """As on a brighter screen."""
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
        for step in changes:
            image = step(image, chance)
        return image

    return change


def _prints(clip: Clip, images: Sequence[Image], change: Change | None = None) -> Prints:
    """The stored features of a capture with these pictures."""
    sender, frames = Sender(), []
    for image in images:
        # One crop for the whole capture, as in a replayed film.
        changed = change(image, np.random.default_rng(1)) if change else image
        sent = sender.sent(changed, "chain")[0]
        face = landmarks.measure(sent, networks=networks.load()).face
        if face is not None:
            frames.append((sent, face))
    return prints(clip.name, clip.person, frames)


def _compared(captures: Sequence[Prints], again: dict[str, list[tuple[int, Prints]]]) -> Figures:
    pairs: dict[str, list[tuple[Prints, Prints]]] = {
        "same_clip": [],
        "same_person": [],
        "others": [],
    }
    for first, second in combinations(captures, 2):
        kind = (
            "same_clip"
            if first.clip == second.clip
            else "same_person"
            if first.person == second.person
            else "others"
        )
        pairs[kind].append((first, second))
    pairs |= {
        name: [(captures[at], replay) for at, replay in matches] for name, matches in again.items()
    }
    figures: Figures = {
        "captures": len(captures),
        "people": len({capture.person for capture in captures}),
    }
    for name, matches in pairs.items():
        is_again = name in again
        windows = [
            laid(
                first.steps,
                second.steps,
                window=AGAIN.window,
                stride=AGAIN.stride,
                moving=AGAIN.moving,
            )
            for first, second in matches
        ]
        likenesses = [compare(second.steps, first.steps, limits=AGAIN) for first, second in matches]
        judged = [
            likeness for likeness in likenesses if likeness.windows >= AGAIN.fits
        ]  # otherwise too few could fit
        figures[name] = {
            "pairs": len(matches),
            "face_bits": spread(
                [_nearest(first.face, second.face) for first, second in matches], low=not is_again
            ),
            "picture_bits": spread(
                [_nearest(first.picture, second.picture) for first, second in matches],
                low=not is_again,
            ),
            "left": spread(
                [window.left / window.moving for replay in windows for window in replay],
                low=not is_again,
            ),
            "judged": len(judged),
            "share_of_windows": spread([likeness.fitting for likeness in judged], low=is_again),
            "found": sum(
                likeness.fits >= AGAIN.fits and likeness.fitting >= AGAIN.fitting
                for likeness in judged
            ),
            "share_of_frames_with_a_word": spread(
                [likeness.marked for likeness in likenesses], low=is_again
            ),
            "candidates": sum(likeness.marked >= AGAIN.marked for likeness in likenesses),
            "found_by_both": sum(map(AGAIN.finds, likenesses)),
        }
    return figures


def _nearest(first: Bits, second: Bits) -> float:
    """The median number of signs by which the other's frames differ from this one's nearest."""
    return float(np.median((first[:, None, :] != second[None, :, :]).sum(axis=2).min(axis=0)))
