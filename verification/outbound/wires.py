"""Connections to checked addresses that end in time, and httpx over them: for threads, and the same for a loop.

The timeouts that httpcore hands over count for nothing here: a whole exchange has one deadline, and what may be read.
Each transport carries one exchange and forgets what nobody may act upon.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack
from functools import lru_cache
from typing import Final

import httpcore
import httpx

from verification.core.errors import Unavailable

_CONNECT_TRIES: Final = 3  # addresses of one name tried in one exchange
# Bytes that a read counts as at least. Who sends byte by byte buys our processor's time with them: measured, 3.6 s of
# it in one exchange of 15 s; so it is 0.1 s.
_READ_BYTES_MIN: Final = 64

_Resolving = Callable[[str, int], Future[list[str]]]
_Options = Iterable[httpcore.SOCKET_OPTION] | None
# A cookie, and where a redirect points: httpx would read both, though it keeps and follows neither.
_UNHEARD: Final = (b"set-cookie", b"location")


class Allowance:
    """What one exchange may still use: time to its deadline, and bytes that are read, whatever they mean."""

    def __init__(self, *, seconds: float, read_bytes: int) -> None:
        """Both count from now on."""
        self._deadline = time.monotonic() + seconds
        self._bytes = read_bytes

    def seconds(self) -> float:
        """What is left of the time. Raises `TimeoutError` if nothing is."""
        # Monotonic: a clock that is set meanwhile neither ends an exchange nor gives it more time.
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def raise_by(self, more_bytes: int) -> None:
        """Allows so many bytes more."""
        self._bytes += more_bytes

    def cut(self, wanted: int) -> int:
        """How many bytes the next read may ask for. Raises `Unavailable` (answer_malformed) if none."""
        if self._bytes <= 0:
            raise Unavailable("the answer has more around its body than agreed", code="answer_malformed")
        return min(wanted, self._bytes)

    def spend(self, read: bytes) -> bytes:
        """The same bytes, counted; a read of few counts as one of more."""
        self._bytes -= max(len(read), _READ_BYTES_MIN)
        return read


class Wire(httpcore.NetworkStream):
    """A socket of a thread. Every wait on it is as long as what is left of the exchange."""

    def __init__(self, connected: socket.socket, allowance: Allowance) -> None:
        """`connected`: it is closed with the wire."""
        self._socket = connected
        self._allowance = allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has come, nothing at the end."""
        # The wait is for one read; what is left shrinks with each, so a byte a second does not hold us.
        wanted = self._allowance.cut(max_bytes)
        self._socket.settimeout(self._allowance.seconds())
        return self._allowance.spend(self._socket.recv(wanted))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all of it."""
        rest = memoryview(buffer)
        try:
            while rest:  # not `sendall`, which over TLS would begin the time anew with every part
                self._socket.settimeout(self._allowance.seconds())
                rest = rest[self._socket.send(rest) :]
        except OSError as error:  # httpcore then reads all the same: whoever refuses early may have said why
            raise httpcore.WriteError from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection, secured; Python counts the time of a handshake as a whole."""
        try:
            self._socket.settimeout(self._allowance.seconds())
            return Wire(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname), self._allowance)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Closes without TLS's farewell, which would wait for the other side."""
        self._socket.close()


class Dialer(httpcore.NetworkBackend):
    """Connects threads."""

    def __init__(self, allowance: Allowance, start_resolving: _Resolving) -> None:
        """`start_resolving`: gives the checked addresses of a host and port."""
        self._allowance = allowance
        self._start_resolving = start_resolving

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _Options = None,
    ) -> httpcore.NetworkStream:
        """A wire to the first checked address that answers."""
        literals = self._start_resolving(host, port).result(self._allowance.seconds())
        failure = OSError()
        for literal in literals[:_CONNECT_TRIES]:
            try:
                connected = socket.create_connection((literal, port), timeout=self._allowance.seconds())
            except OSError as error:
                failure = error
            else:
                # Head and body are two writes: without this the second would wait for an acknowledgement.
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return Wire(connected, self._allowance)
        raise failure


class AsyncWire(httpcore.AsyncNetworkStream):
    """A connection of a loop. It keeps to the bytes; the time is kept by whoever cancels the exchange."""

    def __init__(self, plain: httpcore.AsyncNetworkStream, allowance: Allowance) -> None:
        """`plain`: it is closed with the wire."""
        self._plain = plain
        self._allowance = allowance

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has come, nothing at the end."""
        return self._allowance.spend(await self._plain.read(self._allowance.cut(max_bytes)))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all of it."""
        await self._plain.write(buffer)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """The same connection, secured."""
        async with AsyncExitStack() as unless_secured:
            # A handshake that is cancelled would leave the socket open, and in the loop for ever.
            unless_secured.push_async_callback(self.aclose)
            secured = await self._plain.start_tls(ssl_context, server_hostname)
            unless_secured.pop_all()
        return AsyncWire(secured, self._allowance)

    async def aclose(self) -> None:
        """Closes without waiting for the other side."""
        await self._plain.aclose()


class AsyncDialer(httpcore.AsyncNetworkBackend):
    """Connects loops of asyncio."""

    def __init__(self, allowance: Allowance, start_resolving: _Resolving) -> None:
        """`start_resolving`: gives the checked addresses of a host and port."""
        self._allowance = allowance
        self._start_resolving = start_resolving
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _Options = None,
    ) -> httpcore.AsyncNetworkStream:
        """A wire to the first checked address that answers."""
        literals = await asyncio.wrap_future(self._start_resolving(host, port))
        failure: Exception = OSError()
        for literal in literals[:_CONNECT_TRIES]:
            try:
                return AsyncWire(await self._plain.connect_tcp(literal, port), self._allowance)
            except httpcore.ConnectError as error:
                failure = error
        raise failure


@lru_cache(maxsize=1)
def _tls(_trusted: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    # Kept, because reading the system's certificates takes longer than many an exchange: they are those of the time
    # when this process first asked, as long as they lie in the same place.
    return ssl.create_default_context()


class Transport(httpx.BaseTransport):
    """For threads."""

    def __init__(self, network: httpcore.NetworkBackend) -> None:
        """`network`: who connects."""
        self._pool = httpcore.ConnectionPool(ssl_context=_tls(ssl.get_default_verify_paths()), network_backend=network)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The head of the answer, and its body as it comes."""
        return _heard(self._pool.handle_request(_spelled(request)))

    def close(self) -> None:
        """Ends the connection."""
        self._pool.close()


class AsyncTransport(httpx.AsyncBaseTransport):
    """For loops."""

    def __init__(self, network: httpcore.AsyncNetworkBackend) -> None:
        """`network`: who connects."""
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_tls(ssl.get_default_verify_paths()), network_backend=network
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The head of the answer, and its body as it comes."""
        return _heard(await self._pool.handle_async_request(_spelled(request)))

    async def aclose(self) -> None:
        """Ends the connection."""
        await self._pool.aclose()


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._answer.aiter_stream()

    def close(self) -> None:
        self._answer.close()

    async def aclose(self) -> None:
        await self._answer.aclose()


def _spelled(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
    )


def _heard(answer: httpcore.Response) -> httpx.Response:
    headers = [(name, value) for name, value in answer.headers if name.lower() not in _UNHEARD]
    return httpx.Response(answer.status, headers=headers, stream=_Body(answer))
