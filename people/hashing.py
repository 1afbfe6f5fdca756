"""Passwords are hashed in a thread of their own, one at a time, and only few requests wait for it.

A hash takes a quarter of a second of a processor. If each request made its own, a few people who
sign in at once would take every thread and processor from the API.
"""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial

from django.contrib.auth.hashers import ScryptPasswordHasher

from people.policy import HASHING_NICENESS, HASHING_PLACES, NICENESS_MAX
from verification.core.errors import Unavailable

_places = threading.BoundedSemaphore(HASHING_PLACES)


@contextmanager
def place() -> Iterator[None]:
    """A place among the requests that hash or wait, for the body.

    Raises: `Unavailable` at once if all are taken.
    """
    if not _places.acquire(blocking=False):
        raise Unavailable("too many people sign in at once")
    try:
        yield
    finally:
        _places.release()


def _yield_to_others() -> None:
    # On Linux a priority is a thread's own. The process may be nice itself.
    thread = threading.get_native_id()
    with suppress(OSError):
        niceness = os.getpriority(os.PRIO_PROCESS, thread) + HASHING_NICENESS
        os.setpriority(os.PRIO_PROCESS, thread, min(niceness, NICENESS_MAX))


_thread = ThreadPoolExecutor(1, "hashing", initializer=_yield_to_others)


class PooledScryptHasher(ScryptPasswordHasher):
    """Django's scrypt, with the same stored form, in the thread."""

    def encode(
        self,
        password: str,
        salt: str,
        n: int | None = None,
        r: int | None = None,
        p: int | None = None,
    ) -> str:
        """The stored form of a password."""
        work = partial(super().encode, password, salt, n, r, p)
        return _thread.submit(work).result()
