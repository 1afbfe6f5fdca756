"""Errors are counted as ISO/IEC 19795-1 counts them, and a zone is proposed only where the pairs
can bear it.
"""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import accuracy
from tools.accuracy import Pairs, Share, Tally, compare_all, edges, pairs_needed
from verification.core.errors import BadInput, CalibrationMismatch
from verification.engines.faces.embedding import Embedding, distance
from verification.engines.faces.intervals import interval


def tally(
    genuine: list[float], impostor: list[float], *, name: str = "all", more: tuple[float, ...] = ()
) -> Tally:
    """Of two people, who are 0 and 1."""
    same = np.repeat([True, False], [len(genuine), len(impostor)])
    people = (np.zeros(len(same), np.intp), np.where(same, 0, 1))
    return accuracy.tally(
        name, Pairs(np.array([*genuine, *impostor]), same, people), at=edges(*more)
    )


def test_by_person_everybody_weighs_alike() -> None:
    # Person 0 has three pairs of their own, of which one is missed; person 1 has one, which is.
    pairs = [
        (0.1, 0, 0),
        (0.1, 0, 0),
        (0.9, 0, 0),
        (0.9, 1, 1),
        (0.2, 0, 1),
        (0.8, 0, 2),
        (0.8, 1, 2),
    ]
    apart, one, other = (np.array(each) for each in zip(*pairs, strict=True))
    found = accuracy.tally("all", Pairs(apart, one == other, (one, other)), at=edges())
    assert found.false_non_matches(0.5) == Share(2, 4)
    assert found.by_person(0.5)[1] == pytest.approx((1 / 3 + 1) / 2)
    assert found.false_matches(0.5) == Share(1, 3)
    assert found.by_person(0.5)[0] == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)


def test_a_pair_at_the_edge_of_a_zone_matches_and_one_beyond_it_does_not() -> None:
    found = tally([0.26, 0.2601, math.nan], [0.26, 0.2601, 9.0])
    assert found.false_matches(0.26) == Share(1, 3)
    assert found.false_non_matches(0.26) == Share(2, 3)
    assert (found.genuine_pairs, found.impostor_pairs, found.nearest_impostors) == (3, 3, 0.26)


def test_a_distance_that_was_not_counted_at_is_not_answered_for() -> None:
    with pytest.raises(KeyError):
        tally([0.1], [0.9]).false_matches(0.26005)
    assert tally([0.1], [0.26004, 0.9], more=(0.26005,)).false_matches(0.26005).events == 1


@pytest.mark.parametrize("target", [1e-4, 1e-2, 0.2])
def test_so_many_pairs_show_a_rate_and_one_fewer_does_not(target: float) -> None:
    needed = pairs_needed(target)
    assert interval(0, needed)[1] <= target < interval(0, needed - 1)[1]


def propose(
    tallies: list[Tally], *, target_fmr: float, review_fmr: float = 1.0
) -> tuple[float, float]:
    return accuracy.propose(tallies, target_fmr=target_fmr, review_fnmr=0.05, review_fmr=review_fmr)


ENOUGH = [0.5 + at / 1000 for at in range(400)]


def test_the_zones_are_the_widest_that_is_shown_and_the_narrowest_that_reaches_the_honest() -> None:
    found = tally([0.1] * 90 + [0.45] * 10, ENOUGH)
    # All honest pairs match, and the review zone reaches a twentieth beyond the match zone all the
    # same.
    assert propose([found], target_fmr=0.04) == (0.5, 0.53)
    beyond = found.false_matches(0.51)
    assert found.false_matches(0.5).bounds[1] < beyond.value < 0.04 < beyond.bounds[1]
    far = tally([0.1] * 90 + [0.75] * 10, ENOUGH)
    assert propose([far], target_fmr=0.02) == (0.5, 0.75)
    # Of strangers 101 of 400 lie within 0.60: where no more may be looked at, it ends there.
    assert propose([far], target_fmr=0.02, review_fmr=101 / 400) == (0.5, 0.6)
    assert propose([far], target_fmr=0.02, review_fmr=1e-9) == (0.5, 0.53)


