"""A name is looked up once and every address of it checked; the connection goes to what was
checked, in its name.
"""

import asyncio
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from insecure_sandbox.tls_certificate import loopback_tls
from tests.verification.outbound.conftest import Door
from tests.verification.outbound.insecure_names import (
    PRIVATE,
    PUBLIC,
    answering,
    look_ups_end,
    refuse_connects,
)
from tests.verification.outbound.insecure_servers import insecure_server, whole
from verification.core.errors import Unavailable
from verification.outbound import Limits, Request, send_async
from verification.outbound.addresses import LookUp, is_public


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    return refuse_connects(monkeypatch)


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What threads would print as they break off."""
    broken: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", broken.append)
    return broken


def asked(url: str, look_up: LookUp, *, is_public_only: bool = True) -> Request:
    limits = Limits(seconds=5.0, max_bytes=1000)
    return Request(
        url=url, limits=limits, is_public_only=is_public_only, wants_whole=True, look_up=look_up
    )


def fault(door: Door, request: Request) -> str:
    with pytest.raises(Unavailable) as caught:
        door(request)
    return caught.value.code


@pytest.mark.parametrize("literal", PRIVATE)
def test_a_private_address_is_not_public_and_is_not_connected_to(
    door: Door, literal: str, connects: list[Any]
) -> None:
    assert not is_public(literal)
    for literals in ([literal], ["8.8.8.8", literal]):
        assert (
            fault(door, asked("https://name.example/", answering(*literals))) == "address_refused"
        )
    assert connects == []


@pytest.mark.parametrize("literal", PUBLIC)
def test_a_public_address_is_connected_to(door: Door, literal: str, connects: list[Any]) -> None:
    assert fault(door, asked("https://name.example/", answering(literal))) == "connection_failed"
    assert [address[:2] for address in connects] == [(literal, 443)]


@pytest.mark.parametrize("literal", ["127.0.0.1", "10.0.0.1", "::1", "fd00::1"])
def test_who_may_reach_private_networks_does(door: Door, literal: str, connects: list[Any]) -> None:
    assert (
        fault(door, asked("http://name.example:81/", answering(literal), is_public_only=False))
        != "address_refused"
    )
    assert [address[:2] for address in connects] == [(literal, 81)]


def test_a_literal_in_the_address_is_checked_like_a_name(door: Door, connects: list[Any]) -> None:
    for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1"):
        assert fault(door, asked(f"http://{host}:1/", socket.getaddrinfo)) in (
            "address_refused",
            "name_unresolved",
        )
    assert connects == []


def test_a_second_look_up_that_answers_otherwise_is_never_made(
    door: Door, connects: list[Any]
) -> None:
    answers = iter((["8.8.8.8"], ["127.0.0.1"]))

    def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        return answering(*next(answers))(host, port)

    assert fault(door, asked("https://name.example/", rebinding)) == "connection_failed"
    assert [address[:2] for address in connects] == [("8.8.8.8", 443)]
    assert list(answers) == [["127.0.0.1"]]


def test_three_addresses_of_a_name_are_tried(door: Door, connects: list[Any]) -> None:
    literals = ["8.8.8.8", "8.8.4.4", "8.8.8.8", "2a00:1450::1", "9.9.9.9"]
    assert fault(door, asked("https://name.example/", answering(*literals))) == "connection_failed"
    assert [address[0] for address in connects] == ["8.8.8.8", "8.8.4.4", "2a00:1450::1"]


def test_a_connection_that_the_system_gives_up_is_a_timeout(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_connects(monkeypatch, TimeoutError)
    assert fault(door, asked("https://name.example/", answering("8.8.8.8"))) == "timeout"


@pytest.mark.parametrize("error", [socket.gaierror(), UnicodeError(), None])
def test_a_name_without_an_address_is_a_fault_of_its_own(
    door: Door, error: Exception | None
) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        if error is not None:
            raise error
        return []

    assert fault(door, asked("https://name.example/", unknown)) == "name_unresolved"


def test_a_look_up_that_breaks_off_is_a_fault_at_once_and_printed(
    door: Door, printed: list[Any]
) -> None:
    def broken(*_: Any, **__: Any) -> list[Any]:
        raise KeyError("what only its author understands")

    assert fault(door, asked("https://name.example/", broken)) == "connection_failed"
    assert look_ups_end()
    assert [raised.exc_type for raised in printed] == [KeyError]


def test_the_connection_goes_to_the_address_while_host_sni_and_certificate_are_the_names(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = loopback_tls(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
    named: list[str | None] = []
    heads: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server)
    context.sni_callback = lambda _, name, __: named.append(name)

    def over_tls(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            heads.append(wrapped.recv(65536))
            wrapped.sendall(whole(b"x"))

    with insecure_server(over_tls, reads_head=False) as url:
        port = url.rpartition(":")[2]
        for host in ("localhost", "other.example"):
            request = asked(
                f"https://{host}:{port}/a?b=c", answering("127.0.0.1"), is_public_only=False
            )
            if host == "localhost":
                assert door(request).body == b"x"
            else:
                assert fault(door, request) == "tls_failed"
    assert named == ["localhost", "other.example"]
    [head] = heads
    assert head.startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert f"host: localhost:{port}".encode() in head.lower()


def test_a_look_up_that_ends_after_its_loop_prints_nothing(printed: list[Any]) -> None:
    def late(host: str, port: int, **_: Any) -> list[Any]:
        time.sleep(0.3)
        return answering("8.8.8.8")(host, port)

    limits = Limits(seconds=0.1, max_bytes=1)
    request = Request(
        url="http://name.example/",
        limits=limits,
        is_public_only=True,
        wants_whole=True,
        look_up=late,
    )
    with pytest.raises(Unavailable, match="no whole answer"):
        asyncio.run(send_async(request))
    assert look_ups_end()
    assert printed == []
