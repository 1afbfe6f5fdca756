"""Which version a request is answered in, and the one place where answers are spelled in it.

The header `Tulga-Version` names it; without one it is the version that the key is pinned to.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.utils.http import http_date
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.versioning import BaseVersioning

from lenders import versions
from lenders.models import ApiKey

HEADER: Final = "Tulga-Version"
_OF_OLD: Final = ("Deprecation", "Sunset", "Link")


class ByHeader(BaseVersioning):
    """Finds the version of a request, and says it in the headers of its answer."""

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> str:
        """Its name. Raises `BadInput` (unknown_version), and what authentication does."""
        # A caller without a key is told that first.
        key = request.auth
        if not isinstance(key, ApiKey):
            return versions.NEWEST
        name = request.headers.get(HEADER, key.version)
        if name not in versions.NAMES and key.version in versions.NAMES:
            # That there is none such is said in the one that the key has.
            request.version = key.version
            say(request, key.version)
        versions.require_known(name)
        say(request, name)
        return name


class VersionedJSON(JSONRenderer):
    """JSON in the version of the request."""

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The bytes."""
        context = renderer_context or {}
        # What we speak is the newest.
        if data is not None and "request" in context and (version := of(context["request"])) != versions.NEWEST:
            is_problem = context["response"].exception
            name = versions.PROBLEM if is_problem else operation(context["request"])
            data = versions.told(data, of=name, version=version)
        return super().render(data, accepted_media_type, renderer_context)


def spell(request: Request, answer: Response) -> bytes:
    """The bytes of an answer, as it is going to be sent."""
    spelled: bytes = VersionedJSON().render(answer.data, renderer_context={"request": request, "response": answer})
    return spelled


def of(request: Request) -> str:
    """The version of a request."""
    return getattr(request, "version", None) or versions.NEWEST


def operation(request: Request) -> str:
    """The method and path of a request, as in openapi.json."""
    found = request.resolver_match
    path = re.sub(r"<slug:(\w+)>", r"{\1}", found.route) if found else ""
    return f"{'GET' if request.method == 'HEAD' else request.method} /{path}"


def say(request: Request, name: str) -> None:
    """Says in the headers of the answer by which version it is spelled, and what becomes of that."""
    headers = request.parser_context["view"].headers
    for each in _OF_OLD:
        headers.pop(each, None)
    headers[HEADER] = name
    if (ending := versions.ending_of(name)) is None:
        return
    # Since when it is deprecated (RFC 9745), until when it is answered (RFC 8594), and where that is explained.
    since, until = ending
    page = f"{settings.TULGA_PUBLIC_URL}/docs/changelog"
    links = (
        f'<{page}#{name}>; rel="deprecation"; type="text/html"',
        f'<{page}#policy>; rel="sunset"; type="text/html"',
    )
    headers |= {
        "Deprecation": f"@{int(since.timestamp())}",
        "Sunset": http_date(until.timestamp()),
        "Link": ", ".join(links),
    }
