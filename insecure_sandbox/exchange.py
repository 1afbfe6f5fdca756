"""What a source of the sandbox receives and gives: one request, one response, one route."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MAX_BODY_BYTES: Final = 64 * 1024
"""What a request may be where its route says nothing else."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request whose length was checked. `untrusted_body` is raw.

    is_same_origin: a browser says that the page it comes from is one of ours; false where nothing
        is said.
    """

    method: str
    path: str
    content_type: str = ""
    untrusted_body: bytes = b""
    is_same_origin: bool = False

    def fields(self) -> Mapping[str, Any]:
        """The body as a JSON object. Raises `Rejected` if it is anything else."""
        # Asking for the type keeps pages of other origins out: a browser would have to ask first.
        if self.content_type.partition(";")[0].strip().lower() != "application/json":
            raise Rejected(415, "send application/json")
        try:
            fields = json.loads(self.untrusted_body)
        except (ValueError, RecursionError) as error:
            raise Rejected(400, "the body is not JSON") from error
        if not isinstance(fields, dict):
            raise Rejected(400, "the body is not a JSON object")
        return fields


@dataclass(frozen=True, kw_only=True)
class Response:
    """An answer with 200 unless told otherwise."""

    body: bytes
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Rejected(Exception):
    """A request the sandbox does not serve: an HTTP status and a sentence without personal data."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


Handler = Callable[[Request], Response]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One address. `source` is the name faults are scripted by; without `stale` it cannot answer
    stale.

    wrong: handlers that answer wrongly, by the kind of fault that is scripted.
    """

    method: str
    path: str
    source: str
    handle: Handler
    stale: Handler | None = None
    wrong: Mapping[str, Handler] = field(default_factory=dict)
    max_body_bytes: int = MAX_BODY_BYTES


def as_json(content: object, *, status: int = 200) -> Response:
    """A JSON answer."""
    body = json.dumps(content, ensure_ascii=False, indent=1).encode()
    return Response(body=body, content_type="application/json", status=status)


def text_field(
    fields: Mapping[str, Any], name: str, *, default: str | None = None, limit: int = 200
) -> str:
    """One string out of a JSON object. Raises `Rejected` if it is missing without a default, no
    string or too long.
    """
    value = fields.get(name, default)
    if not isinstance(value, str) or len(value) > limit:
        raise Rejected(400, f"{name} must be a string of at most {limit} characters")
    return value


def only_fields(fields: Mapping[str, Any], allowed: set[str]) -> None:
    """Raises `Rejected` if the object has a field that nobody would read."""
    unknown = sorted(fields.keys() - allowed)
    if unknown:
        raise Rejected(400, f"unknown field: {unknown[0][:40]!r}")
