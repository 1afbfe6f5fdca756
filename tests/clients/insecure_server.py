"""A server on loopback that keeps Idempotency-Keys as the API does, and fails by chance: drops,
delays, refuses, lies.

What befalls the nth request of a reference follows from the seed, so that a run is the same each
time.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SOUND = "sound"
FAULTS = ("drop before", "drop after", "half an answer", "delay", 409, 429, 503)
DELAY_SECONDS = 0.4


@dataclass
class Server:
    """What it does, and what came. script: what befalls each request in turn; else chance, of which
    `share` is faults.

    effects: how often each reference was done. keys: those under which each was asked for. answers:
    by key, what was answered; None while it is being worked on.
    """

    url: str = ""
    seed: int = 0
    share: float = 0.5
    script: list[Any] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)
    keys: dict[str, set[str]] = field(default_factory=dict)
    answers: dict[str, bytes | None] = field(default_factory=dict)
    befell: Counter[object] = field(default_factory=Counter)
    connections: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fate(self, reference: str) -> Any:
        """What befalls this request."""
        with self.lock:
            self.connections[reference] += 1
            chance = random.Random(f"{self.seed}:{reference}:{self.connections[reference]}")
            kind = SOUND if chance.random() >= self.share else chance.choice(FAULTS)
            kind = self.script.pop(0) if self.script else kind
            self.befell[kind[0] if isinstance(kind, tuple) else kind] += 1
            return kind

    def work(self, reference: str, key: str, *, seconds: float) -> bytes | None:
        """The answer to a key, worked out once; None while another is at it."""
        with self.lock:
            self.keys.setdefault(reference, set()).add(key)
            if key in self.answers:
                return self.answers[key]
            self.answers[key] = None
        time.sleep(seconds)
        with self.lock:
            self.effects[reference] += 1
            self.answers[key] = json.dumps(
                {
                    "url": f"https://t.example/v/#{reference}",
                    "link_expires_at": _AT,
                    "renewal": None,
                }
            ).encode()
            return self.answers[key]


_AT = "2026-11-28T10:00:00.000Z"


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Serves until the block ends."""
    http = _Http(("127.0.0.1", 0), server)
    server.url = f"http://127.0.0.1:{http.server_port}"
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, place: tuple[str, int], of: Server) -> None:
        super().__init__(place, _Handler)
        self.of = of

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of those that hung up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        reference, key = [*self.path.split("/"), ""][3], self.headers.get("Idempotency-Key", "")
        with self.server.of.lock:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.server.of.requests.append(
                (self.command, self.path, headers, json.loads(body) if body else None)
            )
        kind = self.server.of.fate(reference)
        with suppress(OSError):
            self._befall(kind, reference, key)

    do_GET = do_PATCH = do_DELETE = do_POST

    def _befall(self, kind: Any, reference: str, key: str) -> None:
        if isinstance(kind, tuple):  # a status, a body and headers, as they are
            self._say(*kind)
        elif kind == "drop before":
            self.close_connection = True
        elif isinstance(kind, int):
            code = "idempotency_in_progress" if kind == 409 else "unavailable"
            self._say(
                kind, json.dumps({"code": code, "status": kind}).encode(), {"Retry-After": "0"}
            )
        else:
            answer = self.server.of.work(
                reference, key, seconds=DELAY_SECONDS if kind == "delay" else 0
            )
            if answer is None:
                self._say(409, b'{"code": "idempotency_in_progress"}', {"Retry-After": "0"})
            elif kind == "drop after":
                self.close_connection = True
            else:
                self._say(201, answer, {}, more=99 if kind == "half an answer" else 0)

    def _say(self, status: int, body: bytes, headers: dict[str, str], more: int = 0) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) + more))
        self.end_headers()
        self.wfile.write(body)
        if more:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass
