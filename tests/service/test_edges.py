"""What no application sees, or what Django would answer by a page: the API's edges speak its own
words.
"""

import json
import socket
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest

from tests import noting

pytestmark = pytest.mark.service

_HOST = b"HTTP/1.1\r\nHost: {host}\r\n"
_CHUNKS = (
    b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
)
_LENGTH = b"Content-Length: 2\r\n"
_SENT = {
    "another version": (b"GET /v2 " + _HOST + b"\r\n", 404, "not_found"),
    "below it": (b"GET /v17/verifications " + _HOST + b"\r\n", 404, "not_found"),
    "a bad host": (
        b"GET /v1/verifications HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        400,
        "host_unknown",
    ),
    "a host that is none": (b"GET /v1/events HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "host_unknown"),
    "a long address": (
        b"GET /v1/events?after=" + b"1" * 4000 + b" HTTP/1.1\r\n\r\n",
        414,
        "uri_too_long",
    ),
    "many headers": (
        b"GET /v1/events " + _HOST + b"X-A: b\r\n" * 100 + b"\r\n",
        431,
        "headers_too_large",
    ),
    "no request": (b"\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", 400, "malformed_request"),
    "no version": (b"GET /v1/events HTTP/9.9\r\nHost: {host}\r\n\r\n", 400, "malformed_request"),
    "two lengths": (
        b"POST /v1/events " + _HOST + _LENGTH * 2 + b"\r\n{}",
        400,
        "malformed_request",
    ),
    "a length and chunks": (
        b"POST /v1/events " + _HOST + _LENGTH + _CHUNKS,
        400,
        "malformed_request",
    ),
    "chunks": (b"POST /v1/verifications " + _HOST + _CHUNKS, 411, "length_required"),
    "chunks for a link": (
        b"POST /v1/verifications/ver_x/link " + _HOST + _CHUNKS,
        411,
        "length_required",
    ),
}


@pytest.mark.parametrize("name", _SENT)
def test_every_edge_is_a_problem_with_a_code(deployment, name):
    sent, status, code = _SENT[name]
    answer, body = asked(deployment.url, sent)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    said = json.loads(body)
    assert (said["status"], said["code"], said["errors"]) == (status, code, [])
    assert said["type"].endswith(f"/docs/problems/{code}")
    assert said["request_id"] == answer.headers["X-Request-Id"]


def test_a_borrowers_form_in_chunks_is_a_page(deployment):
    answer, body = asked(deployment.url, b"POST /v/ " + _HOST + _CHUNKS)
    assert (answer.status, answer.headers["Content-Type"]) == (411, "text/html; charset=utf-8")
    assert b"<h1" in body


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.7:8000", "evil.example", "a b", ""])
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_is_answered_whatever_host_it_names(deployment, path, host):
    named = f"Host: {host}\r\n" if host else ""
    answer, body = asked(deployment.url, f"GET {path} HTTP/1.0\r\n{named}\r\n".encode())
    assert answer.status == 200, body
    assert b"<" not in body


@pytest.mark.parametrize("path", ["/", "/people/sign-in/", "/v/", "/readyz/"])
def test_another_page_is_refused_to_an_unknown_host_and_the_log_does_not_repeat_it(
    deployment, path
):
    answer, body = asked(
        deployment.url, f"GET {path} HTTP/1.1\r\nHost: evil.example\r\n\r\n".encode()
    )
    assert answer.status == 400
    assert len(body) < 5000
    log = (deployment.folder / "logs" / "web.log").read_text()
    assert "evil.example" not in log
    assert "DisallowedHost" not in log


def asked(url: str, sent: bytes) -> tuple[HTTPResponse, bytes]:
    """What the web server answers to these bytes: the answer and its body."""
    place = urlsplit(url)
    with socket.create_connection((str(place.hostname), int(place.port or 80)), timeout=10) as wire:
        wire.sendall(sent.replace(b"{host}", place.netloc.encode()))
        answer = HTTPResponse(wire)
        answer.begin()
        body = answer.read()
        noting.note(
            place.path, answer.headers["Content-Type"], body
        )  # gunicorn's own words pass no middleware
        return answer, body
