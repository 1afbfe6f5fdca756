"""The HTTP edge of the sandbox: loopback only, small bodies, one table of routes, scripted
faults.
"""

import ipaddress
import socket
import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Final
from urllib.parse import urlsplit

from insecure_sandbox.exchange import Rejected, Request, Response, Route, as_json
from insecure_sandbox.faults import FaultScript, misbehave

DEFAULT_PORT: Final = 8310

_READ_SECONDS: Final = 10.0  # a client that is silent for so long is dropped
_LOOPBACK_NAMES: Final = ("localhost",)


def loopback_address(untrusted: str) -> str:
    """The address if it is a loopback one, because keys are handed out without authentication.

    Raises: `SystemExit` otherwise.
    """
    try:
        is_loopback = ipaddress.ip_address(untrusted).is_loopback
    except ValueError:
        is_loopback = untrusted in _LOOPBACK_NAMES
    if not is_loopback:
        raise SystemExit(
            f"the sandbox hands out private keys; it listens on loopback only, not on {untrusted!r}"
        )
    return untrusted


class SandboxServer(ThreadingHTTPServer):
    """A server with its table and its faults, at `url`. `shutdown` ends it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        *,
        host: str,
        port: int,
        table: Sequence[Route],
        script: FaultScript,
        held: socket.socket | None = None,
    ) -> None:
        """Binds at once; port 0 takes a free one. held: a socket that listens already.

        Raises: `SystemExit` for an address that is not loopback.
        """
        self.table = {(route.method, route.path): route for route in table}
        self.script = script
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((loopback_address(host), port), _Handler, bind_and_activate=held is None)
        if held is not None:
            self.socket.close()
            self.socket, self.server_address = held, held.getsockname()
            loopback_address(str(self.server_address[0]))
        written = f"[{host}]" if ":" in host else host
        self.url = f"http://{written}:{self.server_address[1]}"

    def server_bind(self) -> None:
        """Binds without the name look-up of `HTTPServer`, which may take seconds."""
        TCPServer.server_bind(self)


class _Handler(BaseHTTPRequestHandler):
    server: SandboxServer
    protocol_version = "HTTP/1.1"
    timeout = _READ_SECONDS

    def do_GET(self) -> None:
        self._exchange()

    def do_POST(self) -> None:
        self._exchange()

    def do_DELETE(self) -> None:
        self._exchange()

    def _exchange(self) -> None:
        try:
            route, request = self._read()
            kind = self.server.script.take(route.source)
            handle = route.wrong.get(kind or "", route.handle)
            if kind == "stale" and route.stale is not None:
                handle = route.stale
            elif kind is not None and kind != "stale" and kind not in route.wrong:
                misbehave(self, kind=kind)
                return
            self._write(handle(request))
        except Rejected as rejection:
            self._write(as_json({"error": rejection.detail}, status=rejection.status))
        except OSError:
            self.close_connection = True  # the client left, or is silent

    def _read(self) -> tuple[Route, Request]:
        # A foreign page that rebinds its name to 127.0.0.1 still sends its own name.
        loopback_host(self.headers.get("Host", ""))
        path = urlsplit(self.path).path
        route = self.server.table.get((self.command, path))
        if route is None:
            is_path = any(path == route_path for _, route_path in self.server.table)
            raise Rejected(405 if is_path else 404, "no such address")
        return route, Request(
            method=self.command,
            path=path,
            content_type=self.headers.get("Content-Type", ""),
            untrusted_body=self._read_body(at_most=route.max_body_bytes),
            is_same_origin=self.headers.get("Origin", "")
            == f"http://{self.headers.get('Host', '')}",
        )

    def _read_body(self, *, at_most: int) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            raise Rejected(411, "send a Content-Length")
        if int(length) > at_most:
            raise Rejected(413, f"the body is larger than {at_most} bytes")
        return self.rfile.read(int(length))

    def _write(self, response: Response) -> None:
        self.close_connection = True
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # The path only: a query may hold data that no log should.
        sys.stderr.write(
            f"sandbox {self.command} {ascii(urlsplit(self.path).path)[1:-1]} {int(code)}\n"
        )

    def log_message(self, format: str, *args: object) -> None:
        """Nothing else is logged: the standard text would repeat the client's input."""


def loopback_host(untrusted_header: str) -> None:
    """Raises: `Rejected` unless the Host header names this machine."""
    host = urlsplit(f"//{untrusted_header}").hostname or ""
    try:
        loopback_address(host)
    except SystemExit as refusal:
        raise Rejected(421, "this is no name of the sandbox") from refusal
