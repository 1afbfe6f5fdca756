"""Servers on loopback that misbehave exactly as told, below HTTP: a test writes the bytes itself."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread

Behaviour = Callable[[socket.socket], None]


@contextmanager
def insecure_server(behave: Behaviour, *, reads_head: bool = True) -> Iterator[str]:
    """An address whose every connection is handed to `behave`, after the request's head was read if it is to be."""
    listener = socket.create_server(("127.0.0.1", 0))
    Thread(target=_serve, args=(listener, behave, reads_head), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # shutdown wakes the blocked accept; close alone would not.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def answer(raw: bytes) -> Behaviour:
    """Writes these bytes and closes."""
    return lambda connection: connection.sendall(raw)


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
