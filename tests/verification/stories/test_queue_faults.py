"""The queue and the sweep."""

import inspect
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction

from config import celery, feeding
from config.pool import TaskPool
from insecure_sandbox.demo.processes import wait_until as wait_for
from lenders.models import Lender
from lenders.resources import verifications
from tests.verification.stories.story import (
    Story,
    begin,
    decisions,
    in_parallel,
    later,
    lender,
    make_due,
    run_out,
    signed,
    swept,
    wait_until,
)
from verification import clock
from verification.case import policy, steps
from verification.core.errors import (
    EvidenceUnreadable,
    FenceLost,
    NotYourTurn,
    TulgaError,
    Unavailable,
)
from verification.core.events import DECISIONS
from verification.core.ids import check_digit
from verification.core.status import TERMINAL
from verification.log import log
from verification.models import Attempt, AuditEntry, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import queue, sweep
from verification.worker import run as advance

pytestmark = pytest.mark.django_db(transaction=True)


# A seeded story of workers that die, come back, fault and are passed over, on a clock that the
# story turns.
#
# What must hold is asserted all along: `play` raises `AssertionError` when it does not.


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
    """The broker: a process that hears a bell finds work in the rows already, by its own
    connection.
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
    """IINs of people born in 1899, so that no living person has them."""
    eleven = (f"9902021{number:04}" for number in range(1, 1000))
    return [one + check_digit(one) for one in eleven if check_digit(one) != "x"][:count]


# The queue and the sweep: workers that die, lenders in turn, ticks at once, time that is up.


_STORIES = 50
# What each changes: the module, the function, its words, and what stands in their place.
MUTANTS: dict[str, tuple[ModuleType, str, str, str]] = {
    "a lease never ends": (
        queue,
        "_free",
        "Q(lease_until=None) | Q(lease_until__lt=at)",
        "Q(lease_until=None)",
    ),
    "a claim ignores the due time": (queue, "_free", ", due_at__lte=at", ""),
    "a reservation charges a fault": (
        queue,
        "reserve",
        "update(reserved_until=until)",
        'update(reserved_until=until, faults=F("faults") + 1)',
    ),
    "the fence is not asked": (
        queue,
        "_with_fence",
        "pk=verification.pk, fence=verification.fence",
        "pk=verification.pk",
    ),
    "the fence is not first": (
        queue,
        "finishing",
        "        require_fence(history.row)\n",
        """        Verification.objects.filter(pk=history.row.pk).update(turn=F("turn"))
        require_fence(history.row)
""",
    ),
    "a log entry is written after the transaction": (
        log,
        "gathering",
        """    AuditEntry.objects.bulk_create(entries)
    AuditPending.objects.bulk_create([AuditPending(entry_id=entry.pk) for entry in entries])
""",
        "    transaction.on_commit(lambda: AuditEntry.objects.bulk_create(entries))\n",
    ),
    "a bell is rung before the commit": (
        steps,
        "schedule",
        "transaction.on_commit(partial(ring, queue))",
        "ring(queue)",
    ),
}


def change(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, old: str, new: str
) -> None:
    """The function as its mutant, in its own module."""
    text = inspect.getsource(getattr(module, name))
    assert text.count(old) == 1, "the mutant no longer fits the code"
    made: dict[str, Callable[..., Any]] = {}
    exec(compile(text.replace(old, new), f"{module.__name__} mutated", "exec"), vars(module), made)  # noqa: S102
    monkeypatch.setattr(module, name, made[name])


@pytest.mark.proof("backlog")
def test_whatever_happens_to_workers_each_verification_is_decided_once(
    monkeypatch: pytest.MonkeyPatch,
    proof_scale: float,
    proof_seed: int,
    proof_figures: dict[str, object],
) -> None:
    stories = max(2, round(_STORIES * proof_scale))
    play_some(monkeypatch, seed=proof_seed, stories=stories)
    proof_figures["stories of faults, 5 verifications each"] = stories


@pytest.mark.proof("backlog")
@pytest.mark.parametrize(
    "name",
    [
        name if name == "the fence is not asked" else pytest.param(name, marks=pytest.mark.whole)
        for name in MUTANTS
    ],
)
def test_the_story_tells_a_mutant(
    name: str, monkeypatch: pytest.MonkeyPatch, proof_seed: int
) -> None:
    change(monkeypatch, *MUTANTS[name])
    # A worker refuses a case that lacks an entry which its row counts.
    with pytest.raises((AssertionError, EvidenceUnreadable)):
        play_some(monkeypatch, seed=proof_seed, stories=10)


def play_some(monkeypatch: pytest.MonkeyPatch, *, seed: int, stories: int) -> None:
    """So many stories, until one is not as it must be."""
    for number in range(seed, seed + stories):
        play(number, monkeypatch)


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bell is rung."""
    monkeypatch.setattr(SEND_TASK, lambda *_, **__: None)


