"""The bounded GET against servers that are slow, endless, redirecting or wrong, over real sockets."""

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from insecure_sandbox.tls_certificate import loopback_tls
from tests.verification.sources.insecure_servers import Behaviour, answer, insecure_server
from verification.core.errors import Misconfigured, SourceUnavailable
from verification.sources.fetching import Limits, check_address, fetch

LIMITS = Limits(seconds=0.6, max_bytes=1000)
OK = b"HTTP/1.1 200 OK\r\n"


def whole(body: bytes, headers: bytes = b"") -> bytes:
    return OK + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body


def silent(connection: socket.socket) -> None:
    time.sleep(5)


def dripping(raw: bytes) -> Behaviour:
    def drip(connection: socket.socket) -> None:
        for byte in raw:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    return drip


def endless(connection: socket.socket) -> None:
    connection.sendall(OK + b"\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def chunked(*chunks: bytes) -> bytes:
    parts = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(parts)


@pytest.mark.parametrize(
    "raw",
    [
        whole(b"x" * 1000),
        OK + b"Connection: close\r\n\r\n" + b"x" * 1000,
        chunked(b"x" * 600, b"x" * 400, b""),
    ],
    ids=["with a length", "until closed", "chunked"],
)
def test_a_whole_answer_of_exactly_the_cap_is_given(raw: bytes) -> None:
    with insecure_server(answer(raw)) as url:
        assert fetch(url, source="crl", limits=LIMITS) == b"x" * 1000


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (whole(b"x" * 1001), "longer than 1000 bytes"),
        (OK + b"Connection: close\r\n\r\n" + b"x" * 1001, "longer than 1000 bytes"),
        (chunked(b"x" * 600, b"x" * 401, b""), "longer than 1000 bytes"),
        (whole(b""), "empty"),
        (OK + b"Content-Length: 1000\r\n\r\n" + b"x" * 999, "ProtocolError"),
        (OK + b"Content-Length: ten\r\n\r\n0123456789", "ValueError"),
        (chunked(b"x" * 600, b"x" * 400), "ProtocolError"),
        (whole(b"x", b"Content-Encoding: gzip\r\n"), "compressed"),
        (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1\r\n\r\nx", "status 500"),
        (b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx", "status 206"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "status 204"),
        (b"this is not HTTP\r\n\r\n", "BadStatusLine"),
        (b"", "RemoteDisconnected"),
        (OK + b"X: " + b"x" * 70_000 + b"\r\n\r\nx", "LineTooLong"),
        (OK + b"X: x\r\n" * 101 + b"\r\nx", "HTTPException"),
    ],
)
def test_an_answer_that_is_not_whole_small_and_plain_is_a_fault(raw: bytes, reason: str) -> None:
    with insecure_server(answer(raw)) as url, pytest.raises(SourceUnavailable, match=reason) as caught:
        fetch(url, source="crl", limits=LIMITS)
    assert caught.value.source == "crl"


@pytest.mark.parametrize(
    "behave",
    [silent, dripping(whole(b"x" * 900)), dripping(OK + b"X: " + b"x" * 900)],
    ids=["silent", "a dripping body", "dripping headers"],
)
def test_the_deadline_bounds_the_whole_answer_and_not_each_read(behave: Behaviour) -> None:
    started = time.monotonic()
    with insecure_server(behave) as url, pytest.raises(SourceUnavailable, match=r"within 0\.6 s"):
        fetch(url, source="crl", limits=LIMITS)
    assert 0.5 < time.monotonic() - started < 4  # the server itself takes longer


def test_a_dripping_answer_inside_the_deadline_is_given() -> None:
    with insecure_server(dripping(whole(b"x"))) as url:
        assert fetch(url, source="crl", limits=Limits(seconds=10, max_bytes=1000)) == b"x"


def test_an_endless_answer_ends_at_the_cap() -> None:
    started = time.monotonic()
    with insecure_server(endless) as url, pytest.raises(SourceUnavailable, match="longer than 1000000 bytes"):
        fetch(url, source="crl", limits=Limits(seconds=10, max_bytes=1_000_000))
    assert time.monotonic() - started < 5


def test_an_abandoned_download_leaves_no_thread_behind() -> None:
    # A dripping answer, because a silent one would end by the time-out of its socket.
    with insecure_server(dripping(whole(b"x" * 900))) as url, pytest.raises(SourceUnavailable):
        fetch(url, source="left-behind", limits=LIMITS)
    time.sleep(0.3)
    assert "fetch-left-behind" not in {thread.name for thread in threading.enumerate()}


def test_a_redirect_is_not_followed() -> None:
    asked = []

    def record(connection: socket.socket) -> None:
        asked.append(connection)
        connection.sendall(whole(b"secret"))

    with insecure_server(record) as elsewhere:
        redirect = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere}/\r\nContent-Length: 0\r\n\r\n".encode()
        with insecure_server(answer(redirect)) as url, pytest.raises(SourceUnavailable, match="status 302"):
            fetch(url, source="crl", limits=LIMITS)
    assert asked == []


def test_nobody_listening_is_a_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceUnavailable, match="NewConnectionError"):
        fetch(f"http://127.0.0.1:{port}/", source="crl", limits=LIMITS)


def test_plain_http_where_tls_was_configured_is_a_fault() -> None:
    with (
        insecure_server(answer(whole(b"x")), reads_head=False) as url,
        pytest.raises(SourceUnavailable, match="SSLError"),
    ):
        fetch(url.replace("http:", "https:"), source="crl", limits=LIMITS)


def test_a_tls_certificate_that_nobody_vouches_for_is_a_fault(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(loopback_tls(tmp_path).server)

    def over_tls(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.sendall(whole(b"x"))

    with (
        insecure_server(over_tls, reads_head=False) as url,
        pytest.raises(SourceUnavailable, match="SSLCertVerificationError"),
    ):
        fetch(url.replace("http:", "https:"), source="crl", limits=LIMITS)


@pytest.mark.parametrize("raw", [b"HTTP/1.1 500 No\r\n\r\n", b"", b"nonsense\r\n\r\n", whole(b"")])
def test_a_fault_tells_neither_path_nor_query(raw: bytes) -> None:
    with insecure_server(answer(raw)) as url, pytest.raises(SourceUnavailable) as caught:
        fetch(f"{url}/hidden-path?key=hidden-key", source="crl", limits=LIMITS)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://sources.example/list.crl", "https://sources.example:8443/list.crl?a=b"])
def test_an_http_address_is_accepted(url: str) -> None:
    assert check_address(url).host == "sources.example"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://sources.example/list.crl",
        "file:///etc/passwd",
        "sources.example/list.crl",
        "http://",
        "http://user:word@sources.example/",
        "http://sources.example:99999/",
        "",
    ],
)
def test_any_other_address_is_a_misconfiguration(url: str) -> None:
    with pytest.raises(Misconfigured):
        check_address(url)
