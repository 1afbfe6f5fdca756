"""What is wrong with an answer, by openapi.json: our fault, a surprise, a good request refused, a
bad one taken.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from schemathesis import Case, Response
from schemathesis.checks import load_all_checks, negative_data_rejection, not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks

from lenders import openapi

_PROMISED = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)

SEMANTIC: Mapping[str, str] = {
    "birth_date_mismatch": "two fields: the IIN holds the date",
    "total_below_amount": "two fields: what is paid back is no less than what is given",
    "subject_under_age": "a date against today",
    "document_expired": "a date against today",
    "out_of_range": "a date against today, two fields, the log's size; where: `_PLACES`",
    "required": (
        "at `/contract_sha256` and `/scenario` what the verification itself names or stands for;"
        " see `_PLACES`"
    ),
    "scenario_not_on_route": "which routes the verification has",
    "obligation_in_future": "a time against the clock",
    "obligation_before_decision": "a time against what happened",
    "obligation_before_opening": "a time against what happened",
    "signed_in_future": "a time against the clock",
    "signed_before_verified": "a time against what happened",
    "decimal_malformed": "of a JSON number: `multipleOf` cannot be relied on over binary fractions",
    "personal_number": "a check digit inside a text",
    "metadata_key_malformed": "a check digit inside a name",
    "return_url_unregistered": "what the operator has registered for the lender",
    "webhook_url_refused": "where an address leads, and ports and hosts that are never called",
    "routes_insufficient": "what is installed, and what the lender's law asks",
    "cursor_unknown": "what was told before",
    "idempotency_key_reused": "what was asked before",
}
"""Codes by which a request may be refused though it fits its schema, and what it is that no JSON
schema can say.
"""
_PLACES = {
    "out_of_range": {"/subject/birth_date", "/to", "?first", "?second"},
    "required": {"/contract_sha256", "/scenario"},
}
_REFUSED = frozenset({400, 405, 411, 413, 414, 415, 422, 431})


def faults(case: Case[Any], response: Response) -> list[str]:
    """What is wrong with an answer, each in a line; none for one that openapi.json lets a caller
    expect.
    """
    found = []
    wanted = [*_PROMISED, *([negative_data_rejection] if _is_negative(case) else [])]
    try:
        case.validate_response(response, checks=wanted)
    except FailureGroup as group:
        found += [
            f"{type(one).__name__}: {one.message or one.title}"
            for one in group.exceptions
            if isinstance(one, Failure)
        ]
    found += _unpromised(case, response)
    if not _is_negative(case) and response.status_code in _REFUSED:
        found += [
            f"a good request is refused: {place} {code}"
            for place, code in _codes(response)
            if not _is_semantic(place, code)
        ]
    return found


def _is_negative(case: Case[Any]) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_negative


def _codes(response: Response) -> set[tuple[str, str]]:
    """Where, and with which code."""
    body = response.json()
    return {(one["pointer"], one["code"]) for one in body["errors"]} or {("", body["code"])}


def _is_semantic(place: str, code: str) -> bool:
    return code in SEMANTIC and place in _PLACES.get(code, {place})


def _unpromised(case: Case[Any], response: Response) -> list[str]:
    """Fields of an answer that nobody promised: the document is held to name them all."""
    media_type = str(response.headers.get("content-type", [""])[0]).partition(";")[0]
    if not media_type.endswith("json"):
        return []
    place = (
        case.operation.path,
        case.operation.method.lower(),
        str(response.status_code),
        media_type,
    )
    validator = _closed(*place)
    problems = validator.iter_errors(json.loads(response.content)) if validator else ()
    return [f"unpromised: {problem.json_path} {problem.message[:200]}" for problem in problems]


@cache
def _closed(path: str, method: str, status: str, media_type: str) -> Draft202012Validator | None:
    document = openapi.document()
    described = (
        document["paths"][path][method]["responses"]
        .get(status, {})
        .get("content", {})
        .get(media_type)
    )
    if described is None:
        return None
    schemas = {
        name: schema | ({"additionalProperties": False} if "properties" in schema else {})
        for name, schema in document["components"]["schemas"].items()
    }
    return Draft202012Validator(described["schema"] | {"components": {"schemas": schemas}})


load_all_checks()
