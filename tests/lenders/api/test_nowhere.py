"""To a live key what is of test mode alone is nowhere, and nowhere is told in the version of the
key.
"""

import re
from itertools import product
from typing import Any

import pytest
from django.test import Client

from lenders import openapi, policy
from lenders.models import IdempotentRequest, Lender
from lenders.policy import API_VERSION
from tests.lenders.conftest import live_secret
from tests.lenders.samples import Caller
from tests.responses import Response

pytestmark = pytest.mark.django_db

NOWHERE = "/v1/nothing"
PLACES = [
    re.sub(r"\{.*\}", f"ver_{'a' * 26}", path)
    for path in openapi.document()["paths"]
    if path.startswith("/v1/test/")
]
METHODS = ["GET", "POST", "DELETE", "OPTIONS", "BREW"]
BODIES = [b"", b"{", b'{"advance_seconds": 60}', b'{"unknown": 1}']
HEADERS: list[dict[str, Any]] = [
    {},
    {"idempotency-key": "k-1"},
    {"idempotency-key": '"'},
    {"tulga-version": API_VERSION},
    {"tulga-version": "tomorrow"},
    {"content-type": "text/plain"},
]
QUERIES = ["", "?limit=x&limit=y"]


@pytest.fixture(params=[policy.SCOPES, ()], ids=["all-scopes", "no-scope"])
def secret(request: pytest.FixtureRequest, lender: Lender) -> str:
    """The secret of a live key."""
    return live_secret(lender, scopes=request.param)


def said(answer: Response, path: str) -> tuple[int, bytes, dict[str, str]]:
    """All that an answer says but its own number and the address that was asked."""
    own = answer.headers["X-Request-Id"]
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-Id"}
    content = answer.content.replace(own.encode(), b"").replace(path.encode(), b"")
    return answer.status_code, content, headers | {"Content-Length": str(len(content))}


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("method", METHODS)
def test_a_live_key_cannot_tell_what_is_of_test_mode_from_nothing(
    secret: str, path: str, method: str
) -> None:
    client = Client(headers={"authorization": f"Bearer {secret}"})
    for body, headers, query in [
        *product(BODIES, HEADERS[:1], QUERIES),
        *product(BODIES[2:3], HEADERS[1:], QUERIES[:1]),
    ]:
        more = {"content_type": "application/json", "headers": headers}
        answers = [
            said(client.generic(method, of + query, body, **more), of) for of in (path, NOWHERE)
        ]
        assert answers[0] == answers[1]
    assert not IdempotentRequest.objects.exists()


@pytest.mark.parametrize(
    "path", ["/v1/verifications/ver.x", NOWHERE, "/v1/verifications/a/b/c", "/v2"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nowhere_says_the_version_to_a_key_alone(api: Caller, path: str, method: str) -> None:
    answer = api.send(method, path, "")
    assert (answer.status_code, answer.headers.get("Tulga-Version")) == (404, API_VERSION)
    for secret in ("", "tlg_test_x", "x"):
        stranger = Caller(secret).send(method, path, "")
        assert (stranger.status_code, "Tulga-Version" in stranger.headers) == (404, False)
        for each in (answer, stranger):
            assert each.json()["type"].endswith("/docs/problems/not_found")
