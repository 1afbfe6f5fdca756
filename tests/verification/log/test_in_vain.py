"""What was left to people of whom too few could vote fails with the next entry alone."""

import pytest

from tests.verification.log.histories import (
    AFTER,
    BOTH,
    DAY,
    EDS,
    FAULTED,
    KEPT,
    REVIEWABLE,
    STOPPED,
    Said,
    at_people,
    changed,
    codes,
    codes_on_record,
    ended,
    opened,
    passing,
    reviewed,
    verified,
    voted,
)

CODE = "review_unavailable"
LEFT = changed(at_people()[:-1], 10, burnt=False)
"""The judgement of the last stage left it to people, and spent no attempt."""
END = ended("failed", CODE, cause=REVIEWABLE)
MOVE, REASON, TRIES = "illegal_move", "reason_missing", "illegal_tries"

LAWFUL: dict[str, list[Said]] = {
    "at once": [*LEFT, END],
    "with its document, and frames that go later": [
        *(*LEFT, END, KEPT),
        ("evidence.destroyed", {"attempt": "att_3", "destroyed": [], AFTER: 72 * 3600}),
    ],
}
UNLAWFUL: dict[str, tuple[list[Said], list[tuple[str, int]]]] = {
    "it spent an attempt": ([*at_people()[:-1], END], [(MOVE, 11)]),
    "it came to people before": ([*at_people(), END], [(MOVE, 12), (MOVE, 12)]),
    "it came to people after": ([*LEFT, ended("in_review", REVIEWABLE)], [(MOVE, 11)]),
    "it came to people, and failed then": (
        [*LEFT, ended("in_review", REVIEWABLE), END],
        [(MOVE, n) for n in (11, 12, 12)],
    ),
    "something came between": ([*LEFT, KEPT, END], [(MOVE, 11), (MOVE, 12)]),
    "another attempt": ([*LEFT, opened("eds", "statement", 4)], [(MOVE, 11)]),
    "people voted all the same": (
        [*LEFT, voted("usr_a"), voted("usr_b"), reviewed(), verified("eds")],
        [
            (MOVE, 11),
            (MOVE, 11),
            (MOVE, 12),
            (MOVE, 13),
            ("votes_missing", 13),
            ("stages_missing", 14),
        ],
    ),
    "it was verified": ([*LEFT, verified("eds")], [(MOVE, 11), (MOVE, 11), ("stages_missing", 11)]),
    "it ran out": (
        [*LEFT, ended("expired", "verification_expired", after=DAY)],
        [(MOVE, 11)],
    ),
    "it was canceled": ([*LEFT, ended("canceled", "canceled_by_lender")], [(MOVE, 11)]),
    "it failed by a fault": (
        [*LEFT, ended("failed", "retries_exhausted", cause=REVIEWABLE)],
        [(REASON, 11)],
    ),
    "it failed for another reason": (
        [*LEFT, ended("failed", CODE, cause="hand_over_review")],
        [(REASON, 11)],
    ),
    "it failed for none": ([*LEFT, ended("failed", CODE)], [(REASON, 11)]),
    "it was declined": ([*LEFT, ended("declined", CODE)], [(MOVE, 11), (MOVE, 11)]),
    "nothing was left to people": ([*EDS, ended("failed", CODE)], [(MOVE, 11)]),
    "nothing was judged": ([*EDS[:-1], ended("failed", CODE, cause=REVIEWABLE)], [(MOVE, 10)]),
    "our own fault": ([*EDS[:-1], *FAULTED, ended("failed", CODE)], [(MOVE, 15)]),
    "by another law": (
        [*LEFT, ended("failed", CODE, profile=BOTH, cause=REVIEWABLE)],
        [("law_unknown", 11)],
    ),
    "a pass that says so": (changed([*EDS, END], 10, burnt=False), [(MOVE, 11)]),
    "it was stopped": ([*EDS[:-1], STOPPED, LEFT[9], END], [(MOVE, 11), (MOVE, 12)]),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", LAWFUL)
def test_it_may_fail_at_once(name: str) -> None:
    assert codes(LAWFUL[name]) == codes_on_record(LAWFUL[name]) == []


@pytest.mark.parametrize("name", UNLAWFUL)
def test_and_not_otherwise(name: str) -> None:
    history, expected = UNLAWFUL[name]
    assert codes(history) == expected


def test_nothing_of_it_goes_on_after_its_end() -> None:
    assert codes([*LEFT, END, *passing("eds", "statement", 4)]) == [
        ("after_end", n) for n in (12, 13, 14)
    ]
