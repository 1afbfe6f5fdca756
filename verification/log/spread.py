"""The pages of a log, looked at by several processes; what they find comes in the order of the
pages.
"""

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
"""Pages a process that wait to be looked at or to be told, so that memory does not grow with the
log.
"""
_shared: ContextVar["_Pools | None"] = ContextVar("shared", default=None)


class _Pools:
    """The processes that look, begun at the first page and by number: what they have read once they
    keep.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._pools: dict[int, ProcessPoolExecutor] = {}

    def begun(self, processes: int) -> ProcessPoolExecutor:
        if processes not in self._pools:
            # No connection may stand on both sides of a fork, and all processes are forked at the
            # first page.
            connections.close_all()
            # What a process is born with is not searched for garbage: that would copy the pages it
            # shares.
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
    """What is spread within shares its processes: each connects, and compiles its statements,
    once.
    """
    pools = _Pools()
    token = _shared.set(pools)
    try:
        yield
    finally:
        _shared.reset(token)
        pools.close()


def spread(look: Look[Page, Found], pages: Iterable[Page], *, processes: int) -> Iterator[Found]:
    """All that `look` finds on each page, as if one process had looked at them in turn, and its
    error where it came.

    More than one process needs committed rows: each has a connection of its own. A single page is
    looked at here. Raises `BrokenProcessPool` where a process was ended from outside.
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
            # A reader who stops half-way waits for no page that was not begun.
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
    """These, up to where they cannot be read on, for what was found before is told before the
    error.
    """
    try:
        yield from these
    except UNREADABLE as error:
        broken.append(error)
