"""A relay on loopback between a client and a server, which loses answers when it is told to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Relay:
    """Where it listens, and how many answers it still loses after the server has given them."""

    url: str
    losses: int = 0
    lost: int = 0


@contextmanager
def relaying(server: str) -> Iterator[Relay]:
    """Relays connections to a server's address until the block ends."""
    target = urlsplit(server)
    with socket.create_server(("127.0.0.1", 0)) as door:
        relay = Relay(f"http://127.0.0.1:{door.getsockname()[1]}")

        def accept() -> None:
            with suppress(OSError):
                while True:
                    near, _ = door.accept()
                    far = socket.create_connection((target.hostname, target.port))
                    for work in ((_copy, near, far), (_answer, far, near, relay)):
                        threading.Thread(target=work[0], args=work[1:], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield relay
        door.shutdown(socket.SHUT_RDWR)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)


def _answer(far: socket.socket, near: socket.socket, relay: Relay) -> None:
    """Copies answers, or ends the client's connection instead once an answer has come."""
    is_over = False
    with suppress(OSError), far, near:
        while part := far.recv(65536):
            if is_over:
                continue
            if relay.losses > 0:
                relay.losses -= 1
                relay.lost += 1
                is_over = True
                near.shutdown(socket.SHUT_RDWR)
            else:
                near.sendall(part)
