"""Many pairs compared at once: by single pictures, by the median of several, and by their mean.

A hundred thousand pairs are a few seconds of arithmetic, once each picture is measured.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from tools import accuracy
from tools.accuracy import Pairs, Whole
from verification.core.errors import CalibrationMismatch
from verification.engines.faces.embedding import Embedding

# share of the pairs of one person; ours: wrong labels that make false matches are nearer than these
_NEAR = 0.9


@dataclass(frozen=True)
class Asked:
    """A pair: the row of the reference's face and those of the probe's, whether one person, and
    both people's numbers.

    Without a probe it is not compared.
    """

    reference: int
    probes: tuple[int, ...]
    same: bool
    people: tuple[int, int]


@dataclass(frozen=True)
class Compared:
    """Distances, and for each the number of the pair that it is of."""

    pairs: Pairs
    rows: Whole

    def of(self, rows: Collection[int]) -> Pairs:
        """Those of some of the pairs that were asked for."""
        return self.pairs.of(np.isin(self.rows, np.fromiter(rows, np.intp, len(rows))))

    def once(self) -> "Compared":
        """The first distance of each pair. Those of the pictures of one capture are nearly one
        event, told k times: k times the pairs that were asked for would show a rate that they do
        not show.
        """
        is_first = np.zeros(len(self.rows), np.bool_)
        is_first[np.unique(self.rows, return_index=True)[1]] = True
        return Compared(self.pairs.of(is_first), self.rows[is_first])


def compare(faces: Sequence[Embedding], asked: Sequence[Asked], *, k: int) -> dict[str, Compared]:
    """The distances by decision: `single`; where probes have k pictures or more `median-of-<k>` and
    `mean-of-<k>`, too.

    k: of how many pictures a verdict is made; the first k of each probe count. Raises
        `CalibrationMismatch`.
    """
    if len({face.embedding for face in faces}) > 1:
        raise CalibrationMismatch("faces of two embeddings are not compared")
    numbers = np.stack([face.numbers for face in faces]) if faces else np.zeros((0, 1))
    number = np.repeat(np.arange(len(asked)), [len(pair.probes) for pair in asked])
    probes = np.fromiter((probe for pair in asked for probe in pair.probes), np.intp)
    references = np.fromiter((pair.reference for pair in asked), np.intp, len(asked))
    found = {"single": (number, accuracy.between(numbers, references[number], probes))}
    if several := [place for place, pair in enumerate(asked) if len(pair.probes) >= k]:
        sets = np.array([asked[place].probes[:k] for place in several], np.intp)
        rows, first = np.array(several, np.intp), references[several]
        apart = np.stack([accuracy.between(numbers, first, sets[:, at]) for at in range(k)], axis=1)
        # The upper median, as `embedding.median_distance`.
        found[f"median-of-{k}"] = rows, np.sort(apart, axis=1)[:, k // 2]
        # As `embedding.mean_distance`, a block at a time.
        to_mean = np.empty(len(first))
        for start in range(0, len(first), 4096):
            block = slice(start, start + 4096)
            means = numbers[sets[block]].mean(axis=1)
            if faces[0].embedding.endswith("-l2"):
                means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
            to_mean[block] = np.linalg.norm(numbers[first[block]] - means, axis=1)
        found[f"mean-of-{k}"] = rows, to_mean
    same = np.fromiter((pair.same for pair in asked), np.bool_, len(asked))
    one, other = (
        np.fromiter((pair.people[end] for pair in asked), np.intp, len(asked)) for end in range(2)
    )
    return {
        name: Compared(Pairs(apart, same[rows], (one[rows], other[rows])), rows)
        for name, (rows, apart) in found.items()
    }


def nearest_strangers(pairs: Pairs) -> list[int]:
    """Places of the impostor pairs that are nearer than nine in ten of the genuine ones, the
    nearest first.
    """
    if not pairs.same.any() or pairs.same.all():
        return []
    near = np.flatnonzero(~pairs.same & (pairs.apart < np.quantile(pairs.apart[pairs.same], _NEAR)))
    return [int(place) for place in near[np.argsort(pairs.apart[near], kind="stable")]]
