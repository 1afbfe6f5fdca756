"""Requests, responses and routes of the sandbox's sources."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MAX_BODY_BYTES: Final = 64 * 1024
"""Default maximum of a request's body."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request whose length was checked. `untrusted_body` is raw.

    is_same_origin: the browser says that its page is ours; False if it says nothing.
    """

    method: str
    path: str
    content_type: str = ""
    untrusted_body: bytes = b""
    is_same_origin: bool = False

    def fields(self) -> Mapping[str, Any]:
        """The body as a JSON object.

        Raises: `Rejected` if it is anything else.
        """
        # Requiring the type keeps foreign pages out: a browser would have to ask first.
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
    """An answer, by default with 200."""

    body: bytes
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Rejected(Exception):
    """A request that the sandbox does not serve: an HTTP status and a sentence without personal
    data.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


Handler = Callable[[Request], Response]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One address. `source`: the name for scripted faults; without `stale` it cannot answer stale.

    wrong: handlers with wrong answers, by the kind of scripted fault.
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
    """One string of a JSON object.

    Raises: `Rejected` if it is missing without a default, no string or too long.
    """
    value = fields.get(name, default)
    if not isinstance(value, str) or len(value) > limit:
        raise Rejected(400, f"{name} must be a string of at most {limit} characters")
    return value


def only_fields(fields: Mapping[str, Any], allowed: set[str]) -> None:
    """Raises: `Rejected` for an unknown field."""
    unknown = sorted(fields.keys() - allowed)
    if unknown:
        raise Rejected(400, f"unknown field: {unknown[0][:40]!r}")
