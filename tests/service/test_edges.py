"""What no application sees, or what Django would answer by a page: the API's edges speak its own
words.
"""

import json
import re
import socket
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest

from tests import noting
from tests.servers import free_port

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
    # What it says of the parts depends on the tests before.
    assert answer.status in ((200,) if path == "/healthz" else (200, 503)), body
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


@pytest.fixture
def proxied_url(deployment):
    """A web server that trusts the proxy on this host, over the same database."""
    url = f"http://127.0.0.1:{free_port()}"
    deployment.start_web("proxied-web", url=url, TULGA_TRUSTED_PROXIES="127.0.0.1")
    try:
        deployment.processes.wait_for(f"{url}/healthz", name="proxied-web")
        yield url
    finally:
        deployment.processes.kill("proxied-web")


@pytest.fixture
def limited_key(deployment):
    """A key for one network."""
    made = deployment.processes.must("add_key", "120340000014", "--cidr", "203.0.113.0/24")
    return re.findall(r"tlg_test_\S+", made)[0].encode()


_IS_LENDER, _IS_OTHER = b"203.0.113.9", b"198.51.100.66"


_FORWARDED = (
    ((b"X-Forwarded-For: " + _IS_LENDER,), 200),
    ((b"X-Forwarded-For: junk", b"X-Forwarded-For: " + _IS_LENDER), 200),
    ((b"X-Forwarded-For: " + _IS_LENDER, b"X-Forwarded-For: " + _IS_OTHER), 403),
    ((b"X-Forwarded-For: " + _IS_LENDER, b"X-Forwarded-For:"), 403),
    ((b"X-Forwarded-For: " + _IS_OTHER, b"X_Forwarded_For: " + _IS_LENDER), 403),
    ((b"X_Forwarded_For: " + _IS_LENDER,), 403),
    ((b"X-Real-IP: " + _IS_LENDER, b"Forwarded: for=" + _IS_LENDER), 403),
    ((), 403),
)


def test_only_what_the_proxy_appended_tells_who_calls(proxied_url, limited_key):
    for headers, status in _FORWARDED:
        lines = b"\r\n".join((b"Authorization: Bearer " + limited_key, *headers))
        answer, _ = asked(proxied_url, b"GET /v1/verifications " + _HOST + lines + b"\r\n\r\n")
        assert answer.status == status, headers


def test_a_web_server_without_named_proxies_reads_no_such_header(deployment, limited_key):
    lines = b"Authorization: Bearer " + limited_key + b"\r\nX-Forwarded-For: " + _IS_LENDER
    answer, body = asked(deployment.url, b"GET /v1/events " + _HOST + lines + b"\r\n\r\n")
    assert (answer.status, json.loads(body)["code"]) == (403, "address_not_allowed")


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
