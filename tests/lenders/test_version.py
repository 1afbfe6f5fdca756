"""The one version of the API: a request may name it, every answer to a key says it."""

import json
from html import unescape

import pytest

from lenders import deliveries, keys
from lenders.models import Delivery, IdempotentRequest
from lenders.policy import API_VERSION
from tests.lenders.log_of_lenders import happen, pump
from tests.lenders.samples import Caller, opening

V, E = "/v1/verifications", "/v1/webhook-endpoints"


@pytest.fixture
def naming(lender):
    """A server that names the version in each request."""
    return Caller(keys.issue(lender, mode="test").secret, version=API_VERSION)


def test_the_header_may_name_the_version(api, naming):
    happen(api)
    assert naming.get("/v1/events").json() == api.get("/v1/events").json()
    assert [event["version"] for event in naming.get("/v1/events").json()["data"]] == [API_VERSION]


@pytest.mark.parametrize(
    "name",
    ["2026-11-25", "2020-01-01", "newest", "", " ", "2026-11-28,2026-11-25", "2026-11-28\t1"],
)
@pytest.mark.parametrize("path", [V, "/v1/events", "/v1/log/checkpoint", f"{V}/ver_a/receipt"])
def test_another_version_is_refused(api, path, name):
    refused = api.send("GET", path, "", headers={"tulga-version": name})
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_version")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Tulga-Version"] == API_VERSION


def test_nothing_is_done_by_a_request_of_another_version(lender):
    caller = Caller(keys.issue(lender, mode="test").secret, version="tomorrow")
    assert caller.post(V, opening(), key="k-1").status_code == 400
    assert not IdempotentRequest.objects.exists()


def test_who_has_no_key_is_told_that_first(db):
    for secret in ("", "tlg_test_x"):
        refused = Caller(secret, version="tomorrow").get(V)
        assert refused.status_code == 401
        assert "Tulga-Version" not in refused.headers


def test_every_answer_to_a_key_says_the_version(api):
    happen(api)
    for path in (V, "/v1/log/checkpoint", f"{V}/ver_a", "/v1/events?after=x", "/v1/nowhere"):
        assert api.get(path).headers["Tulga-Version"] == API_VERSION
    created = api.post(E, {"url": "https://lender.example/hook"})
    deleted = api.delete(f"{E}/{created.json()['id']}")
    for answer in (created, deleted):
        assert answer.headers["Tulga-Version"] == API_VERSION


def test_a_repeat_is_the_first_answer_byte_for_byte(api, naming):
    first, repeat = (caller.post(V, opening(), key="k-1") for caller in (api, naming))
    assert first.content == repeat.content
    assert repeat.headers["Idempotent-Replayed"] == "true"
    assert first.headers["Tulga-Version"] == repeat.headers["Tulga-Version"] == API_VERSION
    assert first.headers["Content-Type"] == repeat.headers["Content-Type"] == "application/json"


def test_an_endpoint_may_name_the_version(api):
    url = "https://lender.example/hook"
    created = api.post(E, {"url": url}).json()
    assert created["version"] == API_VERSION
    assert api.post(E, {"url": url, "version": API_VERSION}).json()["version"] == API_VERSION
    place = f"{E}/{created['id']}"
    assert api.patch(place, {"version": API_VERSION}).json()["version"] == API_VERSION
    for refused in (
        api.post(E, {"url": url, "version": "2026-11-25"}),
        api.patch(place, {"version": None}),
    ):
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/version"


@pytest.mark.parametrize("version", [API_VERSION, "2026-11-25", None, 7])
def test_a_body_that_lies_in_any_version_is_not_sent(api, endpoint, receiver, version):
    happen(api)
    pump()
    row = Delivery.objects.get()
    body = json.loads(bytes(row.body))
    body["data"]["status"] = "verified"
    if version is None:
        del body["version"]
    else:
        body["version"] = version
    Delivery.objects.update(body=json.dumps(body).encode())
    assert deliveries.unproven([Delivery.objects.get()]) == {row.pk}


def test_the_changelog_names_the_version(client, db):
    page = unescape(client.get("/docs/changelog").content.decode())
    assert f'id="{API_VERSION}"' in page
    assert f"/openapi.json?version={API_VERSION}" in page


def test_the_description_is_of_the_version(client, db):
    described = client.get("/openapi.json").json()
    assert client.get("/openapi.json", {"version": API_VERSION}).json() == described
    assert described["info"]["version"] == API_VERSION
    for item in described["paths"].values():
        for operation in item.values():
            header = operation["parameters"][-1]
            assert (header["name"], header["schema"]["enum"]) == ("Tulga-Version", [API_VERSION])
    refused = client.get("/openapi.json", {"version": "2026-11-25"})
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_version")
