"""What an answer may be, asked over real sockets of servers that are wrong, endless, redirecting or
worse.
"""

import gzip
import logging
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from insecure_sandbox.tls_certificate import loopback_tls
from tests.verification.outbound.conftest import Door
from tests.verification.outbound.insecure_servers import (
    OK,
    answer,
    insecure_server,
    repeating,
    silent,
    whole,
)
from verification.core.errors import Unavailable
from verification.outbound import Limits, Request, send

LIMITS = Limits(seconds=10.0, max_bytes=1000)


def asked(url: str, *, wants_whole: bool = True, limits: Limits = LIMITS) -> Request:
    return Request(url=url, limits=limits, is_public_only=False, wants_whole=wants_whole)


def chunked(*chunks: bytes) -> bytes:
    parts = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(parts)


def framed(around_each: int) -> bytes:
    """Twenty bytes, each in a chunk with so much around it."""
    chunk = b"1;" + b"x" * around_each + b"\r\nx\r\n"
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 20 + b"0\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        whole(b"x" * 1000),
        OK + b"Connection: close\r\n\r\n" + b"x" * 1000,
        chunked(b"x" * 600, b"x" * 400, b""),
    ],
    ids=["with a length", "until closed", "chunked"],
)
def test_a_whole_answer_of_exactly_the_cap_is_given(door: Door, raw: bytes) -> None:
    with insecure_server(answer(raw)) as url:
        given = door(asked(url))
    assert (given.status, given.body) == (200, b"x" * 1000)


@pytest.mark.parametrize(
    ("raw", "code", "reason"),
    [
        (whole(b"x" * 1001), "answer_too_long", "longer than 1000 bytes"),
        (
            OK + b"Connection: close\r\n\r\n" + b"x" * 1001,
            "answer_too_long",
            "longer than 1000 bytes",
        ),
        (chunked(b"x" * 600, b"x" * 401, b""), "answer_too_long", "longer than 1000 bytes"),
        (OK + b"Content-Length: 1000\r\n\r\n" + b"x" * 999, "answer_malformed", "ProtocolError"),
        (OK + b"Content-Length: ten\r\n\r\n0123456789", "answer_malformed", "ProtocolError"),
        (
            OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
            "answer_malformed",
            "ProtocolError",
        ),
        (chunked(b"x" * 600, b"x" * 400), "answer_malformed", "ProtocolError"),
        (whole(b"x", b"Content-Encoding: gzip\r\n"), "answer_refused", "compressed"),
        (
            b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1\r\n\r\nx",
            "answer_refused",
            "status 500",
        ),
        (
            b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx",
            "answer_refused",
            "status 206",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "answer_refused", "status 204"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "answer_malformed", "ProtocolError"),
        (b"this is not HTTP\r\n\r\n", "answer_malformed", "ProtocolError"),
        (b"", "answer_malformed", "ProtocolError"),
        (OK + b"X: " + b"x" * 70_000 + b"\r\n\r\nx", "answer_malformed", "around its body"),
        (OK + b"X: x\r\n" * 101 + b"\r\nx", "answer_malformed", "more than 100 headers"),
        (framed(5000), "answer_malformed", "around its body"),
    ],
)
def test_an_answer_that_is_not_whole_small_and_plain_is_a_fault(
    door: Door, raw: bytes, code: str, reason: str
) -> None:
    with insecure_server(answer(raw)) as url, pytest.raises(Unavailable, match=reason) as caught:
        door(asked(url))
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (whole(b"x" * 999), b"x" * 999),
        (whole(b"x" * 5_000_000), b"x" * 1000),
        (chunked(b"x" * 600, b"x" * 500_000, b""), b"x" * 1000),
        (OK + b"Content-Length: 1000\r\n\r\n" + b"x" * 999, b"x" * 999),
        (OK + b"Connection: close\r\n\r\n" + b"x", b"x"),
    ],
    ids=["all of it", "too long", "too long in chunks", "broken off", "until closed"],
)
def test_who_wants_the_beginning_is_given_it_however_it_ends(
    door: Door, raw: bytes, body: bytes
) -> None:
    with insecure_server(answer(raw)) as url:
        assert door(asked(url, wants_whole=False)).body == body


@pytest.mark.parametrize("status", [204, 302, 404, 500])
def test_who_wants_the_beginning_is_given_any_status(door: Door, status: int) -> None:
    with insecure_server(answer(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)) as url:
        assert door(asked(url, wants_whole=False)).status == status


def test_a_bomb_is_never_unpacked(door: Door) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    with insecure_server(answer(whole(bomb, b"Content-Encoding: gzip\r\n"))) as url:
        assert door(asked(url, wants_whole=False)).body == bomb[:1000]
        with pytest.raises(Unavailable, match="compressed"):
            door(asked(url))


