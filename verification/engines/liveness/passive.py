"""An operator's presentation attack detector: one to four ONNX nets, each pinned by its SHA-256.

Its result may only send a capture to review; it never passes or refuses. No detector is shipped.
The process's set-up calls `use`; the nets are loaded at the first capture, so a worker loads them
after its fork.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from verification.core.errors import CalibrationMismatch, Misconfigured
from verification.engines.faces import nets, self_test
from verification.engines.faces.embedding import Numbers
from verification.engines.faces.nets import OnnxNet
from verification.engines.liveness.frames import Image
from verification.engines.liveness.landmarks import Box
from verification.engines.liveness.passive_description import (
    MAX_BYTES,
    Description,
    Net,
    PassiveLimits,
    read_description,
)
from verification.engines.liveness.pictures import StepMeasurement


@dataclass(frozen=True)
class PassiveScores:
    """A detector's scores of the best still of each step: 1 is bona fide, 0 an attack; None if
    undecided.
    """

    detector: str
    scores: tuple[float | None, ...]

    def lowest(self, limits: PassiveLimits) -> float | None:
        """The lowest of all steps, because any may be the attack; None without a score, or with
        another detector's.
        """
        scores = [score for score in self.scores if score is not None]
        is_whole = self.detector == limits.detector and len(scores) == len(self.scores)
        return min(scores, default=None) if is_whole else None


@dataclass(frozen=True)
class Detector:
    """A loaded detector."""

    described: Description
    loaded: tuple[OnnxNet, ...]

    def score(self, image: Image, box: Box) -> float | None:
        """How much the face in the box looks like a living person's, 0 … 1; None without a valid
        number.
        """
        scores = []
        for how, net in zip(self.described.nets, self.loaded, strict=True):
            try:
                scores.append(
                    _bona_fide(
                        _answer(net, how, cut(image, box, crop=how.crop, side=how.side)), how
                    )
                )
            except Misconfigured:  # the net failed on this picture, although it passed its test
                return None
        score = math.fsum(scores) / len(scores)
        return score if 0 <= score <= 1 else None  # false for NaN, too

    def test(self) -> None:
        """Raises: `Misconfigured` unless each net repeats its numbers for one picture, and gives
        others for another.
        """
        for how, net in zip(self.described.nets, self.loaded, strict=True):
            square = self_test.pattern(how.side)
            another = (255 - square) // np.array(
                (1, 2, 4), np.uint8
            )  # its negative, and of another colour
            first, again, different = (
                _answer(net, how, answer) for answer in (square, square, another)
            )
            if not all(0 <= _bona_fide(answer, how) <= 1 for answer in (first, different)):
                raise Misconfigured(
                    f"{how.file} gives no such {how.answer}: mend `answer` or `bona_fide`"
                )
            if not np.array_equal(first, again):
                raise Misconfigured(
                    f"{how.file} says something else of the same picture each time: take"
                    " another net"
                )
            if np.array_equal(first, different):
                raise Misconfigured(f"{how.file} says the same of every picture: take another net")


def cut(image: Image, box: Box, *, crop: float, side: int) -> Image:
    """A net's input: the box times `crop`, moved and shrunk into the picture, as a square.

    Source: `CropImage` of Silent-Face-Anti-Spoofing (Apache-2.0), as in such nets' training.
    """
    height, width = image.shape[:2]
    wide, high = max(box[2] - box[0], 1.0), max(box[3] - box[1], 1.0)
    scale = min(crop, (width - 1) / wide, (height - 1) / high)
    across, down = wide * scale, high * scale
    left = max(0.0, min((box[0] + box[2] - across) / 2, width - 1 - across))
    top = max(0.0, min((box[1] + box[3] - down) / 2, height - 1 - down))
    part = image[int(top) : int(top + down) + 1, int(left) : int(left + across) + 1]
    return np.asarray(cv2.resize(part, (side, side)), dtype=np.uint8)


_file: list[Path | None] = [None]


def use(description: Path | None) -> None:
    """Selects this process's detector by its description; None for none. Called once at start;
    loads nothing.
    """
    _file[0] = description
    for cached in (described, in_use, tested):
        cached.cache_clear()


def limits_in_use() -> PassiveLimits | None:
    """The limits for its scores; None without a detector.

    Raises: `Misconfigured` for an invalid description.
    """
    description = described()
    return None if description is None else description.limits


@cache
def in_use() -> Detector | None:
    """The detector, loaded and tested once per process; None without one.

    Raises: `Misconfigured` with the remedy.
    """
    file, description = _file[0], described()
    return None if file is None or description is None else _load(file, description)


@cache
def tested() -> Mapping[str, str]:
    """The detector's report after a test; it is unloaded again, because this process may fork."""
    file, description = _file[0], described()
    if file is None or description is None:
        return {"passive": "none", "passive_certificate": "", "passive_told": ""}
    _load(file, description)
    certificate = description.certificate.number if description.certificate else ""
    return {
        "passive": description.limits.detector,
        "passive_certificate": certificate,
        "passive_told": description.told(),
    }


def scores(
    limits: PassiveLimits | None, steps: Sequence[StepMeasurement], best: Sequence[int | None]
) -> PassiveScores | None:
    """The detector's scores of each step's representative still; None without a detector.

    Raises: `CalibrationMismatch` if another is installed now, which can happen in a replay.
    """
    if limits is None:
        return None
    detector = in_use()
    if detector is None or detector.described.limits.detector != limits.detector:
        raise CalibrationMismatch(
            f"the capture was judged with {limits.detector}, which is not installed"
        )
    result: list[float | None] = []
    for step, at in zip(steps, best, strict=True):
        face = None if at is None else step.numbers.stills[at].face
        result.append(
            None if at is None or face is None else detector.score(step.stills[at], face.box)
        )
    return PassiveScores(detector.described.limits.detector, tuple(result))


@cache
def described() -> Description | None:
    """The operator's description of the detector; None without one.

    Raises: `Misconfigured` for an invalid description.
    """
    # Read once: later contents of the file take effect only after the check at the next start.
    if (file := _file[0]) is None:
        return None
    try:
        with file.open("rb") as opened:
            return read_description(opened.read(MAX_BYTES + 1))
    except OSError as error:
        raise Misconfigured(
            f"TULGA_PASSIVE_DETECTOR cannot be read: {type(error).__name__}"
        ) from error


def _load(file: Path, described: Description) -> Detector:
    loaded = tuple(
        nets.load_pinned(
            file.parent / net.file, net.sha256, subject=f"passive detector's {net.file}"
        )
        for net in described.nets
    )
    detector = Detector(described, loaded)
    detector.test()
    return detector


def _answer(net: OnnxNet, how: Net, square: Image) -> Numbers:
    ordered = square if how.channels == "RGB" else square[:, :, ::-1]
    row: Numbers = net.rows([(ordered.astype(np.float32) - how.mean) / how.scale])[0]
    return row


def _bona_fide(answer: Numbers, how: Net) -> float:
    if how.bona_fide >= len(answer) or not np.isfinite(answer).all():
        return math.nan
    if how.answer == "probabilities":
        return float(answer[how.bona_fide])
    # A softmax; without subtracting the maximum first, a large answer overflows.
    likely = np.exp(answer - answer.max())
    return float(likely[how.bona_fide] / likely.sum())
