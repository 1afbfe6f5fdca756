"""The pool of a worker: a child that is killed while it waits takes nothing with it."""

import os
import signal
from typing import Any

import pytest
from celery import concurrency

from config import celery
from config.pool import FileLock
from insecure_sandbox.demo.processes import wait_until


def test_a_lock_ends_with_its_holder() -> None:
    lock = FileLock()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        lock.acquire()
        os.write(writer, b"held")
        signal.pause()
    os.read(reader, 4)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with lock:
        pass
    os.close(reader)
    os.close(writer)


@pytest.mark.rabbitmq
@pytest.mark.service  # it takes the pool a second to see that a child is gone
def test_children_that_are_killed_while_they_wait_leave_a_pool_that_works() -> None:
    ours: Any = concurrency.get_implementation(celery.app.conf.worker_pool)
    pool: Any = ours.BlockingPool(2, threads=True)
    try:
        assert pool.apply_async(os.getpid).get(timeout=20) in {child.pid for child in pool._pool}
        first = {child.pid for child in pool._pool}
        for child in first:
            os.kill(child, signal.SIGKILL)
        wait_until(
            lambda: len({child.pid for child in pool._pool} - first) == 2, what="others", seconds=20
        )
        assert pool.apply_async(os.getpid).get(timeout=20) in {child.pid for child in pool._pool}
    finally:
        pool.terminate()
        pool.join()
