"""The seeded story of faults holds, and it is told by every mutant of the queue that it was
changed.
"""

import inspect
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from config import celery, feeding
from config.pool import TaskPool
from insecure_sandbox.demo.processes import wait_until
from tests.verification.stories.queue_story import SEND_TASK, due, play
from tests.verification.stories.story import lender, signed
from verification import clock, tasks
from verification.case import policy, steps
from verification.core.errors import EvidenceUnreadable
from verification.log import log
from verification.models import Verification
from verification.worker import queue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.proof("backlog")]

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


def test_whatever_happens_to_workers_each_verification_is_decided_once(
    monkeypatch: pytest.MonkeyPatch,
    proof_scale: float,
    proof_seed: int,
    proof_figures: dict[str, object],
) -> None:
    stories = max(2, round(_STORIES * proof_scale))
    play_some(monkeypatch, seed=proof_seed, stories=stories)
    proof_figures["stories of faults, 5 verifications each"] = stories


@pytest.mark.parametrize("name", MUTANTS)
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


@pytest.mark.parametrize(
    "is_mutant", [False, True], ids=["the feeder", "its mutant that looks only when rung"]
)
def test_a_due_row_is_found_within_two_seconds_though_nobody_rang(
    issued: Any, trusted: Any, monkeypatch: pytest.MonkeyPatch, *, is_mutant: bool
) -> None:
    if is_mutant:
        monkeypatch.setattr(policy, "LOOK_SECONDS", 1000)
    worker = SimpleNamespace(app=celery.app, concurrency=2, hostname="here", pool=InsecurePool())
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


def test_a_worker_hands_each_child_one_step_and_gives_back_what_it_had_only_reserved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SEND_TASK, lambda *_, **__: None)
    stories = due(lender(), seed=0, verifications=6)
    worker = SimpleNamespace(
        app=celery.app, concurrency=2, hostname="here", pool=InsecurePool(is_quick=False)
    )
    feeder = feeding.Feeder(worker)
    feeder.start(worker)
    try:
        wait_until(lambda: len(worker.pool.jobs) == 2, what="a step for each child", seconds=10)
        in_hand = Verification.objects.filter(reserved_until__gt=clock.now())
        assert in_hand.count() == 6, "a batch is reserved"
    finally:
        feeder.close(worker)
    assert set(in_hand.values_list("pk", flat=True)) == set(worker.pool.jobs)
    assert {story.row().faults for story in stories} == {0}


def test_each_batch_begins_with_another_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SEND_TASK, lambda *_, **__: None)
    rows = [story.id for story in due(lender(), seed=0, verifications=20)]
    Verification.objects.filter(pk__in=rows[:10]).update(queue="default")
    Verification.objects.filter(pk__in=rows[10:]).update(queue="eds")
    worker, queues = SimpleNamespace(app=celery.app, concurrency=1), ["default", "eds"]
    feeder, batches = feeding.Feeder(worker), list[set[str]]()
    for _ in range(4):
        feeder._hand.clear()
        assert feeder._look(worker, queues)
        found = Verification.objects.filter(pk__in=feeder._hand)
        batches.append(set(found.values_list("queue", flat=True)))
    assert batches == [{"default"}, {"eds"}, {"default"}, {"eds"}]


def test_what_a_person_waits_for_is_begun_before_what_is_in_hand_and_leaves_the_others_a_fourth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SEND_TASK, lambda *_, **__: None)
    rows = [story.id for story in due(lender(), seed=0, verifications=12)]
    awaited, others = rows[4:], rows[:4]
    Verification.objects.filter(pk__in=awaited).update(queue="storage")  # served by nobody yet
    queues = [name for name in policy.QUEUES if name != "storage"]
    worker = SimpleNamespace(app=celery.app, concurrency=1, hostname="here", pool=InsecurePool())
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


def test_a_worker_that_ends_gives_back_what_somebody_waits_for_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SEND_TASK, lambda *_, **__: None)
    due(lender(), seed=0, verifications=3)
    Verification.objects.update(queue=policy.AWAITED_QUEUE)
    worker = SimpleNamespace(
        app=celery.app, concurrency=1, hostname="here", pool=InsecurePool(is_quick=False)
    )
    feeder = feeding.Feeder(worker)
    feeder.start(worker)
    try:
        wait_until(lambda: bool(worker.pool.jobs), what="one step", seconds=10)
        wait_until(lambda: len(feeder._awaited) == 2, what="two in hand", seconds=10)
    finally:
        feeder.close(worker)
    assert Verification.objects.filter(reserved_until__gt=clock.now()).count() == 1


def test_before_there_is_any_row_there_is_nothing_to_reserve() -> None:
    assert queue.reserve(policy.QUEUES, limit=10, at=clock.now()) == ({}, {})


def test_a_worker_whose_clock_is_wrong_reserves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SEND_TASK, lambda *_, **__: None)
    due(lender(), seed=0, verifications=1)
    monkeypatch.setattr(clock, "is_right", lambda: False)
    worker = SimpleNamespace(app=celery.app, concurrency=1)
    assert not feeding.Feeder(worker)._look(worker, [*policy.QUEUES])
    assert not Verification.objects.exclude(reserved_until=None).exists()


def test_the_place_of_a_child_that_died_as_it_took_a_job_is_free_after_a_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SEND_TASK, lambda *_, **__: None)
    monkeypatch.setattr(policy, "LEASE_SECONDS", 0.5)
    due(lender(), seed=0, verifications=2)
    worker = SimpleNamespace(
        app=celery.app, concurrency=1, hostname="here", pool=InsecurePool(is_quick=False)
    )
    feeder = feeding.Feeder(worker)
    feeder.start(worker)
    try:
        wait_until(lambda: len(set(worker.pool.jobs)) == 2, what="the second step", seconds=20)
    finally:
        feeder.close(worker)


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


def test_a_child_whose_clock_is_wrong_claims_nothing_though_its_parent_reserved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SEND_TASK, lambda *_, **__: None)
    [story] = due(lender(), seed=0, verifications=1)
    now = timezone.now
    monkeypatch.setattr(clock, "_state", clock._State())
    monkeypatch.setattr(clock, "LEAP_SECONDS", 1)
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(minutes=10))
    tasks.advance(story.id)
    assert (story.row().step, story.row().faults) == ("judge", 0)
    monkeypatch.setattr(timezone, "now", now)
    tasks.advance(story.id)
    assert story.row().status == "declined"
