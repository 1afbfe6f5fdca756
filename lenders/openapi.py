"""openapi.json: made from the views by drf-spectacular, with the webhook and the problems of every
operation.

Its examples are in examples.json, by operation: a request if the operation reads one, and an answer
if it gives one. `event` is the webhook's message.
tests/lenders/test_openapi.py sends every request, checks every answer against its schema,
and rewrites the file from real answers.
"""

import json
from dataclasses import is_dataclass
from functools import cache
from threading import Lock
from typing import Any, Final

from django.conf import settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    OpenApiWebhook,
    extend_schema,
)
from rest_framework import serializers

from lenders import policy
from lenders.problems import MEDIA_TYPE, body_of
from lenders.requests import HEADER
from lenders.resources.events import WebhookBody
from verification.core.codes import PROBLEMS
from verification.core.events import TOLD
from verification.core.opening import Document, Loan, Opening, Person, asked_of

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "pattern": policy.IDEMPOTENCY_KEY, "maxLength": policy.IDEMPOTENCY_KEY_MAX},
    OpenApiParameter.HEADER,
    description=(
        "1 to 255 visible ASCII characters, fresh for each new request: a UUID. A repeat with the"
        " same key and body gets the first answer again, with `Idempotent-Replayed: true`."
        " Recommended wherever it is offered."
    ),
)
_DESCRIPTION = """Identify the borrower before an online microcredit is given.

Open a verification, send the borrower to its `url`, and read the result when the webhook comes,
or by asking.
The mode, test or live, is that of the key. Errors are RFC 9457 problems: see
[/docs/problems](/docs/problems). Every answer carries `X-Request-Id`, and those made with a key
`RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds), and `Tulga-Version`: see
[/docs/changelog](/docs/changelog). Accept fields, statuses, codes and event types that you do not
know yet.

What a request may say stands in its schema, and what no schema can say is refused with a code of
its own. Formats that are ours: `iin` (12 digits, a date and a check digit), `kz-iban` (`KZ`,
check digits, 16 signs), `kz-mobile` (+77…), `person-name` (1 to 100 letters of one alphabet, a
hyphen, apostrophe or blank between two), `visible-text` (no control, invisible, unassigned or
direction-changing characters; plain blanks only, and no two in a row between other
characters)."""

