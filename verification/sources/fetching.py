"""One bounded GET or POST. The other side may be slow, endless or hostile; we get bytes in time, or a fault."""

import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from socket import SHUT_RDWR, socket
from threading import Event, Lock, Thread
from typing import Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Url, parse_url

from verification.core.errors import Misconfigured, SourceUnavailable

_CHUNK_BYTES: Final = 64 * 1024  # one read; memory above the cap never exceeds this
_USER_AGENT: Final = "tulga"
_Connection = HTTPConnection | HTTPSConnection


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long, from the first step to the last byte, and how much one answer may be."""

    seconds: float
    max_bytes: int


def check_address(url: str) -> Url:
    """A configured address, taken apart. Raises `Misconfigured` unless it is plain http(s) without credentials."""
    try:
        address = parse_url(url)
    except LocationParseError as error:
        raise Misconfigured("a source's address cannot be read") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise Misconfigured("a source's address must start with http:// or https:// and name a host")
    if address.auth is not None:
        raise Misconfigured("a source's address must not carry credentials")
    return address


def fetch(url: str, *, source: str, limits: Limits) -> bytes:
    """The body of a GET answered with 200; never empty, never decoded, never from where a redirect points.

    `url` comes from the operator's configuration, never from a certificate or a request. Every failure is
    `SourceUnavailable(source, …)`, whose text has neither path nor query. What the bytes are is for checks to judge.
    """
    return _download(_Download(address=check_address(url), limits=limits), source=source)


def post_json(url: str, content: bytes, *, source: str, limits: Limits, headers: Mapping[str, str]) -> bytes:
    """The body of a POST of JSON answered with 200, under the same rules as `fetch`.

    It is sent once: whether it may be sent again is for the caller to know. `headers` are never told in a fault.
    """
    sent = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    asked = _Download(address=check_address(url), limits=limits, method="POST", content=content, headers=sent)
    return _download(asked, source=source)


def post_binary(url: str, content: bytes, *, media_type: str, source: str, limits: Limits) -> bytes:
    """The body of a POST of bytes of this type answered with 200, under the same rules as `fetch`. It is sent once."""
    sent = {"Content-Type": media_type, "Accept": "*/*"}
    asked = _Download(address=check_address(url), limits=limits, method="POST", content=content, headers=sent)
    return _download(asked, source=source)


def _download(download: "_Download", *, source: str) -> bytes:
    # A thread of its own, because no timeout of a socket bounds a whole answer: a host name that does not resolve,
    # or headers that drip byte by byte, keep every single read short. The thread is left behind and its socket shut.
    Thread(target=download.run, name=f"fetch-{source}", daemon=True).start()
    if not download.done.wait(download.limits.seconds):
        download.abandon()
        raise SourceUnavailable(source, download.silence)
    if download.failure or not download.body:
        raise SourceUnavailable(source, download.failure or "the answer is empty")
    return download.body


class _Oversize(Exception):
    """The answer is longer than agreed."""


class _UnusableAnswer(Exception):
    """The answer's head already says that it is of no use."""


@dataclass
class _Download:
    """One exchange in a thread that may be abandoned at any moment; read `body` and `failure` only after `done`."""

    address: Url
    limits: Limits
    method: str = "GET"
    content: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: {"Accept": "*/*"}, repr=False)
    done: Event = field(default_factory=Event)
    body: bytes = b""
    failure: str = "the download broke off"  # until the thread has come to an end of its own
    _lock: Lock = field(default_factory=Lock)
    _socket: socket | None = None
    _is_abandoned: bool = False

    @property
    def silence(self) -> str:
        """What is said of a source that took longer than it may, whoever noticed first."""
        return f"no whole answer within {self.limits.seconds:g} s"

    def run(self) -> None:
        """Thread body: downloads and always sets `done`."""
        try:
            self.body = self._ask()
            self.failure = ""
        except (_Oversize, _UnusableAnswer) as reason:
            self.failure = str(reason)
        # The socket's own clock ran out a moment before ours: the system's error, or urllib3's about it.
        except (TimeoutError, ReadTimeoutError):
            self.failure = self.silence
        # Only the kind of error is told: its text may hold the address, and with it a query.
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            self.failure = type(error).__name__
        finally:
            self.done.set()

    def abandon(self) -> None:
        """Nobody waits any more: shuts the socket, so that the thread ends."""
        with self._lock:
            self._is_abandoned = True
            if self._socket is not None:
                # Below TLS: the polite farewell of TLS would wait for the other side.
                with suppress(OSError):
                    socket.shutdown(self._socket, SHUT_RDWR)

    def _ask(self) -> bytes:
        connection = _connection_to(self.address, seconds=self.limits.seconds)
        try:
            connection.connect()
            self._hand_over(connection)
            return self._exchange(connection)
        finally:
            connection.close()

    def _hand_over(self, connection: _Connection) -> None:
        with self._lock:
            if self._is_abandoned:
                raise TimeoutError
            # The connection itself forgets its socket as soon as the answer's head says `Connection: close`.
            self._socket = connection.sock

    def _exchange(self, connection: _Connection) -> bytes:
        connection.request(
            self.method,
            self.address.request_uri,
            body=self.content,
            headers={**self.headers, "Accept-Encoding": "identity", "User-Agent": _USER_AGENT},
            preload_content=False,
        )
        response = connection.getresponse()
        _check_head(response, limits=self.limits)
        return _read_body(response, limits=self.limits)


def _connection_to(address: Url, *, seconds: float) -> _Connection:
    host = str(address.host).strip("[]")
    if address.scheme == "http":
        return HTTPConnection(host, address.port or 80, timeout=seconds)
    context = ssl.create_default_context()
    return HTTPSConnection(host, address.port or 443, timeout=seconds, ssl_context=context)


def _check_head(response: BaseHTTPResponse, *, limits: Limits) -> None:
    if response.status != 200:  # a redirect too: where it points was never configured
        raise _UnusableAnswer(f"status {response.status}")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _UnusableAnswer("the answer is compressed, which was not asked for")
    if int(response.headers.get("Content-Length") or 0) > limits.max_bytes:
        raise _Oversize(f"the answer is longer than {limits.max_bytes} bytes")


def _read_body(response: BaseHTTPResponse, *, limits: Limits) -> bytes:
    body = bytearray()
    while chunk := response.read(_CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) > limits.max_bytes:
            raise _Oversize(f"the answer is longer than {limits.max_bytes} bytes")
    return bytes(body)
