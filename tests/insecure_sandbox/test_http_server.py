"""The sandbox's HTTP edge, and what each scripted fault does to the product's own adapter, over
real sockets.
"""

import socket
import time
from collections.abc import Iterator
from threading import Thread

import pytest
import urllib3

from insecure_sandbox import faults
from insecure_sandbox.exchange import Request, Response, Route, as_json
from insecure_sandbox.faults import FaultScript
from insecure_sandbox.http_server import SandboxServer, loopback_address
from verification.core.errors import SourceUnavailable
from verification.sources.revocation import CRL, HttpRevocationSource, RevocationQuestion


def fresh(request: Request) -> Response:
    return Response(body=b"fresh", content_type="text/plain")


def stale(request: Request) -> Response:
    return Response(body=b"stale", content_type="text/plain")


def echo(request: Request) -> Response:
    return as_json(request.fields())


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """A server of two toy sources, in a thread."""
    script = FaultScript()
    table = (
        Route(method="GET", path="/crl/toy", source="crl", handle=fresh, stale=stale),
        Route(method="POST", path="/echo", source="echo", handle=echo),
        *faults.routes(script, kinds_by_source={"crl": frozenset(faults.KINDS)}),
    )
    with SandboxServer(host="127.0.0.1", port=0, table=table, script=script) as running:
        Thread(target=running.serve_forever, args=(0.05,), daemon=True).start()
        yield running
        running.shutdown()


def script_fault(server: SandboxServer, kind: str, times: int) -> None:
    fields = {"source": "crl", "kind": kind, "times": times}
    assert urllib3.request("POST", f"{server.url}/faults", json=fields).status == 201


def lists(server: SandboxServer) -> tuple[bytes, ...]:
    urls = {"rsa": [f"{server.url}/crl/toy"]}
    source = HttpRevocationSource(urls, seconds=0.7, max_bytes=100_000)
    question = RevocationQuestion(family="rsa", kind=CRL)
    return tuple(fetched.parsed for fetched in source.fetch(question))


@pytest.mark.parametrize("kind", ["silent", "slow", "http_500", "oversize"])
def test_a_faulty_source_is_unavailable_within_the_deadline_exactly_n_times(
    server: SandboxServer, kind: str
) -> None:
    script_fault(server, kind, times=2)
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(SourceUnavailable):
            lists(server)
        assert time.monotonic() - started < 1.5
    assert lists(server) == (b"fresh",)


def test_a_stale_answer_is_given_exactly_n_times(server: SandboxServer) -> None:
    script_fault(server, "stale", times=1)
    assert [lists(server) for _ in range(2)] == [(b"stale",), (b"fresh",)]


@pytest.mark.parametrize(
    ("path", "body", "content_type", "status"),
    [
        ("/echo", b"{}", "text/plain", 415),
        ("/echo", b"{}", "", 415),
        ("/echo", b"{", "application/json", 400),
        ("/echo", b"[]", "application/json", 400),
        ("/echo", b"[" * 60_000, "application/json", 400),
        ("/echo", b"x" * 65_537, "application/json", 413),
        ("/nowhere", b"{}", "application/json", 404),
        ("/crl/toy", b"{}", "application/json", 405),
    ],
)
def test_a_request_that_is_not_served_gets_its_status(
    server: SandboxServer, path: str, body: bytes, content_type: str, status: int
) -> None:
    response = urllib3.request(
        "POST", server.url + path, body=body, headers={"Content-Type": content_type}
    )
    assert response.status == status
    assert set(response.json()) == {"error"}


def raw_exchange(server: SandboxServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=5) as connection:
        connection.sendall(request)
        return connection.recv(65536)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Host: 127.0.0.1:1\r\n", b"200"),
        (b"Host: localhost\r\n", b"200"),
        (b"Host: [::1]:1\r\n", b"200"),
        (b"Host: rebound.example\r\n", b"421"),
        (b"Host: 10.0.0.1\r\n", b"421"),
        (b"", b"421"),
        (b"Host: localhost\r\nContent-Length: x\r\n", b"411"),
        (b"Host: localhost\r\nContent-Length: -1\r\n", b"411"),
        (b"Host: localhost\r\nTransfer-Encoding: chunked\r\n", b"411"),
    ],
)
def test_only_this_machines_names_are_served(
    server: SandboxServer, headers: bytes, status: bytes
) -> None:
    answer = raw_exchange(server, b"GET /crl/toy HTTP/1.1\r\n" + headers + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)


def test_the_log_has_no_query_and_no_control_characters(
    server: SandboxServer, capsys: pytest.CaptureFixture[str]
) -> None:
    raw_exchange(server, b"GET /a\x1b[31m?iin=990101100010 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    log = capsys.readouterr().err
    assert "sandbox GET /a" in log
    assert "990101100010" not in log
    assert "\x1b" not in log


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_a_loopback_address_may_be_bound(host: str) -> None:
    assert loopback_address(host) == host


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "10.0.0.1", "example.kz", "", "127.0.0.1.example.kz"],  # noqa: S104
)
def test_any_other_address_may_not_be_bound(host: str) -> None:
    with pytest.raises(SystemExit, match="loopback only"):
        loopback_address(host)
