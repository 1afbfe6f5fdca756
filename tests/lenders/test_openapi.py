"""openapi.json is valid; its examples are sent as they stand, and each answer has its shape."""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate
from pytest_django import Settings

from lenders import endpoints, openapi, policy
from lenders.urls import urlpatterns
from tests.lenders.log_of_lenders import pump, send_due
from tests.lenders.samples import Caller
from tests.lenders.shapes import closed, hold, shape
from tests.responses import Response
from tests.verification.stories.conftest import Issued
from tests.verification.stories.conftest import authorities as authorities
from tests.verification.stories.conftest import issued as issued
from tests.verification.stories.conftest import trusted as trusted
from tests.verification.stories.insecure_capture import played
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.story import Story, order
from verification import clock
from verification.core.events import TOLD


def test_the_document_is_valid_openapi_3_1(client: Client, db: None) -> None:
    served = client.get("/openapi.json")
    assert served.headers["Content-Type"] == "application/json"
    document = json.loads(served.content)
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_the_operations_are_the_same_document_without_webhooks(client: Client, db: None) -> None:
    served = client.get("/openapi-operations.json").json()
    validate(served)
    whole = client.get("/openapi.json").json()
    assert whole.pop("webhooks")
    assert served == whole
    assert client.get("/openapi-operations.json?version=2020-01-01").status_code == 400


def test_every_reference_in_the_document_leads_somewhere() -> None:
    text = json.dumps(openapi.document())
    named = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named - set(openapi.document()["components"]["schemas"]) == set()


def test_every_address_of_the_api_is_described() -> None:
    ours = {
        str(pattern.pattern) for pattern in urlpatterns if str(pattern.pattern).startswith("v1/")
    }
    described = {
        path.lstrip("/").replace("{", "<slug:").replace("}", ">")
        for path in openapi.document()["paths"]
    }
    assert described == ours


def test_every_operation_asks_for_a_key_and_lists_its_problems() -> None:
    for item in openapi.document()["paths"].values():
        for operation in item.values():
            [scope] = operation["security"][0]["key"]
            assert operation["description"].endswith(f"Scope of the key: `{scope}`.")
            assert {"401", "403", "429", "500", "503"} <= set(operation["responses"])
            assert operation["summary"]


