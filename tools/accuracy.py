"""A net's error rates on pairs of photographs: FMR, FNMR and DET in the terms of ISO/IEC 19795-1,
and zones from them.

Distances are counted, not stored: a folder has as many pairs as the square of its pictures.
Each rate is given by pair, and by person with equal weight for each, however many pictures they
have.

Pairs are compared in blocks: by single pictures, by the median of several, and by their mean.
A hundred thousand pairs take a few seconds, once each picture is measured.
"""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from verification.core.errors import BadInput, CalibrationMismatch
from verification.engines.faces.embedding import Embedding, Numbers
from verification.engines.faces.intervals import CERTAINTY, interval

ALL = "all"
"""The cohort of all pairs. A pair without a cohort counts only here."""
Counts = npt.NDArray[np.int64]
Edges = npt.NDArray[np.float64]
Whole = npt.NDArray[np.intp]

# Distances at which pairs are counted: each thousandth up to 4. Embeddings of length 1 are at most
# 2 apart, and dlib's
# raw ones of two people were never more than 1.5 apart on the photographs of London.
_PER_UNIT, FARTHEST = 1000, 4
# Zones are proposed in steps of a hundredth: finer ones would fit these data, not this net.
_STEP = 10
_BLOCK = 512  # pictures compared with all others at once; bounds memory
# The least distance of the review zone's edge beyond the match zone, as a share of it. Ours: the
# shipped SFace reaches 0.08. Without a review zone a person just beyond the match is declined
# unseen: 3.7 % were.
_REVIEW_LEAST = 0.05


@dataclass(frozen=True)
class Share:
    """A count of events in so many trials."""

    events: int
    trials: int

    @property
    def value(self) -> float:
        """The share.

        Raises: `ZeroDivisionError` without trials.
        """
        return self.events / self.trials

    @property
    def bounds(self) -> tuple[float, float]:
        """Its 95 % interval, for independent trials. Pairs share people: it is rather too
        narrow.
        """
        return interval(self.events, self.trials)


@dataclass(frozen=True)
class Pairs:
    """Compared pairs. apart: distances. same: whether of one person. people: both people's
    numbers.
    """

    apart: Numbers
    same: npt.NDArray[np.bool_]
    people: tuple[Whole, Whole]

    def select(self, chosen: npt.NDArray[np.bool_]) -> "Pairs":
        """Some of them."""
        return Pairs(
            self.apart[chosen], self.same[chosen], (self.people[0][chosen], self.people[1][chosen])
        )


@dataclass(frozen=True)
class Tally:
    """The pairs of one cohort. genuine, impostor: cumulative counts up to each edge; the last is
    all.

    genuine_by_person, impostor_by_person: the same as shares, with equal weight for each person.
    """

    name: str
    people: int
    edges: Edges
    genuine: Counts
    impostor: Counts
    genuine_by_person: Numbers
    impostor_by_person: Numbers

    def false_matches(self, distance: float) -> Share:
        """FMR: impostor pairs at most this far apart.

        Raises: `KeyError` for a distance that is no edge.
        """
        return Share(int(self.impostor[self._place(distance)]), self.impostor_pairs)

    def false_non_matches(self, distance: float) -> Share:
        """FNMR: genuine pairs farther apart than this.

        Raises: `KeyError` for a distance that is no edge.
        """
        return Share(
            self.genuine_pairs - int(self.genuine[self._place(distance)]), self.genuine_pairs
        )

    def by_person(self, distance: float) -> tuple[float, float]:
        """FMR and FNMR with equal weight for each person.

        Raises: `KeyError` for a distance that is no edge.
        """
        place = self._place(distance)
        return float(self.impostor_by_person[place]), max(
            0.0, 1 - float(self.genuine_by_person[place])
        )

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
        """The edge that reaches the nearest two people; infinite without one."""
        place = int(np.argmax(self.impostor > 0))
        return (
            float(self.edges[place])
            if self.impostor_pairs and place < len(self.edges)
            else math.inf
        )

    @property
    def farthest_genuine(self) -> float | None:
        """The edge that reaches the two farthest pictures of one person; None without such an
        edge or pair.
        """
        place = int(np.searchsorted(self.genuine, self.genuine_pairs))
        return float(self.edges[place]) if self.genuine_pairs and place < len(self.edges) else None

    def det(self) -> Iterator[tuple[float, float]]:
        """FMR and FNMR at each edge where one of them changes. For a cohort with pairs of both
        kinds.
        """
        errors = np.stack(
            [self.impostor[:-1] / self.impostor_pairs, 1 - self.genuine[:-1] / self.genuine_pairs]
        )
        changes = np.any(np.diff(errors, axis=1) != 0, axis=0)
        for fmr, fnmr in errors[:, np.concatenate([[True], changes])].T:
            yield float(fmr), float(fnmr)

    def _place(self, distance: float) -> int:
        place = int(np.searchsorted(self.edges, distance))
        if place == len(self.edges) or self.edges[place] != distance:
            raise KeyError(distance)
        return place


