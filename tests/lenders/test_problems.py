"""Errors of one shape with documented codes; the one version of the API that each answer says."""

import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.test import APIRequestFactory

from lenders import problems
from lenders.policy import API_VERSION
from tests.lenders.log_of_lenders import happen
from tests.lenders.samples import Caller
from verification.core import errors
from verification.core.codes import FIELDS, LAW_FILES, PROBLEMS, REASONS

_ROOT = Path(problems.__file__).resolve().parent.parent
MEMBERS = {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.BadInput("x"), 422),
        (errors.BadInput("x", pointer="/a", code="iin_malformed"), 422),
        (errors.NotFound("x"), 404),
        (errors.Conflict("x"), 409),
        (errors.Conflict("x", code="receipt_not_ready"), 409),
        (errors.NotYourTurn("x"), 409),
        (errors.LinkUnusable("x"), 410),
        (errors.Refused("eds_malformed"), 422),
        (errors.SourceUnavailable("ocsp"), 503),
        (errors.FenceLost("x"), 503),
        (errors.EvidenceUnreadable("x"), 500),
        (errors.LogInconsistent("x"), 500),
        (errors.Misconfigured("x"), 500),
        (errors.TulgaError("x"), 500),
    ],
)
def test_every_class_of_our_errors_has_a_status(error: errors.TulgaError, status: int) -> None:
    assert problems.status_of(error) == status


def answer(error: Exception) -> dict[str, object]:
    request = APIRequestFactory().get("/v1/verifications/ver_1")
    response = problems.handle(error, {"request": request})
    assert response.content_type == "application/problem+json"
    assert set(response.data) == MEMBERS
    assert response.data["status"] == response.status_code
    return dict(response.data)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("password=hunter2"),
        errors.Misconfigured("TULGA_KEYS_DIR /srv/keys"),
        errors.EvidenceUnreadable("row 5"),
        errors.SourceUnavailable("ocsp", "http://10.0.0.5/"),
    ],
)
def test_a_fault_of_ours_says_nothing_of_our_insides(error: Exception) -> None:
    said = str(answer(error))
    for word in ("hunter2", "srv", "row", "10.0.0.5", "ocsp", "RuntimeError"):
        assert word not in said


def test_the_places_of_faults_are_json_pointers() -> None:
    tree: dict[str, Any] = {
        "a": {"b/c~d": [ErrorDetail("x", code="required")]},
        "non_field_errors": [ErrorDetail("y", code="invalid")],
    }
    faults = answer(ValidationError(tree))["errors"]
    assert faults == [
        {"pointer": "/a/b~1c~0d", "code": "required", "detail": "x"},
        {"pointer": "", "code": "invalid", "detail": "y"},
    ]


def test_every_code_that_is_raised_is_documented() -> None:
    """A code in a `raise` of ours that /docs/problems does not list would lead a developer
    nowhere.
    """
    known = {*PROBLEMS, *FIELDS, *REASONS}
    never_over_http = {
        "stored_unreadable",
        "scope_unknown",
        "mode_unknown",
        "cidr_malformed",
        "name_unresolved",
    }
    never_over_http |= {
        "bin_malformed",
        "calendar_malformed",
        "calendar_unordered",
        "calendar_too_lax",
        "calendar_empty",
    }
    never_over_http |= {*LAW_FILES}
    places = [*(_ROOT / "lenders").rglob("*.py"), *(_ROOT / "verification/core").glob("*.py")]
    places.remove(_ROOT / "verification/core/codes.py")
    places += [
        _ROOT / f"verification/access/{name}.py" for name in ("openings", "answers", "links")
    ]
    said = {
        code for place in places for code in re.findall(r"\bcode=\"([a-z_]+)\"", place.read_text())
    }
    assert len(said) > 30
    assert said - known - never_over_http == set()


def test_every_class_of_errors_is_answered_with_a_documented_code() -> None:
    classes = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.TulgaError)
    ]
    assert len(classes) > 10
    assert {str(answer(kind("x"))["code"]) for kind in classes} <= {*PROBLEMS, *REASONS}
    assert answer(errors.Conflict("x", code="never_heard_of"))["code"] == "conflict"


def test_the_type_of_a_problem_leads_to_our_documentation(client: Client, db: None) -> None:
    leads = urlsplit(str(answer(errors.NotFound("x"))["type"])).path
    page = client.get(leads)
    assert (leads, page.status_code) == ("/docs/problems/not_found", 200)
    assert 'id="not_found"' in client.get("/docs/problems").content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/verifications/",
        "/v1/verifications/a/b/c",
        "/v2",
        "/v1/events/a%0Ab",
        "/v1%0A",
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_unknown_address_is_a_problem_in_json(
    client: Client, db: None, path: str, method: str
) -> None:
    response = getattr(client, method)(path)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not_found"


def test_sentences_do_not_follow_the_callers_language(client: Client, db: None) -> None:
    said = client.get("/v1/events", headers={"accept-language": "ru"}).json()
    assert said["title"] == PROBLEMS["not_authenticated"].title
    assert said["detail"] == PROBLEMS["not_authenticated"].advice


def test_an_answer_is_json_whatever_the_caller_accepts(api: Caller) -> None:
    response = api._client.get("/v1/events", headers={"accept": "text/html"})
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert len(response.headers["X-Request-Id"]) >= 8


# The one version of the API: a request may name it, every answer to a key says it.
V, E = "/v1/verifications", "/v1/webhook-endpoints"


def test_the_header_may_name_the_version(api):
    happen(api)
    named = api.send("GET", "/v1/events", "", headers={"tulga-version": API_VERSION})
    assert named.json() == api.get("/v1/events").json()
    assert [event["version"] for event in named.json()["data"]] == [API_VERSION]


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


def test_every_answer_to_a_key_says_the_version(api):
    happen(api)
    for path in (V, "/v1/log/checkpoint", f"{V}/ver_a", "/v1/events?after=x", "/v1/nowhere"):
        assert api.get(path).headers["Tulga-Version"] == API_VERSION
    created = api.post(E, {"url": "https://lender.example/hook"})
    deleted = api.delete(f"{E}/{created.json()['id']}")
    for answer in (created, deleted):
        assert answer.headers["Tulga-Version"] == API_VERSION


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
