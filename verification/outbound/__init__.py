"""The only client for outgoing HTTP: one request, one bounded answer, whatever the other side does.

1. The name is resolved once and every address is checked; the connection uses one of them, with the
   name in SNI and Host.
2. TLS is verified against the name by the system's certificates.
3. No redirects, cookies, environment proxies or compressed bodies.
4. Bytes are counted as they are read: head, body and all others.
5. One deadline ends everything.

`send` serves threads, `send_async` asyncio loops; both take the same five steps.
httpx spells the request, and its engine, httpcore, carries it, without a client's cookies,
redirects and decoders.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final

import httpcore
import httpx

from verification.core.errors import Unavailable
from verification.outbound.addresses import LookUp
from verification.outbound.wires import Allowance, AsyncDialer, Dialer, start_resolving

_HEAD_BYTES: Final = 64 * 1024  # of an answer; ours: eight times the maximum of common servers
_HEADERS_MAX: Final = 100  # lines of a head; ours
_OK: Final = 200


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The time from the name's look-up to the last byte, and the size of the body."""

    seconds: float
    max_bytes: int


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request, its permitted destination, and the required answer.

    is_public_only: refuse private addresses.
    wants_whole: require status 200 and a complete plain body; otherwise accept any status and the
    body's beginning.
    """

    url: str = field(repr=False)
    limits: Limits
    is_public_only: bool
    wants_whole: bool
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    look_up: LookUp = socket.getaddrinfo


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status, and the body up to the agreed size, as sent.

    retry_after: that header of RFC 9110 §10.2.3 as sent, empty if absent.
    """

    status: int
    retry_after: str = ""
    body: bytes = field(repr=False)


def canonical_url(url: str) -> str:
    """The address as it is sent: no dot segments, no default port.

    A name that RFC 5891 refuses, such as `xn--i-7iq.ws`, could be stored and never called.

    Raises: `ValueError` if it has none.
    """
    try:
        parsed = httpx.URL(url)
        _ = parsed.host  # httpx validates a name when it reads it
        return str(parsed)
    except httpx.InvalidURL as error:
        raise ValueError("no address that can be called") from error


def send(request: Request) -> Answer:
    """The answer to a request, sent once.

    Raises: `Unavailable`, whose text does not reveal the address. Codes: timeout, name_unresolved,
    address_refused, connection_failed, tls_failed, answer_malformed, answer_refused,
    answer_too_long.
    """
    with _faults(request.limits):
        exchange = _Exchange(request)
        dialer = Dialer(exchange.allowance, exchange.resolving)
        with httpcore.ConnectionPool(
            _tls(ssl.get_default_verify_paths()), network_backend=dialer
        ) as pool:
            answer = pool.handle_request(exchange.asked)
            exchange.hear_head(answer)
            with suppress(*exchange.overlooked):
                for part in answer.iter_stream():
                    if not exchange.hear(part):
                        break
    return exchange.answer()


async def send_async(request: Request) -> Answer:
    """The same as `send`, in an asyncio loop."""
    with _faults(request.limits):
        exchange = _Exchange(request)
        dialer = AsyncDialer(exchange.allowance, exchange.resolving)
        async with (
            asyncio.timeout(request.limits.seconds),
            httpcore.AsyncConnectionPool(
                _tls(ssl.get_default_verify_paths()), network_backend=dialer
            ) as pool,
        ):
            answer = await pool.handle_async_request(exchange.asked)
            exchange.hear_head(answer)
            with suppress(*exchange.overlooked):
                async for part in answer.aiter_stream():
                    if not exchange.hear(part):
                        break
    return exchange.answer()


class _Exchange:
    """One request in progress, and the part of its answer received so far."""

    def __init__(self, request: Request) -> None:
        """Raises: httpx's errors for an address that it cannot spell."""
        self._request = request
        self._body = bytearray()
        self.allowance = Allowance(seconds=request.limits.seconds, read_bytes=_HEAD_BYTES)
        self.resolving = partial(
            start_resolving, is_public_only=request.is_public_only, look_up=request.look_up
        )
        # A body shorter than its head says does not matter to a caller of status and beginning.
        self.overlooked = () if request.wants_whole else (httpcore.RemoteProtocolError,)
        fixed = {
            "Accept-Encoding": "identity",
            "Connection": "close",
        }  # nothing compressed, no connection kept open
        headers = {"Accept": "*/*", **request.headers, **fixed}
        prepared = httpx.Request(request.method, request.url, headers=headers, content=request.body)
        url = prepared.url
        to = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        self.asked = httpcore.Request(
            request.method, to, headers=prepared.headers.raw, content=prepared.stream
        )

    def hear_head(self, answer: httpcore.Response) -> None:
        """Checks the head.

        Raises: `Unavailable`: answer_malformed, answer_refused, answer_too_long.
        """
        self._status, self._headers = answer.status, httpx.Headers(answer.headers)
        # Twice the body: chunks have a frame. An honest answer needs less.
        self.allowance.bytes_left += 2 * self._request.limits.max_bytes
        if len(answer.headers) > _HEADERS_MAX:
            raise Unavailable(
                f"the answer has more than {_HEADERS_MAX} headers", code="answer_malformed"
            )
        if not self._request.wants_whole:
            return
        if answer.status != _OK:  # includes redirects, whose target was never agreed
            raise Unavailable(f"status {answer.status}", code="answer_refused")
        if self._headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Unavailable(
                "the answer is compressed, which was not asked for", code="answer_refused"
            )
        # A malformed number is a ValueError, which becomes answer_malformed.
        if int(self._headers.get("Content-Length", 0)) > self._request.limits.max_bytes:
            raise self._too_long()

    def hear(self, part: bytes) -> bool:
        """Stores a part of the body; returns whether more is needed.

        Raises: `Unavailable` (answer_too_long).
        """
        self._body += part
        if not self._request.wants_whole:
            return len(self._body) < self._request.limits.max_bytes
        if len(self._body) > self._request.limits.max_bytes:
            raise self._too_long()
        return True

    def answer(self) -> Answer:
        """The answer received."""
        return Answer(
            status=self._status,
            retry_after=self._headers.get("Retry-After", ""),
            body=bytes(self._body[: self._request.limits.max_bytes]),
        )

    def _too_long(self) -> Unavailable:
        longest = self._request.limits.max_bytes
        return Unavailable(f"the answer is longer than {longest} bytes", code="answer_too_long")


@contextmanager
def _faults(limits: Limits) -> Iterator[None]:
    """Turns errors of the network, TLS and HTTP into `Unavailable`."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException):
        raise Unavailable(f"no whole answer within {limits.seconds:g} s", code="timeout") from None
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpx.InvalidURL,
        OSError,
        ValueError,
    ) as error:
        root: BaseException = error  # of wrapping errors, some claim to have no cause
        while cause := root.__cause__ or root.__context__:
            root = cause
        code = (
            "answer_malformed"
            if isinstance(error, httpcore.ProtocolError | ValueError)
            else "connection_failed"
        )
        if isinstance(root, TimeoutError):  # the system's own timeout, long before our deadline
            code = "timeout"
        if isinstance(root, ssl.SSLError):  # all else: OSError, and ValueError for a certificate
            code = "tls_failed"
        # Only the error's type is reported: its text may contain the address with its query.
        raise Unavailable(type(root).__name__, code=code) from None


@lru_cache(maxsize=1)
def _tls(_trusted: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    # Cached, because reading the system's certificates is slow: the process keeps its first set
    # while the paths stay.
    return ssl.create_default_context()
