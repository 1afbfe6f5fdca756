"""Prints how often films that are held in a hand, slanted, slowed or turned over are known, and how
often others are.

Usage: python -m tools.measure_held SEED TABLE FOLDER…, the table of clips (id, person) and the
folders they lie in; a clip that the table does not name is of a person of its own. Every frame of a
replay is warped, compressed as the page compresses, and measured anew. A replay is too still where
fewer than two of its commands move.
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
from tools.genuine.held import Held, changed
from verification.engines.liveness import landmarks, networks, prints
from verification.engines.liveness.frames import Image
from verification.engines.liveness.policy import AGAIN
from verification.engines.liveness.prints import Prints

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
    """A clip of one person: its frames at arm's length, and the moments, seconds, in which its
    commands begin.
    """

    person: str
    images: Sequence[Image]
    rate: float
    begins: Sequence[float]

    def shown(self, begin: float, speed: float, chance: np.random.Generator) -> list[Image]:
        """The frames of a command at this speed; a faster film runs to and fro, a slower one begins
        anywhere in it.
        """
        lasts = (STEP - 1) / RATE
        moments = np.arange(STEP) / RATE * speed + chance.uniform(0, max(0.0, lasts * (1 - speed)))
        moments = begin + lasts - np.abs(moments % (2 * lasts) - lasts)
        return [
            self.images[min(len(self.images) - 1, int(at * self.rate + 1e-6))] for at in moments
        ]


def main() -> None:
    """Replays by way, then genuine pairs."""
    seed, table, folders = (
        int(sys.argv[1]),
        Path(sys.argv[2]),
        [Path(each) for each in sys.argv[3:]],
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
        first = [_prints(filmed.shown(begin, 1.0, chance)) for begin in filmed.begins]
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
    """Of each capture every replay, with the number of its first command."""
    for begin in range(0, len(filmed.begins), _STEPS):
        ways = [*WAYS.items(), *(("all at once", _drawn(chance)) for _ in range(_DRAWN))]
        for way, (held, speed) in ways:
            taken = [
                filmed.shown(at, speed, chance) for at in filmed.begins[begin : begin + _STEPS]
            ]
            yield way, begin, [_prints(changed(images, held, chance)) for images in taken]


def _drawn(chance: np.random.Generator) -> tuple[Held, float]:
    light = replace(
        Held(),
        gain=chance.uniform(0.7, 1.3),
        gamma=chance.uniform(0.8, 1.25),
        side=chance.uniform(0, 0.35),
    )
    is_mirrored, quality = bool(chance.random() < 0.5), int(chance.integers(40, 90))
    held = replace(
        light, sway=1.0, slant=chance.uniform(0, 0.1), is_mirrored=is_mirrored, quality=quality
    )
    return held, float(np.exp(chance.uniform(np.log(0.4), np.log(2.5))))


def _pairs(
    steps: dict[str, list[Prints]], chance: np.random.Generator
) -> dict[str, list[tuple[list[Prints], list[Prints]]]]:
    """Captures put together of commands: of one person, none in both, and of two."""
    often = [person for person in steps if len(steps[person]) >= 2 * 2]
    weights = np.array([min(len(steps[each]) ** 2, 500) for each in often], dtype=np.float64)
    same, two = [], []
    for person in () if not often else chance.choice(often, _SAME, p=weights / weights.sum()):
        shuffled = [steps[person][at] for at in chance.permutation(len(steps[person]))]
        size = min(_STEPS, len(shuffled) // 2)
        same.append((shuffled[:size], shuffled[size : 2 * size]))
    for _ in range(_TWO):
        pair = [steps[each] for each in chance.choice(sorted(steps), 2, replace=False)]
        chosen = [[each[at] for at in chance.permutation(len(each))[:_STEPS]] for each in pair]
        two.append((chosen[0], chosen[1]))
    return {"one person": same, "two people": two}


def _filmed(path: Path, person: str) -> Filmed | None:
    """The clip with its face at arm's length; None where it shows none."""
    video = cv2.VideoCapture(str(path))
    rate, images = float(video.get(cv2.CAP_PROP_FPS)), list[Image]()
    while (taken := video.read())[0]:
        image = np.asarray(taken[1][:, :, ::-1], dtype=np.uint8)
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
