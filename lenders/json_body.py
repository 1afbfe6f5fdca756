"""Reads a request's body: one JSON text, strictly. What two readers could read differently is refused."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

from lenders import policy

_DEPTH_MAX = 16


class StrictJSONParser(BaseParser):
    """UTF-8 JSON up to 1 MB. Fractions stay exact decimals; doubled names, NaN, NUL and half characters are refused."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value. Raises `ParseError` for what is no JSON, `APIException` (body_too_large) above the limit."""
        declared = str(getattr(stream, "META", {}).get("CONTENT_LENGTH") or "0")
        # An honest length is refused before a byte is read.
        if declared.isdigit() and int(declared) > policy.BODY_MAX_BYTES:
            raise _too_large()
        untrusted = stream.read(policy.BODY_MAX_BYTES + 1)
        if len(untrusted) > policy.BODY_MAX_BYTES:
            raise _too_large()
        try:
            value = json.loads(
                untrusted.decode(), parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique
            )
            _refuse_unstorable(value, depth=0)
        except (ValueError, RecursionError):
            # The parser's own text may repeat a piece of the body, so it is not handed on.
            raise ParseError("the body is not one well-formed JSON text in UTF-8", code="malformed_json") from None
        return value


def _too_large() -> APIException:
    return APIException(f"a body has at most {policy.BODY_MAX_BYTES} bytes", code="body_too_large")


def _refuse(name: str) -> None:
    raise ValueError(name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name occurs twice")
    return value


def _refuse_unstorable(value: Any, *, depth: int) -> None:
    """Raises `ValueError` for texts that UTF-8 or a database cannot hold, and for absurd nesting."""
    if depth > _DEPTH_MAX:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        value.encode()  # UnicodeEncodeError, a ValueError, for half of a surrogate pair
        if "\0" in value:
            raise ValueError("NUL")
    elif isinstance(value, dict):
        for name, item in value.items():
            _refuse_unstorable(name, depth=depth + 1)
            _refuse_unstorable(item, depth=depth + 1)
    elif isinstance(value, list):
        for item in value:
            _refuse_unstorable(item, depth=depth + 1)
