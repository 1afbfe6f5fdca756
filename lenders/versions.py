"""The dated versions of the API: what each changed, and how an answer of the newest is spelled as
an older one. Pure.

The code speaks the newest. A version says how each answer that it changed was spelled by the one
before it, and `downgrade` goes back from one to the next. What is added to an answer is added to
all: only what could break a caller makes a version. Signed bytes (receipts, documents, checkpoints,
proofs) have none: their own form says what they are.

Requests are read alike in all: a version keeps what its openapi.json promised of them, and a
spelling that it never named may come to be refused in each, as `changes` then say.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lenders import policy
from verification.core.errors import BadInput

Down = Callable[[Mapping[str, Any]], dict[str, Any]]
"""From the spelling of a version to that of the one before it; the argument stays as it is."""

WEBHOOK, PROBLEM = "webhook", "problem"
"""What is told by a webhook, and why a request was refused, as operations."""


@dataclass(frozen=True)
class Version:
    """One version. `name`: the day it came, in Kazakhstan. `changes`: sentences for the changelog.

    `answers`: by operation (its method and path as in openapi.json, `WEBHOOK` or `PROBLEM`),
    `schemas`: by component of openapi.json.
    """

    name: str
    changes: tuple[str, ...]
    answers: Mapping[str, Down] = field(default_factory=dict)
    schemas: Mapping[str, Down] = field(default_factory=dict)


def _listed(of: Down) -> Down:
    return lambda page: {**page, "data": [of(one) for one in page["data"]]}


def _schema(names: Mapping[str, str], **said: Any) -> Down:
    """Of a component: properties are renamed, one that becomes nothing is left out; `said` replaces
    what is said.
    """

    def down(schema: Mapping[str, Any]) -> dict[str, Any]:
        properties = {
            names.get(name, name): one for name, one in schema["properties"].items()
        } | said
        required = [names.get(name, name) for name in schema["required"]]
        properties.pop("", None)
        return {**schema, "properties": properties, "required": [name for name in required if name]}

    return down


# 2026-11-28.
_TOLD_BY: Final = {"verification": "id"}
_FORM: Final = {"type": "integer", "readOnly": True, "description": "The version of this form: 1."}
_GATE_STATUS: Final = {
    "type": "string",
    "description": "passed, not_evaluated where your profile does not ask, or why it refuses.",
}


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    before = {("v" if name == "version" else name): value for name, value in event.items()}
    return before | {
        "v": 1,
        "data": {_TOLD_BY.get(name, name): value for name, value in event["data"].items()},
    }


def _problem(problem: Mapping[str, Any]) -> dict[str, Any]:
    return {**problem, "type": problem["type"].replace("/docs/problems/", "/docs/problems#")}


def _clearance(clearance: Mapping[str, Any]) -> dict[str, Any]:
    gates = [
        {name: value for name, value in gate.items() if name != "code"}
        | {"status": gate["code"] or gate["status"]}
        for gate in clearance["gates"]
    ]
    return {**clearance, "gates": gates}


VERSIONS: Final = (
    Version("2026-11-25", ("The first that is dated.",)),
    Version(
        "2026-11-28",
        (
            (
                "Events and webhooks: `data.id` is `data.verification`, for it never was the"
                " event's own id."
            ),
            "Events and webhooks: `version`, by which the body is spelled, stands in place of `v`.",
            (
                "Clearances: the `status` of a gate is `passed`, `refused` or `not_evaluated`, and"
                " `code` says why it refuses. The code stood in place of the status, so that no new"
                " word could be told from a refusal."
            ),
            (
                "Problems: `type` leads to the page of the code; it led to a place on the page of"
                " all codes."
            ),
            (
                "Requests, in every version: a decimal has no zeros before it and no more places"
                " than allowed. `0150000.00` and `150000.000` are refused as `decimal_malformed`."
            ),
            (
                "Requests, in every version: a time is spelled by RFC 3339, in capitals, with"
                " seconds and a whole zone. `2026-11-24T10:00Z`, `2026-11-24T10:00:00+0600`,"
                " `2026-11-24T10:00:00+06` and `2026-11-24t10:00:00z` are refused as"
                " `time_malformed`, a date before the year 1000 or after 2999 as `date_malformed`."
            ),
            (
                "Requests, in every version: blanks around a text count as its characters, and a"
                " control character there, such as the end of a line, is refused as"
                " `text_malformed`. No blanks stand before the number of a document, nor around"
                " `client_reference` and the address of an endpoint, and in `return_url` no"
                " brackets."
            ),
            (
                "Requests, in every version: a text holds no sign that nobody sees or that Unicode"
                " has not assigned, no blank but the plain one, and no two of those between its"
                " words. Any other is refused as `text_malformed`."
            ),
            (
                "Requests, in every version: an Idempotency-Key that begins with a quotation mark"
                " ends with one."
            ),
            (
                "Requests, in every version: what is no GET has no query, and an unknown parameter"
                " is `unknown_field`."
            ),
        ),
        answers={
            "POST /v1/verifications/{verification_id}/clearances": _clearance,
            "GET /v1/clearances/{clearance_id}": _clearance,
            "POST /v1/clearances/{clearance_id}/consume": _clearance,
            "GET /v1/events": _listed(_event),
            WEBHOOK: _event,
            PROBLEM: _problem,
        },
        schemas={
            "GateAnswer": _schema({"code": ""}, status=_GATE_STATUS),
            "EventDataAnswer": _schema(_TOLD_BY),
            "EventAnswer": _schema({"version": "v"}, v=_FORM),
            "WebhookBody": _schema({"version": "v"}, v=_FORM),
        },
    ),
)
"""All that are shipped, oldest first."""
NAMES: Final = tuple(version.name for version in VERSIONS)
NEWEST: Final = NAMES[-1]


def newest() -> str:
    """The version of a key or an endpoint that is made now."""
    return NEWEST


def require_known(name: str) -> None:
    """Raises `BadInput` (unknown_version) for what is no version."""
    if name not in NAMES:
        raise BadInput(f"there are {', '.join(NAMES)}", code="unknown_version")


def shipped(name: str) -> str:
    """A version itself; of one that is gone, the oldest there is: better told otherwise than not at
    all.
    """
    return name if name in NAMES else NAMES[0]


def downgrade(answer: Any, *, of: str, version: str) -> Any:
    """An answer of the newest version as this one spells it. `of`: the operation. Raises `KeyError`
    for no version.
    """
    for later in _since(version):
        if of in later.answers:
            answer = later.answers[of](answer)
    return answer


def described(document: Mapping[str, Any], *, version: str) -> dict[str, Any]:
    """openapi.json as this version has it, its schemas and its examples of answers. Raises
    `KeyError` for none.
    """
    found = deepcopy(dict(document))
    found["info"]["version"] = version
    schemas = found["components"]["schemas"]
    for later in _since(version):
        schemas |= {name: down(schemas[name]) for name, down in later.schemas.items()}
    for path, item in found["paths"].items():
        for method, operation in item.items():
            for status, answer in operation["responses"].items():
                of = f"{method.upper()} {path}" if status.startswith("2") else PROBLEM
                for content in answer.get("content", {}).values():
                    for place in (content, *content.get("examples", {}).values()):
                        for name in {"example", "value"} & place.keys():
                            place[name] = downgrade(place[name], of=of, version=version)
    return found


def of_body(webhook: Mapping[str, Any]) -> str:
    """The version by which the body of a webhook is spelled, as it says itself."""
    return str(webhook["version"]) if "version" in webhook else NAMES[0]


def ending_of(version: str) -> tuple[datetime, datetime] | None:
    """From when a version is deprecated (the day the next one came) and until when it is answered
    at least, in UTC.

    None of the newest.
    """
    if not (later := NAMES[NAMES.index(version) + 1 :]):
        return None
    since = datetime.fromisoformat(later[0]).replace(tzinfo=UTC)
    return since, since + timedelta(days=policy.VERSION_DAYS)


def _since(version: str) -> Iterator[Version]:
    """Those that came after a version, the newest first."""
    if version not in NAMES:
        raise KeyError(version)
    return reversed(VERSIONS[NAMES.index(version) + 1 :])