def edges(*more: float) -> Edges:
    """The edges of counting: each thousandth, and these."""
    thousandths = np.arange(1, FARTHEST * _PER_UNIT + 1) / _PER_UNIT
    return np.union1d(thousandths, np.asarray(more, np.float64))


def tally(name: str, pairs: Pairs, *, at: Edges) -> Tally:
    """These pairs, counted; NaN counts as farther than all."""
    ones, sums = [], []
    for kind in (pairs.same, ~pairs.same):
        apart, both = pairs.apart[kind], [ends[kind] for ends in pairs.people]
        places = np.searchsorted(at, apart, side="left")
        ones.append(np.cumsum(np.bincount(places, minlength=len(at) + 1)).astype(np.int64))
        # A pair counts for each of its people by their number of this kind: for one person, twice
        # the same.
        of_each = np.bincount(np.concatenate(both)) if len(apart) else np.ones(1)
        weights = (1 / of_each[both[0]] + 1 / of_each[both[1]]) / max(
            1, int(np.count_nonzero(of_each))
        )
        sums.append(np.cumsum(np.bincount(places, weights=weights, minlength=len(at) + 1)))
    return Tally(name, len(np.union1d(*pairs.people)), at, ones[0], ones[1], sums[0], sums[1])


def compare_all(
    embeddings: Sequence[Embedding], people: Sequence[str], *, name: str, at: Edges
) -> Tally:
    """Each picture compared with each other: faces, and their people.

    Raises: `CalibrationMismatch` for two embeddings.
    """
    if len({embedding.embedding for embedding in embeddings}) > 1:
        raise CalibrationMismatch("faces of two embeddings are not compared")
    genuine, impostor = (np.zeros(len(at) + 1, np.int64) for _ in range(2))
    by_person = [np.zeros(len(at) + 1) for _ in range(2)]
    if not embeddings:
        return Tally(name, 0, at, genuine, impostor, *by_person)
    faces = np.stack([embedding.numbers for embedding in embeddings])
    persons, counts = np.unique(people, return_inverse=True, return_counts=True)[1:]
    # Pairs of each person, with themselves and with others.
    of_each = (counts * (counts - 1) / 2, counts * (len(faces) - counts).astype(np.float64))
    for start in range(0, len(faces), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(faces)))
        first, second = np.meshgrid(rows, np.arange(start, len(faces)), indexing="ij")
        later = second > first
        rows_of_first, rows_of_second = first[later], second[later]
        pairs = Pairs(
            between(faces, rows_of_first, rows_of_second),
            persons[rows_of_first] == persons[rows_of_second],
            (persons[rows_of_first], persons[rows_of_second]),
        )
        places = np.searchsorted(at, pairs.apart, side="left")
        kinds = zip(
            (pairs.same, ~pairs.same),
            (genuine, impostor),
            by_person,
            of_each,
            (0.5, 1.0),
            strict=True,
        )
        # A pair counts for both its people by their number of its kind; one person's pair counts
        # once.
        for kind, ones, sums, pairs_of_person, share in kinds:
            ones += np.cumsum(np.bincount(places[kind], minlength=len(at) + 1)).astype(np.int64)
            shares = (
                1 / pairs_of_person[pairs.people[0][kind]]
                + 1 / pairs_of_person[pairs.people[1][kind]]
            )
            weights = (
                np.asarray(shares, np.float64)
                * share
                / max(1, int(np.count_nonzero(pairs_of_person)))
            )
            sums += np.cumsum(np.bincount(places[kind], weights=weights, minlength=len(at) + 1))
    return Tally(name, len(counts), at, genuine, impostor, *by_person)


