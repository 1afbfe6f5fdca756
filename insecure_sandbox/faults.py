"""Scripted faults: the next n answers of a source, or all until a time, fail in a named way.

Each fault ends when the client leaves, or after a while by itself.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from threading import Lock
from typing import Any, Final

from insecure_sandbox.exchange import (
    Rejected,
    Request,
    Response,
    Route,
    as_json,
    only_fields,
    text_field,
)

_PATIENCE_SECONDS: Final = 120.0  # maximum duration of a silent or slow answer
_DRIP_SECONDS: Final = 0.2  # between two bytes of a slow answer
_OVERSIZE_BYTES: Final = 1024**3  # sent without a stated length until the client leaves
_GARBAGE: Final = b"<!doctype html><title>Maintenance</title><p>Please come back later.</p>\x00\xff"


def misbehave(handler: BaseHTTPRequestHandler, *, kind: str) -> None:
    """Answers in the way of this kind; `stale` is not a fault of the wire and unknown here."""
    handler.close_connection = True
    {
        "silent": _silent,
        "slow": _slow,
        "http_500": _http_500,
        "garbage": _garbage,
        "oversize": _oversize,
    }[kind](handler)


def _silent(handler: BaseHTTPRequestHandler) -> None:
    # Reading notices that the client leaves, sleeping would not.
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


KINDS: Final = ("silent", "slow", "http_500", "garbage", "oversize", "stale")
SOURCE: Final = "faults"

_MAX_TIMES: Final = 1_000_000
_MAX_SCRIPTED: Final = 1000  # faults waiting at once


@dataclass
class Fault:
    """`kind` of fault of one source, for `times_left` more answers or until a time; exactly one
    is set.
    """

    source: str
    kind: str
    times_left: int | None
    until: datetime | None

    def is_over(self, at: datetime) -> bool:
        """Whether it is used up."""
        return self.times_left == 0 or (self.until is not None and at >= self.until)


class FaultScript:
    """The waiting faults, in script order. Threads may share it."""

    def __init__(self) -> None:
        """Empty at first."""
        self._lock = Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Appends one.

        Raises: `Rejected` if too many wait.
        """
        with self._lock:
            if len(self._faults) >= _MAX_SCRIPTED:
                raise Rejected(400, "too many faults wait already")
            self._faults.append(fault)

    def take(self, source: str) -> str | None:
        """The kind of fault of this source's next answer, or None; counts it as used."""
        at = datetime.now(UTC)
        with self._lock:
            self._faults = [fault for fault in self._faults if not fault.is_over(at)]
            fault = next((fault for fault in self._faults if fault.source == source), None)
            if fault is None:
                return None
            if fault.times_left is not None:
                fault.times_left -= 1
            return fault.kind

    def waiting(self) -> list[dict[str, object]]:
        """The waiting faults, as JSON values."""
        at = datetime.now(UTC)
        with self._lock:
            return [_as_fields(fault) for fault in self._faults if not fault.is_over(at)]

    def clear(self) -> None:
        """Removes all faults."""
        with self._lock:
            self._faults.clear()


def routes(
    script: FaultScript, *, kinds_by_source: Mapping[str, frozenset[str]]
) -> tuple[Route, ...]:
    """The addresses that script faults; they never suffer one."""

    def add(request: Request) -> Response:
        script.add(_parse(request.fields(), kinds_by_source))
        return as_json({"waiting": script.waiting()}, status=201)

    def show(request: Request) -> Response:
        return as_json({"waiting": script.waiting()})

    def clear(request: Request) -> Response:
        script.clear()
        return as_json({"waiting": []})

    handlers = {"POST": add, "GET": show, "DELETE": clear}
    return tuple(
        Route(method=method, path="/faults", source=SOURCE, handle=handle)
        for method, handle in handlers.items()
    )


def _parse(fields: Mapping[str, Any], kinds_by_source: Mapping[str, frozenset[str]]) -> Fault:
    only_fields(fields, {"source", "kind", "times", "until"})
    source, kind = text_field(fields, "source"), text_field(fields, "kind")
    if source not in kinds_by_source:
        raise Rejected(400, f"source must be one of {sorted(kinds_by_source)}")
    if kind not in kinds_by_source[source]:
        raise Rejected(
            400, f"kind must be one of {sorted(kinds_by_source[source])} for source {source}"
        )
    if ("times" in fields) == ("until" in fields):
        raise Rejected(400, "give either times or until")
    times = _times(fields["times"]) if "times" in fields else None
    until = _time(text_field(fields, "until")) if "until" in fields else None
    return Fault(source=source, kind=kind, times_left=times, until=until)


def _times(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MAX_TIMES:
        raise Rejected(400, f"times must be an integer from 1 to {_MAX_TIMES}")
    return value


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Rejected(400, "until must be an RFC 3339 time") from error
    if moment.tzinfo is None:
        raise Rejected(400, "until must carry its offset from UTC")
    return moment


def _as_fields(fault: Fault) -> dict[str, object]:
    fields: dict[str, object] = {"source": fault.source, "kind": fault.kind}
    if fault.until is not None:
        return fields | {"until": fault.until.isoformat()}
    return fields | {"times": fault.times_left}
