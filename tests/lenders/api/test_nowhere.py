"""To a live key what is of test mode alone is nowhere, and nowhere is told in the version of the
key.
"""

import re
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from lenders import keys, openapi, policy
from lenders.models import ApiKey, IdempotentRequest, Lender
from lenders.policy import API_VERSION
from tests.lenders.samples import Caller
from tests.responses import Response
from verification.core.ids import secret_digest

pytestmark = pytest.mark.django_db

NOWHERE = "/v1/nothing"
PLACES = [
    re.sub(r"\{.*\}", f"ver_{'a' * 26}", path)
    for path in openapi.document()["paths"]
    if path.startswith("/v1/test/")
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
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
def live(request: pytest.FixtureRequest, lender: Lender) -> str:
    """The secret of a live key."""
    at = timezone.now()
    digest, until = secret_digest("tlg_live_x").hex(), at + timedelta(days=1)
    ApiKey.objects.create(
        lender=lender,
        mode="live",
        sha256=digest,
        scopes=list(request.param),
        created_at=at,
        expires_at=until,
    )
    return "tlg_live_x"


def said(answer: Response, path: str) -> tuple[int, bytes, dict[str, str]]:
    """All that an answer says but its own number and the address that was asked."""
    own = answer.headers["X-Request-Id"]
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-Id"}
    content = answer.content.replace(own.encode(), b"").replace(path.encode(), b"")
    return answer.status_code, content, headers | {"Content-Length": str(len(content))}


def test_the_places_are_found() -> None:
    assert len(PLACES) >= 3


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.parametrize("method", METHODS)
def test_a_live_key_cannot_tell_what_is_of_test_mode_from_nothing(
    live: str, path: str, method: str
) -> None:
    client = Client(headers={"authorization": f"Bearer {live}"})
    for body, headers, query in [
        *product(BODIES, HEADERS, QUERIES[:1]),
        *product(BODIES[2:3], HEADERS, QUERIES[1:]),
    ]:
        more = {"content_type": "application/json", "headers": headers}
        answers = [
            said(client.generic(method, of + query, body, **more), of) for of in (path, NOWHERE)
        ]
        assert answers[0] == answers[1]
    assert not IdempotentRequest.objects.exists()


def test_a_test_key_without_a_scope_is_told_so_there(lender: Lender) -> None:
    scopeless = Caller(keys.issue(lender, mode="test", scopes=()).secret)
    assert {scopeless.get(path).status_code for path in PLACES} == {403, 405}


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


@pytest.mark.parametrize("path", ["/v1/verifications", NOWHERE])
def test_another_version_is_refused_everywhere(lender: Lender, path: str) -> None:
    caller = Caller(keys.issue(lender, mode="test").secret, version="tomorrow")
    answer = caller.get(path)
    assert (answer.status_code, answer.headers.get("Tulga-Version")) == (400, API_VERSION)
    assert answer.json()["type"].endswith("/docs/problems/unknown_version")
