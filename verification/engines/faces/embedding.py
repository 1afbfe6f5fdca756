"""A face in numbers, how far two are apart, and which zone that is. Neither is ever mixed with
those of another net.

The id of an embedding says the net, how the face was shown to it, and what was made of its numbers.
A threshold belongs to one id. A mean of several pictures has an id of its own, for its distances
are shorter: at a threshold of single pictures it was measured to let in up to ten times as many
strangers.
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
"""Whether a net's maker says what pictures it learned from. If not, whether it may judge people is
for counsel.
"""
Form = Literal["single", "single-l2", "mirror-mean-l2"]
"""What is made of a net's numbers: those of one picture as they are; or of length 1; or the mean of
those of the picture and of its mirror image, of length 1.
"""

_MEAN = "/mean-of-"


@dataclass(frozen=True)
class Embedding:
    """A face in the numbers of one embedding. `embedding`: its id, `<net>/<form>`, or
    `<net>/<form>/mean-of-<k>`.

    Raises `Misconfigured` for numbers that say nothing: two faces that are all zeros would be at no
        distance.
    """

    embedding: str
    numbers: Numbers

    def __post_init__(self) -> None:
        if not np.isfinite(self.numbers).all() or not self.numbers.any():
            raise Misconfigured("the face model gave no numbers for a face")


@dataclass(frozen=True)
class Distance:
    """How far two faces are apart, Euclidean, in the units of one embedding."""

    embedding: str
    value: float


@dataclass(frozen=True)
class Threshold:
    """A distance that means something for one embedding, and the calibration it comes from."""

    embedding: str
    value: float
    calibration: str

    def admits(self, distance: Distance) -> bool:
        """Whether a distance is this near. Raises `CalibrationMismatch` for that of another
        embedding.
        """
        if distance.embedding != self.embedding:
            raise CalibrationMismatch(
                f"{distance.embedding} is not judged by a threshold for {self.embedding}"
            )
        return distance.value <= self.value


@dataclass(frozen=True)
class Zones:
    """Where a distance to the reference is a match, and up to where two people look. All of one
    embedding.
    """

    match: Threshold
    review: Threshold

    def of(self, distance: Distance) -> Zone:
        """The zone a distance lies in. Raises `CalibrationMismatch`; what is no number matches
        nobody.
        """
        if self.match.admits(distance):
            return "match"
        return "review" if self.review.admits(distance) else "no_match"


def unit(numbers: Numbers) -> Numbers:
    """The numbers with length 1."""
    length = float(np.linalg.norm(numbers))
    # Numbers too large or too small to have a length become none, which `Embedding` refuses.
    return numbers / length if 0 < length < np.inf else np.zeros_like(numbers)


def distance(one: Embedding, other: Embedding) -> Distance:
    """Between two faces. Raises `CalibrationMismatch` across ids."""
    if one.embedding != other.embedding:
        raise CalibrationMismatch(
            f"a face of {one.embedding} is not compared with one of {other.embedding}"
        )
    return Distance(one.embedding, float(np.linalg.norm(one.numbers - other.numbers)))


def median_distance(reference: Embedding, probes: Sequence[Embedding]) -> Distance:
    """The upper median of the single distances of several pictures: at least half of them are this
    near.

    So a threshold of single pictures may judge it: where a stranger's picture passes with a chance
    p, half of k pass with a chance of at most 2 p (Markov), however alike the pictures are.
    Raises `ValueError` for none.
    """
    apart = sorted(distance(reference, probe).value for probe in probes)
    if not apart:
        raise ValueError("a median of no pictures")
    # Of an even number the farther of the two in the middle: of 4 the third, so that three are this
    # near.
    return Distance(reference.embedding, apart[len(apart) // 2])


def mean(faces: Sequence[Embedding]) -> Embedding:
    """Several pictures of one person as one face, whose distances no threshold of single pictures
    judges.

    Of length 1 where the pictures are. Raises `CalibrationMismatch` for pictures of two embeddings.
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
    """What the mean of so many pictures is called."""
    return f"{embedding}{_MEAN}{pictures}"


def mean_distance(reference: Embedding, probes: Sequence[Embedding]) -> Distance:
    """From one picture to the mean of several of another. Raises `CalibrationMismatch` across
    ids.
    """
    together = mean(probes)
    if reference.embedding != probes[0].embedding:
        raise CalibrationMismatch(
            f"a face of {reference.embedding} is not compared with {together.embedding}"
        )
    apart = float(np.linalg.norm(reference.numbers - together.numbers))
    return Distance(together.embedding, apart if math.isfinite(apart) else math.inf)


def common_distance(rest: Embedding, others: Sequence[Embedding]) -> float:
    """How far at least two faces lie from another one in a direction that they have in common, in
    its units.

    The root of the mean product of each two, without what lies along the one: 0 where each goes its
    own way, and for some that lie all in one place a little less than their distance. Means of
    pictures may be compared. Raises `CalibrationMismatch` across nets, `ValueError` for fewer than
    two.
    """
    nets = {face.embedding.partition(_MEAN)[0] for face in (rest, *others)}
    if len(nets) > 1:
        raise CalibrationMismatch(f"faces of {' and '.join(sorted(nets))} have nothing in common")
    along = unit(rest.numbers)
    aside = [other.numbers - (other.numbers @ along) * along for other in others]
    products = [float(one @ other) for one, other in combinations(aside, 2)]
    if not products:
        raise ValueError("what fewer than two have in common")
    # In this order what is no number stays none, and passes no limit.
    return math.sqrt(max(sum(products) / len(products), 0.0))