def test_the_webhook_is_described_with_its_headers_and_types() -> None:
    webhook = openapi.document()["webhooks"]["event"]["post"]
    assert {part["name"] for part in webhook["parameters"]} == {
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
    assert all(name in webhook["description"] for name in TOLD)


# The examples of openapi.json: each request is sent as it stands there, each answer holds
# against its schema. `KEEP_EXAMPLES=1 pytest tests/lenders/test_openapi.py` writes the
# answers anew from what the product said.
_PATHS = {
    one["operationId"]: (method, path)
    for path, item in openapi.document()["paths"].items()
    for method, one in item.items()
}
# Their times lie between a decision and now, which no text that is kept can know.
_OF_NOW = ("signed_at", "at")
_WHOLE = ("gates", "events", "combinations")
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
_LONGEST = 120  # characters of a value that a reader looks at; a signature or a proof is longer


class Player:
    """Sends the example of an operation, as it is kept, and remembers what came back."""

    def __init__(self, api: Caller) -> None:
        self._api, self.answers = api, dict[str, dict[str, Any]]()

    def __call__(self, operation: str, *, change: dict[str, Any] | None = None, **ids: str) -> Any:
        """The answer's body, after it was held against its shape. `change`: another example of the
        same operation.
        """
        method, path = _PATHS[operation]
        body = openapi.examples().get(operation, {}).get("request")
        body = body if body is None else {**_in_time(body), **(change or {})}
        query = {name: value for name, value in ids.items() if f"{{{name}}}" not in path}
        answer = self._send(method.upper(), path.format(**ids), body, query)
        assert str(answer.status_code) in openapi.document()["paths"][path][method]["responses"], (
            answer.content
        )
        assert answer.status_code < 300, answer.content
        if answer.status_code == 204:
            return None
        is_json = answer.headers["Content-Type"].partition(";")[0].endswith("json")
        said = hold(answer, path, method) if is_json else answer.content.decode()
        self.answers.setdefault(operation, {})[str(answer.status_code)] = said
        return said

    def _send(self, method: str, path: str, body: Any, query: dict[str, str]) -> Response:
        if method == "GET":
            return self._api.get(path, **query)
        return self._api.send(method, path, json.dumps(body) if body is not None else "")


def _in_time(body: dict[str, Any]) -> dict[str, Any]:
    return body | {name: clock.now().isoformat() for name in _OF_NOW if name in body}


def _play_a_loan(send: Player, lender: Any, issued: Issued) -> None:
    """From the opening to the end of the obligation."""
    opened = send("open_verification")
    send("open_verification")
    of_this = {"verification_id": opened["id"]}
    link = send("make_link", **of_this)
    story = Story(lender, opened["id"], link["url"].partition("#")[2]).to_statement()
    iin = openapi.examples()["open_verification"]["request"]["subject"]["iin"]
    story.sign_to_end(issued(iin=iin))
    send("get_verification", expand="checks", **of_this)
    send("report_contract", **of_this)
    clearance = {"clearance_id": send("ask_for_clearance", **of_this)["id"]}
    story.work()
    send("get_clearance", **clearance)
    send("consume_clearance", **clearance)
    send("report_obligation", **of_this)
    send("report_obligation", change={"status": "closed"}, **of_this)
    send("get_receipt", **of_this)
    send("get_statement", **of_this)
    send("get_signature", **of_this)
    send("redact_verification", **of_this)
    send("list_scenarios")
    simulated = send("open_verification", change={"client_reference": "loan-2026-000126"})["id"]
    send("simulate", verification_id=simulated)
    send("get_test_clock")
    send("advance_test_clock", change={"verification": simulated})


def _play_the_rest(send: Player, lender: Any, endpoint: str) -> None:
    """What has no place in one loan."""
    other = send("open_verification", change={"client_reference": "loan-2026-000124"})
    send("cancel_verification", verification_id=other["id"])
    captured = played(lender, "loan-2026-000125")
    [document] = send("list_documents", verification_id=captured.id)["data"]
    send("get_document", verification_id=captured.id, attempt_id=document["attempt"])
    order()
    pump()
    send_due()
    send("list_verifications", status="verified", limit="1")
    send("list_clearances", status="consumed", limit="1")
    event = send("list_events", limit="1")["data"][0]["id"]
    size = send("get_checkpoint").split("\n")[1]
    send("get_consistency", first="3", second=size)
    send("get_proof", event=event)
    send("get_consistency", first="1", second="2")
    delivery = send("list_deliveries", limit="1")["data"][0]["id"]
    send("redeliver", delivery_id=delivery)
    send("redeliver_range")
    send("list_webhook_endpoints")
    for operation in ("get", "change"):
        send(f"{operation}_webhook_endpoint", endpoint_id=endpoint)
    send("test_webhook_endpoint", endpoint_id=endpoint)
    send("rotate_webhook_secret", endpoint_id=endpoint)
    send("delete_webhook_endpoint", endpoint_id=endpoint)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_every_example_of_a_request_is_taken_as_its_operation_says(
    api: Caller,
    lender: Any,
    issued: Issued,
    receiver: Any,
    settings: Settings,
    request: pytest.FixtureRequest,
) -> None:
    adapter = {"adapter": "tests.lenders.api.test_simulations.InsecureSimulation", "options": {}}
    settings.TULGA_SOURCES = settings.TULGA_SOURCES | {
        "test": settings.TULGA_SOURCES["test"] | {"simulation": adapter}
    }
    send = Player(api)
    endpoint = send("create_webhook_endpoint", change={"url": receiver.url})["id"]
    _play_a_loan(send, lender, issued)
    request.getfixturevalue("script")  # from here on a borrower is before the camera
    _play_the_rest(send, lender, endpoint)
    assert _PATHS.keys() - send.answers.keys() == {"delete_webhook_endpoint"}
    closed_document = {"components": closed(openapi.document()["components"])}
    webhook = Draft202012Validator({"$ref": "#/components/schemas/WebhookBody"} | closed_document)
    for post in receiver.received:
        webhook.validate(json.loads(post.body))
    if os.environ.get("KEEP_EXAMPLES"):
        _keep(send.answers, receiver.url, _event(receiver))
    # One way to write a time, in answers and in messages.
    told = [send.answers, *(json.loads(post.body) for post in receiver.received)]
    assert [time for time in _times(told) if not re.fullmatch(_TIME, time)] == []
    for sample in (openapi.examples()["event"]["request"], *map(_shown, _MESSAGES)):
        assert _names(sample) == _names(_event(receiver))
    # An example says what is said: no field of it is gone, and no field is new.
    for operation, answers in send.answers.items():
        for status, said in answers.items():
            assert _names(openapi.examples()[operation]["answers"][status]) == _names(said), (
                operation
            )


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_every_body_has_an_example_that_its_schema_takes() -> None:
    for operation, (method, path) in _PATHS.items():
        described = openapi.document()["paths"][path][method]
        for content in described.get("requestBody", {}).get("content", {}).values():
            assert "example" in content, operation
            _validate(content["schema"], content["example"])
        for status, response in described["responses"].items():
            for media_type, content in response.get("content", {}).items():
                given = [content["example"]] if "example" in content else []
                given += [one["value"] for one in content.get("examples", {}).values()]
                assert given, (operation, status)
                for value in given:
                    shape(path, method, int(status), media_type).validate(value)


def _validate(schema: Any, value: Any) -> None:
    whole = schema | {"components": openapi.document()["components"]}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(value)


def _event(receiver: Any) -> Any:
    """The message of a verified borrower, as it was sent."""
    bodies = [json.loads(post.body) for post in receiver.received]
    return next(body for body in bodies if body["type"] == "verification.verified")


_MESSAGES = ("docs/lender/webhooks.md", "docs/lender/webhooks.ru.md")


def _shown(page: str) -> Any:
    """The message that a page shows."""
    text = (settings.BASE_DIR / page).read_text(encoding="utf-8")
    return json.loads(text.partition("```json\n")[2].partition("```")[0])


def _times(value: Any) -> Iterator[str]:
    """Every text within that is a time."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _times(item)
    elif isinstance(value, str) and re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]", value):
        yield value


def _names(value: Any) -> Any:
    """The names within, at every depth; the first item of a list stands for all."""
    if isinstance(value, dict):
        return {name: _names(item) for name, item in value.items()}
    return [_names(value[0])] if isinstance(value, list) and value else None


def _keep(answers: dict[str, Any], receiver: str, event: Any) -> None:
    kept = {operation: dict(of_this) for operation, of_this in openapi.examples().items()}
    for operation, said in sorted(answers.items()):
        kept.setdefault(operation, {})["answers"] = _short(said, receiver)
    kept["event"] = {"request": _short(event, receiver)}
    path = openapi.EXAMPLES
    path.write_text(
        json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8"
    )
    openapi.examples.cache_clear()


def _short(value: Any, receiver: str, name: str = "") -> Any:
    """As it is kept: one item of a list of rows, no secret, and of what is long its beginning."""
    if isinstance(value, dict):
        return {within: _short(item, receiver, within) for within, item in value.items()}
    if isinstance(value, list):
        rows = value if name in _WHOLE else value[:1]
        return [_short(item, receiver) for item in rows]
    if not isinstance(value, str):
        return value
    if name == "secret":
        return endpoints.spell_secret(bytes(policy.SECRET_BYTES))
    value = value.replace(receiver, "https://lender.example/tulga")
    # What is no text stays in its alphabet, so that its schema may say which.
    return value if len(value) <= _LONGEST else value[:_LONGEST] + ("…" if " " in value else "")
