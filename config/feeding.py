"""Feeds a Celery worker's own pool from the rows, whether a broker lives or not. The bell only
makes it look sooner.

1. `Feeder` is a step of the worker's blueprint, started after its pool and before it connects to a
  broker.
2. Its thread looks for due rows of the worker's queues: when a bell rings, when a child is free,
  and every second.
3. It reserves some rows for each child and hands the pool one step a job, only while a child is
   free; first what a person waits for. Celery does the rest: the process, the limits of the step,
   its signals, the replacement of a child that died.
4. When the worker ends, what was reserved and not started is given back at once, and what has begun
  is finished.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery, Task, bootsteps
from celery.utils import uuid
from celery.worker.request import Request
from django.db import Error, close_old_connections, connection
from kombu.message import Message

from config.pool import TaskPool
from verification import clock, transactions
from verification.case import policy
from verification.worker import queue

logger = logging.getLogger(__name__)

STEP, BELL = "verification.advance", "verification.bell"

_rung = threading.Event()
_looking = threading.Lock()
# A child must not be forked in the middle of a look: on SQLite it would take over the locks of an
# open file, which are a process's and not a connection's, and believe that it held them.
os.register_at_fork(
    before=_looking.acquire, after_in_parent=_looking.release, after_in_child=_looking.release
)


def hear(task: Task[Any, Any], app: Celery, consumer: Any, **_: Any) -> Callable[..., None]:
    """Celery's strategy for a bell: it is taken in the worker's own process, at once, and no child
    hears of it.
    """

    def take(message: Message, body: object, ack: Callable[..., None], *_: Any, **__: Any) -> None:
        _rung.set()
        ack(logger, consumer.connection_errors)

    return take


class Feeder(bootsteps.StartStopStep):
    """Hands due steps to the worker's pool, one step a job."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **more: Any) -> None:
        """Nothing runs yet; from now on bells are heard here."""
        super().__init__(worker, **more)
        worker.app.tasks[BELL].Strategy = "config.feeding:hear"
        self._awaited: deque[str] = (
            deque()
        )  # reserved, not yet with the pool: of the queue that is asked first
        self._hand: deque[str] = deque()  # the same, of all others
        self._in_a_row = 0  # begun of the first since one of the others was
        self._turns: dict[str, str] = {}  # by queue the lender whose turn was last
        self._running: dict[
            str, tuple[Any, float]
        ] = {}  # by task id, what the pool will say of it, and since when
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, worker: Any) -> None:
        """Begins to look; from now on until `stop`."""
        if not isinstance(worker.pool, TaskPool):
            raise SystemExit(
                "Tulga does not start: steps need processes with limits.\nLeave out --pool (-P)."
            )
        queues = [name for name in worker.app.amqp.queues.consume_from if name in policy.QUEUES]
        if not queues:
            raise SystemExit(
                "Tulga does not start: no queue is left.\nGive -Q some of:"
                f" {', '.join(policy.QUEUES)}"
            )
        self._thread = threading.Thread(
            target=self._feed, args=(worker, queues), name="feeder", daemon=True
        )
        self._thread.start()

    def close(self, worker: Any) -> None:
        """The worker is about to end: nothing more is taken in hand, and what was is given back."""
        self._is_over.set()
        _rung.set()
        if self._thread is not None:
            self._thread.join(timeout=policy.RESERVED_SECONDS)

    def stop(self, worker: Any) -> None:
        """The pool has been closed by now, and finishes what has begun."""
        self.close(worker)

    def _feed(self, worker: Any, queues: list[str]) -> None:
        while not self._is_over.is_set():
            _rung.clear()
            has_work = False
            try:
                has_work = self._look(worker, queues)
                self._hand_out(worker)
            except Exception as fault:
                # The edge of a thread: a database that is away must not end the only one that looks
                # for work.
                logger.warning("the queue could not be asked (%s)", type(fault).__name__)
            if not has_work or len(self._running) >= worker.concurrency:
                _rung.wait(policy.LOOK_SECONDS)
        if self._awaited or self._hand:
            try:
                with self._looking_into_rows():
                    queue.give_back([*self._awaited, *self._hand])
            except Error as error:
                logger.warning(
                    "rows were not given back, others take them later (%s)", type(error).__name__
                )

    def _look(self, worker: Any, queues: list[str]) -> bool:
        """Takes more rows in hand; whether any are.

        What is awaited always: one row more a child. The others where there is room for half of
            what may be in hand.
        """
        most = policy.RESERVED_A_CHILD * worker.concurrency
        room = most - len(self._awaited) - len(self._hand) - len(self._running)
        served = [name for name in queues if name == policy.AWAITED_QUEUE]
        if is_roomy := 2 * room >= most:
            served += [name for name in queues if name != policy.AWAITED_QUEUE]
        else:
            room = worker.concurrency - len(self._awaited)
        if served and room > 0:
            with self._looking_into_rows():
                if clock.is_right():
                    reserved, last = queue.reserve(
                        served, limit=room, at=clock.now(), last_lenders=self._turns
                    )
                    for row_id, name in reserved.items():
                        (self._awaited if name == policy.AWAITED_QUEUE else self._hand).append(
                            row_id
                        )
                    self._turns = last if is_roomy else {**self._turns, **last}
            if is_roomy:
                # The next begins with another queue, so that none waits behind a long one.
                queues.append(queues.pop(0))
        return bool(self._awaited or self._hand)

    def _hand_out(self, worker: Any) -> None:
        # What a child has done with; a lost one's job is over when the pool says so. Of a child
        # that died just as it took a job the pool never says anything: its place is free when the
        # lease of such a step would be over.
        long_ago = time.monotonic() - policy.LEASE_SECONDS
        running = self._running.items()
        self._running = {
            id_: (job, at) for id_, (job, at) in running if not job.ready() and at > long_ago
        }
        while len(self._running) < worker.concurrency and not self._is_over.is_set():
            is_first = bool(self._awaited) and not (
                self._hand and self._in_a_row >= policy.AWAITED_IN_A_ROW
            )
            in_hand = self._awaited if is_first else self._hand
            if not in_hand:
                return
            row_id = in_hand.popleft()
            # A job as Celery makes it of a message; this one never was in a broker.
            body: Any = ((row_id,), {}, {})
            headers: Any = {"id": uuid(), "task": STEP}
            request = Request(
                Message(body=body, headers=headers),
                on_ack=_free,
                on_reject=_free,
                app=worker.app,
                hostname=worker.hostname,
                task=worker.app.tasks[STEP],
                body=body,
                headers=headers,
                decoded=True,
            )
            result = request.execute_using_pool(worker.pool)
            if result is None:  # the pool has closed: it takes no more
                in_hand.appendleft(row_id)
                return
            self._in_a_row = self._in_a_row + 1 if is_first else 0
            logger.debug("step handed to the pool: %s", row_id)
            self._running[request.id] = (result, time.monotonic())

    @staticmethod
    @contextmanager
    def _looking_into_rows() -> Iterator[None]:
        """No child is forked meanwhile, nor while a file of SQLite's is open; a server's connection
        is not harmed.
        """
        with _looking:
            close_old_connections()
            try:
                with transactions.running(scope=transactions.ALL):
                    yield
            finally:
                if connection.vendor == "sqlite":
                    connection.close()


def _free(*_: object) -> None:
    """A child is done with its job, whatever came of it."""
    _rung.set()
