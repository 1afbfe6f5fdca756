"""Many pairs at once are compared as two faces are, and a hundred thousand take seconds."""

import numpy as np
import pytest

from tools.accuracy import Asked, Pairs, compare, nearest_strangers
from verification.core.errors import CalibrationMismatch
from verification.engines.faces.embedding import (
    Embedding,
    distance,
    mean_distance,
    median_distance,
    unit,
)

NET = "net/single-l2"
CHANCE = np.random.default_rng(1)


def faces(count: int) -> list[Embedding]:
    return [Embedding(NET, unit(row)) for row in CHANCE.normal(size=(count, 16))]


def test_each_decision_is_the_one_that_two_faces_would_get() -> None:
    seen = faces(12)
    asked = [
        Asked(0, (1, 2, 3, 4), True, (0, 0)),
        Asked(5, (6, 7, 8), False, (1, 2)),
        Asked(9, (10,), True, (3, 3)),
        Asked(0, (), False, (0, 0)),
    ]
    found = compare(seen, asked, k=3)
    assert set(found) == {"single", "median-of-3", "mean-of-3"}
    assert found["single"].rows.tolist() == [0, 0, 0, 0, 1, 1, 1, 2]
    singles = [
        distance(seen[asked[row].reference], seen[probe]).value
        for row in range(3)
        for probe in asked[row].probes
    ]
    assert found["single"].pairs.apart == pytest.approx(singles)
    for decision, judge in (("median-of-3", median_distance), ("mean-of-3", mean_distance)):
        expected = [
            judge(seen[one.reference], [seen[at] for at in one.probes[:3]]).value
            for one in asked[:2]
        ]
        assert found[decision].pairs.apart == pytest.approx(expected)
        assert found[decision].pairs.same.tolist() == [True, False]
    assert found["single"].select({1, 2}).apart == pytest.approx(singles[4:])


def test_faces_of_two_embeddings_are_not_compared() -> None:
    with pytest.raises(CalibrationMismatch):
        compare(
            [*faces(1), Embedding("net/single", np.ones(16))], [Asked(0, (1,), True, (0, 0))], k=5
        )


def test_the_strangers_that_are_told_are_nearer_than_nine_in_ten_of_the_honest() -> None:
    apart = np.array([0.3, 0.5, 0.7, 0.4, 0.2, 0.6, 0.49, 0.69])
    same = np.array([True, True, True, False, False, False, False, False])
    people = (np.arange(8), np.arange(8))
    assert nearest_strangers(Pairs(apart, same, people)) == [4, 3, 6, 5]
    assert nearest_strangers(Pairs(apart, ~same & False, people)) == []
