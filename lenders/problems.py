"""Every way a request can end badly becomes the answer of RFC 9457, by the one table of `codes.py`.

`code` of the answer is a row of `PROBLEMS`; faults of single fields stand in `errors`, their codes in `FIELD_CODES`.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from lenders.codes import FIELD_CODES, PROBLEMS, Problem
from verification.core import errors
from verification.core.reasons import REASONS

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

# Where an exception of the framework carries a sentence of ours. Its own ones are translated into the caller's
# language, which a developer's log should not depend on.
_OWN_SENTENCES = frozenset(
    {
        "address_not_allowed",
        "body_too_large",
        "key_expired",
        "key_malformed",
        "key_revoked",
        "key_unknown",
        "malformed_json",
        "scope_missing",
    }
)


# How the classes of core/errors.py are answered where a code has no row of its own.
_CLASSES: tuple[tuple[type[errors.TulgaError], str], ...] = (
    (errors.BadInput, "bad_input"),
    (errors.Refused, "refused"),
    (errors.NotFound, "not_found"),
    (errors.LinkUnusable, "link_unusable"),
    (errors.Conflict, "conflict"),
    (errors.Unavailable, "unavailable"),
)


@dataclass(frozen=True)
class _Answer:
    code: str
    problem: Problem
    detail: str = ""
    faults: tuple[dict[str, str], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to an exception, whatever it is: the framework's hook, and the last edge before the caller."""
    answer = _answer(error)
    if answer.problem.status >= 500:
        logger.error("request failed: %s", type(error).__name__, exc_info=error)
    return respond(answer, context["request"])


def status_of(error: errors.TulgaError) -> int:
    """The HTTP status of one of our errors, for pages too."""
    return _of_ours(error).problem.status


def body_of(problem: Problem, *, code: str, detail: str, instance: str, request_id: str) -> dict[str, Any]:
    """The members of RFC 9457 and ours, without `errors`. `type` leads to our documentation."""
    return {
        "type": f"{settings.TULGA_PUBLIC_URL}/docs/problems#{code}",
        "title": problem.title,
        "status": problem.status,
        "detail": detail or problem.advice,
        "instance": instance,
        "code": code,
        "request_id": request_id,
    }


def respond(answer: _Answer, request: Request) -> Response:
    """The response for an answer, `Retry-After` included."""
    body = body_of(
        answer.problem,
        code=answer.code,
        detail=answer.detail,
        instance=request.path,
        request_id=getattr(request, "request_id", ""),
    )
    headers = dict(answer.headers)
    if answer.problem.retry_after is not None:
        headers.setdefault("Retry-After", str(answer.problem.retry_after))
    return Response(
        body | {"errors": list(answer.faults)}, status=answer.problem.status, headers=headers, content_type=MEDIA_TYPE
    )


def _answer(error: Exception) -> _Answer:
    if isinstance(error, errors.TulgaError):
        return _of_ours(error)
    if isinstance(error, ValidationError):
        return _Answer("bad_input", PROBLEMS["bad_input"], faults=tuple(_faults(error.detail, "")))
    if isinstance(error, Http404):
        return _Answer("not_found", PROBLEMS["not_found"])
    if isinstance(error, APIException):
        return _of_framework(error)
    if isinstance(error, OperationalError | InterfaceError):
        # The database restarts or is overloaded: what was begun is rolled back, and a repeat may succeed.
        return _Answer("unavailable", PROBLEMS["unavailable"])
    return _Answer("internal_error", PROBLEMS["internal_error"])


def _of_ours(error: errors.TulgaError) -> _Answer:
    if isinstance(error, errors.BadInput) and error.pointer:
        fault = {"pointer": error.pointer, "code": error.code, "detail": error.detail}
        return _Answer("bad_input", PROBLEMS["bad_input"], faults=(fault,))
    name = next((name for kind, name in _CLASSES if isinstance(error, kind)), "internal_error")
    if name == "internal_error":
        return _Answer(name, PROBLEMS[name])
    row = PROBLEMS.get(error.code)
    known = row is not None or error.code in FIELD_CODES or error.code in REASONS
    # What a fault says of itself is for our log: it may name a source, a host or a setting.
    detail = "" if isinstance(error, errors.Unavailable) else error.detail
    return _Answer(error.code if known else name, row or PROBLEMS[name], detail)


def _of_framework(error: APIException) -> _Answer:
    code = getattr(error.detail, "code", "")
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(challenge)
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    problem = PROBLEMS.get(code, PROBLEMS["internal_error"])
    return _Answer(problem.code, problem, str(error.detail) if code in _OWN_SENTENCES else "", headers=headers)


def _faults(detail: Any, place: str) -> Iterator[dict[str, str]]:
    """The leaves of the framework's tree of errors, each with its JSON pointer (or `?name` of a parameter)."""
    if isinstance(detail, ErrorDetail):
        yield {"pointer": place, "code": detail.code or "invalid", "detail": str(detail)}
    elif isinstance(detail, Mapping):
        for name, below in detail.items():
            step = str(name).replace("~", "~0").replace("/", "~1")
            yield from _faults(below, _below(place, step))
    else:
        for below in detail:
            yield from _faults(below, place)


def _below(place: str, step: str) -> str:
    if step == "non_field_errors":
        return place
    return step if step.startswith("?") and not place else f"{place}/{step}"
