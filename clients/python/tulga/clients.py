"""The two clients, thin transports, and their common course of a call.

Tried again, under the same Idempotency-Key: a lost or late answer, 429, 500, 502, 503, 504, and
409 `idempotency_in_progress`. A call that must not be repeated is tried again only if no server
can have begun it.
"""

import asyncio
import random
import re
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.parse import urlsplit

import httpx

from tulga import answers
from tulga.answers import Answer
from tulga.calls import VERSION, Call
from tulga.errors import Problem, Unreachable, Untrusted, problem
from tulga.fields import Record
from tulga.resources import Page

T = TypeVar("T")
File: TypeAlias = str | Path
Outcome: TypeAlias = httpx.Response | httpx.RequestError

# caller's errors: a retry cannot help
_FINAL = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
# no request has left this machine
_UNSENT = (*_FINAL, httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
# A proxy does not know what the server has done, and a 500 may come after the work.
_UNCERTAIN = frozenset({500, 502, 504})
# They come from the work itself, which the same key does not begin twice.
_DECIDED = frozenset({404, 409, 422})


class Options(Record):
    """How often and how long a client tries one call.

    tries: at most. total: seconds after which no try begins.
    first, longest: seconds. A wait is a random part of `first`, which doubles up to `longest`, on
    top of `Retry-After`. A server that asks for more than `longest` ends the call.
    timeout: seconds for each step of a try.
    insecure_http: allow the key unencrypted to another machine.
    """

    tries: int = 6
    first: float = 0.5
    longest: float = 30.0
    total: float = 120.0
    timeout: float = 30.0
    insecure_http: bool = False

    def wait(self, tries: int, *, elapsed: float, asked_for: float, chance: float) -> float | None:
        """Seconds after so many tries, None at the end.

        elapsed: seconds since the first try began. chance: 0 up to 1, which spreads callers.
        """
        if tries >= self.tries or asked_for > self.longest:
            return None
        most = min(self.first * 2.0 ** min(tries - 1, 60), self.longest)
        seconds = asked_for + most * chance
        return seconds if elapsed + seconds < self.total else None


class Certificate(Record):
    """The client's certificate for mutual TLS: PEM files, `chain` with its own first."""

    chain: File
    private_key: File
    password: str = field(default="", repr=False)


class Course(Generic[T]):
    """One call from its first try to its end."""

    def __init__(self, call: Call[T], options: Options) -> None:
        self._call, self._options, self._tries = call, options, 0
        self._began = time.monotonic()
        self._outcome: Outcome | None = None
        self._may_be_done = False

    def request(self) -> dict[str, Any]:
        """The arguments for httpx, the same at every try but for the time left."""
        headers = {"Accept": self._call.accept}
        if self._call.method == "POST" and self._call.key:
            headers["Idempotency-Key"] = self._call.key
        remaining = self._options.total - self._elapsed()
        return {
            "method": self._call.method,
            "url": self._call.path,
            "headers": headers,
            "params": self._call.query or None,
            "json": self._call.body,
            "timeout": max(0.001, min(self._options.timeout, remaining)),
        }

    def wait_after(self, outcome: Outcome) -> float | None:
        """Seconds until the next try, None at the end."""
        self._tries, self._outcome = self._tries + 1, outcome
        refusal = self._problem()
        may_be_done = self._call.method != "GET" and _may_be_done(outcome, refusal)
        self._may_be_done = self._may_be_done or may_be_done
        if not _is_transient(outcome, refusal) or (may_be_done and not self._call.is_repeatable):
            return None
        asked_for = refusal.retry_after or 0.0 if refusal else 0.0
        chance = random.random()  # noqa: S311
        return self._options.wait(
            self._tries, elapsed=self._elapsed(), asked_for=asked_for, chance=chance
        )

    def result(self) -> Answer[T]:
        """The call's result.

        Raises: `Unreachable`, a `Problem` or `BadAnswer`.
        """
        outcome = self._outcome
        if not isinstance(outcome, httpx.Response):
            fault = type(outcome).__name__  # its message may contain an address with its query
            kind = Untrusted if _is_untrusted(outcome) else Unreachable
            raise kind(
                f"{self._call.method} {self._call.path}: {fault} at try {self._tries}",
                may_be_done=self._may_be_done,
            ) from outcome
        refusal = self._problem()
        is_gone = (
            self._call.method == "DELETE" and self._may_be_done and outcome.status_code == 404
        )  # by a lost try
        if refusal and not is_gone:
            raise refusal
        headers = answers.read(outcome.status_code, outcome.headers, self._tries)
        return Answer(self._call.read(outcome.content), headers)

    def _problem(self) -> Problem | None:
        outcome = self._outcome
        if not isinstance(outcome, httpx.Response) or outcome.is_success:
            return None
        headers = answers.read(outcome.status_code, outcome.headers, self._tries)
        refusal = problem(outcome.content, headers)
        is_decided = headers.status in _DECIDED and not _is_in_progress(refusal)
        refusal.may_be_done = self._may_be_done and not is_decided
        return refusal

    def _elapsed(self) -> float:
        return time.monotonic() - self._began


def _lost(fault: httpx.RequestError | OSError) -> httpx.RequestError:
    """The fault as httpx names it: in a loop it lets faults of TLS pass as they are."""
    if isinstance(fault, httpx.RequestError):
        return fault
    lost = httpx.ReadError("")
    lost.__cause__ = fault
    return lost


def _is_in_progress(refusal: Problem | None) -> bool:
    return refusal is not None and refusal.code == "idempotency_in_progress"


def _is_transient(outcome: Outcome, refusal: Problem | None) -> bool:
    """Whether another try may go better."""
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in _TRANSIENT or (
            outcome.status_code == 409 and _is_in_progress(refusal)
        )
    is_lost = isinstance(outcome, httpx.TransportError | httpx.DecodingError)
    return is_lost and not isinstance(outcome, _FINAL) and not _is_untrusted(outcome)


def _may_be_done(outcome: Outcome, refusal: Problem | None) -> bool:
    """Whether the server may have done the work, or do it still."""
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in _UNCERTAIN or _is_in_progress(refusal)
    return not isinstance(outcome, _UNSENT)


def _is_untrusted(fault: BaseException | None) -> bool:
    """Whether a certificate of the server caused it."""
    while fault is not None and not isinstance(fault, ssl.SSLCertVerificationError):
        fault = fault.__cause__ or fault.__context__
    return fault is not None


def settings(
    url: str,
    key: str,
    options: Options,
    ca: File | ssl.SSLContext | None,
    certificate: Certificate | None,
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None,
) -> dict[str, Any]:
    """The arguments of either httpx client.

    Raises: `ValueError` for an address that must not get the key.
    """
    parts = urlsplit(url)
    if transport and (ca or certificate):
        raise ValueError("a transport does its own TLS: give it the authorities and certificate")
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
        "verify": _context(ca, certificate),
        # A proxy of the environment would read what is not encrypted.
        "trust_env": parts.scheme == "https",
    }


