"""The fold allows what is lawful, and a single change to it is named wherever a verdict or a
payment rests on it.
"""

import random
from collections import Counter

import pytest

from tests.proofs import Figures
from tests.verification.course import plainly, random_histories, single_changes
from tests.verification.log.histories import EDS, Said
from tests.verification.log.rows import NOON
from verification.core import events
from verification.course import fold
from verification.course.entry import Entry
from verification.course.state import State

HISTORIES, FEW = 5_000, 300


@pytest.fixture
def seed(proof_seed: int) -> int:
    print(f"seed {proof_seed}")
    return proof_seed


@pytest.fixture
def number(proof_scale: float) -> int:
    return max(FEW, round(HISTORIES * proof_scale))


def faults(history: list[Entry]) -> list[tuple[int, str, str]]:
    """The place, code and sentence of each fault."""
    judged = enumerate(fold.fold(history))
    return [(place, *fault) for place, (_, _, of_entry) in judged for fault in of_entry]


@pytest.mark.proof("course")
def test_a_lawful_history_has_no_fault(seed: int, number: int, proof_figures: Figures) -> None:
    ends, entries = Counter[str](), 0
    for place in range(number):
        history = random_histories.lawful(random.Random(f"{seed} {place}"))
        assert faults(history) == [], f"history {place} of seed {seed}"
        ends.update(entry.type for entry in history if events.ENTRY_TYPES[entry.type].decides)
        entries += len(history)
    proof_figures["lawful"] = {
        "histories": number,
        "entries": entries,
        "ends": dict(sorted(ends.items())),
    }
    assert ends.keys() == set(events.DECISIONS)


@pytest.mark.proof("course")
def test_a_single_change_is_named_or_no_verdict_and_no_payment_rests_on_it(
    seed: int, number: int, proof_figures: Figures
) -> None:
    tried, named, codes = Counter[str](), Counter[str](), Counter[str]()
    other = random_histories.lawful(random.Random(seed))
    for place in range(number):
        chance = random.Random(f"{seed} {place}")
        history = random_histories.lawful(chance)
        kind, changed = single_changes.changed(history, chance, other)
        found = faults(changed)
        tried[kind] += 1
        named[kind] += bool(found)
        codes.update({code for _, code, _ in found})
        if not found:
            assert list(plainly.wrong(changed)) == [], f"{kind} in history {place} of seed {seed}"
        other = history
    kinds = {kind: {"tried": tried[kind], "named": named[kind]} for kind in sorted(tried)}
    proof_figures["changed"] = {
        "histories": number,
        "kinds": kinds,
        "codes": dict(sorted(codes.items())),
    }
    assert all(named.values())


def test_each_entry_about_a_verification_has_one_rule() -> None:
    about_none = ("review.listed", "endpoint.disabled", "replay.read")
    others = {*about_none, *events.READINGS, *events.LOOKS, *events.OF_ROOT, events.HEARTBEAT}
    assert fold.MOVES.keys() == events.ENTRY_TYPES.keys() - others
    assert all(move.type is events.ENTRY_TYPES[name] for name, move in fold.MOVES.items())


def test_a_state_is_a_value_that_an_entry_leaves_as_it_was() -> None:
    history = random_histories.lawful(random.Random(1))
    states = [State()]
    for entry in history:
        before = repr(states[-1])
        state, _ = fold.apply(states[-1], entry)
        assert repr(states[-1]) == before
        states.append(state)
    assert states[-1].length == len(history)


HINDERED = {"route": "eds", "stage": "statement", "turn": 3, "code": "borrower_busy"}


@pytest.mark.parametrize(
    ("entries", "changes", "expected"),
    [
        (EDS[:-3], {}, []),
        (EDS[:-3], {"code": "attempts_exhausted"}, []),
        (EDS[:-3], {"code": "too_tired"}, ["reason_missing"]),
        (EDS[:-3], {"stage": "question"}, ["illegal_move"]),
        (EDS[:-2], {}, ["illegal_move"]),
    ],
    ids=[
        "before the statement",
        "no attempt is left",
        "no such reason",
        "a stage that is over",
        "one is open",
    ],
)
def test_a_stage_is_hindered_where_it_is_due_and_for_a_known_reason(
    entries: list[Said], changes: dict[str, str], expected: list[str]
) -> None:
    said = [*entries, ("attempt.hindered", {**HINDERED, **changes})]
    history = [
        Entry(f"evt_{place}", name, "test", NOON, body) for place, (name, body) in enumerate(said)
    ]
    assert [code for _, code, _ in faults(history)] == expected


def test_what_hinders_a_stage_is_shown_until_an_attempt_begins() -> None:
    walk = [*EDS[:-3], ("attempt.hindered", HINDERED), EDS[-3]]
    standing = [
        state.standing
        for _, state, _ in fold.fold(
            Entry(f"evt_{place}", name, "test", NOON, body)
            for place, (name, body) in enumerate(walk)
        )
    ]
    assert [(each.failure, each.stage, each.turn) for each in standing[-2:]] == [
        ("borrower_busy", "statement", 3),
        ("", "statement", 3),
    ]
