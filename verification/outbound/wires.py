"""Connections to checked addresses with a deadline, for httpcore, in threads and in loops.

A name is resolved once, and every address checked. Connections use such an address and never the
name, because a second look-up could give another one.
httpcore's timeouts are ignored: one deadline and one byte allowance bound a whole exchange.
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
# Minimum bytes that a read counts as. Byte-by-byte senders cost processor time: measured, 3.6 s of
# it in one exchange of 15 s; with this, 0.1 s.
_READ_BYTES_MIN: Final = 64

_Resolving = Callable[[str, int], Future[list[str]]]
_Options = Iterable[httpcore.SOCKET_OPTION] | None


def start_resolving(
    host: str, port: int, *, is_public_only: bool, look_up: LookUp
) -> Future[list[str]]:
    """The checked addresses of a name, as a future to await until a deadline, in a thread or a
    loop.

    A system's look-up cannot be cancelled. So it has its own thread, which is abandoned if late: it
    holds no connection, and ends when the system gives up.

    Raises: `Unavailable` on waiting: name_unresolved, address_refused.
    """
    literals: Future[list[str]] = Future()
    # otherwise a loop that stops waiting would cancel it before the thread sets it
    literals.set_running_or_notify_cancel()
    arguments = (
        literals,
        partial(look_up, host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP),
        is_public_only,
    )
    # A daemon: a hanging look-up must not keep the process alive.
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
        # One private address among public ones refuses all: it is a bypass attempt.
        if is_public_only and not all(is_public(literal) for literal in checked):
            raise Unavailable(
                "the name leads to an address that is not public", code="address_refused"
            )
        literals.set_result(checked)
    except Unavailable as fault:
        literals.set_exception(fault)
    finally:
        if not literals.done():  # a fault of ours, which the thread prints
            literals.set_exception(ConnectionError("the look-up broke off"))


class Allowance:
    """The remaining budget of one exchange: time to its deadline, and bytes to read."""

    def __init__(self, *, seconds: float, read_bytes: int) -> None:
        """Both count from now on."""
        self._deadline = time.monotonic() + seconds
        self.bytes_left = read_bytes

    def seconds(self) -> float:
        """The remaining time.

        Raises: `TimeoutError` if no time is left.
        """
        # Monotonic: setting the clock neither ends nor extends an exchange.
        seconds_left = self._deadline - time.monotonic()
        if seconds_left <= 0:
            raise TimeoutError
        return seconds_left

    def cut(self, max_bytes: int) -> int:
        """The maximum size of the next read.

        Raises: `Unavailable` (answer_malformed) if no byte is left.
        """
        if self.bytes_left <= 0:
            raise Unavailable(
                "the answer has more bytes around its body than agreed", code="answer_malformed"
            )
        return min(max_bytes, self.bytes_left)

    def spend(self, read: bytes) -> bytes:
        """Counts the bytes; a small read counts as the minimum."""
        self.bytes_left -= max(len(read), _READ_BYTES_MIN)
        return read


@dataclass(eq=False)
class Wire(httpcore.NetworkStream):
    """A thread's socket, closed with the wire. Each wait lasts at most the rest of the exchange."""

    connected: socket.socket
    allowance: Allowance

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The received bytes, empty at the end."""
        # The wait is for one read; the rest shrinks with each, so a byte a second does not hold us.
        allowed = self.allowance.cut(max_bytes)
        self.connected.settimeout(self.allowance.seconds())
        return self.allowance.spend(self.connected.recv(allowed))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all of it."""
        unsent = memoryview(buffer)
        try:
            while unsent:  # not `sendall`, which over TLS restarts the time for each part
                self.connected.settimeout(self.allowance.seconds())
                unsent = unsent[self.connected.send(unsent) :]
        except OSError as error:  # httpcore then reads anyway: an early refusal may give the reason
            raise httpcore.WriteError from error

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same connection, secured; Python counts a handshake's time as a whole."""
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
        """Closes without TLS's close_notify, which would wait for the other side."""
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
                # Head and body are two writes: otherwise the second would wait for an
                # acknowledgement.
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return Wire(connected, self.allowance)
        raise failure


@dataclass(eq=False)
class AsyncWire(httpcore.AsyncNetworkStream):
    """A loop's connection. It limits the bytes; the caller limits the time by cancelling the
    exchange.
    """

    stream: httpcore.AsyncNetworkStream
    allowance: Allowance

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The received bytes, empty at the end."""
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
            # A cancelled handshake would leave the socket open in the loop.
            unless_secured.push_async_callback(self.aclose)
            secured = await self.stream.start_tls(ssl_context, server_hostname)
            unless_secured.pop_all()
        return AsyncWire(secured, self.allowance)

    async def aclose(self) -> None:
        """Closes without waiting for the other side."""
        await self.stream.aclose()


@dataclass(eq=False)
class AsyncDialer(httpcore.AsyncNetworkBackend):
    """Connects asyncio loops. `start_resolving`: as a `Dialer`'s."""

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
