"""A worker's process pool in which a killed child does not block the others.

Billiard's children read jobs from one pipe and write results into another, each under a semaphore.
A child killed while it waits for a job, for example by the out-of-memory killer, never releases the
semaphore.
Then no other child, and no replacement, gets a job again, without a line in the log.
The kernel releases a file lock, however its holder ends.
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
        """The file has no name, and is open in every child forked from now on."""
        self._file = TemporaryFile()  # as long as the pool  # noqa: SIM115

    def acquire(self) -> None:
        """Waits until no process holds it."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def release(self) -> None:
        """Releases it."""
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Pool(pool.Pool):
    """Billiard's pool with locks that end with their child."""

    _inqueue: Any
    _outqueue: Any

    def _setup_queues(self) -> None:
        super()._setup_queues()  # type: ignore[misc]  # its types do not know what is private
        self._inqueue._rlock, self._outqueue._wlock = FileLock(), FileLock()


class TaskPool(prefork.TaskPool):
    """Celery's pool class around ours."""

    BlockingPool: Any = Pool
