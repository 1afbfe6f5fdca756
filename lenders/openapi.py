"""openapi.json: made from the views by drf-spectacular, with the webhook and the problems of every
operation.
"""

import json
from dataclasses import is_dataclass
from functools import cache
from threading import Lock
from typing import Any

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

from lenders import examples, policy, versions
from lenders.answers import WebhookBody
from lenders.codes import PROBLEMS
from lenders.problems import MEDIA_TYPE, body_of
from lenders.requests import HEADER
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
hyphen, apostrophe or blank between two), `visible-text` (no control characters, none that nobody
sees or that Unicode has not assigned, none that turns the direction; of blanks the plain one
alone, and no two in a row between others)."""

_SETTINGS: dict[str, Any] = {
    "TITLE": "Tulga",
    "DESCRIPTION": _DESCRIPTION,
    "VERSION": versions.NEWEST,
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
_OF_ALL = (400, 411, 414, 431, 500, 503)
"""What any request may meet: its form is judged before it is known which operation it is for."""
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
"""Whose answer makes something, with which status, and what its `id` is in the paths of other
operations.
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
"""What an operation is listed under if its path names it, the first of them; else under
`verifications`, or `test`.
"""
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
        """The scope that an operation asks for (OpenAPI 3.1: a role of the key)."""
        return {self.name: [auto_schema.view.scopes[auto_schema.method]]}


def parameters_of(query: type) -> list[Any]:
    """A query's parameters, as the forms of its dataclass say."""
    return [
        OpenApiParameter(
            name,
            dict(each.form.schema),
            required=each.is_required,
            description=each.form.help,
            location="query",
        )
        for name, each in asked_of(query).items()
    ]


# the library has no types here
class _Requests(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Describes a request by the forms of its dataclass; found by drf-spectacular because this
    module is imported.
    """

    target_class = "verification.core.opening.Opening"

    @classmethod
    def _matches(cls, target: Any) -> bool:
        return isinstance(target, type) and is_dataclass(target)

    def get_name(self, auto_schema: Any, direction: Any) -> str:
        """Its name among the components."""
        return _NAMES.get(self.target) or str(self.target.__name__)

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Its schema, with those of the requests within."""
        properties, asked = {}, asked_of(self.target)
        for name, field in asked.items():
            within = (
                None if field.form.kind else auto_schema.resolve_serializer(field.type, direction)
            )
            schema: dict[str, Any] = within.ref if within else dict(field.form.schema)
            properties[name] = schema | (
                {"description": field.form.help} if field.form.help else {}
            )
        required = sorted(name for name, field in asked.items() if field.is_required)
        described = {
            "type": "object",
            "properties": properties,
            "description": self.target.__doc__.partition("\n")[0],
        }
        return described | ({"required": required} if required else {})


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """The problems an operation can answer with, by status; those of any request are added to all.

    To those that read a body (415) also what a large one is refused with.
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
def document(version: str = versions.NEWEST) -> dict[str, Any]:
    """A version of the whole description as JSON-ready values. Made once a process. Raises
    `KeyError` for none.
    """
    made: dict[str, Any]
    if version == versions.NEWEST:
        # The library's settings are patched for the time of making, so two threads must not make it
        # at once. It warns of versions that it does not know how to describe: they are described
        # here.
        with _lock, patched_settings(_SETTINGS), GENERATOR_STATS.silence():
            # no types there
            generator = SchemaGenerator(urlconf="lenders.urls")  # type: ignore[no-untyped-call]
            made = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
            # The library lists the components before it has read the webhooks, so what only those
            # use is missing.
            made["components"]["schemas"] |= generator.registry.build({})["schemas"]
        # The library's own marks are of no use to a reader.
        made = json.loads(
            json.dumps(made),
            object_hook=lambda one: {k: one[k] for k in one if k != "x-spec-enum-id"},
        )
        made["servers"] = [{"url": settings.TULGA_PUBLIC_URL}]
        made["webhooks"]["event"]["post"]["parameters"] = [
            {
                "in": "header",
                "name": name,
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in _WEBHOOK_HEADERS.items()
        ]
        for name, schema in made["components"]["schemas"].items():
            # How the names of what we read end: `requests.read` refuses what a schema does not
            # know.
            if name.endswith(("Request", "Change")):
                schema["additionalProperties"] = False
        _complete_operations(made)
        examples.put_into(made)
    else:
        made = versions.described(document(), version=version)
    # The header that asks for just what is described.
    said = "The version of the answer; of others see /docs/changelog. Left out: that of the key."
    header = {
        "in": "header",
        "name": HEADER,
        "schema": {"type": "string", "enum": [version]},
        "description": said,
    }
    for one in (one for item in made["paths"].values() for one in item.values()):
        one["parameters"] = [
            *(each for each in one.get("parameters", ()) if each["name"] != HEADER),
            header,
        ]
    return made


def _complete_operations(made: dict[str, Any]) -> None:
    """Lists each under the resource it is about, or under `test`, and names its scope; gives each
    id in a path its pattern, and each answer that makes something links to what may be asked of it.
    """
    operations = {
        one["operationId"]: (path, one)
        for path, item in made["paths"].items()
        for one in item.values()
    }
    for path, one in operations.values():
        named, scope = path.split("/"), one["security"][0]["key"][0]
        about = (
            "test"
            if named[2] == "test"
            else next((tag for tag in _TAGS if tag in named), "verifications")
        )
        one["tags"] = [about]
        one["description"] = f"{one.get('description', '')}\n\nScope of the key: `{scope}`.".strip()
        for parameter in one.get("parameters", ()):
            if parameter["in"] == "path":
                prefix = _PREFIXES[parameter["name"]]
                parameter["schema"] = {"type": "string", "pattern": f"^{prefix}_[a-z2-7]{{26}}$"}
                parameter["description"] = f"`{prefix}_…`, of `{path.partition('/{')[0]}`"
    for maker, (status, name) in _MAKERS.items():
        linked = {
            of: {"operationId": of, "parameters": {name: "$response.body#/id"}}
            for of, (path, one) in operations.items()
            if [each["name"] for each in one.get("parameters", ()) if each["in"] == "path"]
            == [name]
        }
        operations[maker][1]["responses"][status]["links"] = linked
    made["tags"] = [{"name": tag} for tag in ("verifications", *_TAGS, "test")]
