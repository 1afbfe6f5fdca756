"""How a scripted fault looks on the wire. Each ends when the client leaves, or after a while by
itself.
"""

import time
from http.server import BaseHTTPRequestHandler
from typing import Final

_PATIENCE_SECONDS: Final = 120.0  # silent and slow answers end by themselves after this
_DRIP_SECONDS: Final = 0.2  # between two bytes of a slow answer
_OVERSIZE_BYTES: Final = 1024**3  # announced by nothing, sent until the client leaves
_GARBAGE: Final = b"<!doctype html><title>Maintenance</title><p>Please come back later.</p>\x00\xff"


def misbehave(handler: BaseHTTPRequestHandler, *, kind: str) -> None:
    """Answers in the way of this kind; `stale` is no misbehaviour of the wire and not known
    here.
    """
    handler.close_connection = True
    {
        "silent": _silent,
        "slow": _slow,
        "http_500": _http_500,
        "garbage": _garbage,
        "oversize": _oversize,
    }[kind](handler)


def _silent(handler: BaseHTTPRequestHandler) -> None:
    # Reading notices the client's leaving, which sleeping would not.
    handler.connection.settimeout(_PATIENCE_SECONDS)
    handler.rfile.read(1)


def _slow(handler: BaseHTTPRequestHandler) -> None:
    _head(handler, status=200)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        handler.wfile.write(b"\x30")
        handler.wfile.flush()
        time.sleep(_DRIP_SECONDS)


def _http_500(handler: BaseHTTPRequestHandler) -> None:
    _head(handler, status=500)
    handler.wfile.write(b"scripted fault")


def _garbage(handler: BaseHTTPRequestHandler) -> None:
    _head(handler, status=200)
    handler.wfile.write(_GARBAGE)


def _oversize(handler: BaseHTTPRequestHandler) -> None:
    _head(handler, status=200)
    block = bytes(64 * 1024)
    for _ in range(_OVERSIZE_BYTES // len(block)):
        handler.wfile.write(block)


def _head(handler: BaseHTTPRequestHandler, *, status: int) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/octet-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()
