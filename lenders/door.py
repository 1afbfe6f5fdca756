"""What every view of the API has in common, handed to `as_view` in urls.py: one place, and no inheritance."""

from collections.abc import Iterable
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from lenders.auth import ApiKeyAuthentication, HasKey
from lenders.json_body import StrictJSONParser
from lenders.rates import KeyRate


class AlwaysJSON(BaseContentNegotiation):
    """Answers in JSON whatever `Accept` says: there is nothing else to choose from."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser, if the body is JSON; None gives 415."""
        media_type = str(request.content_type).partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer."""
        first = next(iter(renderers))
        return first, first.media_type or "application/json"


DOOR: dict[str, Any] = {
    "authentication_classes": (ApiKeyAuthentication,),
    "permission_classes": (HasKey,),
    "throttle_classes": (KeyRate,),
    "parser_classes": (StrictJSONParser,),
    "renderer_classes": (JSONRenderer,),
    "content_negotiation_class": AlwaysJSON,
    "metadata_class": None,
}
# For addresses that belong to nobody: the answer is the same with and without a key.
OPEN_DOOR: dict[str, Any] = DOOR | {"authentication_classes": (), "permission_classes": (), "throttle_classes": ()}