def _context(
    ca: File | ssl.SSLContext | None, certificate: Certificate | None
) -> ssl.SSLContext | bool:
    """The TLS of a client: its authorities, and its own certificate. True: what httpx trusts.

    Raises: `ValueError` for a context that trusts any server, `OSError` for an unreadable file.
    """
    if isinstance(ca, ssl.SSLContext):
        if ca.verify_mode is not ssl.CERT_REQUIRED or not ca.check_hostname:
            raise ValueError("this context would send the key to any server")
        if certificate:
            raise ValueError("load the certificate into the context")
        return ca
    if ca is None and certificate is None:
        return True
    context = httpx.create_ssl_context() if ca is None else ssl.create_default_context(cafile=ca)
    if certificate:
        # Without a password OpenSSL would ask for one at the terminal.
        context.load_cert_chain(
            certificate.chain, certificate.private_key, password=certificate.password
        )
    return context


class Client(AbstractContextManager["Client"]):
    """The API with one key, shareable by threads: `with Client(url, key) as client: …`.

    ca: the authorities to trust instead of the public ones: a PEM file, or an SSL context.
    certificate: of this client, if the server asks for one.
    transport: instead of the network, with its own TLS.
    """

    def __init__(
        self,
        url: str,
        key: str,
        options: Options = Options(),  # noqa: B008
        *,
        ca: File | ssl.SSLContext | None = None,
        certificate: Certificate | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        kept = settings(url, key, options, ca, certificate, transport)
        self._http, self._options = httpx.Client(**kept, transport=transport), options

    def send(self, call: Call[T]) -> T:
        """The result of a call, after as many tries as needed.

        Raises: `TulgaError`.
        """
        return self.answer(call).content

    def answer(self, call: Call[T]) -> Answer[T]:
        """The same with the headers: request id, replay, deprecation, limits.

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
        """Closes its connections."""
        self._http.close()

    __exit__ = close

    def _tried(self, course: Course[T]) -> Outcome:
        try:
            return self._http.request(**course.request())
        except (httpx.RequestError, OSError) as fault:
            return _lost(fault)


class AsyncClient(AbstractAsyncContextManager["AsyncClient"]):
    """The same in a loop: `async with AsyncClient(url, key) as client: …`."""

    def __init__(
        self,
        url: str,
        key: str,
        options: Options = Options(),  # noqa: B008
        *,
        ca: File | ssl.SSLContext | None = None,
        certificate: Certificate | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        kept = settings(url, key, options, ca, certificate, transport)
        self._http, self._options = httpx.AsyncClient(**kept, transport=transport), options

    async def send(self, call: Call[T]) -> T:
        """As `Client.send`."""
        return (await self.answer(call)).content

    async def answer(self, call: Call[T]) -> Answer[T]:
        """As `Client.answer`."""
        course = Course(call, self._options)
        while (seconds := course.wait_after(await self._tried(course))) is not None:
            await asyncio.sleep(seconds)
        return course.result()

    async def pages(self, call: Call[Page[T]]) -> AsyncIterator[T]:
        """As `Client.pages`."""
        page = await self.send(call)
        for one in page.data:
            yield one
        while page.has_more and page.next is not None:
            page = await self.send(replace(call, query={**call.query, "after": page.next}))
            for one in page.data:
                yield one

    async def close(self, *_: object) -> None:
        """Closes its connections."""
        await self._http.aclose()

    __aexit__ = close

    async def _tried(self, course: Course[T]) -> Outcome:
        try:
            return await self._http.request(**course.request())
        except (httpx.RequestError, OSError) as fault:
            return _lost(fault)
