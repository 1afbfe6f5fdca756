"""Connections to checked addresses that end in time, for httpcore: for threads, and the same for a
loop.

A name is looked up once, and every address checked. Who connects, connects to an address found here
and never to the
name: a second look-up could answer otherwise. The timeouts that httpcore hands over count for
nothing here: a whole exchange has one deadline, and what may be read.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Thread
from typing import Any, Final

import httpcore

from verification.core.errors import Unavailable
from verification.outbound.addresses import LookUp, is_public

_CONNECT_TRIES: Final = 3  # addresses of one name tried in one exchange
# Bytes that a read counts as at least. Who sends byte by byte buys our processor's time with them:
# measured, 3.6 s of it in one exchange of 15 s; so it is 0.1 s.
_READ_BYTES_MIN: Final = 64

_Resolving = Callable[[str, int], Future[list[str]]]
_Options = Iterable[httpcore.SOCKET_OPTION] | None


def start_resolving(
    host: str, port: int, *, is_public_only: bool, look_up: LookUp
) -> Future[list[str]]:
    """The addresses to connect to, checked, to be waited for until a deadline, in a thread or in a
    loop.

    Raises `Unavailable` where it is waited for: name_unresolved, address_refused. No system's
    look-up can be told to end. So it has a thread of its own, which is left behind if it is late:
    it holds no connection, and is over when the system gives the name up.
    """
    literals: Future[list[str]] = Future()
    # a loop that waits no more would cancel it, and the thread find it so
    literals.set_running_or_notify_cancel()
    arguments = (
        literals,
        partial(look_up, host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP),
        is_public_only,
    )
    # A daemon, for a look-up that hangs must not keep the process from ending.
    Thread(target=_resolve, args=arguments, name="look-up", daemon=True).start()
    return literals


def _resolve(
    literals: Future[list[str]], look_up: Callable[[], list[Any]], is_public_only: bool
) -> None:
    try:
        entries = []
        with suppress(OSError, UnicodeError):
            entries = look_up()
        checked = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        if not checked:
            raise Unavailable("the name has no address", code="name_unresolved")
        # One private address among public ones refuses all: such an answer is made to slip through.
        if is_public_only and not all(is_public(literal) for literal in checked):
            raise Unavailable(
                "the name leads to an address that is not public", code="address_refused"
            )
        literals.set_result(checked)
    except Unavailable as fault:
        literals.set_exception(fault)
    finally:
        if not literals.done():  # by a fault of ours, which the thread prints
            literals.set_exception(ConnectionError("the look-up broke off"))


class Allowance:
    """What one exchange may still use: time to its deadline, and bytes that are read, whatever they
    mean.
    """

    def __init__(self, *, seconds: float, read_bytes: int) -> None:
        """Both count from now on."""
        self._deadline = time.monotonic() + seconds
        self.bytes_left = read_bytes

    def seconds(self) -> float:
        """What is left of the time. Raises `TimeoutError` if nothing is."""
        # Monotonic: a clock that is set meanwhile neither ends an exchange nor gives it more time.
        seconds_left = self._deadline - time.monotonic()
        if seconds_left <= 0:
            raise TimeoutError
        return seconds_left

    def cut(self, max_bytes: int) -> int:
        """How many bytes the next read may ask for. Raises `Unavailable` (answer_malformed) if
        none.
        """
        if self.bytes_left <= 0:
            raise Unavailable(
                "the answer has more around its body than agreed", code="answer_malformed"
            )
        return min(max_bytes, self.bytes_left)

    def spend(self, read: bytes) -> bytes:
        """The same bytes, counted; a read of few counts as one of more."""
        self.bytes_left -= max(len(read), _READ_BYTES_MIN)
        return read


@dataclass(eq=False)
class Wire(httpcore.NetworkStream):
    """A socket of a thread, closed with the wire. Every wait on it is as long as what is left of
    the exchange.
    """

    connected: socket.socket
    allowance: Allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has come, nothing at the end."""
        # The wait is for one read; what is left shrinks with each, so a byte a second does not hold
        # us.
        allowed = self.allowance.cut(max_bytes)
        self.connected.settimeout(self.allowance.seconds())
        return self.allowance.spend(self.connected.recv(allowed))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all of it."""
        unsent = memoryview(buffer)
        try:
            while unsent:  # not `sendall`, which over TLS would begin the time anew with every part
                self.connected.settimeout(self.allowance.seconds())
                unsent = unsent[self.connected.send(unsent) :]
        except (
            OSError
        ) as error:  # httpcore then reads all the same: an early refusal may have said why
            raise httpcore.WriteError from error

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same connection, secured; Python counts the time of a handshake as a whole."""
        try:
            self.connected.settimeout(self.allowance.seconds())
            return Wire(
                ssl_context.wrap_socket(self.connected, server_hostname=server_hostname),
                self.allowance,
            )
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Closes without TLS's farewell, which would wait for the other side."""
        self.connected.close()


@dataclass(eq=False)
class Dialer(httpcore.NetworkBackend):
    """Connects threads. `start_resolving`: gives the checked addresses of a host and port."""

    allowance: Allowance
    start_resolving: _Resolving

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _Options = None,
    ) -> httpcore.NetworkStream:
        """A wire to the first checked address that answers."""
        literals = self.start_resolving(host, port).result(self.allowance.seconds())
        failure = OSError()
        for literal in literals[:_CONNECT_TRIES]:
            try:
                connected = socket.create_connection(
                    (literal, port), timeout=self.allowance.seconds()
                )
            except OSError as error:
                failure = error
            else:
                # Head and body are two writes: without this the second would wait for an
                # acknowledgement.
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return Wire(connected, self.allowance)
        raise failure


@dataclass(eq=False)
class AsyncWire(httpcore.AsyncNetworkStream):
    """A connection of a loop. It keeps to the bytes; the time is kept by the caller, who cancels
    the exchange.
    """

    stream: httpcore.AsyncNetworkStream
    allowance: Allowance

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has come, nothing at the end."""
        return self.allowance.spend(await self.stream.read(self.allowance.cut(max_bytes)))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all of it."""
        await self.stream.write(buffer)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """The same connection, secured."""
        async with AsyncExitStack() as unless_secured:
            # A handshake that is cancelled would leave the socket open, and in the loop for ever.
            unless_secured.push_async_callback(self.aclose)
            secured = await self.stream.start_tls(ssl_context, server_hostname)
            unless_secured.pop_all()
        return AsyncWire(secured, self.allowance)

    async def aclose(self) -> None:
        """Closes without waiting for the other side."""
        await self.stream.aclose()


@dataclass(eq=False)
class AsyncDialer(httpcore.AsyncNetworkBackend):
    """Connects loops of asyncio. `start_resolving`: as a `Dialer`'s."""

    allowance: Allowance
    start_resolving: _Resolving
    backend: httpcore.AsyncNetworkBackend = field(default_factory=httpcore.AnyIOBackend)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _Options = None,
    ) -> httpcore.AsyncNetworkStream:
        """A wire to the first checked address that answers."""
        literals = await asyncio.wrap_future(self.start_resolving(host, port))
        failure: Exception = OSError()
        for literal in literals[:_CONNECT_TRIES]:
            try:
                return AsyncWire(await self.backend.connect_tcp(literal, port), self.allowance)
            except httpcore.ConnectError as error:
                failure = error
        raise failure
