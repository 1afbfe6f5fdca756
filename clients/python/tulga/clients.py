"""The two clients, thin transports, and their common course of a call.

Retried: a lost answer, 409 `idempotency_in_progress`, and 429 and 503 with `Retry-After`. Nothing
else.
"""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import replace
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import httpx

from tulga.calls import VERSION, Call
from tulga.errors import Unreachable, problem
from tulga.fields import Record
from tulga.resources import Page

T = TypeVar("T")
# caller's errors: a retry cannot help
_FINAL = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


class Options(Record):
    """Maximum tries of one call, and the seconds between: `first`, doubled each time, up to
    `longest`.

    A server that asks for more than `longest` ends the call.
    timeout: seconds for each step of a try.
    insecure_http: allow the key unencrypted to another machine.
    """

    tries: int = 6
    first: float = 0.5
    longest: float = 30.0
    timeout: float = 30.0
    insecure_http: bool = False

    def wait(self, tries: int, *, asked_for: float, chance: float) -> float | None:
        """Seconds after so many tries, None at the end. `chance`: 0 up to 1, which spreads
        callers.
        """
        if tries >= self.tries or asked_for > self.longest:
            return None
        # At least half of it, to relieve a server in trouble; and never earlier than it requests.
        return asked_for + min(self.first * 2.0 ** (tries - 1), self.longest) * (1 + chance) / 2


class Course(Generic[T]):
    """One call from its first try to its end."""

    def __init__(self, call: Call[T], options: Options) -> None:
        self._call, self._options, self._tries = call, options, 0
        self._outcome: httpx.Response | httpx.RequestError | None = None

    def request(self) -> dict[str, Any]:
        """The arguments for httpx, the same at every try."""
        headers = {"Idempotency-Key": self._call.key} if self._call.method == "POST" else {}
        asked = {"params": self._call.query or None, "json": self._call.body}
        return {"method": self._call.method, "url": self._call.path, "headers": headers, **asked}

    def wait_after(self, outcome: httpx.Response | httpx.RequestError) -> float | None:
        """Seconds until the next try, None at the end."""
        self._tries, self._outcome = self._tries + 1, outcome
        asked_for, chance = _asked_for(outcome), random.random()  # noqa: S311
        return (
            None
            if asked_for is None
            else self._options.wait(self._tries, asked_for=asked_for, chance=chance)
        )

    def result(self) -> T:
        """The call's result.

        Raises: `Unreachable`, a `Problem` or `BadAnswer`.
        """
        answer = self._outcome
        if not isinstance(answer, httpx.Response):
            fault = type(answer).__name__  # its message may contain an address with its query
            raise Unreachable(
                f"{self._call.method} {self._call.path}: {fault} at try {self._tries}"
            ) from answer
        is_gone = (
            self._call.method == "DELETE" and self._tries > 1 and answer.status_code == 404
        )  # by a lost try
        if not answer.is_success and not is_gone:
            raise problem(answer)
        return self._call.read(answer.content)


def settings(url: str, key: str, options: Options) -> dict[str, Any]:
    """The arguments of either httpx client.

    Raises: `ValueError` for an address that must not get the key.
    """
    parts = urlsplit(url)
    may_be_plain = options.insecure_http or parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not parts.hostname or parts.scheme not in (["https", "http"] if may_be_plain else ["https"]):
        raise ValueError("the key is only sent to an https address")
    if not re.fullmatch(r"[\x21-\x7e]*", key):
        raise ValueError("this is not a key")
    headers = {
        "Authorization": f"Bearer {key}",
        "User-Agent": "tulga-client",
        "Tulga-Version": VERSION,
    }
    return {
        "base_url": url,
        "headers": headers,
        "timeout": options.timeout,
        "follow_redirects": False,
    }


def _asked_for(outcome: httpx.Response | httpx.RequestError) -> float | None:
    """The requested wait in seconds; None if the outcome ends the call."""
    if not isinstance(outcome, httpx.Response):
        return (
            0.0
            if isinstance(outcome, httpx.TransportError) and not isinstance(outcome, _FINAL)
            else None
        )
    told = None if outcome.is_success else problem(outcome)
    if told and (told.status, told.code) == (409, "idempotency_in_progress"):
        return told.retry_after or 0.0
    return told.retry_after if told and told.status in (429, 503) else None


class Client(AbstractContextManager["Client"]):
    """The API with one key, shareable by threads: `with Client(url, key) as client: …`."""

    def __init__(self, url: str, key: str, options: Options = Options()) -> None:  # noqa: B008
        self._http, self._options = httpx.Client(**settings(url, key, options)), options

    def send(self, call: Call[T]) -> T:
        """The result of a call, after as many tries as needed.

        Raises: `TulgaError`.
        """
        course = Course(call, self._options)
        while (seconds := course.wait_after(self._tried(course))) is not None:
            time.sleep(seconds)
        return course.result()

    def pages(self, call: Call[Page[T]]) -> Iterator[T]:
        """All items of a page and the following ones, each page requested when needed."""
        page = self.send(call)
        yield from page.data
        while page.has_more and page.next is not None:
            page = self.send(replace(call, query={**call.query, "after": page.next}))
            yield from page.data

    def close(self, *_: object) -> None:
        self._http.close()

    __exit__ = close

    def _tried(self, course: Course[T]) -> httpx.Response | httpx.RequestError:
        try:
            return self._http.request(**course.request())
        except httpx.RequestError as fault:
            return fault


class AsyncClient(AbstractAsyncContextManager["AsyncClient"]):
    """The same in a loop: `async with AsyncClient(url, key) as client: …`."""

    def __init__(self, url: str, key: str, options: Options = Options()) -> None:  # noqa: B008
        self._http, self._options = httpx.AsyncClient(**settings(url, key, options)), options

    async def send(self, call: Call[T]) -> T:
        course = Course(call, self._options)
        while (seconds := course.wait_after(await self._tried(course))) is not None:
            await asyncio.sleep(seconds)
        return course.result()

    async def pages(self, call: Call[Page[T]]) -> AsyncIterator[T]:
        page = await self.send(call)
        for one in page.data:
            yield one
        while page.has_more and page.next is not None:
            page = await self.send(replace(call, query={**call.query, "after": page.next}))
            for one in page.data:
                yield one

    async def close(self, *_: object) -> None:
        await self._http.aclose()

    __aexit__ = close

    async def _tried(self, course: Course[T]) -> httpx.Response | httpx.RequestError:
        try:
            return await self._http.request(**course.request())
        except httpx.RequestError as fault:
            return fault
