"""Distributes the pages of a log over several processes; findings come in page order."""

import gc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from itertools import chain, islice
from multiprocessing import get_context
from typing import Any, TypeVar

from django.db import connections

from verification.log.damaged import UNREADABLE

Page = TypeVar("Page")
Found = TypeVar("Found")
Look = Callable[[Page], Iterator[Found]]

_AHEAD = 2
"""Pages per process that may wait, so that memory does not grow with the log."""
_shared: ContextVar["_Pools | None"] = ContextVar("shared", default=None)


class _Pools:
    """The processes, started at the first page and by number: they keep their caches."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._pools: dict[int, ProcessPoolExecutor] = {}

    def begun(self, processes: int) -> ProcessPoolExecutor:
        if processes not in self._pools:
            # A connection must not exist on both sides of a fork, and all processes fork at the
            # first page.
            connections.close_all()
            # Freeze inherited objects: collecting them would copy the shared pages.
            pool = ProcessPoolExecutor(
                processes, mp_context=get_context("fork"), initializer=gc.freeze
            )
            self._stack.callback(pool.shutdown, cancel_futures=True)
            self._pools[processes] = pool
        return self._pools[processes]

    def close(self) -> None:
        self._stack.close()


@contextmanager
def together() -> Iterator[None]:
    """Spreads inside share their processes: each connects, and compiles its statements, once."""
    pools = _Pools()
    token = _shared.set(pools)
    try:
        yield
    finally:
        _shared.reset(token)
        pools.close()


def spread(look: Look[Page, Found], pages: Iterable[Page], *, processes: int) -> Iterator[Found]:
    """All results of `look` on each page in order, as if in one process, and its error at its page.

    Several processes need committed rows: each has its own connection. A single page is handled
    here.

    Raises: `BrokenProcessPool` if a process was killed from outside.
    """
    if processes == 1:
        for page in pages:
            yield from look(page)
        return
    broken: list[Exception] = []
    remaining = _until(broken, pages)
    begun = list(islice(remaining, 2))
    if len(begun) < 2:
        yield from chain.from_iterable(map(look, begun))
    else:
        waiting: deque[Future[tuple[list[Found], list[Exception]]]] = deque()
        with ExitStack() as stack:
            if (pools := _shared.get()) is None:
                pools = _Pools()
                stack.callback(pools.close)
            pool = pools.begun(processes)
            # A reader who stops early does not wait for pages not yet begun.
            stack.callback(_cancel, waiting)
            for page in chain(begun, remaining):
                waiting.append(pool.submit(_gathered, look, page))
                if len(waiting) > _AHEAD * processes:
                    yield from _findings(waiting.popleft())
            while waiting:
                yield from _findings(waiting.popleft())
    if broken:
        raise broken[0]


def _cancel(waiting: Iterable[Future[Any]]) -> None:
    for page in waiting:
        page.cancel()


def _gathered(look: Look[Page, Found], page: Page) -> tuple[list[Found], list[Exception]]:
    broken: list[Exception] = []
    return list(_until(broken, look(page))), broken


def _findings(page: Future[tuple[list[Found], list[Exception]]]) -> Iterator[Found]:
    findings, broken = page.result()
    yield from findings
    if broken:
        raise broken[0]


def _until(broken: list[Exception], these: Iterable[Found]) -> Iterator[Found]:
    """These results up to the first error, so that earlier ones are reported before it."""
    try:
        yield from these
    except UNREADABLE as error:
        broken.append(error)
