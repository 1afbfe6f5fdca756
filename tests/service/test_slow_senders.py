"""Senders who are slow, idle or too many hold nothing that others need: the API answers meanwhile.

One web process with its four threads. No time is asserted: each of the API's requests is answered.
"""

import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest
import urllib3

from insecure_sandbox.demo.lender import LenderApi
from tests import noting
from tests.servers import free_port
from tests.service.deployment import Deployment
from tests.service.test_edges import asked

pytestmark = pytest.mark.service

_HEAD = b"POST /v1/verifications HTTP/1.1\r\nHost: x\r\n"
_SLOW = {
    "idle": b"",
    "a byte": b"G",
    "a head without its end": _HEAD,
    "an endless head": _HEAD + b"A: " + b"x" * 70_000,
    "a body without its end": _HEAD + b"Content-Length: 900000\r\n\r\n{",
    "a body that is too large": _HEAD + b"Content-Length: 900000000\r\n\r\n{",
    "chunks without their end": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "an answer that is not read": b"GET /docs HTTP/1.1\r\nHost: {host}\r\n"
    b"Connection: close\r\n\r\n",
}


@pytest.fixture(scope="module")
def place() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def lone(deployment: Deployment, place: str) -> Iterator[LenderApi]:
    """The lender's API at a web server of one process."""
    more = {"TULGA_WEB_WORKERS": "1", "TULGA_PUBLIC_URL": place}
    deployment.start_web("lone-web", url=place, **more)
    deployment.processes.wait_for(f"{place}/healthz", name="lone-web")
    yield LenderApi(place, deployment.api.key)
    deployment.processes.kill("lone-web")


def wire(url: str, sent: bytes) -> socket.socket:
    """A connection that has sent this much."""
    place = urlsplit(url)
    opened = socket.create_connection((str(place.hostname), int(place.port or 80)), timeout=20)
    opened.sendall(sent.replace(b"{host}", place.netloc.encode()))
    return opened


def answered(api: LenderApi, *, number: int) -> int:
    """How many of so many requests are answered, one after the other."""
    pages = (api.call("GET", "/v1/verifications?limit=1") for _ in range(number))
    return sum("data" in page for page in pages)


@pytest.mark.parametrize("name", _SLOW)
def test_the_api_answers_beside_slow_senders(lone: LenderApi, place: str, name: str) -> None:
    with ExitStack() as stack:
        for _ in range(24):
            stack.enter_context(wire(place, _SLOW[name]))
        assert answered(lone, number=20) == 20


def test_the_api_answers_beside_six_slow_senders_and_eight_sign_ins(
    lone: LenderApi, place: str
) -> None:
    browsers = [urllib3.PoolManager(retries=False, timeout=60) for _ in range(8)]
    posts = []
    for number, browser in enumerate(browsers):
        page = browser.request("GET", f"{place}/people/sign-in/")
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        token = page.data.decode().partition('name="csrfmiddlewaretoken" value="')[2][:64]
        fields = {
            "csrfmiddlewaretoken": token,
            "email": f"stranger-{number}@example.kz",
            "password": "a wrong password",
            "code": "000000",
        }
        posts.append((browser, fields, {"Cookie": cookie, "Referer": place}))

    def sign_in(number: int) -> int:
        browser, fields, headers = posts[number]
        answer = browser.request_encode_body(
            "POST", f"{place}/people/sign-in/", fields=fields, headers=headers
        )
        assert answer.status != 503 or int(answer.headers["Retry-After"]) > 0
        return int(answer.status)

    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        for _ in range(6):
            stack.enter_context(wire(place, _HEAD))
        signing = pool.map(sign_in, range(8))
        assert answered(lone, number=20) == 20
        statuses = list(signing)
    assert set(statuses) <= {422, 503}
    assert 422 in statuses


@pytest.mark.parametrize("name", ["a byte", "a head without its end", "a body without its end"])
def test_a_request_that_does_not_come_in_time_is_a_408(deployment: Deployment, name: str) -> None:
    with wire(deployment.url, _SLOW[name]) as opened:
        answer = HTTPResponse(opened)
        answer.begin()
        body = answer.read()
    noting.note(urlsplit(deployment.url).path, answer.headers["Content-Type"], body)
    assert (answer.status, json.loads(body)["code"]) == (408, "request_timeout")


def test_an_idle_connection_is_closed_without_a_word(deployment: Deployment) -> None:
    with wire(deployment.url, b"") as opened:
        assert opened.recv(1) == b""


def test_a_body_that_comes_in_parts_and_two_requests_at_once_are_read(
    deployment: Deployment,
) -> None:
    length = b"Host: {host}\r\nContent-Length: 20\r\nExpect: 100-continue\r\n\r\n"
    with wire(deployment.url, b"POST /v1/verifications HTTP/1.1\r\n" + length) as opened:
        assert opened.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"
        opened.sendall(b"1234567890")
        opened.sendall(b"1234567890" + b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        # Both answers may come at once, so they are read from the socket itself.
        opened.settimeout(10)
        came = b""
        while came.count(b"HTTP/1.1 ") < 2:
            part = opened.recv(65_536)
            assert part, came
            came += part
        assert b'"not_authenticated"' in came
        first, second = re.findall(rb"HTTP/1\.1 ([0-9]{3})", came)
        assert first == b"401"
        assert second in (b"200", b"400")


def test_one_address_has_a_limited_number_of_connections(lone: LenderApi, place: str) -> None:
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(wire(place, b"G"))
        answer, body = asked(place, b"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n")
        assert (answer.status, json.loads(body)["code"]) == (429, "throttled")
        assert int(answer.headers["Retry-After"]) > 0
    assert answered(lone, number=1) == 1


def test_behind_a_proxy_which_limits_them_they_are_not_counted(deployment: Deployment) -> None:
    place = f"http://127.0.0.1:{free_port()}"
    more = {"TULGA_WEB_WORKERS": "1", "TULGA_BEHIND_TLS_PROXY": "1"}
    deployment.start_web("proxied-web", url=place, **more)
    try:
        deployment.processes.wait_for(f"{place}/healthz", name="proxied-web")
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(wire(place, b"G"))
            answer, _ = asked(place, b"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n")
            assert answer.status in (200, 400)
    finally:
        deployment.processes.kill("proxied-web")
