"""All exceptions of this package. Their messages hold no key, link or personal number."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from tulga.answers import Headers
from tulga.narrowing import items, members


class TulgaError(Exception):
    """Base of all.

    may_be_done: the call may have had its effect. Send the same call, with its key, again.
    """

    may_be_done: bool = False


class Unreachable(TulgaError):  # No answer after all tries
    def __init__(self, message: str, *, may_be_done: bool = True) -> None:
        super().__init__(message)
        self.may_be_done = may_be_done


class Untrusted(Unreachable): ...  # The server has no certificate that you trust: nothing was sent


class BadAnswer(TulgaError):
    """An answer not from this API: a proxy's, for example, or one without a field."""

    may_be_done = True


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
    """The API refused. Decide by `code`; tell the operator the `request_id`.

    retry_after: seconds, if given. headers: of the last answer.
    """

    def __init__(self, content: bytes, headers: Headers, *, may_be_done: bool = False) -> None:
        body = _fields(content)
        self.headers, self.may_be_done = headers, may_be_done
        self.status, self.retry_after = headers.status, headers.retry_after
        self.code, self.title, self.detail = (
            str(body.get(name) or "") for name in ("code", "title", "detail")
        )
        self.request_id = str(body.get("request_id") or headers.request_id)
        self.errors = tuple(
            Fault(*(str(fault.get(name, "")) for name in ("pointer", "code", "detail")))
            for fault in map(members, items(body.get("errors")) or [])
            if fault is not None
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


class Unavailable(Problem): ...  # 429 and 5xx, after all tries


_KINDS: Mapping[int, type[Problem]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    429: Unavailable,
}


def problem(content: bytes, headers: Headers, *, may_be_done: bool = False) -> Problem:
    """The exception for an unsuccessful answer."""
    kind = _KINDS.get(headers.status, Unavailable if headers.status >= 500 else Problem)
    return kind(content, headers, may_be_done=may_be_done)


def _fields(untrusted: bytes) -> Mapping[str, object]:
    """The fields of a JSON object; none of anything else."""
    with suppress(ValueError, RecursionError):
        return members(json.loads(untrusted)) or {}
    return {}
