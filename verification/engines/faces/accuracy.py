"""How often a net errs on pairs of photographs: FMR, FNMR and DET in the terms of ISO/IEC 19795-1, and zones from them.

Distances are counted, not kept: a folder has as many pairs as the square of its pictures.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from verification.core.errors import BadInput, CalibrationMismatch
from verification.engines.faces.embedding import Embedding, Numbers
from verification.engines.faces.intervals import CERTAINTY, interval

Counts = npt.NDArray[np.int64]
Edges = npt.NDArray[np.float64]

# Distances at which pairs are counted: each thousandth up to 4. Embeddings of length 1 are at most 2 apart, and dlib's
# raw ones of two people were never more than 1.5 apart on the photographs of London.
_PER_UNIT, FARTHEST = 1000, 4
# Zones are proposed in steps of a hundredth: finer ones would be of this data, not of this net.
_STEP = 10
_BLOCK = 512  # pictures compared with all others at once; bounds memory


@dataclass(frozen=True)
class Share:
    """So many events of so many trials."""

    events: int
    trials: int

    @property
    def value(self) -> float:
        """The share. Raises `ZeroDivisionError` where nothing was tried."""
        return self.events / self.trials

    @property
    def bounds(self) -> tuple[float, float]:
        """Its 95 % interval, as if trials were independent. Pairs share people: it is rather too narrow."""
        return interval(self.events, self.trials)


@dataclass(frozen=True)
class Tally:
    """The pairs of one cohort. genuine, impostor: how many are at most as far apart as each edge; the last is all."""

    name: str
    people: int
    edges: Edges
    genuine: Counts
    impostor: Counts

    def false_matches(self, distance: float) -> Share:
        """FMR: impostor pairs at most this far apart. Raises `KeyError` for a distance that is no edge."""
        return Share(int(self.impostor[self._place(distance)]), self.impostor_pairs)

    def false_non_matches(self, distance: float) -> Share:
        """FNMR: genuine pairs farther apart than this. Raises `KeyError` for a distance that is no edge."""
        return Share(self.genuine_pairs - int(self.genuine[self._place(distance)]), self.genuine_pairs)

    @property
    def impostor_pairs(self) -> int:
        """Pairs of two people."""
        return int(self.impostor[-1])

    @property
    def genuine_pairs(self) -> int:
        """Pairs of one person."""
        return int(self.genuine[-1])

    @property
    def nearest_impostors(self) -> float:
        """The edge that reaches the nearest two people; infinite where none does."""
        place = int(np.argmax(self.impostor > 0))
        return float(self.edges[place]) if self.impostor_pairs and place < len(self.edges) else math.inf

    def det(self) -> Iterator[tuple[float, float]]:
        """FMR and FNMR at each edge where one of them changes. Of a cohort that has pairs of both kinds."""
        errors = np.stack([self.impostor[:-1] / self.impostor_pairs, 1 - self.genuine[:-1] / self.genuine_pairs])
        changes = np.any(np.diff(errors, axis=1) != 0, axis=0)
        for fmr, fnmr in errors[:, np.concatenate([[True], changes])].T:
            yield float(fmr), float(fnmr)

    def _place(self, distance: float) -> int:
        place = int(np.searchsorted(self.edges, distance))
        if place == len(self.edges) or self.edges[place] != distance:
            raise KeyError(distance)
        return place


def edges(*more: float) -> Edges:
    """Where pairs are counted: at each thousandth, and at these."""
    thousandths = np.arange(1, FARTHEST * _PER_UNIT + 1) / _PER_UNIT
    return np.union1d(thousandths, np.asarray(more, np.float64))


def counted(distances: Iterable[float] | Numbers, at: Edges) -> Counts:
    """How many of these are at most each edge; what is no number is farther than all."""
    array = distances if isinstance(distances, np.ndarray) else np.fromiter(distances, np.float64)
    places = np.searchsorted(at, array, side="left")
    return np.cumsum(np.bincount(places, minlength=len(at) + 1)).astype(np.int64)


def compare_all(seen: Sequence[Embedding], people: Sequence[str], *, name: str, at: Edges) -> Tally:
    """Each picture with each other: faces, and whose each is. Raises `CalibrationMismatch` for two embeddings."""
    _refuse_mixed(seen)
    genuine, impostor = (np.zeros(len(at) + 1, np.int64) for _ in range(2))
    if not seen:
        return Tally(name, 0, at, genuine, impostor)
    faces = np.stack([each.numbers for each in seen])
    persons, squares = np.unique(people, return_inverse=True)[1], np.einsum("ij,ij->i", faces, faces)
    for start in range(0, len(faces), _BLOCK):
        rows = slice(start, start + _BLOCK)
        squared = squares[rows, None] + squares[None, start:] - 2 * faces[rows] @ faces[start:].T
        distances = np.sqrt(np.maximum(squared, 0))
        later = np.triu(np.ones(distances.shape, bool), 1)
        same = persons[rows, None] == persons[None, start:]
        genuine += counted(distances[later & same], at)
        impostor += counted(distances[later & ~same], at)
    return Tally(name, len(set(people)), at, genuine, impostor)


def pairs_needed(fmr: float) -> int:
    """The fewest impostor pairs, none of which matches, that show a rate below this with 95 % certainty."""
    return math.ceil(math.log((1 - CERTAINTY) / 2) / math.log1p(-fmr))


def propose(tallies: Sequence[Tally], *, target_fmr: float, review_fnmr: float) -> tuple[float, float]:
    """The match and the review zone that hold in every cohort: the widest whose FMR is below the target with 95 %
    certainty, and the narrowest from there that misses so few of the honest. Raises `BadInput` saying what is missing.
    """
    needed = pairs_needed(target_fmr)
    if small := [f"{tally.name} has {tally.impostor_pairs}" for tally in tallies if tally.impostor_pairs < needed]:
        raise BadInput(
            f"no zone can be proposed: an FMR of {target_fmr:g} is shown by {needed} impostor pairs or more in each "
            f"cohort, and {', '.join(small)}"
        )
    steps = [float(step) for step in edges()[_STEP - 1 :: _STEP]]
    match = 0.0
    for step in steps:
        if not all(_is_below(tally.false_matches(step), target_fmr) for tally in tallies):
            break
        match = step
    if not match:
        raise BadInput("no zone can be proposed: people are at most 0.01 apart; are all pairs labelled rightly?")
    reaching = (
        step
        for step in steps
        if step >= match and all(tally.false_non_matches(step).value <= review_fnmr for tally in tallies)
    )
    return match, next(reaching, steps[-1])


def _is_below(share: Share, target: float) -> bool:
    return share.value <= target and share.bounds[1] <= target


def _refuse_mixed(seen: Sequence[Embedding]) -> None:
    if len({each.embedding for each in seen}) > 1:
        raise CalibrationMismatch("faces of two embeddings are not compared")
