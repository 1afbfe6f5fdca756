"""The fold allows what is lawful, and a single change to it is named wherever a verdict or a
payment rests on it.
"""

import dataclasses
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.proofs import Figures
from tests.verification.course import random_histories
from tests.verification.log.histories import DAY, EDS, Said
from tests.verification.log.rows import NOON
from verification.core import events, profiles, releases
from verification.core.releases import Release
from verification.course import fold
from verification.course.entry import Entry, listed, replace, text
from verification.course.entry import number as amount_of
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
        kind, changed = changed_once(history, chance, other)
        found = faults(changed)
        tried[kind] += 1
        named[kind] += bool(found)
        codes.update({code for _, code, _ in found})
        if not found:
            assert list(lacks(changed)) == [], f"{kind} in history {place} of seed {seed}"
        other = history
    kinds = {kind: {"tried": tried[kind], "named": named[kind]} for kind in sorted(tried)}
    proof_figures["changed"] = {
        "histories": number,
        "kinds": kinds,
        "codes": dict(sorted(codes.items())),
    }
    assert all(named.values())


def test_each_entry_about_a_verification_has_one_rule() -> None:
    about_none = ("review.listed", "endpoint.disabled", events.IDENTIFIED, events.UNIDENTIFIED)
    others = {
        *about_none,
        events.IN_PERSON,
        events.VOUCHED,
        *events.ACTORS,
        *events.READINGS,
        *events.LOOKS,
        *events.OF_ROOT,
    }
    others.add(events.HEARTBEAT)
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


def lacks(history: Sequence[Entry]) -> Iterator[str]:
    """What a signed verdict of a history, or a payment by it, lacks."""
    signed = [entry for entry in history if entry.is_signed]
    verdict = next((entry for entry in signed if entry.type == "verification.verified"), None)
    if verdict is not None:
        yield from _lacking(signed[: signed.index(verdict)], verdict)
        yield from _unheld(history[: history.index(verdict) + 1])
    for entry in signed:
        if entry.type == "clearance.consumed":
            yield from _unpaid(signed[: signed.index(entry)], entry, verdict)


def _lacking(earlier: Sequence[Entry], verdict: Entry) -> Iterator[str]:
    opened = next((entry for entry in earlier if entry.type == "verification.created"), None)
    if opened is None:
        yield "an opening"
        return
    law = profiles.pinned(text(opened.body, "profile_sha256"))
    routes = tuple(listed(verdict.body, "routes"))
    if not any(
        set(names) <= set(routes)
        for names in law.combinations
        if list(names) in opened.body["combinations"]
    ):
        yield "a combination of its law"
    for name in listed(verdict.body, "releases"):
        release, place = releases.RELEASES[name], -1
        for stage in release.names:
            passed = [
                at for at in _passes(earlier, release, stage) if at > place or stage == "consent"
            ]
            if not passed:
                yield f"{stage} of {release.route}"
            place = max([place, *(passed[-1:] if stage != "consent" else passed[:1])])


def _unheld(entries: Sequence[Entry]) -> Iterator[str]:
    """What is missing of one lender for all entries and, for each answer, of the newest session."""
    if len({entry.lender for entry in entries if entry.is_signed}) > 1:
        yield "one lender"
    session = ""
    for entry in entries:
        if entry.type == "link.spent" and "link" in entry.body:
            session = text(entry.body, "session")
        elif (
            entry.type == "attempt.answered"
            and entry.is_signed
            and text(entry.body, "session") != session
        ):
            yield "the session of an answer"


def _passes(entries: Sequence[Entry], release: Release, stage: str) -> Iterator[int]:
    """The places at which a stage was passed; consent counts on any route."""
    for place, entry in enumerate(entries):
        name = text(entry.body, "attempt")
        if (
            entry.type not in ("attempt.judged", "attempt.reviewed")
            or entry.body.get("outcome") != "passed"
        ):
            continue
        of_attempt = [other for other in entries[:place] if text(other.body, "attempt") == name]
        opened = [other for other in of_attempt if other.type == "attempt.opened"]
        if not any(text(other.body, "stage") == stage for other in opened):
            continue
        if stage != "consent" and not any(
            text(other.body, "route") == release.route for other in opened
        ):
            continue
        if not any(other.type == "attempt.answered" for other in of_attempt):
            continue
        judged = entry if entry.type == "attempt.judged" else _last_judgement(of_attempt)
        if judged is None or not _suffices(judged, stage, may_be_left=judged is not entry):
            continue
        if judged is entry or _votes(entries[:place], name) >= 2:
            yield place


def _last_judgement(of_attempt: Sequence[Entry]) -> Entry | None:
    return next((other for other in reversed(of_attempt) if other.type == "attempt.judged"), None)


def _suffices(judged: Entry, stage: str, *, may_be_left: bool) -> bool:
    """Whether each check of its release passed, or was left to people where it may be."""
    release = releases.RELEASES[text(judged.body, "release")]
    outcomes = {check["check"]: check["outcome"] for check in listed(judged.body, "checks")}
    allowed = {"pass", "inconclusive"} if may_be_left else {"pass"}
    return (
        all(outcomes.get(name) in allowed for name in release.checks(stage))
        and set(outcomes.values()) <= allowed
    )