_SETTINGS: dict[str, Any] = {
    "TITLE": "Tulga",
    "DESCRIPTION": _DESCRIPTION,
    "VERSION": policy.API_VERSION,
    "SCHEMA_PATH_PREFIX": "",  # all operations have one tag, whatever other addresses there are
    "OAS_VERSION": "3.1.0",
    "COMPONENT_SPLIT_REQUEST": False,
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": [],
    "WEBHOOKS": ["lenders.openapi.EVENT_WEBHOOK"],
    "SORT_OPERATIONS": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
# Titles of the statuses, for the description of a response that stands for several codes.
_STATUSES = {
    400: "malformed_json",
    401: "not_authenticated",
    403: "scope_missing",
    404: "not_found",
    408: "request_timeout",
    409: "conflict",
    410: "document_erased",
    411: "length_required",
    413: "body_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    422: "bad_input",
    429: "throttled",
    431: "headers_too_large",
    500: "internal_error",
    503: "unavailable",
}
_OF_ALL = (400, 408, 411, 414, 431, 500, 503)
"""Problems of any request: its form is judged before its operation is known."""
_WEBHOOK_HEADERS = {
    "webhook-id": (
        "The event's id: the same on every try and redelivery. Drop what you already have."
    ),
    "webhook-timestamp": (
        "Seconds since 1970, fresh on every try. Refuse what is older than five minutes."
    ),
    "webhook-signature": (
        "`v1,` and HMAC-SHA256, `v1a,` and Ed25519, base64, blanks between, of `id.timestamp.body`."
    ),
}
_NAMES = {
    Opening: "VerificationRequest",
    Person: "SubjectRequest",
    Document: "DocumentRequest",
    Loan: "LoanRequest",
}
_PREFIXES = {
    "verification_id": "ver",
    "clearance_id": "clr",
    "attempt_id": "att",
    "endpoint_id": "whe",
    "delivery_id": "dlv",
}
"""How the ids of a path begin."""
_MAKERS = {
    "open_verification": ("201", "verification_id"),
    "ask_for_clearance": ("202", "clearance_id"),
    "create_webhook_endpoint": ("201", "endpoint_id"),
}
"""The operations that create a resource, the status, and the name of its `id` in other
operations' paths.
"""
_TAGS = (
    "clearances",
    "contract",
    "obligation",
    "documents",
    "receipt",
    "webhook-endpoints",
    "events",
    "deliveries",
    "log",
)
"""Tags: an operation is listed under the first of them in its path; else under `verifications`,
or `test`.
"""
EXAMPLES: Final = settings.BASE_DIR / "lenders" / "examples.json"
_lock = Lock()

EVENT_WEBHOOK = OpenApiWebhook(
    name="event",
    decorator=extend_schema(
        summary="Something happened to a verification",
        description=(
            f"One of: {', '.join(TOLD)}; also `endpoint.test`. Answer 2xx within 15 seconds. 410"
            " disables the endpoint; anything else, a redirect too, is tried again for about three"
            " days, not before a `Retry-After` of up to an hour. Messages may come twice and out"
            " of order; `lender_sequence` has no gap."
        ),
        request={"application/json": WebhookBody},
        responses={
            200: OpenApiResponse(description="Taken. What the body says is not read by anybody.")
        },
    ),
)


class FaultAnswer(serializers.Serializer[Any]):
    """One field that cannot be used."""

    pointer = serializers.CharField(
        allow_blank=True, help_text="JSON pointer into the body, or `?name`."
    )
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemAnswer(serializers.Serializer[Any]):
    """RFC 9457. `code` is stable; `title` and `detail` are for people."""

    type = serializers.URLField(help_text="Leads to the documentation of the code.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    # a field of this name hides the serializer's own `errors`
    errors = FaultAnswer(many=True)  # type: ignore[assignment]


# the library has no types here
class _KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describes our key; found by drf-spectacular because this module is imported."""

    target_class = "lenders.keys.ApiKeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """HTTP bearer."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "tlg_test_… or tlg_live_…"}

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        """The scope that an operation requires (OpenAPI 3.1: a role of the key)."""
        return {self.name: [auto_schema.view.scopes[auto_schema.method]]}


def parameters_of(query: type) -> list[Any]:
    """A query's parameters, by its dataclass's forms."""
    return [
        OpenApiParameter(
            name,
            dict(field.form.schema),
            required=field.is_required,
            description=field.form.help,
            location="query",
            explode=False if field.form.schema.get("type") == "array" else None,
        )
        for name, field in asked_of(query).items()
    ]


# the library has no types here
class _Requests(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Describes a request by its dataclass's forms; drf-spectacular finds it through this
    import.
    """

    target_class = "verification.core.opening.Opening"

    @classmethod
    def _matches(cls, target: Any) -> bool:
        return isinstance(target, type) and is_dataclass(target)

    def get_name(self, auto_schema: Any, direction: Any) -> str:
        """Its name among the components."""
        return _NAMES.get(self.target) or str(self.target.__name__)

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Its schema, with those of nested requests."""
        properties, fields = {}, asked_of(self.target)
        for name, field in fields.items():
            part = (
                None if field.form.kind else auto_schema.resolve_serializer(field.type, direction)
            )
            schema: dict[str, Any] = part.ref if part else dict(field.form.schema)
            properties[name] = schema | (
                {"description": field.form.help} if field.form.help else {}
            )
        required = sorted(name for name, field in fields.items() if field.is_required)
        described = {
            "type": "object",
            "properties": properties,
            "description": self.target.__doc__.partition("\n")[0],
        }
        return described | ({"required": required} if required else {})


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """The problems of an operation, by status; those of any request are added to all.

    Operations with a body (415) also get the problems of a large one.
    """
    described = {}
    of_body = (413,) if 415 in statuses else ()
    for status in sorted({*statuses, *of_body, *_OF_ALL}):
        code = _STATUSES[status]
        body = body_of(
            PROBLEMS[code],
            code=code,
            detail="",
            instance="/v1/verifications",
            request_id="8c1f0a2b7d35",
        )
        fault = {
            "pointer": "/subject/iin",
            "code": "iin_malformed",
            "detail": "an IIN is 12 digits",
        }
        value = body | {"errors": [fault] if code == "bad_input" else []}
        codes = ", ".join(
            f"`{problem.code}`" for problem in PROBLEMS.values() if problem.status == status
        )
        described[status, MEDIA_TYPE] = OpenApiResponse(
            ProblemAnswer,
            description=f"{PROBLEMS[code].title}. Codes: {codes}.",
            examples=[OpenApiExample(code, value=value, media_type=MEDIA_TYPE)],
        )
    return described


@cache
def document() -> dict[str, Any]:
    """The whole description as JSON-ready values. Made once per process."""
    # The library's settings are patched during the build, so two threads must not build at once.
    # Its warnings about versions are silenced: this module describes them.
    with _lock, patched_settings(_SETTINGS), GENERATOR_STATS.silence():
        # no types there
        generator = SchemaGenerator(urlconf="lenders.urls")  # type: ignore[no-untyped-call]
        raw = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
        # The library lists the components before it reads the webhooks, so those that only they use
        # are missing.
        raw["components"]["schemas"] |= generator.registry.build({})["schemas"]
    # The library's own marks are useless to readers.
    described: dict[str, Any] = json.loads(
        json.dumps(raw),
        object_hook=lambda node: {k: node[k] for k in node if k != "x-spec-enum-id"},
    )
    described["servers"] = [{"url": settings.TULGA_PUBLIC_URL}]
    described["webhooks"]["event"]["post"]["parameters"] = [
        {
            "in": "header",
            "name": name,
            "required": True,
            "description": text,
            "schema": {"type": "string"},
        }
        for name, text in _WEBHOOK_HEADERS.items()
    ]
    for name, schema in described["components"]["schemas"].items():
        # The name endings of requests: `requests.read` refuses fields outside the schema.
        if name.endswith(("Request", "Change")):
            schema["additionalProperties"] = False
    _complete_operations(described)
    _put_examples(described)
    event = described["webhooks"]["event"]["post"]["requestBody"]["content"]["application/json"]
    event["example"] = examples()["event"]["request"]
    header = {
        "in": "header",
        "name": HEADER,
        "schema": {"type": "string", "enum": [policy.API_VERSION]},
        "description": "The version of the answer; see /docs/changelog. Left out: the same.",
    }
    for item in described["paths"].values():
        for operation in item.values():
            operation["parameters"] = [*operation.get("parameters", ()), header]
    return described


@cache
def operations() -> dict[str, Any]:
    """The same without webhooks, for generators of clients that make wrong code of them."""
    return {name: part for name, part in document().items() if name != "webhooks"}


def _complete_operations(described: dict[str, Any]) -> None:
    """Lists each operation under its resource, or under `test`, and names its scope.

    Gives each id in a path its pattern, and each answer that creates a resource its links.
    """
    operations = {
        operation["operationId"]: (path, operation)
        for path, item in described["paths"].items()
        for operation in item.values()
    }
    for path, operation in operations.values():
        steps, scope = path.split("/"), operation["security"][0]["key"][0]
        tag = next((tag for tag in _TAGS if tag in steps), "verifications")
        operation["tags"] = ["test" if steps[2] == "test" else tag]
        text = operation.get("description", "")
        operation["description"] = f"{text}\n\nScope of the key: `{scope}`.".strip()
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                prefix = _PREFIXES[parameter["name"]]
                parameter["schema"] = {"type": "string", "pattern": f"^{prefix}_[a-z2-7]{{26}}$"}
                parameter["description"] = f"`{prefix}_…`, of `{path.partition('/{')[0]}`"
    for maker, (status, name) in _MAKERS.items():
        links = {}
        for target, (_, operation) in operations.items():
            parameters = operation.get("parameters", ())
            if [field["name"] for field in parameters if field["in"] == "path"] == [name]:
                link = {"operationId": target, "parameters": {name: "$response.body#/id"}}
                links[target] = link
        operations[maker][1]["responses"][status]["links"] = links
    described["tags"] = [{"name": tag} for tag in ("verifications", *_TAGS, "test")]


@cache
def examples() -> dict[str, Any]:
    """By operation: `request` is a body, `answers` have a body for each status."""
    read: dict[str, Any] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return read


def _put_examples(described: dict[str, Any]) -> None:
    """Puts them in OpenAPI's place: beside their schema."""
    for item in described["paths"].values():
        for operation in item.values():
            example = examples().get(operation["operationId"], {})
            if "request" in example:
                for content in operation["requestBody"]["content"].values():
                    content["example"] = example["request"]
            for status, value in example.get("answers", {}).items():
                for content in operation["responses"][status]["content"].values():
                    if "examples" not in content:
                        content["example"] = value
