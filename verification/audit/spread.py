"""The pages of a log, looked at by several processes; what they find comes in the order of the pages."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from multiprocessing import get_context
from typing import TypeVar

from django.db import connections

from verification.audit.damaged import UNREADABLE

Page = TypeVar("Page")
Found = TypeVar("Found")
Look = Callable[[Page], Iterator[Found]]

_AHEAD = 2
"""Pages a process that wait to be looked at or to be told, so that memory does not grow with the log."""


def spread(look: Look[Page, Found], pages: Iterable[Page], *, processes: int) -> Iterator[Found]:
    """All that `look` finds on each page, as if one process had looked at them in turn, and its error where it came.

    More than one process needs committed rows: each has a connection of its own. A single page is looked at here.
    Raises `BrokenProcessPool` where a process was ended from outside.
    """
    if processes == 1:
        for page in pages:
            yield from look(page)
        return
    broken: list[Exception] = []
    rest = _until(broken, pages)
    begun = list(islice(rest, 2))
    if len(begun) < 2:
        yield from chain.from_iterable(map(look, begun))
    else:
        # None may stand on both sides of a fork, and all processes are forked at the first page.
        connections.close_all()
        pool = ProcessPoolExecutor(processes, mp_context=get_context("fork"))
        waiting: deque[Future[tuple[list[Found], list[Exception]]]] = deque()
        try:
            for page in chain(begun, rest):
                waiting.append(pool.submit(_gathered, look, page))
                if len(waiting) > _AHEAD * processes:
                    yield from _told(waiting.popleft())
            while waiting:
                yield from _told(waiting.popleft())
        finally:
            # Whoever stops listening half-way waits for no page that was not begun.
            pool.shutdown(cancel_futures=True)
    if broken:
        raise broken[0]


def _gathered(look: Look[Page, Found], page: Page) -> tuple[list[Found], list[Exception]]:
    broken: list[Exception] = []
    return list(_until(broken, look(page))), broken


def _told(page: Future[tuple[list[Found], list[Exception]]]) -> Iterator[Found]:
    found, broken = page.result()
    yield from found
    if broken:
        raise broken[0]


def _until(broken: list[Exception], these: Iterable[Found]) -> Iterator[Found]:
    """These, up to where they cannot be read on, for what was found before is told before the error."""
    try:
        yield from these
    except UNREADABLE as error:
        broken.append(error)
