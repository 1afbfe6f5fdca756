"""openapi.json is valid, and every answer we really give has the shape it promises."""

import json
import re
from typing import Any

from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate

from lenders import openapi
from lenders.urls import urlpatterns
from tests.lenders.insecure_receiver import Receiver
from tests.lenders.log_of_lenders import pump, send_due
from tests.lenders.samples import Caller, opening
from tests.responses import Response
from verification.core.events import TOLD
from verification.log import sequencer


def shape(
    path: str, method: str, status: int, media_type: str = "application/json"
) -> Draft202012Validator:
    """A validator of one answer. Fields nobody promised are refused too, so that none is forgotten
    in the document.
    """
    document = openapi.document()
    answer = document["paths"][path][method]["responses"][str(status)]["content"][media_type][
        "schema"
    ]
    return Draft202012Validator(
        answer | {"components": _closed(document["components"])}, format_checker=FormatChecker()
    )


def _closed(components: dict[str, Any]) -> dict[str, Any]:
    schemas = {
        name: schema | {"additionalProperties": False} if "properties" in schema else schema
        for name, schema in components["schemas"].items()
    }
    return {"schemas": schemas}


def hold(response: Response, path: str, method: str) -> Any:
    """The answer's body, after it was held against its shape."""
    media_type = response.headers["Content-Type"].partition(";")[0]
    shape(path, method, response.status_code, media_type).validate(response.json())
    return response.json()


def test_the_document_is_valid_openapi_3_1(client: Client, db: None) -> None:
    served = client.get("/openapi.json")
    assert served.headers["Content-Type"] == "application/json"
    document = json.loads(served.content)
    assert document["openapi"].startswith("3.1")
    validate(document)


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


def test_ids_have_their_pattern_and_what_is_made_leads_on(api: Caller) -> None:
    paths = openapi.document()["paths"]
    of_paths = [
        one
        for item in paths.values()
        for each in item.values()
        for one in each.get("parameters", ())
    ]
    patterns = {one["name"]: one["schema"]["pattern"] for one in of_paths if one["in"] == "path"}
    made = api.post("/v1/verifications", opening()).json()
    assert re.fullmatch(patterns["verification_id"], made["id"])
    assert not re.fullmatch(patterns["verification_id"], made["id"].upper())
    links = paths["/v1/verifications"]["post"]["responses"]["201"]["links"]
    assert {"get_verification", "cancel_verification", "ask_for_clearance"} <= links.keys()
    assert {"consume_clearance", "get_clearance"} == paths[
        "/v1/verifications/{verification_id}/clearances"
    ]["post"]["responses"]["202"]["links"].keys()


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


def test_the_answers_about_verifications_have_their_shape(api: Caller) -> None:
    list_, one = "/v1/verifications", "/v1/verifications/{verification_id}"
    opened = hold(api.post(list_, opening(metadata={"a": ""}, opened_by="B")), list_, "post")
    hold(api.post(list_, opening(metadata={"a": ""}, opened_by="B")), list_, "post")
    hold(api.get(list_), list_, "get")
    hold(api.get(f"{list_}/{opened['id']}", expand="checks"), one, "get")
    hold(api.post(f"{list_}/{opened['id']}/link"), f"{one}/link", "post")
    hold(api.post(f"{list_}/{opened['id']}/cancel"), f"{one}/cancel", "post")
    hold(api.get(list_), list_, "get")


def test_the_answers_about_webhooks_have_their_shape(api: Caller, receiver: Receiver) -> None:
    list_, one = "/v1/webhook-endpoints", "/v1/webhook-endpoints/{endpoint_id}"
    made = hold(api.post(list_, {"url": receiver.url}), list_, "post")
    place = f"{list_}/{made['id']}"
    hold(api.get(list_), list_, "get")
    hold(api.get(place), one, "get")
    hold(api.patch(place, {"events": []}), one, "patch")
    hold(api.post(f"{place}/test"), f"{one}/test", "post")
    hold(api.post(f"{place}/rotate-secret"), f"{one}/rotate-secret", "post")
    api.post("/v1/verifications", opening())
    sequencer.order("test")
    pump()
    send_due()
    sent = hold(api.get("/v1/deliveries"), "/v1/deliveries", "get")["data"][0]
    hold(
        api.post(f"/v1/deliveries/{sent['id']}/redeliver"),
        "/v1/deliveries/{delivery_id}/redeliver",
        "post",
    )
    span = {"from": "2020-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}
    hold(api.post("/v1/deliveries/redeliver", span), "/v1/deliveries/redeliver", "post")
    hold(api.get("/v1/events"), "/v1/events", "get")
    body = {
        "$ref": "#/components/schemas/WebhookBody",
        "components": _closed(openapi.document()["components"]),
    }
    for received in receiver.received:
        Draft202012Validator(body).validate(json.loads(received.body))


def test_the_problems_have_their_shape(api: Caller) -> None:
    path = "/v1/verifications"
    hold(api.post(path, {"a": 1}), path, "post")
    hold(api.send("POST", path, "{"), path, "post")
    hold(api.send("POST", path, "a", content_type="text/plain"), path, "post")
    hold(Caller("tlg_test_x").get(path), path, "get")
    hold(api.get(f"{path}/x"), f"{path}/{{verification_id}}", "get")


def test_the_shape_of_a_request_agrees_with_what_we_take(api: Caller) -> None:
    components = openapi.document()["components"]
    described = Draft202012Validator(
        {"$ref": "#/components/schemas/VerificationRequest", "components": components}
    )
    described.validate(opening())
    for wrong in (
        opening(extra=1),
        opening(locale="de"),
        opening(subject__iin=None),
        opening(loan__extra=1),
    ):
        assert not described.is_valid(wrong)
        assert api.post("/v1/verifications", wrong).status_code == 422