def near_strangers(
    embeddings: Sequence[Embedding], people: Sequence[str], *, limit: float, most: int
) -> list[tuple[int, int, float]]:
    """Pairs of two people at most this far apart, nearest first: both indexes, and the distance."""
    faces, persons = (
        np.stack([embedding.numbers for embedding in embeddings]),
        np.unique(people, return_inverse=True)[1],
    )
    nearest: list[tuple[float, int, int]] = []
    for first in range(len(faces) - 1):
        apart = np.linalg.norm(faces[first + 1 :] - faces[first], axis=1)
        near = np.flatnonzero((apart <= limit) & (persons[first + 1 :] != persons[first]))
        nearest = sorted(
            [*nearest, *((float(apart[place]), first, first + 1 + int(place)) for place in near)]
        )[:most]
    return [(first, second, apart) for apart, first, second in nearest]


def between(faces: Numbers, rows_of_first: Whole, rows_of_second: Whole) -> Numbers:
    """The distances of these rows from those, a block at a time."""
    apart = np.empty(len(rows_of_first))
    for start in range(0, len(rows_of_first), _BLOCK * 64):
        rows = slice(start, start + _BLOCK * 64)
        apart[rows] = np.linalg.norm(
            faces[rows_of_first[rows]] - faces[rows_of_second[rows]], axis=1
        )
    return apart


def pairs_needed(fmr: float) -> int:
    """The fewest impostor pairs, all without a match, that show a rate below this with 95 %
    certainty.
    """
    # With no match in n pairs, the interval of `Share.bounds` ends below the rate once (1 - fmr)^n
    # is under 2.5 %.
    return math.ceil(math.log((1 - CERTAINTY) / 2) / math.log1p(-fmr))


def propose(
    tallies: Sequence[Tally], *, target_fmr: float, review_fnmr: float, review_fmr: float
) -> tuple[float, float]:
    """The match and the review zone that hold in every cohort.

    1. Match: the widest whose FMR is below the target with 95 % certainty.
    2. Review: the narrowest that misses so few honest pairs;
    3. but if too many strangers would lie in it, the widest that their limit permits;
    4. and never narrower than the minimum.

    Raises: `BadInput` with the missing data.
    """
    needed = pairs_needed(target_fmr)
    if small := [
        f"{tally.name} has {tally.impostor_pairs}"
        for tally in tallies
        if tally.impostor_pairs < needed
    ]:
        raise BadInput(
            f"no zone can be proposed: an FMR of {target_fmr:g} is shown by {needed} impostor pairs"
            f" or more in each cohort, and {', '.join(small)}"
        )
    steps = [float(step) for step in edges()[_STEP - 1 :: _STEP]]
    match = 0.0
    for step in steps:  # 1
        shares = [tally.false_matches(step) for tally in tallies]
        if any(share.value > target_fmr or share.bounds[1] > target_fmr for share in shares):
            break
        match = step
    if not match:
        raise BadInput(
            "no zone can be proposed: people are at most 0.01 apart; are all pairs labelled"
            " rightly?"
        )
    least = math.ceil(round(match * (1 + _REVIEW_LEAST) * 100, 6)) / 100
    review = match
    for step in (step for step in steps if step > match):
        if all(tally.false_non_matches(review).value <= review_fnmr for tally in tallies):  # 2
            break
        if any(tally.false_matches(step).value > review_fmr for tally in tallies):  # 3
            break
        review = step
    return match, max(review, least)  # 4


