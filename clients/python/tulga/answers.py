"""An answer with its headers. Pure."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Rate:
    """The limit of requests: how many, how many remain, and seconds until it begins anew."""

    limit: int | None = None
    remaining: int | None = None
    reset_seconds: int | None = None


@dataclass(frozen=True)
class Headers:
    """The facts that stand beside the content of an answer.

    is_replayed: the answer is a stored one; an earlier try or call did the work.
    deprecated_at, sunset_at: from when on the operation is deprecated, and absent.
    retry_after: seconds. tries: how many requests this answer took.
    """

    status: int
    tries: int = 1
    request_id: str = ""
    version: str = ""
    is_replayed: bool = False
    retry_after: float | None = None
    rate: Rate = Rate()
    is_deprecated: bool = False
    deprecated_at: datetime | None = None
    sunset_at: datetime | None = None


@dataclass(frozen=True)
class Answer(Generic[T]):
    """The result of a call, and the headers of its answer."""

    content: T
    headers: Headers


def read(status: int, untrusted: Mapping[str, str], tries: int) -> Headers:
    """The headers of an answer. A malformed one counts as absent.

    Source: RFC 9110, 10.2.3 (Retry-After); RFC 9745 (Deprecation); RFC 8594 (Sunset).
    """
    lower = {name.lower(): value.strip() for name, value in untrusted.items()}
    # A draft before RFC 9745 wrote `true`.
    deprecation = lower.get("deprecation", "")
    names = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
    return Headers(
        status=status,
        tries=tries,
        request_id=lower.get("x-request-id", ""),
        version=lower.get("tulga-version", ""),
        is_replayed=lower.get("idempotent-replayed") == "true",
        retry_after=_wait(lower.get("retry-after", "")),
        rate=Rate(*(_number(lower.get(name, "")) for name in names)),
        is_deprecated=bool(deprecation),
        deprecated_at=_moment(deprecation),
        sunset_at=_moment(lower.get("sunset", "")),
    )


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _wait(text: str) -> float | None:
    """Seconds, from their number or from a date."""
    seconds, at = _number(text), _moment(text)
    if seconds is not None:
        return float(seconds)
    return None if at is None else max(0.0, (at - datetime.now(UTC)).total_seconds())


def _moment(text: str) -> datetime | None:
    """A time in UTC, from `@1700000000` or an HTTP date."""
    with suppress(TypeError, ValueError, OverflowError):
        if re.fullmatch(r"@[0-9]{1,12}", text):
            return datetime.fromtimestamp(int(text[1:]), UTC)
        return parsedate_to_datetime(text).astimezone(UTC)
    return None
