"""A worker's pool of processes, in which a child that is killed keeps nothing from the others.

Billiard's children take jobs out of one pipe and answer into another, one at a time, by a semaphore
each. A child that is killed while it waits for a job, as the system does when memory is short,
never gives the semaphore back. Then no other child hears of a job again, nor does one that takes
its place, and no line of the log says so. The kernel gives back a lock on a file, however its
holder ends.
"""

import fcntl
from tempfile import TemporaryFile
from typing import Any

from billiard import pool
from celery.concurrency import prefork


class FileLock:
    """A lock between processes, not between threads of one (POSIX `F_SETLKW`). It ends with its
    holder.
    """

    def __init__(self) -> None:
        """The file has no name, and is open in every child that is forked from now on."""
        self._file = TemporaryFile()  # as long as the pool  # noqa: SIM115

    def acquire(self) -> None:
        """Waits until no process holds it."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        """Lets the next one have it."""
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Pool(pool.Pool):
    """Billiard's pool, with locks that outlive no child."""

    _inqueue: Any
    _outqueue: Any

    def _setup_queues(self) -> None:
        super()._setup_queues()  # type: ignore[misc]  # its types do not know what is private
        self._inqueue._rlock, self._outqueue._wlock = FileLock(), FileLock()


class TaskPool(prefork.TaskPool):
    """Celery's, around our pool."""

    BlockingPool: Any = Pool