def test_a_zone_must_hold_in_each_cohort() -> None:
    wide, near = tally([0.1], ENOUGH), tally([0.1], [each - 0.3 for each in ENOUGH], name="near")
    assert propose([wide], target_fmr=0.02)[0] == 0.5
    assert propose([wide, near], target_fmr=0.02)[0] == 0.2


def test_too_few_pairs_in_one_cohort_propose_nothing_and_say_how_many_would() -> None:
    needed = pairs_needed(0.02)
    few = tally([0.1], ENOUGH[: needed - 1], name="few")
    with pytest.raises(BadInput, match=rf"{needed} impostor pairs .* few has {needed - 1}"):
        propose([tally([0.1], ENOUGH), few], target_fmr=0.02)
    assert propose([tally([0.1], ENOUGH[:needed])], target_fmr=0.02)[0] > 0


def test_people_that_are_no_distance_apart_propose_nothing() -> None:
    with pytest.raises(BadInput, match="labelled"):
        propose([tally([0.1], [0.001] * 400)], target_fmr=0.02)


@given(
    st.lists(st.floats(0, 5), min_size=1, max_size=40),
    st.lists(st.floats(0, 5), min_size=1, max_size=40),
)
def test_along_a_curve_one_error_grows_and_the_other_shrinks(
    genuine: list[float], impostor: list[float]
) -> None:
    curve = list(tally(genuine, impostor).det())
    for errors, signs in ((0, 1), (1, -1)):
        steps = np.diff([point[errors] for point in curve])
        assert np.all(signs * steps >= 0)
    assert all(0 <= fmr <= 1 and 0 <= fnmr <= 1 for fmr, fnmr in curve)


def test_everybody_is_compared_with_everybody_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "_BLOCK", 7)  # several blocks, of which the last is not whole
    random = np.random.default_rng(1)
    faces = [Embedding("net/single", row) for row in random.normal(size=(23, 8)) / 5]
    people = [f"person {at // 2}" for at in range(23)]
    at = edges()
    found = compare_all(faces, people, name="all", at=at)
    pairs = list(combinations(range(23), 2))
    same = [(one, two) for one, two in pairs if people[one] == people[two]]
    apart = {pair: distance(faces[pair[0]], faces[pair[1]]).value for pair in pairs}
    one, other = (np.array(each) for each in zip(*pairs, strict=True))
    numbers = np.arange(23) // 2
    listed = Pairs(
        np.array([apart[pair] for pair in pairs]),
        numbers[one] == numbers[other],
        (numbers[one], numbers[other]),
    )
    expected = accuracy.tally("all", listed, at=at)
    assert found.genuine.tolist() == expected.genuine.tolist()
    assert found.impostor.tolist() == expected.impostor.tolist()
    for kind in ("genuine_by_person", "impostor_by_person"):
        assert getattr(found, kind) == pytest.approx(getattr(expected, kind))
    assert len(same) == found.genuine_pairs
    assert (found.people, found.genuine_pairs, found.impostor_pairs) == (12, 11, 242)


def test_two_people_who_are_near_are_told_by_place_the_nearest_first() -> None:
    places = (0.0, 0.1, 0.35, 0.3, 2.0)
    seen = [Embedding("net/single", np.array([1.0, place])) for place in places]
    people = ["a", "a", "b", "c", "d"]
    found = accuracy.near_strangers(seen, people, limit=0.3, most=3)
    assert [(one, other, round(apart, 2)) for one, other, apart in found] == [
        (2, 3, 0.05),
        (1, 3, 0.2),
        (1, 2, 0.25),
    ]
    assert len(accuracy.near_strangers(seen, people, limit=0.3, most=9)) == 4


def test_faces_of_two_embeddings_are_not_counted_together() -> None:
    mixed = [Embedding("net/single", np.ones(2)), Embedding("net/mirror-mean-l2", np.ones(2))]
    with pytest.raises(CalibrationMismatch):
        compare_all(mixed, ["a", "b"], name="all", at=edges())
