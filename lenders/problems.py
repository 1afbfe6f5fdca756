"""Turns every error of a request into the answer of RFC 9457, by the table of codes.

The answer's `code` is a row of `PROBLEMS`; faults of single fields are in `errors`, with codes in
`FIELDS`.
"""

import logging
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework.exceptions import APIException, ErrorDetail, ValidationError
from rest_framework.response import Response

from lenders import policy
from verification.core import errors
from verification.core.codes import FIELDS, PROBLEMS, REASONS, Code

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

# Framework exceptions that carry our own sentences. The framework's sentences are translated into
# the caller's language, on which a developer's log should not depend.
_OWN_SENTENCES = frozenset(
    {
        "address_not_allowed",
        "address_unknown",
        "body_too_large",
        "key_expired",
        "key_malformed",
        "key_revoked",
        "key_unknown",
        "malformed_json",
        "mode_off",
        "scope_missing",
    }
)

# Codes for the classes of core/errors.py, if a code has no row of its own.
_CLASSES: tuple[tuple[type[errors.TulgaError], str], ...] = (
    (errors.BadInput, "bad_input"),
    (errors.Refused, "bad_input"),
    (errors.NotFound, "not_found"),
    (errors.LinkUnusable, "link_unusable"),
    (errors.Conflict, "conflict"),
    (errors.Unavailable, "unavailable"),
)


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to any exception: the framework's hook, and the last edge before the caller."""
    row, code, detail = PROBLEMS["internal_error"], "", ""
    faults: list[dict[str, str]] = []
    headers: dict[str, str] = {}
    if isinstance(error, errors.TulgaError):
        row, code, detail = _of_ours(error)
        if isinstance(error, errors.BadInput) and error.pointer:
            faults = [{"pointer": error.pointer, "code": error.code, "detail": error.detail}]
        if isinstance(error, errors.Conflict) and error.wait_seconds is not None:
            headers["Retry-After"] = str(error.wait_seconds)
    elif isinstance(error, ValidationError):
        row, faults = (
            PROBLEMS["bad_input"],
            list(islice(_faults(error.detail, ""), policy.FAULTS_TOLD)),
        )
    elif isinstance(error, Http404):
        row = PROBLEMS["not_found"]
    elif isinstance(error, APIException):
        own_code = getattr(error.detail, "code", "")
        row, detail = (
            PROBLEMS.get(own_code, row),
            str(error.detail) if own_code in _OWN_SENTENCES else "",
        )
        if challenge := getattr(error, "auth_header", None):
            # RFC 9110 §15.5.2: a 401 names the accepted scheme.
            headers["WWW-Authenticate"] = str(challenge)
        if wait := getattr(error, "wait", None):
            # RFC 9110 §10.2.3 has whole seconds: rounded up, so that an obedient caller is not too
            # early.
            headers["Retry-After"] = str(int(wait) + 1)
    elif isinstance(error, OperationalError | InterfaceError):
        # The database restarts or is overloaded: the work was rolled back, and a repeat may
        # succeed.
        row = PROBLEMS["unavailable"]
    if row.status >= 500:
        # An unexpected error alone is shown with its places.
        trace = error if row is PROBLEMS["internal_error"] else None
        told = row.code if trace is None else type(error).__name__
        logger.error("request failed: %s", told, exc_info=trace)
    if row.retry_after is not None:
        headers.setdefault("Retry-After", str(row.retry_after))
    # The methods of an address would reveal its existence.
    getattr(context.get("view"), "headers", {}).pop("Allow" if row.status != 405 else "", None)
    request_id = getattr(context["request"], "request_id", "")
    body = body_of(
        row,
        code=code or row.code,
        detail=detail,
        instance=context["request"].path,
        request_id=request_id,
    )
    return Response(
        body | {"errors": faults}, status=row.status, headers=headers, content_type=MEDIA_TYPE
    )


def status_of(error: errors.TulgaError) -> int:
    """The HTTP status of one of our errors, for pages too."""
    row, _, _ = _of_ours(error)
    return row.status


def body_of(
    problem: Code, *, code: str, detail: str, instance: str, request_id: str
) -> dict[str, Any]:
    """The members of RFC 9457 and ours, without `errors`. `type` leads to our documentation."""
    return {
        "type": f"{settings.TULGA_PUBLIC_URL}/docs/problems/{code}",
        "title": problem.title,
        "status": problem.status,
        "detail": detail or problem.advice,
        "instance": instance,
        "code": code,
        "request_id": request_id,
    }


def _of_ours(error: errors.TulgaError) -> tuple[Code, str, str]:
    """The row of the table, and the code and the sentence for the caller."""
    name = next((name for kind, name in _CLASSES if isinstance(error, kind)), "internal_error")
    # A fault with a place is reported in `errors`.
    if name == "internal_error" or (isinstance(error, errors.BadInput) and error.pointer):
        return PROBLEMS[name], name, ""
    row = PROBLEMS.get(error.code)
    is_documented = row is not None or error.code in FIELDS or error.code in REASONS
    # A fault's detail is for our log: it may name a source, a host or a setting.
    detail = "" if isinstance(error, errors.Unavailable) else error.detail
    return row or PROBLEMS[name], error.code if is_documented else name, detail


def _faults(detail: Any, place: str) -> Iterator[dict[str, str]]:
    """The leaves of the framework's tree of errors, each with its JSON pointer (or `?name` of a
    parameter).
    """
    if isinstance(detail, ErrorDetail):
        yield {"pointer": place, "code": detail.code or "invalid", "detail": str(detail)}
    elif isinstance(detail, Mapping):
        for name, below in detail.items():
            step = str(name).replace("~", "~0").replace("/", "~1")  # RFC 6901, section 3
            if step == "non_field_errors":
                yield from _faults(below, place)
            else:
                yield from _faults(
                    below, step if step.startswith("?") and not place else f"{place}/{step}"
                )
    else:
        for below in detail:
            yield from _faults(below, place)
