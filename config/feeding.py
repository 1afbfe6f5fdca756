"""Feeds a Celery worker's pool from the rows, with or without a broker. A message only makes it
look sooner.

1. `Feeder` is a step of the worker's blueprint, started after its pool and before its broker
   connection.
2. Its thread looks for due rows of the worker's queues: on a message, when a child is free, and
   every second.
3. It reserves some rows per child and hands the pool one step per job, only while a child is free;
   awaited steps come first. Celery does the rest: the process, the step's limits, its signals, the
   replacement of a dead child.
4. At the worker's end, reserved rows are given back at once, and begun steps finish.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Celery, Task, bootsteps
from celery.utils import uuid
from celery.worker.request import Request
from django.conf import settings
from django.db import Error, close_old_connections, connection
from kombu.message import Message

from config.pool import TaskPool
from verification import clock, transactions
from verification.access import subjects
from verification.case import policy
from verification.worker import identifying, queue, set_up
from verification.worker.pulse import WORKER, Heart

logger = logging.getLogger(__name__)

STEP, BELL = "verification.advance", "verification.bell"

_rung = threading.Event()
_looking = threading.Lock()
# A child must not be forked during a look: on SQLite it would inherit the locks of an open file,
# which belong to a process and not to a connection.
os.register_at_fork(
    before=_looking.acquire, after_in_parent=_looking.release, after_in_child=_looking.release
)


def hear(task: Task[Any, Any], app: Celery, consumer: Any, **_: Any) -> Callable[..., None]:
    """Celery's strategy for a wake-up message: the worker's own process takes it at once,
    without a child.
    """

    def take(message: Message, body: object, ack: Callable[..., None], *_: Any, **__: Any) -> None:
        _rung.set()
        ack(logger, consumer.connection_errors)

    return take


class Feeder(bootsteps.StartStopStep):
    """Hands due steps to the worker's pool, one step per job."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **more: Any) -> None:
        """Nothing runs yet; from now on messages arrive here."""
        super().__init__(worker, **more)
        worker.app.tasks[BELL].Strategy = "config.feeding:hear"
        self._awaited: deque[str] = (
            deque()
        )  # reserved, not yet with the pool: of the queue that is asked first
        self._hand: deque[str] = deque()  # the same, of all others
        self._in_a_row = 0  # steps of the first queue begun since one of the others
        self._turns: dict[str, str] = {}  # by queue, the last served lender
        self._running: dict[
            str, tuple[Any, float]
        ] = {}  # by task id, the pool's result to come, and its start
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, worker: Any) -> None:
        """Starts looking, until `stop`."""
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
        """The worker is about to end: no row is reserved any more, and reserved ones are given
        back.
        """
        self._is_over.set()
        _rung.set()
        if self._thread is not None:
            self._thread.join(timeout=policy.RESERVED_SECONDS)

    def stop(self, worker: Any) -> None:
        """The pool is closed by now, and finishes begun jobs."""
        self.close(worker)

    def _feed(self, worker: Any, queues: list[str]) -> None:
        heart = Heart(WORKER, Path(settings.TULGA_EVIDENCE_DIR), tuple(queues))
        while not self._is_over.is_set():
            _rung.clear()
            has_work = False
            try:
                if heart.is_due():
                    with self._looking_into_rows():
                        heart.beat()
                        set_up.keep()
                has_work = self._look(worker, queues)
                self._hand_out(worker)
            except Exception as fault:
                # The edge of a thread: an absent database must not end the only one that looks for
                # work.
                logger.warning("the queue could not be asked (%s)", type(fault).__name__)
            if not has_work or len(self._running) >= worker.concurrency:
                _rung.wait(policy.LOOK_SECONDS)
        reserved = [*self._awaited, *self._hand]
        try:
            with self._looking_into_rows():
                heart.stop()
                if reserved:
                    queue.give_back(reserved)
        except Error as error:
            logger.warning(
                "rows were not given back, others take them later (%s)", type(error).__name__
            )

    def _look(self, worker: Any, queues: list[str]) -> bool:
        """Reserves more rows; returns whether any are reserved.

        Awaited ones always: one row more per child. Others if at least half of the limit is free.
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
                    if is_roomy and subjects.QUEUE in served:
                        self._hand.extend(
                            identifying.reserve(limit=worker.concurrency, at=clock.now())
                        )
                    self._turns = last if is_roomy else {**self._turns, **last}
            if is_roomy:
                # The next look starts with another queue, so that none waits behind a long one.
                queues.append(queues.pop(0))
        return bool(self._awaited or self._hand)

    def _hand_out(self, worker: Any) -> None:
        # Drop finished jobs; a lost one's job is over when the pool says so. If a child died just
        # as it took a job, the pool never reports it: its place is free when such a step's lease
        # would end.
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
            # A job in the form that Celery makes of a message, without a broker.
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
            if result is None:  # the pool is closed and takes no more
                in_hand.appendleft(row_id)
                return
            self._in_a_row = self._in_a_row + 1 if is_first else 0
            logger.debug("step handed to the pool: %s", row_id)
            self._running[request.id] = (result, time.monotonic())

    @staticmethod
    @contextmanager
    def _looking_into_rows() -> Iterator[None]:
        """Blocks forks during the look, and while an SQLite file is open; a server's connection
        is safe.
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
    """A child has finished its job, whatever the result."""
    _rung.set()
