"""A seeded story of workers that die, come back, fault and are passed over, on a clock that the
story turns.

What must hold is asserted all along: `play` raises `AssertionError` when it does not.
"""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections

from lenders.models import Lender
from tests.verification.stories.story import Story, begin, decisions, lender
from verification import clock
from verification.case import policy
from verification.core.errors import FenceLost, TulgaError, Unavailable
from verification.core.events import DECISIONS
from verification.core.ids import check_digit
from verification.core.status import TERMINAL
from verification.models import AuditEntry, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import queue
from verification.worker import run as advance

SEND_TASK = "verification.case.steps.current_app.send_task"
_WRITES = ("INSERT", "UPDATE", "DELETE")


@dataclass
class Play:
    """What has happened: who holds what since when, and what was due when."""

    stories: list[Story]
    chance: random.Random
    hands: list[list[str]] = field(default_factory=lambda: [[], []])
    dead: list[Verification] = field(default_factory=list)
    leased_until: dict[str, datetime] = field(default_factory=dict)


def play(
    seed: int, monkeypatch: pytest.MonkeyPatch, *, verifications: int = 5, moves: int = 80
) -> None:
    """Plays one story to its end."""
    monkeypatch.setattr(SEND_TASK, _hear)
    monkeypatch.setattr(clock._state, "offset", timedelta(0))
    of = Lender.objects.first() or lender()
    stories = due(of, seed=seed, verifications=verifications)
    now = Play(stories, random.Random(seed))
    for _ in range(moves):
        _move(now)
    # From here on nothing goes wrong any more: whatever is owed must be done within a lease and a
    # backoff.
    for _ in range(60):
        _turn_clock(5)
        for row_id in queue.reserve(policy.QUEUES, limit=100, at=clock.now())[0]:
            _start(now, row_id, end="finish")
    for story in stories:
        assert story.row().status in TERMINAL, f"lost: {story.row().step}"
        _assert_decided_once(story)


def due(of: Lender, *, seed: int, verifications: int) -> list[Story]:
    """Verifications whose borrowers do not consent: each is owed a judgement."""
    stories = [
        begin(of, f"Q-{seed}-{number}", iin=iin) for number, iin in enumerate(_iins(verifications))
    ]
    for story in stories:
        story.answer(agreed=False, version=CURRENT, language="ru")
    return stories


def _move(now: Play) -> None:
    """One thing that may happen."""
    what = now.chance.choice(
        ("reserve", "reserve", "start", "start", "start", "time", "time", "back", "kill")
    )
    hand = now.chance.choice(now.hands)
    if what == "reserve":
        before = dict(Verification.objects.values_list("pk", "faults"))
        hand += queue.reserve(policy.QUEUES, limit=2, at=clock.now())[0]
        assert dict(Verification.objects.values_list("pk", "faults")) == before, (
            "a reservation charges nothing"
        )
    elif what == "start" and hand:
        _start(
            now,
            hand.pop(0),
            end=now.chance.choice(("finish", "die", "die", "die", "fault", "no_log")),
        )
    elif what == "time":
        _turn_clock(now.chance.choice((0.5, 3, 31, 31)))
    elif what == "back" and now.dead:
        _come_back(now.dead.pop(now.chance.randrange(len(now.dead))))
    elif what == "kill":
        hand.clear()


def _start(now: Play, row_id: str, *, end: str) -> None:
    before = Verification.objects.get(pk=row_id)
    claimed = queue.claim(row_id)
    if claimed is None:
        return
    at = clock.now()
    assert before.due_at is not None
    assert before.due_at <= at, "a step was begun before it was due"
    assert now.leased_until.get(row_id, at) <= at, "a step was begun that somebody holds"
    assert claimed.faults == before.faults + 1
    assert claimed.lease_until is not None
    now.leased_until[row_id] = claimed.lease_until
    if end == "die":
        now.dead.append(claimed)
        return
    now.leased_until.pop(row_id)
    if end == "fault":
        advance.release(claimed, Unavailable("as the story wants it"))
        return
    try:
        with _without_log() if end == "no_log" else _nothing_wrong():
            advance.run(claimed)
    except DatabaseError as fault:
        if end != "no_log":
            raise
        advance.release(Verification.objects.get(pk=row_id), fault)
    _assert_told(row_id)


def _come_back(late: Verification) -> None:
    """A worker that was stopped goes on: unless the row is still its own, it writes nothing but its
    question.
    """
    if Verification.objects.filter(pk=late.pk, fence=late.fence).exclude(fence="").exists():
        return  # it would do its step, and may
    entries, written = AuditEntry.objects.count(), list[str]()

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(_WRITES):
            written.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        try:
            advance.run(late)
            outcome = "wrote its result"
        except FenceLost:
            outcome = "was refused"
        except (TulgaError, DatabaseError):
            outcome = "went on until something else stopped it"
    assert outcome == "was refused", f"a worker that came late {outcome}"
    assert AuditEntry.objects.count() == entries
    assert all("fence" in sql for sql in written), (
        "something was written before the fence was asked"
    )


def _assert_told(row_id: str) -> None:
    """A row that has ended has its decision in the log, and one that has not, none."""
    row = Verification.objects.get(pk=row_id)
    decided = AuditEntry.objects.filter(verification_id=row_id, type__in=DECISIONS).exists()
    assert decided == (row.status in TERMINAL), "the log and the row differ"


def _assert_decided_once(story: Story) -> None:
    assert decisions(story) == 1
    numbers = AuditEntry.objects.filter(verification_id=story.id).values_list(
        "verification_sequence", flat=True
    )
    assert sorted(number or 0 for number in numbers) == list(range(1, len(numbers) + 1)), (
        "an entry is missing"
    )


def _turn_clock(seconds: float) -> None:
    clock._state.offset += timedelta(seconds=seconds)


def _hear(task: str, **_: Any) -> None:
    """The broker: whoever hears a bell finds work in the rows already, by a connection of their
    own.
    """

    def look() -> bool:
        try:
            return Verification.objects.filter(queue="default", due_at__lte=clock.now()).exists()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=1) as pool:
        assert pool.submit(look).result(), "a bell was rung before its row was there"


@contextmanager
def _without_log() -> Iterator[None]:
    """A database that takes no entries."""

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and "auditentry" in sql:
            raise DatabaseError("the log takes nothing")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield


@contextmanager
def _nothing_wrong() -> Iterator[None]:
    yield


def _iins(count: int) -> list[str]:
    """IINs of people born in 1899, so that they are nobody's."""
    eleven = (f"9902021{number:04}" for number in range(1, 1000))
    return [one + check_digit(one) for one in eleven if check_digit(one) != "x"][:count]
