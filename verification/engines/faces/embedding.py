"""The numbers that stand for a face, and how faces of one embedding are averaged and compared."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from verification.core.errors import CalibrationMismatch, Misconfigured
from verification.engines.faces.distances import Distance

Numbers = npt.NDArray[np.float64]
SINGLE, MIRROR_MEAN_L2 = "single", "mirror-mean-l2"
"""How the numbers of a net become an embedding: one picture's as they are; or the mean of the picture's and its
mirror's, of length 1. faces.md §2: the second errs less, and its distances are about 0.7 of the first's."""


@dataclass(frozen=True)
class Embedding:
    """A face in the numbers of one embedding. `embedding`: its id, `<net>/single` or `<net>/mirror-mean-l2`.

    Raises `Misconfigured` for numbers that say nothing: two faces that are all zeros would be at no distance.
    """

    embedding: str
    numbers: Numbers

    def __post_init__(self) -> None:
        if not np.isfinite(self.numbers).all() or not self.numbers.any():
            raise Misconfigured("the face model gave no numbers for a face")


def mirror_mean(face: Numbers, mirrored: Numbers) -> Numbers:
    """The mean of a face and its mirror image, of length 1."""
    return _unit(face + mirrored)


def mean(faces: Sequence[Embedding]) -> Embedding:
    """Several pictures of one person as one embedding. Raises `CalibrationMismatch` for pictures of two embeddings."""
    first = faces[0]
    _refuse_others(first, faces)
    numbers = np.mean(np.stack([face.numbers for face in faces]), axis=0)
    return Embedding(first.embedding, _unit(numbers) if first.embedding.endswith(f"/{MIRROR_MEAN_L2}") else numbers)


def distance(reference: Embedding, probes: Sequence[Embedding]) -> Distance:
    """From one face to the mean of several pictures of another, Euclidean. Raises `CalibrationMismatch` across ids."""
    _refuse_others(reference, probes)
    return Distance(reference.embedding, float(np.linalg.norm(reference.numbers - mean(probes).numbers)))


def _refuse_others(one: Embedding, others: Sequence[Embedding]) -> None:
    if other := next((other for other in others if other.embedding != one.embedding), None):
        raise CalibrationMismatch(f"a face of {one.embedding} is not compared with one of {other.embedding}")


def _unit(numbers: Numbers) -> Numbers:
    length = float(np.linalg.norm(numbers))
    # Numbers too large or too small to have a length become none, which `Embedding` refuses.
    return numbers / length if 0 < length < np.inf else np.zeros_like(numbers)