@pytest.mark.parametrize(
    ("beginning", "again", "code"),
    [
        (OK + b"\r\n", b"x" * 65536, "answer_too_long"),
        (OK, b"X: x\r\n" * 1000, "answer_malformed"),
        (OK + b"X: ", b"x" * 65536, "answer_malformed"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, "answer_malformed"),
        (
            OK + b"Transfer-Encoding: chunked\r\n\r\n",
            b"1;" + b"x" * 5000 + b"\r\nx\r\n",
            "answer_malformed",
        ),
        (chunked(b"x", b"")[:-2], b"X: x\r\n" * 1000, "answer_malformed"),
    ],
    ids=["body", "headers", "one header", "heads before the head", "frames of chunks", "trailers"],
)
def test_what_has_no_end_ends_at_its_limit(
    door: Door, beginning: bytes, again: bytes, code: str
) -> None:
    with insecure_server(repeating(beginning, again)) as url, pytest.raises(Unavailable) as caught:
        door(asked(url))
    assert caught.value.code == code


def test_a_length_beyond_the_cap_is_not_waited_for(door: Door) -> None:
    def announce(connection: socket.socket) -> None:
        connection.sendall(OK + b"Content-Length: 1001\r\n\r\n")
        silent(connection)

    with (
        insecure_server(announce) as url,
        pytest.raises(Unavailable, match="longer than 1000 bytes"),
    ):
        door(asked(url))


@pytest.mark.parametrize("points_to", ["{elsewhere}/", "//[", "http://[::1", "\xff"])
def test_a_redirect_is_not_followed_wherever_it_points(door: Door, points_to: str) -> None:
    connected: list[socket.socket] = []
    with insecure_server(connected.append) as elsewhere:
        location = points_to.format(elsewhere=elsewhere).encode("latin-1")
        redirect = b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % location
        with insecure_server(answer(redirect)) as url:
            assert door(asked(url, wants_whole=False)).status == 302
            with pytest.raises(Unavailable, match="status 302"):
                door(asked(url))
    assert connected == []


def test_nothing_is_remembered_and_nothing_of_the_environment_is_heeded(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[bytes] = []
    by_proxy: list[socket.socket] = []
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password of-somebody\n")
    netrc.chmod(0o600)

    def record(connection: socket.socket) -> None:
        heads.append(connection.recv(65536))
        connection.sendall(whole(b"x", b"Set-Cookie: a=b; Path=/\r\n"))

    with (
        insecure_server(by_proxy.append) as proxy,
        insecure_server(record, reads_head=False) as url,
    ):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.setenv("NETRC", str(netrc))
        for _ in range(2):
            door(asked(url))
    assert by_proxy == []
    for head in heads:
        assert not {b"cookie:", b"authorization:"} & set(head.lower().split())
        assert b"accept-encoding: identity\r\n" in head.lower()
        assert b"connection: close\r\n" in head.lower()


def test_in_a_thread_a_refusal_before_the_question_was_read_is_an_answer() -> None:
    def refuse(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")

    with insecure_server(refuse) as url:
        body = (
            b"x" * 20_000_000
        )  # more than the buffers of both sockets hold, so that sending it breaks off
        assert send(replace(asked(url, wants_whole=False), method="POST", body=body)).status == 413


def test_a_port_without_a_listener_is_a_fault(door: Door) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unavailable, match="ConnectionRefusedError") as caught:
        door(asked(f"http://127.0.0.1:{port}/"))
    assert caught.value.code == "connection_failed"


def test_plain_http_where_tls_was_agreed_is_a_fault(door: Door) -> None:
    with (
        insecure_server(answer(whole(b"x")), reads_head=False) as url,
        pytest.raises(Unavailable, match="SSLError") as caught,
    ):
        door(asked(url.replace("http:", "https:")))
    assert caught.value.code == "tls_failed"


def test_an_untrusted_tls_certificate_is_a_fault(door: Door, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(loopback_tls(tmp_path).server)

    def over_tls(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.sendall(whole(b"x"))

    with (
        insecure_server(over_tls, reads_head=False) as url,
        pytest.raises(Unavailable, match="SSLCertVerificationError") as caught,
    ):
        door(asked(url.replace("http:", "https:")))
    assert caught.value.code == "tls_failed"


@pytest.mark.parametrize("raw", [b"HTTP/1.1 500 No\r\n\r\n", b"", b"nonsense\r\n\r\n", whole(b"x")])
def test_neither_a_fault_nor_a_log_tells_the_path_or_the_query(
    door: Door, raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = ""
    with insecure_server(answer(raw)) as url:
        try:
            door(asked(f"{url}/hidden-path?key=hidden-key"))
        except Unavailable as fault:
            told = str(fault)
    assert "hidden" not in told + caplog.text