# share of the pairs of one person; ours: false matches from wrong labels are nearer than these
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
    """Distances, and the pair's number of each."""

    pairs: Pairs
    rows: Whole

    def select(self, rows: Collection[int]) -> Pairs:
        """Those of some of the requested pairs."""
        return self.pairs.select(np.isin(self.rows, np.fromiter(rows, np.intp, len(rows))))

    def first_of_each(self) -> "Compared":
        """The first distance of each pair. The pictures of one capture are nearly one event, so
        counting each would overstate the evidence.
        """
        is_first = np.zeros(len(self.rows), np.bool_)
        is_first[np.unique(self.rows, return_index=True)[1]] = True
        return Compared(self.pairs.select(is_first), self.rows[is_first])


def compare(
    faces: Sequence[Embedding], requests: Sequence[Asked], *, k: int
) -> dict[str, Compared]:
    """The distances by decision: `single`; for probes of at least k pictures also `median-of-<k>`
    and `mean-of-<k>`.

    k: pictures per verdict; the first k of each probe count.

    Raises: `CalibrationMismatch`.
    """
    if len({face.embedding for face in faces}) > 1:
        raise CalibrationMismatch("faces of two embeddings are not compared")
    numbers = np.stack([face.numbers for face in faces]) if faces else np.zeros((0, 1))
    number = np.repeat(np.arange(len(requests)), [len(pair.probes) for pair in requests])
    probes = np.fromiter((probe for pair in requests for probe in pair.probes), np.intp)
    references = np.fromiter((pair.reference for pair in requests), np.intp, len(requests))
    distances = {"single": (number, between(numbers, references[number], probes))}
    if several := [place for place, pair in enumerate(requests) if len(pair.probes) >= k]:
        sets = np.array([requests[place].probes[:k] for place in several], np.intp)
        rows, first = np.array(several, np.intp), references[several]
        apart = np.stack([between(numbers, first, sets[:, at]) for at in range(k)], axis=1)
        # The upper median, as `embedding.median_distance`.
        distances[f"median-of-{k}"] = rows, np.sort(apart, axis=1)[:, k // 2]
        # As `embedding.mean_distance`, a block at a time.
        to_mean = np.empty(len(first))
        for start in range(0, len(first), 4096):
            block = slice(start, start + 4096)
            means = numbers[sets[block]].mean(axis=1)
            if faces[0].embedding.endswith("-l2"):
                means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
            to_mean[block] = np.linalg.norm(numbers[first[block]] - means, axis=1)
        distances[f"mean-of-{k}"] = rows, to_mean
    same = np.fromiter((pair.same for pair in requests), np.bool_, len(requests))
    first_person, second_person = (
        np.fromiter((pair.people[end] for pair in requests), np.intp, len(requests))
        for end in range(2)
    )
    return {
        name: Compared(Pairs(apart, same[rows], (first_person[rows], second_person[rows])), rows)
        for name, (rows, apart) in distances.items()
    }


def nearest_strangers(pairs: Pairs) -> list[int]:
    """Indexes of the impostor pairs that are nearer than nine in ten of the genuine ones,
    nearest first.
    """
    if not pairs.same.any() or pairs.same.all():
        return []
    near = np.flatnonzero(~pairs.same & (pairs.apart < np.quantile(pairs.apart[pairs.same], _NEAR)))
    return [int(place) for place in near[np.argsort(pairs.apart[near], kind="stable")]]
