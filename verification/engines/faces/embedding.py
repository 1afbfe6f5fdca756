"""Embeddings of faces, their distances, and the zones of a distance. Those of different nets never
mix.

An embedding's id names the net, the preparation of the face, and the form of its numbers.
A threshold belongs to one id.
A mean of several pictures has its own id, because its distances are shorter: at a single picture's
threshold it admitted up to ten times as many strangers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from verification.core.errors import CalibrationMismatch, Misconfigured

Numbers = npt.NDArray[np.float64]
Zone = Literal["match", "review", "no_match"]
TrainingData = Literal["described", "undocumented"]
"""Whether a net's maker documents the training pictures. If not, ask counsel whether it may
judge people.
"""
Form = Literal["single", "single-l2", "mirror-mean-l2"]
"""The form of a net's numbers: one picture's, unchanged; of length 1; or the mean of the picture
and its mirror, of length 1.
"""

_MEAN = "/mean-of-"


@dataclass(frozen=True)
class Embedding:
    """A face in the numbers of one embedding. `embedding`: its id, `<net>/<form>`, or
    `<net>/<form>/mean-of-<k>`.

    Raises: `Misconfigured` for empty numbers: two faces of zeros would have no distance.
    """

    embedding: str
    numbers: Numbers

    def __post_init__(self) -> None:
        if not np.isfinite(self.numbers).all() or not self.numbers.any():
            raise Misconfigured("the face model gave no numbers for a face")


@dataclass(frozen=True)
class Distance:
    """The distance of two faces, Euclidean, in the units of one embedding."""

    embedding: str
    value: float


@dataclass(frozen=True)
class Threshold:
    """A limit for distances of one embedding, and its calibration."""

    embedding: str
    value: float
    calibration: str

    def admits(self, distance: Distance) -> bool:
        """Whether a distance is within the threshold.

        Raises: `CalibrationMismatch` for another embedding.
        """
        if distance.embedding != self.embedding:
            raise CalibrationMismatch(
                f"{distance.embedding} is not judged by a threshold for {self.embedding}"
            )
        return distance.value <= self.value


@dataclass(frozen=True)
class Zones:
    """The limits of a match and of review, in distance to the reference. All of one embedding."""

    match: Threshold
    review: Threshold

    def of(self, distance: Distance) -> Zone:
        """The zone of a distance; NaN never matches.

        Raises: `CalibrationMismatch`.
        """
        if self.match.admits(distance):
            return "match"
        return "review" if self.review.admits(distance) else "no_match"


def unit(numbers: Numbers) -> Numbers:
    """The numbers with length 1."""
    length = float(np.linalg.norm(numbers))
    # Numbers too large or small for a length become zeros, which `Embedding` refuses.
    return numbers / length if 0 < length < np.inf else np.zeros_like(numbers)


def distance(one: Embedding, other: Embedding) -> Distance:
    """The distance between two faces.

    Raises: `CalibrationMismatch` across ids.
    """
    if one.embedding != other.embedding:
        raise CalibrationMismatch(
            f"a face of {one.embedding} is not compared with one of {other.embedding}"
        )
    return Distance(one.embedding, float(np.linalg.norm(one.numbers - other.numbers)))


def median_distance(reference: Embedding, probes: Sequence[Embedding]) -> Distance:
    """The upper median of the single distances of several pictures: at least half are within it.

    So a threshold of single pictures applies. If a stranger's picture passes with a chance p, half
    of k pass with a chance of at most 2 p (Markov), however similar the pictures are.

    Raises: `ValueError` without pictures.
    """
    apart = sorted(distance(reference, probe).value for probe in probes)
    if not apart:
        raise ValueError("a median of no pictures")
    # Of an even number, the farther of the middle two: of 4 the third, so that three are within it.
    return Distance(reference.embedding, apart[len(apart) // 2])


def mean(faces: Sequence[Embedding]) -> Embedding:
    """Several pictures of one person as one face, whose distances need their own threshold.

    Of length 1 if the pictures are.

    Raises: `CalibrationMismatch` for pictures of two embeddings.
    """
    embedding, *others_embeddings = sorted({face.embedding for face in faces})
    if others_embeddings:
        raise CalibrationMismatch(
            f"a mean of {embedding} and {', '.join(others_embeddings)} says nothing"
        )
    numbers = np.mean(np.stack([face.numbers for face in faces]), axis=0)
    return Embedding(
        mean_id(embedding, len(faces)), unit(numbers) if embedding.endswith("-l2") else numbers
    )


def mean_id(embedding: str, pictures: int) -> str:
    """The id of the mean of so many pictures."""
    return f"{embedding}{_MEAN}{pictures}"


def mean_distance(reference: Embedding, probes: Sequence[Embedding]) -> Distance:
    """The distance from one picture to the mean of several of another.

    Raises: `CalibrationMismatch` across ids.
    """
    together = mean(probes)
    if reference.embedding != probes[0].embedding:
        raise CalibrationMismatch(
            f"a face of {reference.embedding} is not compared with {together.embedding}"
        )
    apart = float(np.linalg.norm(reference.numbers - together.numbers))
    return Distance(together.embedding, apart if math.isfinite(apart) else math.inf)


def common_distance(rest: Embedding, others: Sequence[Embedding]) -> float:
    """The common displacement of at least two faces from another one, in its units.

    The root of the mean product of each pair, without a face's product with itself. Independent
    displacements give 0;
    equal ones give slightly less than their distance. Means of pictures may be compared.

    Raises: `CalibrationMismatch` across nets, `ValueError` for fewer than two.
    """
    nets = {face.embedding.partition(_MEAN)[0] for face in (rest, *others)}
    if len(nets) > 1:
        raise CalibrationMismatch(f"faces of {' and '.join(sorted(nets))} have nothing in common")
    along = unit(rest.numbers)
    aside = [other.numbers - (other.numbers @ along) * along for other in others]
    products = [float(one @ other) for one, other in combinations(aside, 2)]
    if not products:
        raise ValueError("what fewer than two have in common")
    # In this order NaN stays NaN, and passes no limit.
    return math.sqrt(max(sum(products) / len(products), 0.0))
