"""Servers on loopback that misbehave exactly as told, below HTTP: a test writes the bytes
itself.
"""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

Behaviour = Callable[[socket.socket], None]

OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def insecure_server(behave: Behaviour, *, reads_head: bool = True) -> Iterator[str]:
    """An address whose every connection is handed to `behave`, after the request's head was read if
    it is to be.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    Thread(target=_serve, args=(listener, behave, reads_head), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # shutdown wakes the blocked accept; close alone would not.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def whole(body: bytes, headers: bytes = b"") -> bytes:
    """A 200 with its length."""
    return OK + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


def answer(raw: bytes) -> Behaviour:
    """Writes these bytes and closes, once the other side has heard them: what is closed unread is
    reset.
    """

    def say(connection: socket.socket) -> None:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(20)
        with suppress(OSError):
            while connection.recv(65536):
                pass

    return say


def silent(connection: socket.socket) -> None:
    """Says nothing until the other side is gone."""
    connection.settimeout(20)
    while connection.recv(65536):
        pass


def dripping(raw: bytes) -> Behaviour:
    """Writes these bytes one by one, twenty a second."""

    def drip(connection: socket.socket) -> None:
        for byte in raw:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    return drip


def repeating(beginning: bytes, again: bytes) -> Behaviour:
    """Writes a beginning, and then the same without an end, as fast as it is read."""

    def repeat(connection: socket.socket) -> None:
        connection.sendall(beginning)
        while True:
            connection.sendall(again)

    return repeat


class Hall:
    """Keeps its guests waiting, and knows how many have come and gone."""

    def __init__(self, hello: bytes = b"") -> None:
        """`hello`: what everybody is told at first."""
        self.came = 0
        self.left = 0
        self._hello = hello
        self._changed = Event()

    def __call__(self, connection: socket.socket) -> None:
        """A behaviour."""
        self.came += 1
        with suppress(OSError):
            connection.sendall(self._hello)
            silent(connection)
        self.left += 1
        self._changed.set()

    def is_empty_again(self, *, seconds: float = 5.0) -> bool:
        """Whether all who came are gone, in time."""
        deadline = time.monotonic() + seconds
        while self.left < self.came and time.monotonic() < deadline:
            self._changed.wait(0.05)
            self._changed.clear()
        return self.left == self.came


def _serve(listener: socket.socket, behave: Behaviour, reads_head: bool) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            Thread(target=_converse, args=(connection, behave, reads_head), daemon=True).start()


def _converse(connection: socket.socket, behave: Behaviour, reads_head: bool) -> None:
    with connection, suppress(OSError):
        head = b""
        while reads_head and b"\r\n\r\n" not in head:
            head += connection.recv(4096) or b"\r\n\r\n"
        behave(connection)
