"""What is refused before an operation is reached, at each operation of openapi.json: the document
says so too.
"""

from typing import Any

import pytest
from django.test import Client

from lenders import keys, openapi, policy
from lenders.models import Lender
from tests.lenders.conftest import lender  # noqa: F401
from tests.lenders.shapes import hold
from tests.responses import Response

pytestmark = [pytest.mark.long, pytest.mark.django_db]

EACH = [(path, method) for path, item in openapi.document()["paths"].items() for method in item]
READS_A_BODY = [
    (path, method)
    for path, method in EACH
    if "415" in openapi.document()["paths"][path][method]["responses"]
]


def send(key: str, path: str, method: str, body: bytes | str = b"", **more: Any) -> Response:
    """The answer to a request for something that nobody has."""
    operations = openapi.document()["paths"][path].values()
    parameters = [
        one
        for operation in operations
        for one in operation.get("parameters", ())
        if one["in"] == "path"
    ]
    ids = {one["name"]: f"{one['schema']['pattern'][1:4]}_{'a' * 26}" for one in parameters}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    more = {"content_type": "application/json", **more}
    return Client(headers=headers).generic(method.upper(), path.format(**ids), body, **more)


def told(answer: Response, path: str, method: str) -> tuple[int, str]:
    """Its status and code, after its shape was held against the document."""
    return (answer.status_code, hold(answer, path, method)["code"])


@pytest.fixture
def key(lender: Lender) -> str:  # noqa: F811
    """A key that may do everything."""
    return keys.issue(lender, mode="test").secret


@pytest.mark.parametrize(("path", "method"), EACH)
def test_who_may_not_ask_is_told_so(path: str, method: str, lender: Lender, key: str) -> None:  # noqa: F811
    assert told(send("", path, method), path, method) == (401, "not_authenticated")
    assert told(send(key[:-1] + "_", path, method), path, method)[0] == 401
    scopeless = keys.issue(lender, mode="test", scopes=()).secret
    assert told(send(scopeless, path, method), path, method) == (403, "scope_missing")


@pytest.mark.parametrize(("path", "method"), EACH)
def test_the_named_scope_is_asked_for_and_no_other(path: str, method: str, lender: Lender) -> None:  # noqa: F811
    [named] = openapi.document()["paths"][path][method]["security"][0]["key"]
    others = [scope for scope in policy.SCOPES if scope != named]
    for scopes, is_let_in in (([named], True), (others, False)):
        answer = send(keys.issue(lender, mode="test", scopes=scopes).secret, path, method)
        assert (answer.status_code != 403) is is_let_in


@pytest.mark.parametrize(("path", "method"), EACH)
def test_what_is_no_request_here_is_told_so(path: str, method: str, key: str) -> None:
    assert told(send(key, path, method, HTTP_HOST="elsewhere.example"), path, method) == (
        400,
        "host_unknown",
    )
    chunked = send(key, path, method, HTTP_TRANSFER_ENCODING="chunked")
    assert told(chunked, path, method) == (411, "length_required")


@pytest.mark.parametrize(("path", "method"), READS_A_BODY)
def test_a_body_that_cannot_be_read_is_told_so(path: str, method: str, key: str) -> None:
    assert told(send(key, path, method, "{"), path, method) in {
        (400, "malformed_json"),
        (404, "not_found"),
    }
    long = b'"' + b"a" * policy.BODY_MAX_BYTES + b'"'
    assert told(send(key, path, method, long), path, method) in {
        (413, "body_too_large"),
        (404, "not_found"),
    }
    other = send(key, path, method, "a=b", content_type="application/x-www-form-urlencoded")
    assert told(other, path, method) in {(415, "unsupported_media_type"), (404, "not_found")}


@pytest.mark.parametrize(("path", "method"), EACH)
def test_too_many_requests_are_told_so(
    path: str, method: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "RATE_REQUESTS", 0)
    assert told(send(key, path, method), path, method) == (429, "throttled")


@pytest.mark.parametrize("path", sorted({path for path, _ in EACH}))
def test_a_method_that_an_address_does_not_have_is_told_so(path: str, key: str) -> None:
    has = openapi.document()["paths"][path]
    for method in {"get", "post", "put", "patch", "delete"} - set(has):
        answer = send(key, path, method)
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert {one.strip().lower() for one in answer.headers["Allow"].split(",")} - {
            "head",
            "options",
        } == set(has)
