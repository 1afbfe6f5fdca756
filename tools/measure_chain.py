"""Prints how much one genuine frame differs from the next, by rate and size, compared with a cut to
another person.

Usage: python -m tools.measure_chain FOLDER, the folder with the real clips of
tools/genuine/clips.py.
For two frames it measures the share of persisting corners inside the face, followed and back as in
planarity.
The error of the way back is a share of the width.
It also measures the distance of the two faces by the backend in use.
A row is a rate and a width; a cut is a pair of frames of two people.
"""

import sys
from itertools import pairwise, permutations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.verification.engines.liveness.clips import Clip
from verification.engines.faces import backends
from verification.engines.faces.backends import Look
from verification.engines.faces.embedding import distance
from verification.engines.liveness.frames import Image

CLIP_RATE = 30  # frames a second
RATES = (15, 10, 7.5, 6, 5, 3, 2)
WIDTHS = (160, 240, 320, 480)  # pixels; the clips are square
QUALITY = 60  # of the JPEG: a thin chain's quality
CUTS = 12  # frames of each clip that are joined to those of another
_WINDOW, _LEVELS = 21, 3  # pixels at 480, pyramid levels: planarity's own
_RETURN = 1 / 480  # of the width
Grey = NDArray[np.uint8]
Points = NDArray[np.float32]
Flags = NDArray[np.bool_]


def main(folder: Path) -> None:
    """One table in Markdown."""
    clips = {clip: _read(folder / clip.file) for clip in Clip}
    print(
        "| pixels | frames/s | pairs | bytes | corners kept: p1 | p5 | at a cut | distance: p99 |"
        " max | at a cut |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for width in WIDTHS:
        sent = {clip: [_sent(image, width) for image in images] for clip, images in clips.items()}
        looks = {clip: [_look(image) for image, _ in images] for clip, images in sent.items()}
        cut_kept, cut_far = _cuts(sent, looks)
        for rate in RATES:
            shares, far, sizes = [], [], []
            for clip, images in sent.items():
                places = np.arange(0, len(images), CLIP_RATE / rate).astype(int).tolist()
                sizes += [images[at][1] for at in places]
                for first, second in pairwise(places):
                    shares.append(
                        _survival(images[first][0], images[second][0], looks[clip][first])
                    )
                    far.append(_apart(looks[clip][first], looks[clip][second]))
            print(
                _row(width, rate, _numbers(shares), _numbers(far), sizes, cut_kept, cut_far),
                flush=True,
            )


def _read(path: Path) -> list[Image]:
    video = cv2.VideoCapture(str(path))
    images: list[Image] = []
    while True:
        is_there, image = video.read()
        if not is_there:
            return images
        images.append(np.asarray(image, dtype=np.uint8))


def _sent(image: Image, width: int) -> tuple[Image, int]:
    """The frame as a page would send it, and its bytes."""
    small = cv2.resize(image, (width, width), interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB), dtype=np.uint8), len(jpeg)


def _look(image: Image) -> Look:
    return backends.in_use().look_at_all([image])[0]


def _survival(first: Image, second: Image, look: Look) -> float | None:
    """The share of the first frame's corners, near its face, that are found in the second and
    lead back.
    """
    if look.eyes is None:
        return None
    width = first.shape[1]
    greys = [
        np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        for image in (first, second)
    ]
    mask = np.zeros_like(greys[0])
    middle = (round(look.eyes[0]), round(look.eyes[1] + 0.08 * width))
    cv2.ellipse(mask, middle, (round(0.16 * width), round(0.22 * width)), 0, 0, 360, 255, -1)
    points = cv2.goodFeaturesToTrack(greys[0], 100, 0.01, max(2.0, 5 * width / 480), mask=mask)
    if points is None or len(points) < 8:
        return None
    side = max(7, round(_WINDOW * width / 480)) | 1
    there, arrived = _followed(greys[0], greys[1], np.asarray(points), side=side)
    back, returned = _followed(greys[1], greys[0], there, side=side)
    near = np.linalg.norm((back - points)[:, 0], axis=1) < max(0.5, _RETURN * width)
    return float((near & arrived & returned).mean())


def _followed(first: Grey, second: Grey, points: Points, *, side: int) -> tuple[Points, Flags]:
    # OpenCV's types lack an output array; the argument only gives its shape.
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        first, second, points, np.zeros_like(points), winSize=(side, side), maxLevel=_LEVELS
    )
    return np.asarray(moved), np.asarray(status)[:, 0] == 1


def _apart(first: Look, second: Look) -> float | None:
    return (
        None
        if first.face is None or second.face is None
        else distance(first.face, second.face).value
    )


def _cuts(
    sent: dict[Clip, list[tuple[Image, int]]], looks: dict[Clip, list[Look]]
) -> tuple[list[float], list[float]]:
    shares, far = [], []
    for first, second in permutations(sent, 2):
        for at in np.linspace(0, len(sent[first]) - 1, CUTS).astype(int):
            for to in np.linspace(0, len(sent[second]) - 1, CUTS).astype(int):
                shares.append(_survival(sent[first][at][0], sent[second][to][0], looks[first][at]))
                far.append(_apart(looks[first][at], looks[second][to]))
    return _numbers(shares), _numbers(far)


def _numbers(shares: list[float | None]) -> list[float]:
    return [share for share in shares if share is not None]


def _row(
    width: int,
    rate: float,
    shares: list[float],
    far: list[float],
    sizes: list[int],
    cut_kept: list[float],
    cut_far: list[float],
) -> str:
    low, five = np.quantile(shares, (0.01, 0.05))
    cells = [
        f"{width}",
        f"{rate:g}",
        f"{len(shares)}",
        f"{np.median(sizes):.0f}",
        f"{low:.2f}",
        f"{five:.2f}",
    ]
    cells += [
        f"{max(cut_kept):.2f}",
        f"{np.quantile(far, 0.99):.2f}",
        f"{max(far):.2f}",
        f"{min(cut_far):.2f}",
    ]
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    cv2.setNumThreads(1)
    backends.use(backends.Choice(models=Path("var/models")))
    main(Path(sys.argv[1]))
