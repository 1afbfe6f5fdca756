"""How a request is read, and by which version of the API it is answered: what the framework asks of
us.

It is JSON and nothing else, strictly; its dataclass says what may stand in it, `parsing` reads each
value, and all faults are told. The header `Tulga-Version` names the version; without one it is that
which the key is pinned to. Here alone answers are spelled in it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import IO, Any, Final, TypeVar

from django.conf import settings
from django.http import QueryDict
from django.utils.http import http_date
from rest_framework.exceptions import APIException, ErrorDetail, ParseError, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.versioning import BaseVersioning

from lenders import policy, versions
from lenders.models import ApiKey
from lenders.parsing import READERS
from verification.core.errors import BadInput
from verification.core.opening import asked_of
from verification.core.strict_json import read_json

Record = TypeVar("Record")
HEADER: Final = "Tulga-Version"
_OF_OLD: Final = ("Deprecation", "Sunset", "Link")
_UNKNOWN = ("there is no such field", "unknown_field")


class StrictJSONParser(BaseParser):
    """UTF-8 JSON up to 1 MB. Fractions stay exact decimals; doubled names, NaN, NUL and half
    characters are refused.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value. Raises `ParseError` for what is no JSON, `APIException` (body_too_large) above
        the limit.
        """
        too_large = APIException(
            f"a body has at most {policy.BODY_MAX_BYTES} bytes", code="body_too_large"
        )
        declared = str(getattr(stream, "META", {}).get("CONTENT_LENGTH") or "0")
        # An honest length is refused before a byte is read.
        if declared.isdigit() and int(declared) > policy.BODY_MAX_BYTES:
            raise too_large
        # One byte more than is allowed tells whether there are more.
        untrusted = stream.read(policy.BODY_MAX_BYTES + 1)
        if len(untrusted) > policy.BODY_MAX_BYTES:
            raise too_large
        try:
            return read_json(untrusted, max_bytes=policy.BODY_MAX_BYTES)
        except BadInput:
            raise ParseError(
                "the body is not one well-formed JSON text in UTF-8", code="malformed_json"
            ) from None


class AlwaysJSON(BaseContentNegotiation):
    """Answers in JSON whatever `Accept` says: there is nothing else to choose from."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser, if the body is JSON; None gives 415."""
        # Parameters follow a semicolon (RFC 9110, 8.3.1); a charset means nothing here: JSON is
        # UTF-8 (RFC 8259, 8.1).
        media_type = str(request.content_type).partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == media_type), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer."""
        first = next(iter(renderers))
        return first, first.media_type or "application/json"


def read(kind: Callable[..., Record], untrusted: Any) -> Record:
    """The request. Raises `ValidationError` with every fault: unknown, missing and unreadable
    fields.
    """
    if not isinstance(untrusted, Mapping):
        word = (
            ("a value is expected", "null")
            if untrusted is None
            else ("a JSON object is expected", "invalid")
        )
        raise ValidationError({"non_field_errors": [ErrorDetail(*word)]})
    asked, values, faults = asked_of(kind), dict[str, Any](), dict[str, Any]()
    missing = [name for name, field in asked.items() if field.is_required and name not in untrusted]
    placed = [(f"/{name}", BadInput("this is missing", code="required")) for name in missing]
    for name in (name for name in asked if name in untrusted):
        form, kind_of_part = asked[name].form, asked[name].type
        try:
            if form.kind and untrusted[name] is None:
                raise BadInput("a value is expected", code="null")
            reader = (
                partial(READERS[form.kind], **form.limits)
                if form.kind
                else partial(read, kind_of_part)
            )
            values[asked[name].attribute] = reader(untrusted[name])
        except ValidationError as below:
            faults[name] = below.detail
        except BadInput as error:
            placed.append((f"/{name}{error.pointer}", error))
    # A request is made of sound values alone, so that nothing behind this line need ask again.
    made = None if faults or placed else kind(**values)
    try:
        # What no field says by itself: how two of them fit together.
        getattr(made, "refuse_together", bool)()
    except BadInput as error:
        placed.append((error.pointer, error))
    for pointer, fault in placed:
        tree: Any = [ErrorDetail(fault.detail, code=fault.code)]
        for step in reversed(pointer.split("/")[1:]):
            tree = {step: tree}
        faults |= tree
    # All kinds of faults at once: a developer who corrects one should not meet the next only then.
    unknown = islice((name for name in untrusted if name not in asked), policy.FAULTS_TOLD)
    faults |= {name[: policy.FAULT_NAME_MAX]: [ErrorDetail(*_UNKNOWN)] for name in unknown}
    if made is None or faults:
        raise ValidationError(faults)
    return made


def read_query(kind: Callable[..., Record], untrusted: QueryDict) -> Record:
    """The request in a query string; each parameter stands there at most once. A fault's place is
    `?name`.
    """
    doubled = [name for name, values in untrusted.lists() if len(values) > 1]
    try:
        if doubled:
            raise ValidationError(
                {name: [ErrorDetail("given twice", code="choice_repeated")] for name in doubled}
            )
        return read(kind, untrusted.dict())
    except ValidationError as error:
        faults = error.detail if isinstance(error.detail, dict) else {}
        raise ValidationError({f"?{name}": fault for name, fault in faults.items()}) from None


class ByHeader(BaseVersioning):
    """Finds the version of a request, and says it in the headers of its answer."""

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> str:
        """Its name. Raises `BadInput` (unknown_version), and what authentication does."""
        # A caller without a key is told that first.
        key = request.auth
        if not isinstance(key, ApiKey):
            return versions.NEWEST
        name = request.headers.get(HEADER, key.version)
        if name not in versions.NAMES:
            if key.version in versions.NAMES:
                # That there is none such is said in the one that the key has.
                request.version = key.version
                say_version(request, key.version)
            versions.require_known(name)
        say_version(request, name)
        return name


class VersionedJSON(JSONRenderer):
    """JSON in the version of the request."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The bytes."""
        context = renderer_context or {}
        # What we speak is the newest, and so is what was refused before its version was found.
        version = getattr(context.get("request"), "version", None) or versions.NEWEST
        if data is not None and version != versions.NEWEST:
            is_problem = context["response"].exception
            name = versions.PROBLEM if is_problem else operation(context["request"])
            data = versions.downgrade(data, of=name, version=version)
        return super().render(data, accepted_media_type, renderer_context)


