"""The API speaks JSON and nothing else: how a body is read, strictly, and how every view answers.

What all views have in common is handed to `as_view` in urls.py: one place, and no inheritance.
"""

from collections.abc import Iterable, Mapping
from typing import IO, Any

from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from lenders import policy
from lenders.keys import ApiKeyAuthentication, HasKey, KeyRate
from verification.core.errors import BadInput
from verification.core.strict_json import read_json


class StrictJSONParser(BaseParser):
    """UTF-8 JSON up to 1 MB. Fractions stay exact decimals; doubled names, NaN, NUL and half characters are refused."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value. Raises `ParseError` for what is no JSON, `APIException` (body_too_large) above the limit."""
        too_large = APIException(f"a body has at most {policy.BODY_MAX_BYTES} bytes", code="body_too_large")
        declared = str(getattr(stream, "META", {}).get("CONTENT_LENGTH") or "0")
        # An honest length is refused before a byte is read.
        if declared.isdigit() and int(declared) > policy.BODY_MAX_BYTES:
            raise too_large
        untrusted = stream.read(policy.BODY_MAX_BYTES + 1)
        if len(untrusted) > policy.BODY_MAX_BYTES:
            raise too_large
        try:
            return read_json(untrusted, max_bytes=policy.BODY_MAX_BYTES)
        except BadInput:
            raise ParseError("the body is not one well-formed JSON text in UTF-8", code="malformed_json") from None


class AlwaysJSON(BaseContentNegotiation):
    """Answers in JSON whatever `Accept` says: there is nothing else to choose from."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser, if the body is JSON; None gives 415."""
        # Parameters follow a semicolon (RFC 9110, 8.3.1); a charset means nothing here: JSON is UTF-8 (RFC 8259, 8.1).
        media_type = str(request.content_type).partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer."""
        first = next(iter(renderers))
        return first, first.media_type or "application/json"


VIEW_OPTIONS: dict[str, Any] = {
    "authentication_classes": (ApiKeyAuthentication,),
    "permission_classes": (HasKey,),
    "throttle_classes": (KeyRate,),
    "parser_classes": (StrictJSONParser,),
    "renderer_classes": (JSONRenderer,),
    "content_negotiation_class": AlwaysJSON,
    "metadata_class": None,
}
# For addresses that belong to nobody: the answer is the same with and without a key.
OPEN_VIEW_OPTIONS: dict[str, Any] = VIEW_OPTIONS | {
    "authentication_classes": (),
    "permission_classes": (),
    "throttle_classes": (),
}
