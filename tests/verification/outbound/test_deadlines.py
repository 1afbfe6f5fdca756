"""An exchange ends in time, with its connection, whatever the other side, the network's names and
the waiter do.
"""

import asyncio
import socket
import ssl
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from insecure_sandbox.tls_certificate import LoopbackTls, loopback_tls
from tests.verification.outbound.conftest import Door
from tests.verification.outbound.insecure_names import look_ups_end
from tests.verification.outbound.insecure_servers import (
    OK,
    Behaviour,
    Hall,
    answer,
    dripping,
    insecure_server,
    silent,
    whole,
)
from verification.core.errors import Unavailable
from verification.outbound import Answer, Limits, Request, send, send_async
from verification.outbound.wires import Allowance, Wire

SECONDS = 0.3

# A record of TLS 1.2 with a handshake message of 16 KiB, of which the header alone is sent.
TLS_RECORD = b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"


def asked(url: str, *, seconds: float = SECONDS) -> Request:
    limits = Limits(seconds=seconds, max_bytes=1000)
    return Request(url=url, limits=limits, is_public_only=False, wants_whole=True)


def secure(url: str) -> str:
    return url.replace("http:", "https:")


def is_late(door: Door, request: Request) -> bool:
    """Whether it ended by the deadline, and not much after it."""
    began = time.monotonic()
    with pytest.raises(
        Unavailable, match=rf"no whole answer within {request.limits.seconds:g} s"
    ) as caught:
        door(request)
    assert time.monotonic() - began < request.limits.seconds + 2
    return caught.value.code == "timeout"


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoopbackTls:
    """A certificate of this machine, whose authority is the one that is trusted."""
    files = loopback_tls(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
    return files


@pytest.mark.parametrize(
    "behave",
    [
        silent,
        dripping(whole(b"x" * 900)),
        dripping(OK + b"X: " + b"x" * 900),
        dripping(OK + b"X: x\r\n" * 200),
    ],
    ids=["silent", "a dripping body", "a dripping header", "dripping headers"],
)
@pytest.mark.parametrize("wants_whole", [True, False], ids=["whole", "beginning"])
def test_the_deadline_bounds_the_whole_answer_and_not_each_read(
    door: Door, behave: Behaviour, wants_whole: bool
) -> None:
    with insecure_server(behave) as url:
        assert is_late(door, replace(asked(url), wants_whole=wants_whole))


@pytest.mark.parametrize(
    "behave",
    [silent, dripping(TLS_RECORD + b"\0" * 900)],
    ids=["silent", "dripping"],
)
def test_a_handshake_without_an_end_is_left_at_the_deadline(door: Door, behave: Behaviour) -> None:
    with insecure_server(behave, reads_head=False) as url:
        assert is_late(door, asked(secure(url)))


@pytest.mark.parametrize("raw", [b"", OK + b"X: x\r\n" * 200], ids=["silent", "dripping"])
def test_over_tls_the_deadline_is_the_same(door: Door, trusted: LoopbackTls, raw: bytes) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted.server)

    def over_tls(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            dripping(raw)(wrapped)
            silent(wrapped)

    with insecure_server(over_tls, reads_head=False) as url:
        assert is_late(door, asked(secure(url)))


def test_who_reads_nothing_is_left_at_the_deadline(door: Door) -> None:
    def deaf(connection: socket.socket) -> None:
        time.sleep(3)

    body = b"x" * 20_000_000  # more than the buffers of both sockets hold
    with insecure_server(deaf, reads_head=False) as url:
        assert is_late(door, replace(asked(url), method="POST", body=body))


def test_who_reads_a_little_at_a_time_is_left_at_the_deadline(door: Door) -> None:
    def sip(connection: socket.socket) -> None:
        while connection.recv(65536):
            time.sleep(0.01)

    with insecure_server(sip) as url:
        assert is_late(door, replace(asked(url), method="POST", body=b"x" * 60_000_000))


def test_who_takes_no_connection_is_left_at_the_deadline(door: Door) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        assert is_late(door, asked(f"http://127.0.0.1:{address[1]}/"))
        for one in waiting:
            one.close()


def test_an_unanswered_name_is_left_at_the_deadline(door: Door) -> None:
    is_over = threading.Event()

    def hang(*_: Any, **__: Any) -> list[Any]:
        is_over.wait(20)
        return []

    assert is_late(door, replace(asked("http://name.example/"), look_up=hang))
    assert [thread.daemon for thread in threading.enumerate() if thread.name == "look-up"] == [True]
    is_over.set()
    assert look_ups_end()


def test_a_dripping_answer_inside_the_deadline_is_given(door: Door) -> None:
    with insecure_server(dripping(whole(b"x"))) as url:
        assert door(asked(url, seconds=10.0)).body == b"x"


@pytest.mark.parametrize(
    ("scheme", "hello"),
    [("https", TLS_RECORD), ("http", b""), ("http", OK), ("http", OK + b"\r\nx")],
    ids=["in the handshake", "before the head", "in the head", "in the body"],
)
def test_five_exchanges_that_hang_leave_nothing_behind(
    door: Door, scheme: str, hello: bytes
) -> None:
    hall = Hall(hello)
    with insecure_server(hall, reads_head=scheme == "http") as url:
        for _ in range(5):
            assert is_late(door, asked(url.replace("http", scheme), seconds=0.1))
        assert hall.came
        assert hall.is_empty_again()
    assert look_ups_end()


def test_a_loop_that_lives_on_keeps_no_connection_of_those_that_hung() -> None:
    hall = Hall(TLS_RECORD)

    async def many(url: str) -> bool:
        hung = [send_async(asked(url, seconds=0.3)) for _ in range(50)]
        faults = await asyncio.gather(*hung, return_exceptions=True)
        assert [getattr(fault, "code", fault) for fault in faults] == ["timeout"] * 50
        return await asyncio.to_thread(hall.is_empty_again)

    with insecure_server(hall, reads_head=False) as url:
        assert asyncio.run(many(secure(url)))


def test_a_hundred_that_hang_do_not_delay_one_that_answers() -> None:
    async def all_at_once(hanging: str, prompt: str) -> tuple[Answer, int]:
        hung = [asyncio.create_task(send_async(asked(hanging, seconds=20.0))) for _ in range(100)]
        await asyncio.sleep(0.4)
        given = await send_async(asked(prompt, seconds=15.0))
        still_hanging = sum(not task.done() for task in hung)
        for task in hung:
            task.cancel()
        await asyncio.gather(*hung, return_exceptions=True)
        return given, still_hanging

    with insecure_server(silent) as hanging, insecure_server(answer(whole(b"x"))) as prompt:
        given, still_hanging = asyncio.run(all_at_once(hanging, prompt))
    assert given.body == b"x"
    assert still_hanging == 100, "it was answered after them"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_exchange_that_is_cancelled_is_gone(scheme: str) -> None:
    hall = Hall()

    async def cancel(url: str) -> bool:
        task = asyncio.create_task(send_async(asked(url, seconds=30.0)))
        while not hall.came:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await asyncio.to_thread(hall.is_empty_again)

    with insecure_server(hall, reads_head=False) as url:
        assert asyncio.run(cancel(url.replace("http", scheme)))


def test_a_thread_in_which_a_loop_runs_may_send_too() -> None:
    async def blocking(url: str) -> Answer:
        return send(asked(url))

    with insecure_server(answer(whole(b"x"))) as url:
        assert asyncio.run(blocking(url)).body == b"x"


# What an exchange may still use, to the byte; and a wire whose time is up is closed.


def test_no_read_asks_for_more_than_is_left() -> None:
    allowance = Allowance(seconds=5.0, read_bytes=100)
    assert allowance.cut(640) == 100
    assert allowance.spend(b"x" * 70) == b"x" * 70
    assert (allowance.cut(2), allowance.cut(640)) == (2, 30)
    allowance.spend(b"x" * 30)
    with pytest.raises(Unavailable) as caught:
        allowance.cut(1)
    assert caught.value.code == "answer_malformed"
    allowance.bytes_left += 34 + 4
    assert allowance.cut(640) == 4


def test_a_read_of_a_single_byte_counts_as_one_of_more() -> None:
    allowance = Allowance(seconds=5.0, read_bytes=64 * 1024)
    for _ in range(1024):
        allowance.cut(1)
        allowance.spend(b"x")
    with pytest.raises(Unavailable):
        allowance.cut(1)


def test_time_that_is_up_is_a_timeout_and_closes_a_wire_that_was_to_be_secured() -> None:
    ours, theirs = socket.socketpair()
    wire = Wire(ours, Allowance(seconds=0.0, read_bytes=10))
    with theirs, pytest.raises(TimeoutError):
        wire.read(1)
    with pytest.raises(TimeoutError):
        wire.start_tls(ssl.create_default_context(), "name.example")
    assert ours.fileno() == -1