def spell(request: Request, answer: Response) -> bytes:
    """The bytes of an answer, as it is going to be sent."""
    spelled: bytes = VersionedJSON().render(
        answer.data, renderer_context={"request": request, "response": answer}
    )
    return spelled


def operation(request: Request) -> str:
    """The method and path of a request, as in openapi.json."""
    found = request.resolver_match
    path = re.sub(r"<slug:(\w+)>", r"{\1}", found.route) if found else ""
    return f"{'GET' if request.method == 'HEAD' else request.method} /{path}"


def say_version(request: Request, name: str) -> None:
    """Says in the headers of the answer by which version it is spelled, and what becomes of
    that.
    """
    headers = request.parser_context["view"].headers
    for each in _OF_OLD:
        headers.pop(each, None)
    headers[HEADER] = name
    if name == versions.NEWEST or (ending := versions.ending_of(name)) is None:
        return
    # Since when it is deprecated (RFC 9745), until when it is answered (RFC 8594), and where that
    # is explained.
    since, until = ending
    page = f"{settings.TULGA_PUBLIC_URL}/docs/changelog"
    links = (
        f'<{page}#{name}>; rel="deprecation"; type="text/html"',
        f'<{page}#policy>; rel="sunset"; type="text/html"',
    )
    headers |= {
        # A date of structured fields (RFC 9651 §3.3.7) is @ and seconds; Sunset is older and has
        # the date of HTTP.
        "Deprecation": f"@{int(since.timestamp())}",
        "Sunset": http_date(until.timestamp()),
        "Link": ", ".join(links),
    }
