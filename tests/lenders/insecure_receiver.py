"""A lender's endpoint on loopback that does as it is told: answers, redirects, hangs, drips, breaks
off.
"""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path


@dataclass
class Received:
    """One request as it came; `at` by the monotonic clock."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)


@dataclass
class Receiver:
    """What to answer, and what has come so far. `script` is worked off first; after it `status` is
    answered.

    Addresses under `/hang/` are other lenders' endpoints, which never answer: `hung` counts who
    came there.
    """

    authority: str = ""
    scheme: str = "http"
    status: int = 204
    script: list[int | str] = field(default_factory=list)
    answer: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    hung: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.scheme}://{self.authority}/hook"


@contextmanager
def listening(receiver: Receiver, *, certificate: Path | None = None) -> Iterator[Receiver]:
    """Serves until the block ends; with a PEM file of key and certificate, over TLS."""
    server = _Server(("127.0.0.1", 0), _handler(receiver))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        receiver.scheme = "https"
    receiver.authority = f"127.0.0.1:{server.server_port}"
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    ).start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = (
        256  # or a hundred at once would wait a second for the second try of their handshake
    )


def _drip(receiver: Receiver, out: BufferedIOBase) -> None:
    out.write(b"HTTP/1.1 200 OK\r\n")
    while not receiver.released.is_set():
        out.write(b"X-Drip: 1\r\n")
        time.sleep(0.05)


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            step: int | str = "hang"
            if not self.path.startswith("/hang/"):
                receiver.received.append(Received(self.path, headers, body))
                step = receiver.script.pop(0) if receiver.script else receiver.status
            with suppress(OSError):
                self._do(step)

        def _do(self, step: int | str) -> None:
            if step == "hang":
                receiver.hung += 1
                receiver.released.wait(20)
            elif step == "drip":
                _drip(receiver, self.wfile)
            elif step == "break off":
                self.close_connection = True
            elif step == "nonsense":
                self.wfile.write(b"\x00\x01 nonsense\r\n\r\n")
                self.close_connection = True
            else:
                self.send_response(int(step))
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