def _votes(entries: Sequence[Entry], attempt: str) -> int:
    """How many people passed it who had sent no link; none where one did not."""
    senders = {text(entry.body, "person") for entry in entries if entry.type == "link.minted"}
    votes = {
        text(entry.body, "person"): entry.body.get("outcome") == "passed"
        for entry in entries
        if entry.type == "review.voted" and text(entry.body, "attempt") == attempt
        if entry.body.get("outcome") in ("passed", "failed")
    }
    return len(votes.keys() - senders) if all(votes.values()) else 0


def _unpaid(earlier: Sequence[Entry], paid: Entry, verdict: Entry | None) -> Iterator[str]:
    """What a payment lacks."""
    name = text(paid.body, "clearance")
    of_name = [entry for entry in earlier if text(entry.body, "clearance") == name]
    issued = next((entry for entry in of_name if entry.type == "clearance.issued"), None)
    if issued is None or verdict is None:
        yield "a clearance"
        return
    if text(issued.body, "decision") != verdict.id or verdict not in earlier:
        yield "the decision of its clearance"
    if not any(entry.type == "clearance.requested" for entry in of_name):
        yield "a request"
    if any(entry.type == "verification.disputed" for entry in earlier):
        yield "a borrower who does not dispute it"
    if not 0 < amount_of(paid.body, "amount") <= amount_of(issued.body, "cap"):
        yield "a sum that is let"


_VALUES: tuple[Any, ...] = (
    None,
    "",
    "x",
    7,
    0,
    -1,
    True,
    False,
    [],
    {},
    NOON.isoformat(),
    "2030-01-01T00:00:00+00:00",
)

_SECONDS = (-7200, -60, -1, 1, 60, 700, 7200, 2 * DAY)

_INNER = ("checks", "gates", "spent", "combinations", "evidence", "releases", "routes")


def changed_once(
    history: list[Entry], chance: random.Random, others: list[Entry]
) -> tuple[str, list[Entry]]:
    """The history with one change, behind its kind; others: entries of another history, of which
    one may be put in.
    """
    kind = chance.choice(tuple(_CHANGES))
    entries = _CHANGES[kind](list(history), chance.randrange(len(history)), chance, others)
    unsigned = {entry.id for entry in entries if not entry.is_signed}
    return kind, [
        dataclasses.replace(entry, is_signed=entry.id not in unsigned) for entry in entries
    ]


def _dropped(history, place, chance, others):
    history.pop(place)
    return history


def _doubled(history, place, chance, others):
    history.insert(chance.randint(place, len(history)), history[place])
    return history


def _moved(history, place, chance, others):
    entry = history.pop(place)
    history.insert(chance.randint(0, len(history)), entry)
    return history


def _put_in(history, place, chance, others):
    entry = dataclasses.replace(
        chance.choice(others), id="evt_other", at=history[place].at, log=history[place].log
    )
    history.insert(place, entry)
    return history


def _unsigned(history, place, chance, others):
    history[place] = dataclasses.replace(history[place], is_signed=False)
    return history


def _lent(history, place, chance, others):
    history[place] = dataclasses.replace(history[place], lender=chance.choice((None, "", "len_2")))
    return history


def _retimed(history, place, chance, others):
    entry = history[place]
    history[place] = dataclasses.replace(
        entry, at=entry.at + timedelta(seconds=chance.choice(_SECONDS))
    )
    return history


def _retyped(history, place, chance, others):
    types = sorted(
        {entry.type for entry in (*history, *others)} | {"log.heartbeat", "nothing.known"}
    )
    history[place] = dataclasses.replace(history[place], type=chance.choice(types))
    return history


def _rewritten(history, place, chance, others):
    """A field of a body is another or is gone, or one of a map or list in it."""
    body = dict(history[place].body)
    name = chance.choice(sorted(body) or [""])
    value = body.pop(name, None)
    if name in _INNER and value and chance.random() < 0.8:
        body[name] = _with_another(value, chance)
    elif chance.random() < 0.8:
        same = [entry.body[name] for entry in (*history, *others) if name in entry.body]
        body[name] = chance.choice((*_VALUES, *same))
    history[place] = dataclasses.replace(history[place], body=body)
    return history


def _with_another(value, chance):
    """A list in which one item is another, or is gone."""
    items, number = list(value), chance.randrange(len(value))
    if chance.random() < 0.3:
        items.pop(number)
    elif isinstance(items[number], dict) and items[number]:
        key = chance.choice(sorted(items[number]))
        items[number] = {
            **items[number],
            key: chance.choice((*_VALUES, "passed", "fail", "not_evaluated")),
        }
    else:
        items[number] = chance.choice(_VALUES)
    return items


_CHANGES = {
    "dropped": _dropped,
    "doubled": _doubled,
    "moved": _moved,
    "put in": _put_in,
    "unsigned": _unsigned,
    "lent": _lent,
    "retimed": _retimed,
    "retyped": _retyped,
    "rewritten": _rewritten,
}

# `replace` of the course does what that of `dataclasses` does.


def test_a_changed_value_is_equal_to_one_that_dataclasses_change() -> None:
    state = State(route="eds", length=3)
    changed = replace(state, length=4, end="verification.verified")
    assert changed == dataclasses.replace(state, length=4, end="verification.verified")
    assert (state.length, state.end) == (3, "")


def test_a_name_that_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="no such field"):
        replace(State(), lenght=4)  # type: ignore[call-arg]
