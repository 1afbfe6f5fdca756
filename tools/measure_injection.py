"""Prints how many pictures of a movement come back, in real clips and in loops of them, and how
often their walls move.

Usage: python -m tools.measure_injection FOLDER [CLIP …]

The folder has the real clips of tools/genuine/clips.py; other clips show people at a fixed camera.
Pictures are as a page takes them: 22 of a command, one each 167 ms or a little later, commands 2 s
apart. Each is 160 pixels high, with noise, a JPEG of 4 KB.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from insecure_sandbox.warp_picture import thinned
from tests.verification.engines.liveness.clips import Clip
from verification.engines.liveness import frames, policy
from verification.engines.liveness.frames import Image
from verification.engines.liveness.injection import Injection, Told, injection_of
from verification.stages.live_capture.policy import CAPTURE, INJECTION

STEP, EVERY, LATE, BETWEEN = 22, 0.167, 0.012, 2.0  # pictures of a command; seconds
SECONDS = 25.0  # of a capture that plays a loop
LOOPS = (2.0, 4.0, 7.0)  # seconds
NOISE = 1.0  # grey levels that a second camera, or a coder, adds
OFFSETS = (0.0, 0.3, 0.7, 1.1)  # seconds: starts of genuine captures


def main(folder: Path, films: list[Path]) -> None:
    """One table in Markdown: a row per clip, the maximum of its genuine captures, and each kind
    of replay.
    """
    ways = [f"{way} of {seconds:g} s" for seconds in LOOPS for way in ("loop", "there and back")]
    print("| clip | seconds | come back | walls move |", " | ".join(ways), "|")
    print("|---" * (4 + len(ways)) + "|")
    for path in [*(folder / clip.file for clip in Clip), *films]:
        print(_row(path), flush=True)


def _row(path: Path) -> str:
    images, rate = _read(path)
    chance = np.random.default_rng(7)

    def measured(seconds: float, place: Callable[[int], int]) -> Injection:
        at, chains = 0.5, []
        while at < seconds:
            times = at + np.cumsum(EVERY + np.abs(chance.normal(0, LATE, STEP)))
            images_shown = [images[place(int(time * rate))] for time in times if time < seconds]
            chains.append([_sent(image, chance) for image in images_shown])
            at = times[-1] + BETWEEN
        return injection_of(
            chains, [(Told(events=1),)], limits=INJECTION
        )  # of a still phone, whose walls are measured

    def later(seconds: float) -> Callable[[int], int]:
        return lambda at: at + int(seconds * rate)

    def over(count: int) -> Callable[[int], int]:
        return lambda at: at % count

    def to_and_fro(count: int) -> Callable[[int], int]:
        return lambda at: abs(at % (2 * count - 2) - (count - 1))

    length = len(images) / rate
    live = [measured(length - late, later(late)) for late in OFFSETS]
    counts = [int(seconds * rate) for seconds in LOOPS]
    again = [
        measured(SECONDS, way(count)).returned for count in counts for way in (over, to_and_fro)
    ]
    cells = [
        path.stem,
        round(length),
        max(injection.returned for injection in live),
        max(injection.shaken for injection in live),
        *again,
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _read(path: Path) -> tuple[list[Image], float]:
    video = cv2.VideoCapture(str(path))
    images: list[Image] = []
    while True:
        is_there, image = video.read()
        if not is_there:
            return images, video.get(cv2.CAP_PROP_FPS)
        scale = 480 / min(image.shape[:2])
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        images.append(np.asarray(small, dtype=np.uint8))


def _sent(image: Image, chance: np.random.Generator) -> Image:
    grainy = np.clip(image + chance.normal(0, NOISE, image.shape), 0, 255).astype(np.uint8)
    jpeg = cv2.imencode(".jpg", grainy, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    thin = thinned(jpeg, side=CAPTURE.chain_side, most_bytes=CAPTURE.chain_bytes)
    return frames.decode(thin, limits=policy.CHAIN)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
