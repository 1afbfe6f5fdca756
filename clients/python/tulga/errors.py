"""All exceptions of this package. Their messages hold no key, link or personal number."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx


class TulgaError(Exception): ...  # Base of all


class Unreachable(
    TulgaError
): ...  # No answer after all tries. The outcome is unknown: send the same call again


class BadAnswer(
    TulgaError
): ...  # An answer not from this API: a proxy's, for example, or one without a field


class Refused(TulgaError): ...  # An invalid signature: of a webhook, a receipt, a checkpoint, a key


class Reused(
    Refused
): ...  # A webhook of Tulga that you already have. Answer it with 204, or it comes again


@dataclass(frozen=True)
# The defect of one field: `pointer` is a JSON pointer into the body, or `?name` of a parameter
class Fault:
    pointer: str
    code: str
    detail: str


class Problem(TulgaError):
    """The API refused. Decide by `code`; tell the operator the `request_id`. retry_after:
    seconds, if given.
    """

    def __init__(self, answer: httpx.Response) -> None:
        untrusted: object = None
        with suppress(ValueError, RecursionError):
            untrusted = json.loads(answer.content)
        said = untrusted if isinstance(untrusted, dict) else {}
        self.status, self.retry_after = (
            answer.status_code,
            _seconds(answer.headers.get("Retry-After", "")),
        )
        self.code, self.title, self.detail = (
            str(said.get(name) or "") for name in ("code", "title", "detail")
        )
        self.request_id = str(said.get("request_id") or answer.headers.get("X-Request-Id", ""))
        listed = said.get("errors")
        faults = (
            [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        )
        self.errors = tuple(
            Fault(*(str(one.get(name, "")) for name in Fault.__match_args__)) for one in faults
        )
        places = "".join(f"; {fault.pointer} {fault.code}" for fault in self.errors)
        super().__init__(
            f"{self.status} {self.code or 'without a code'}: {self.title}{places}"
            f" ({self.request_id})"
        )


class NotAllowed(Problem): ...  # 401 and 403: no valid key, or a missing right


class NotFound(Problem): ...  # 404: absent, or another lender's


class Conflict(Problem): ...  # 409: the moment is wrong, and `code` says why


class Invalid(Problem): ...  # 422: `errors` names each field


class Unavailable(
    Problem
): ...  # 429 and 5xx: nothing was done. After a proxy's 502 or 504 send the same call again


_KINDS = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    429: Unavailable,
}


def problem(answer: httpx.Response) -> Problem:
    """The exception for an unsuccessful answer."""
    kind: type[Problem] = _KINDS.get(
        answer.status_code, Unavailable if answer.status_code >= 500 else Problem
    )
    return kind(answer)


def _seconds(untrusted: str) -> float | None:
    """The wait in a `Retry-After`, from a number or a date (RFC 9110, 10.2.3); None if
    malformed.
    """
    said = untrusted.strip()
    if said.isascii() and said.isdecimal() and len(said) < 10:
        return float(said)
    with suppress(TypeError, ValueError, OverflowError):
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    return None
