"""The one HTTP client for all who ask outside: one request, one bounded answer, whatever the other
side does.

1. The name is looked up once and every address checked; the connection goes to one of them, SNI and
  Host keep the name.
2. TLS is verified against the name by the system's certificates.
3. Nothing is followed, remembered or unpacked: no redirects, cookies, proxies of the environment,
  compressed bodies.
4. Bytes are counted as they are read: head, body and whatever else is sent.
5. All of it is over at one deadline. `send` is for threads, `send_async` for loops of asyncio; both
go the same five steps. httpx spells the request, and its
own engine, httpcore, carries it: cookies, redirects and decoders of a client have nothing to do
    here.
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

_HEAD_BYTES: Final = 64 * 1024  # of an answer; ours: eight times what common servers send at most
_HEADERS_MAX: Final = 100  # lines of a head; ours
_OK: Final = 200


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long, from the look-up of the name to the last byte, and how many bytes of a body."""

    seconds: float
    max_bytes: int


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is sent, where it may lead, and what is wanted.

    `is_public_only`: no private address is connected to. `wants_whole`: a plain body of a 200,
    whole, or a fault; without it any status will do, and of the body the beginning.
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
    """What came back: a status, and of the body at most what was agreed, as it was sent.

    `retry_after`: that header of RFC 9110 §10.2.3 as it was sent, empty for none.
    """

    status: int
    retry_after: str = ""
    body: bytes = field(repr=False)


def canonical_url(url: str) -> str:
    """The address as it is sent: no dot segments, no port that goes without saying. Raises
    `ValueError` if it has none.

    A name that RFC 5891 refuses, such as `xn--i-7iq.ws`, could be stored and never called.
    """
    try:
        parsed = httpx.URL(url)
        _ = parsed.host  # httpx judges a name as it reads it
        return str(parsed)
    except httpx.InvalidURL as error:
        raise ValueError("no address that can be called") from error


def send(request: Request) -> Answer:
    """The answer to a request, sent once. Raises `Unavailable`, whose text tells nothing of the
    address:

    timeout, name_unresolved, address_refused, connection_failed, tls_failed, answer_malformed,
    answer_refused, answer_too_long.
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
    """The same as `send`, in a loop of asyncio."""
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
    """One request on its way, and what has been heard of its answer."""

    def __init__(self, request: Request) -> None:
        """Raises what httpx raises for an address that it cannot spell."""
        self._request = request
        self._body = bytearray()
        self.allowance = Allowance(seconds=request.limits.seconds, read_bytes=_HEAD_BYTES)
        self.resolving = partial(
            start_resolving, is_public_only=request.is_public_only, look_up=request.look_up
        )
        # A body that is not as long as its head said: of no matter to who wants a status and the
        # beginning.
        self.overlooked = () if request.wants_whole else (httpcore.RemoteProtocolError,)
        fixed = {
            "Accept-Encoding": "identity",
            "Connection": "close",
        }  # nothing compressed, nothing kept open
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
        """Judges the head. Raises `Unavailable`: answer_malformed, answer_refused,
        answer_too_long.
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
        if answer.status != _OK:  # a redirect too: where it points was never agreed
            raise Unavailable(f"status {answer.status}", code="answer_refused")
        if self._headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Unavailable(
                "the answer is compressed, which was not asked for", code="answer_refused"
            )
        # What is no number is a ValueError, and so told as malformed.
        if int(self._headers.get("Content-Length", 0)) > self._request.limits.max_bytes:
            raise self._too_long()

    def hear(self, part: bytes) -> bool:
        """Keeps a part of the body; whether more is wanted. Raises `Unavailable`
        (answer_too_long).
        """
        self._body += part
        if not self._request.wants_whole:
            return len(self._body) < self._request.limits.max_bytes
        if len(self._body) > self._request.limits.max_bytes:
            raise self._too_long()
        return True

    def answer(self) -> Answer:
        """What was heard."""
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
    """Turns what the network, TLS and HTTP raise into `Unavailable`."""
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
        root: BaseException = error  # of the layers around it, some say that they have no cause
        while cause := root.__cause__ or root.__context__:
            root = cause
        code = (
            "answer_malformed"
            if isinstance(error, httpcore.ProtocolError | ValueError)
            else "connection_failed"
        )
        if isinstance(root, TimeoutError):  # the system's own, long before our deadline
            code = "timeout"
        if isinstance(
            root, ssl.SSLError
        ):  # whatever else: it is an OSError, and one of a certificate a ValueError
            code = "tls_failed"
        # Only the kind of error is told: its text may hold the address, and with it a query.
        raise Unavailable(type(root).__name__, code=code) from None


@lru_cache(maxsize=1)
def _tls(_trusted: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    # Kept, because reading the system's certificates takes longer than many an exchange: they are
    # those of the time when this process first asked, as long as they lie in the same place.
    return ssl.create_default_context()
