"""Prints how often films that are held by hand, slanted, slowed or mirrored are recognised, and how
often others are.

Usage: python -m tools.measure_held SEED TABLE FOLDER…, the table of clips (id, person) and their
folders.
A clip outside the table counts as another person's.
Every frame of a replay is warped, compressed as by the page, and measured again.
A replay is too still if fewer than two of its commands move.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from tools.genuine.clips import RATE, STEP, Sender
from verification.engines.liveness import landmarks, networks, prints
from verification.engines.liveness.frames import Floats, Image
from verification.engines.liveness.policy import AGAIN
from verification.engines.liveness.prints import Prints

_PERIOD = 1 / 6  # seconds from one frame of the chain to the next


@dataclass(frozen=True)
class Held:
    """How a film is held and shown.

    sway: share of a hand's maximum: 0.1 eye distances, 3°, 4 %.
    slant: by how much of a side its far edge is shorter.
    gain, gamma, side: of its light, and across the picture.
    quality: JPEG.
    """

    sway: float = 0.0
    slant: float = 0.0
    is_mirrored: bool = False
    gain: float = 1.0
    gamma: float = 1.0
    side: float = 0.0
    quality: int = 70


_EYE_SHARE = 1 / 6  # eye distance over the width of a picture, of a face at arm's length


def changed(images: Sequence[Image], pose: Held, chance: np.random.Generator) -> list[Image]:
    """The frames of one command, RGB, with the film held so."""
    high, wide = images[0].shape[:2]
    across, down, lean, nearer = (
        pose.sway * most * _swayed(len(images), chance)
        for most in (0.1 * _EYE_SHARE * wide, 0.1 * _EYE_SHARE * wide, 3.0, 0.04)
    )
    slanted, light = (
        _slant(pose.slant, (wide, high), chance),
        _light(pose.side, (wide, high), chance),
    )
    jpegs = []
    for number, image in enumerate(images):
        moved = np.vstack(
            [
                cv2.getRotationMatrix2D((wide / 2, high / 2), lean[number], 1 + nearer[number]),
                [0, 0, 1],
            ]
        )
        moved[:2, 2] += across[number], down[number]
        warped = cv2.warpPerspective(
            image, slanted @ moved, (wide, high), borderMode=cv2.BORDER_REPLICATE
        )
        warped = warped[:, ::-1] if pose.is_mirrored else warped
        lit = np.clip(255 * (warped / 255.0) ** pose.gamma * pose.gain * light, 0, 255).astype(
            np.uint8
        )
        jpeg = cv2.imencode(
            ".jpg", np.ascontiguousarray(lit[:, :, ::-1]), [cv2.IMWRITE_JPEG_QUALITY, pose.quality]
        )[1]
        jpegs.append(np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB), dtype=np.uint8))
    return jpegs


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


_SIZE, _EYES = (320, 427), 56.0  # pixels of a picture and between the eyes
_SHORTEST, _STEPS, _DRAWN = (
    16,
    3,
    5,
)  # frames of a command; commands of a capture; replays in all ways at once
_SAME, _TWO = 500, 2600  # pairs
WAYS: dict[str, tuple[Held, float]] = {
    "pressed": (Held(quality=40), 1.0),
    "swayed": (Held(sway=1.0), 1.0),
    "slanted": (Held(slant=0.1), 1.0),
    "slower_2_5": (Held(), 0.4),
    "slower_1_6": (Held(), 0.625),
    "faster_1_6": (Held(), 1.6),
    "faster_2_5": (Held(), 2.5),
    "mirrored": (Held(is_mirrored=True), 1.0),
    "lit": (Held(gain=0.7, side=0.35), 1.0),
}


@dataclass(frozen=True)
class Filmed:
    """A clip of one person: its frames at arm's length, and the start times of its commands,
    seconds.
    """

    person: str
    images: Sequence[Image]
    rate: float
    begins: Sequence[float]

    def command(self, begin: float, speed: float, chance: np.random.Generator) -> list[Image]:
        """The frames of a command at this speed; a faster film runs back and forth, a slower one
        starts anywhere in it.
        """
        lasts = (STEP - 1) / RATE
        moments = np.arange(STEP) / RATE * speed + chance.uniform(0, max(0.0, lasts * (1 - speed)))
        moments = begin + lasts - np.abs(moments % (2 * lasts) - lasts)
        return [
            self.images[min(len(self.images) - 1, int(at * self.rate + 1e-6))] for at in moments
        ]


def main() -> None:
    """Replays by kind, then genuine pairs."""
    seed, table, folders = (
        int(sys.argv[1]),
        Path(sys.argv[2]),
        [Path(folder) for folder in sys.argv[3:]],
    )
    people = {
        row["id"]: row["person"]
        for row in csv.DictReader(table.open(encoding="utf-8"), delimiter="\t")
    }
    files = {path.stem: path for folder in folders for path in sorted(folder.glob("*.*"))}
    ends, steps = Counter[tuple[str, str]](), dict[str, list[Prints]]()
    print("seed", seed)
    for number, (name, path) in enumerate(sorted(files.items())):
        if (
            path.suffix not in (".mp4", ".avi", ".mov", ".gif")
            or (filmed := _filmed(path, people.get(name, name))) is None
        ):
            continue
        chance = np.random.default_rng([seed, number])
        first = [_prints(filmed.command(begin, 1.0, chance)) for begin in filmed.begins]
        steps.setdefault(filmed.person, []).extend(
            step for step in first if len(step.signs) >= _SHORTEST
        )
        for way, begin, replay in _replays(filmed, chance):
            ends[way, _ending(replay, first[begin : begin + _STEPS])] += 1
        print(name, filmed.person, len(first), flush=True)
    for way in [*WAYS, "all at once"]:
        print(way, {end: ends[way, end] for end in ("refused", "people", "missed", "too still")})
    for kind, pairs in _pairs(steps, np.random.default_rng(seed)).items():
        print(kind, dict(Counter(_ending(*pair) for pair in pairs)))


def _ending(presented: Sequence[Prints], recorded: Sequence[Prints]) -> str:
    pair = prints.compare(presented, recorded, limits=AGAIN)
    if AGAIN.finds(pair):
        return "refused"
    still = pair.likeness == 0 and pair.windows < AGAIN.fits
    return "people" if AGAIN.resembles(pair) else "too still" if still else "missed"


def _replays(
    filmed: Filmed, chance: np.random.Generator
) -> Iterator[tuple[str, int, list[Prints]]]:
    """Every replay of each capture, with the number of its first command."""
    for begin in range(0, len(filmed.begins), _STEPS):
        ways = [*WAYS.items(), *(("all at once", _drawn(chance)) for _ in range(_DRAWN))]
        for way, (pose, speed) in ways:
            step_images = [
                filmed.command(at, speed, chance) for at in filmed.begins[begin : begin + _STEPS]
            ]
            yield way, begin, [_prints(changed(images, pose, chance)) for images in step_images]


def _drawn(chance: np.random.Generator) -> tuple[Held, float]:
    light = replace(
        Held(),
        gain=chance.uniform(0.7, 1.3),
        gamma=chance.uniform(0.8, 1.25),
        side=chance.uniform(0, 0.35),
    )
    is_mirrored, quality = bool(chance.random() < 0.5), int(chance.integers(40, 90))
    pose = replace(
        light, sway=1.0, slant=chance.uniform(0, 0.1), is_mirrored=is_mirrored, quality=quality
    )
    return pose, float(np.exp(chance.uniform(np.log(0.4), np.log(2.5))))


def _pairs(
    steps: dict[str, list[Prints]], chance: np.random.Generator
) -> dict[str, list[tuple[list[Prints], list[Prints]]]]:
    """Captures composed of commands: of one person, without shared ones, and of two."""
    often = [person for person in steps if len(steps[person]) >= 2 * 2]
    weights = np.array([min(len(steps[person]) ** 2, 500) for person in often], dtype=np.float64)
    same, two = [], []
    for person in () if not often else chance.choice(often, _SAME, p=weights / weights.sum()):
        shuffled = [steps[person][at] for at in chance.permutation(len(steps[person]))]
        size = min(_STEPS, len(shuffled) // 2)
        same.append((shuffled[:size], shuffled[size : 2 * size]))
    for _ in range(_TWO):
        pair = [steps[person] for person in chance.choice(sorted(steps), 2, replace=False)]
        chosen = [
            [steps_of[at] for at in chance.permutation(len(steps_of))[:_STEPS]] for steps_of in pair
        ]
        two.append((chosen[0], chosen[1]))
    return {"one person": same, "two people": two}


def _filmed(path: Path, person: str) -> Filmed | None:
    """The clip with its face at arm's length; None without a face."""
    video = cv2.VideoCapture(str(path))
    rate, images = float(video.get(cv2.CAP_PROP_FPS)), list[Image]()
    while (reading := video.read())[0]:
        image = np.asarray(reading[1][:, :, ::-1], dtype=np.uint8)
        scale = min(1.0, 720 / min(image.shape[:2]))
        images.append(
            np.asarray(
                cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
            )
        )
    faces = [
        landmarks.measure(image, networks=networks.load()).face
        for image in images[:: max(1, int(rate / 2))]
    ]
    placed = np.array([(*face.eyes, face.interocular) for face in faces if face is not None])
    if not len(placed):
        return None
    across, down, eyes = np.median(placed, axis=0).tolist()
    scale, (wide, high) = _EYES / eyes, _SIZE
    to = np.array([[scale, 0, wide / 2 - scale * across], [0, scale, 0.43 * high - scale * down]])
    cut = [
        np.asarray(
            cv2.warpAffine(image, to, _SIZE, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE),
            np.uint8,
        )
        for image in images
    ]
    lasts = STEP / RATE
    return Filmed(
        person, cut, rate, np.arange(0, max(0.1, len(cut) / rate - 0.7 * lasts), lasts).tolist()
    )


def _prints(images: Sequence[Image]) -> Prints:
    sender = Sender()
    sent = [sender.sent(image, "chain")[0] for image in images]
    faces = [(image, landmarks.measure(image, networks=networks.load()).face) for image in sent]
    return prints.prints_of([(image, face) for image, face in faces if face is not None])


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