def feeding_worker(*, pool: TaskPool | None = None, concurrency: int = 1) -> Any:
    """A worker as Celery gives it to the feeder."""
    return SimpleNamespace(app=celery.app, concurrency=concurrency, hostname="here", pool=pool)


class InsecureJob:
    """What a pool says of a job; never more than whether it is done."""

    def __init__(self, *, is_done: bool) -> None:
        """As it will stay."""
        self._is_done = is_done

    def ready(self) -> bool:
        """Whether it is done."""
        return self._is_done


class InsecurePool(TaskPool):
    """A pool that is told of jobs and does none; `is_quick`: it says that they are done all the
    same.
    """

    def __init__(self, *, is_quick: bool = True) -> None:
        """No jobs yet."""
        self.jobs: list[str] = []
        self._is_quick = is_quick

    def apply_async(self, target: Any, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Takes the job."""
        self.jobs.append(args[3][0][0])
        return InsecureJob(is_done=self._is_quick)


@pytest.mark.proof("backlog")
@pytest.mark.parametrize(
    "is_mutant", [False, True], ids=["the feeder", "its mutant that looks only when rung"]
)
def test_a_due_row_is_found_within_two_seconds_without_a_bell(
    issued: Any, trusted: Any, monkeypatch: pytest.MonkeyPatch, *, is_mutant: bool
) -> None:
    if is_mutant:
        monkeypatch.setattr(policy, "LOOK_SECONDS", 1000)
    worker = feeding_worker(pool=InsecurePool(), concurrency=2)
    feeder = feeding.Feeder(worker)
    feeder.start(worker)
    try:
        feeding._rung.wait(0.5)  # its first look is over
        story = signed(issued)
        deadline = 2.0
        while deadline > 0 and story.id not in worker.pool.jobs:
            feeder._is_over.wait(0.1)
            deadline -= 0.1
        assert (story.id in worker.pool.jobs) is not is_mutant
    finally:
        feeder.close(worker)


@pytest.mark.proof("backlog")
@pytest.mark.parametrize("queue_of_all", [policy.AWAITED_QUEUE, "default"])
@pytest.mark.usefixtures("silence")
def test_a_worker_hands_each_child_one_step_and_gives_back_what_it_had_only_reserved(
    queue_of_all: str,
) -> None:
    stories = due(lender(), seed=0, verifications=6)
    Verification.objects.update(queue=queue_of_all)
    worker = feeding_worker(pool=InsecurePool(is_quick=False), concurrency=2)
    feeder = feeding.Feeder(worker)
    feeder.start(worker)
    try:
        wait_for(lambda: len(worker.pool.jobs) == 2, what="a step for each child", seconds=10)
        in_hand = Verification.objects.filter(reserved_until__gt=clock.now())
        assert in_hand.count() > 2, "a batch is reserved"
    finally:
        feeder.close(worker)
    assert set(in_hand.values_list("pk", flat=True)) == set(worker.pool.jobs)
    assert {story.row().faults for story in stories} == {0}


@pytest.mark.proof("backlog")
@pytest.mark.usefixtures("silence")
def test_each_batch_begins_with_another_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [story.id for story in due(lender(), seed=0, verifications=20)]
    Verification.objects.filter(pk__in=rows[:10]).update(queue="default")
    Verification.objects.filter(pk__in=rows[10:]).update(queue="eds")
    worker, queues = feeding_worker(), ["default", "eds"]
    feeder, batches = feeding.Feeder(worker), list[set[str]]()
    for _ in range(4):
        feeder._hand.clear()
        assert feeder._look(worker, queues)
        found = Verification.objects.filter(pk__in=feeder._hand)
        batches.append(set(found.values_list("queue", flat=True)))
    assert batches == [{"default"}, {"eds"}, {"default"}, {"eds"}]


@pytest.mark.proof("backlog")
@pytest.mark.usefixtures("silence")
def test_what_a_person_waits_for_is_begun_before_what_is_in_hand_and_leaves_the_others_a_fourth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [story.id for story in due(lender(), seed=0, verifications=12)]
    awaited, others = rows[4:], rows[:4]
    Verification.objects.filter(pk__in=awaited).update(queue="storage")  # no worker serves it yet
    queues = [name for name in policy.QUEUES if name != "storage"]
    worker = feeding_worker(pool=InsecurePool())
    feeder = feeding.Feeder(worker)
    assert feeder._look(worker, queues)
    assert sorted(feeder._hand) == sorted(others)
    assert len(others) == policy.RESERVED_A_CHILD, "there is no room for more"
    Verification.objects.filter(pk__in=awaited).update(queue=policy.AWAITED_QUEUE)
    for _ in range(14):
        feeder._look(worker, queues)
        feeder._hand_out(worker)
    begun = worker.pool.jobs
    assert [row in awaited for row in begun[:8]] == [True, True, True, False] * 2
    assert set(begun) == set(rows), "and all are begun"


@pytest.mark.proof("backlog")
@pytest.mark.usefixtures("silence")
def test_a_worker_whose_clock_is_wrong_reserves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    due(lender(), seed=0, verifications=1)
    monkeypatch.setattr(clock, "is_right", lambda: False)
    worker = feeding_worker()
    assert not feeding.Feeder(worker)._look(worker, [*policy.QUEUES])
    assert not Verification.objects.exclude(reserved_until=None).exists()


@pytest.mark.proof("backlog")
@pytest.mark.usefixtures("silence")
def test_the_place_of_a_child_that_died_as_it_took_a_job_is_free_after_a_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "LEASE_SECONDS", 0.5)
    due(lender(), seed=0, verifications=2)
    worker = feeding_worker(pool=InsecurePool(is_quick=False))
    feeder = feeding.Feeder(worker)
    feeder.start(worker)
    try:
        wait_for(lambda: len(set(worker.pool.jobs)) == 2, what="the second step", seconds=20)
    finally:
        feeder.close(worker)


@pytest.mark.proof("backlog")
@pytest.mark.parametrize(
    ("pool", "queues", "said"),
    [(object(), policy.QUEUES, "Leave out --pool"), (InsecurePool(), (), "Give -Q some of")],
    ids=["another pool", "no queue"],
)
def test_a_worker_that_could_do_nothing_does_not_start(
    pool: object, queues: tuple[str, ...], said: str
) -> None:
    left = SimpleNamespace(queues=SimpleNamespace(consume_from=dict.fromkeys(queues)))
    app = SimpleNamespace(tasks=celery.app.tasks, amqp=left)
    worker = SimpleNamespace(app=app, concurrency=1, hostname="here", pool=pool)
    with pytest.raises(SystemExit, match=said):
        feeding.Feeder(worker).start(worker)


# Lenders come in turn: a lender with many borrowers at once does not make others wait for all.


def due_of_lender(number: int, *, many: int, queues: tuple[str, ...] = ("default",)) -> str:
    """A lender, to so many of whose verifications a judgement is owed in these queues, in turn;
    their id.
    """
    of = lender(number=10 * number)
    for each in range(many):
        story = begin(of, f"T-{number}-{each}")
        story.answer(agreed=False, version=CURRENT, language="ru")
        Verification.objects.filter(pk=story.id).update(queue=queues[each % len(queues)])
    return str(of.pk)


def reserved(limit: int) -> list[list[str]]:
    """The lenders of each batch, until nothing is left."""
    of = dict(Verification.objects.values_list("pk", "lender_id"))
    batches, after = list[list[str]](), dict[str, str]()
    while True:
        ids, after = queue.reserve(policy.QUEUES, limit=limit, at=clock.now(), last_lenders=after)
        if not ids:
            return batches
        batches.append([of[row_id] for row_id in ids])


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_no_lender_waits_for_more_than_a_batch_of_each_other(limit: int) -> None:
    many = {
        due_of_lender(number, many=number_due): number_due
        for number, number_due in enumerate((13, 1, 2, 7), start=1)
    }
    rows = [lender_id for batch in reserved(limit) for lender_id in batch]
    assert {lender_id: rows.count(lender_id) for lender_id in many} == many
    for lender_id, others in ((one, set(many) - {one}) for one in many):
        at = [place for place, owner in enumerate(rows) if owner == lender_id]
        # Before its first, and between each two. A batch may end with one of a lender and the next
        # begin behind it.
        for start, end in zip([-1, *at], at, strict=False):
            between = rows[start + 1 : end]
            assert all(between.count(other) <= limit for other in others), (rows, lender_id)


def test_the_turn_of_one_queue_passes_over_no_lender_in_another() -> None:
    lonely = due_of_lender(1, many=1, queues=("eds",))
    many = [
        due_of_lender(2, many=6),
        due_of_lender(3, many=6, queues=("eds",)),
        due_of_lender(4, many=6, queues=("faces",)),
    ]
    of = dict(Verification.objects.values_list("pk", "lender_id"))
    queues, after, batches = [*policy.QUEUES], dict[str, str](), 0
    while True:
        ids, after = queue.reserve(queues, limit=2, at=clock.now(), last_lenders=after)
        batches += 1
        if lonely in {of[row_id] for row_id in ids}:
            break
        # A backlog: of the others as much is due again.
        Verification.objects.filter(lender__in=many).update(reserved_until=None)
        queues.append(queues.pop(0))  # as a worker does
        assert batches < 3 * len(queues)


def test_of_one_lender_the_longest_due_comes_first_and_the_turn_goes_round() -> None:
    first, second = sorted((due_of_lender(1, many=3), due_of_lender(2, many=1)))
    _, after = queue.reserve(policy.QUEUES, limit=1, at=clock.now())
    assert after == {"default": first}
    _, after = queue.reserve(policy.QUEUES, limit=1, at=clock.now(), last_lenders=after)
    assert after == {"default": second}
    oldest = (
        Verification.objects.filter(lender=first).order_by("due_at").values_list("pk", flat=True)
    )
    queue.give_back(list(Verification.objects.values_list("pk", flat=True)))
    again, after = queue.reserve(policy.QUEUES, limit=1, at=clock.now(), last_lenders=after)
    assert (list(again), after) == ([oldest[0]], {"default": first})


def test_a_look_that_leaves_nothing_due_begins_the_turns_anew() -> None:
    assert queue.reserve(policy.QUEUES, limit=4, at=clock.now(), last_lenders={"eds": "x"}) == (
        {},
        {},
    )
    due_of_lender(1, many=3)
    ids, after = queue.reserve(policy.QUEUES, limit=4, at=clock.now())
    assert (len(ids), after) == (3, {})


def test_a_row_that_another_worker_is_just_reserving_is_passed_over() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    due_of_lender(1, many=3)
    held, *others = Verification.objects.order_by("due_at").values_list("pk", flat=True)

    def look() -> list[str]:
        try:
            return list(queue.reserve(policy.QUEUES, limit=9, at=clock.now())[0])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Verification.objects.select_for_update().get(pk=held)
        assert pool.submit(look).result(timeout=10) == others


# What time, a broker or an unreadable row may do to the sweep, and what it must do all the
# same.


@pytest.mark.usefixtures("trusted")
@pytest.mark.embedded
def test_two_ticks_at_once_order_each_entry_once_and_ring_for_no_step(issued, monkeypatch):
    story = signed(issued)
    make_due(story)
    rung = []
    monkeypatch.setattr(SEND_TASK, lambda task, args, **_: rung.append((task, *args)))
    barrier = threading.Barrier(2)

    def tick(_):
        barrier.wait()
        sweep.run_round()

    in_parallel(tick, 2)
    sweep.run_round()
    assert rung == []
    assert story.row().step == "judge"
    leaves = AuditEntry.objects.filter(leaf__isnull=False).count()
    assert leaves == AuditEntry.objects.count()


@pytest.mark.usefixtures("trusted")
def test_an_unfinished_verification_expires_once():
    story = begin(lender())
    wait_until(story.row().expires_at)
    in_parallel(lambda _: swept(), 2)
    assert (story.row().status, story.row().code, decisions(story)) == (
        "expired",
        "verification_expired",
        1,
    )
    with pytest.raises(NotYourTurn):
        story.answer(agreed=True, version=CURRENT, language="kk")


@pytest.mark.usefixtures("trusted")
def test_a_row_of_a_route_that_is_gone_stops_nothing_else(settings, issued):
    gone, other = begin(lender()), begin(lender("Other", number=500))
    Verification.objects.filter(pk=gone.id).update(route="gone", step="judge", due_at=later(-9))
    Attempt.objects.filter(verification_id=gone.id).update(route="gone", status="judging")
    run_out(other)
    assert other.page().notice == "abandoned"
    assert not AuditEntry.objects.filter(leaf=None, type="verification.created").exists()
    assert gone.page().page == "wait"
    assert len(verifications.read_page(lender_id=gone.lender.pk, mode="test")["data"]) == 1
    make_due(gone)
    gone.work()  # by its entries nothing is owed
    assert (gone.row().status, gone.row().step, decisions(gone)) == ("requires_input", "", 0)


@pytest.mark.usefixtures("trusted")
def test_frames_that_stay_undestroyed_are_an_error_once_an_hour(caplog):
    story, other = begin(lender()), begin(lender("Other", number=500))
    for one, minutes in ((story, 61), (other, 59)):
        past = later(-60 * minutes)
        Verification.objects.filter(pk=one.id).update(
            status="verified", frames_until=past, step="destroy", due_at=past
        )
    for _ in range(2):
        sweep.run_round()
    told = [record.getMessage() for record in caplog.records if "frames" in record.getMessage()]
    assert told == [
        "sweep: 1 of test keep frames too long: check that a worker serves the queue storage"
    ]


@pytest.mark.usefixtures("trusted")
def test_a_log_that_cannot_be_signed_does_not_keep_rows_from_being_swept(settings):
    story = begin(lender())
    wait_until(story.row().expires_at)
    settings.TULGA_LOG_KEYS = {}
    swept()
    assert story.row().status == "expired"
