"""Endpoints that mean ill: each costs a try of its own and nothing else, however it answers; others
are told at once.

Every case is played by a real sender against servers below HTTP. What an endpoint may do to us ends
with its post.
"""

import asyncio
import json
import resource
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from insecure_sandbox.demo.processes import wait_until
from lenders import endpoints, keys, policy, sender
from lenders.models import Delivery, Lender, WebhookEndpoint
from tests.lenders.insecure_receiver import Receiver, listening
from tests.lenders.log_of_lenders import MODE, happen
from tests.lenders.samples import Caller
from tests.verification.outbound.insecure_servers import (
    OK,
    Behaviour,
    answer,
    dripping,
    insecure_server,
    repeating,
    silent,
)
from verification.outbound.addresses import LookUp

pytestmark = [pytest.mark.service, pytest.mark.django_db(transaction=True)]


def hurried(accepted: socket.socket) -> None:
    """A header byte by byte, each in a packet of its own, as fast as they are taken."""
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    accepted.sendall(OK + b"X: ")
    while True:
        accepted.sendall(b"x")
        time.sleep(0.0001)


HEAD = b"Content-Length: 0\r\n\r\n"
# How an endpoint answers, and what is written of it: a status or the word for why there is none.
HOSTILE: dict[str, tuple[Behaviour, int | str]] = {
    "says nothing": (silent, "timeout"),
    "drips its head": (dripping(OK + b"X: " + b"x" * 2000), "timeout"),
    "drips its body": (dripping(OK + b"Content-Length: 900\r\n\r\n" + b"x" * 900), "timeout"),
    "sends single bytes as fast as it can": (hurried, "answer_malformed"),
    "sends one endless header": (repeating(OK + b"X: ", b"x" * 65536), "answer_malformed"),
    "sends headers without an end": (repeating(OK, b"X: x\r\n" * 1000), "answer_malformed"),
    "sends a body without an end": (repeating(OK + b"\r\n", b"x" * 65536), 200),
    "sends chunks without an end": (
        repeating(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000),
        200,
    ),
    "promises to go on without an end": (
        repeating(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        "answer_malformed",
    ),
    "claims a huge length": (answer(OK + b"Content-Length: 9223372036854775807\r\n\r\nx"), 200),
    "claims no number for a length": (
        answer(OK + b"Content-Length: x\r\n\r\n"),
        "answer_malformed",
    ),
    "asks for an age of silence": (
        answer(b"HTTP/1.1 503 No\r\nRetry-After: 99999999\r\n" + HEAD),
        503,
    ),
    "asks for silence in no words": (
        answer(b"HTTP/1.1 429 No\r\nRetry-After: \xff-1e999\r\n" + HEAD),
        429,
    ),
    "is no HTTP": (answer(b"\x00\x16\x03\x01" * 500), "answer_malformed"),
    "unpacks to gigabytes": (
        answer(OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"),
        200,
    ),
}


def told(settings: Settings, url: str, *, bin: str, events: int = 1) -> Lender:
    """A lender with an endpoint at this address, and events in the log."""
    settings.TULGA_WEBHOOK_TEST_HOSTS = [*settings.TULGA_WEBHOOK_TEST_HOSTS, url.split("/")[2]]
    lender = Lender.objects.create(name="Told LLP", bin=bin, phone="+77270000044")
    endpoints.create(lender, mode=MODE, url=url, events=())
    happen(Caller(keys.issue(lender, mode=MODE).secret), events)
    return lender


def run(*, until: Callable[[], bool], look_up: LookUp = socket.getaddrinfo) -> None:
    """A sender until this is so, and its end."""

    def watch() -> None:
        try:
            wait_until(until, what="the sender", seconds=60)
        finally:
            connection.close()

    async def both() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(sender.run(stop, look_up=look_up))
        try:
            await asyncio.to_thread(watch)
        finally:
            stop.set()
            await running

    asyncio.run(both())


def tried(number: int) -> Callable[[], bool]:
    """Whether so many deliveries have been tried, and what came of it is written."""
    return lambda: Delivery.objects.filter(tries__gte=1, fence="").count() >= number


def told_of(receiver: Receiver) -> set[str]:
    """The events that came. On a busy machine one whose answer was late comes twice."""
    return {request.headers["webhook-id"] for request in list(receiver.received)}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "POST_SECONDS", 1.0)
    monkeypatch.setattr(policy, "WAKE_SECONDS", 0.1)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_costs_its_own_try_and_nothing_else(
    name: str, settings: Settings, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    behave, expected = HOSTILE[name]
    # What is refused before its time is refused for what it is; a busy machine answers for the
    # honest one in seconds.
    monkeypatch.setattr(policy, "POST_SECONDS", 4.0 if expected == "timeout" else 20.0)
    with insecure_server(behave) as url, listening(Receiver()) as receiver:
        hostile = told(settings, f"{url}/hook", bin="180440010001")
        honest = told(settings, receiver.url, bin="180440010002", events=3)
        run(until=tried(4))
    assert len(receiver.received) == 3
    assert set(Delivery.objects.filter(lender=honest).values_list("status", "tries")) == {
        ("delivered", 1)
    }
    delivery = Delivery.objects.get(lender=hostile)
    assert (delivery.response_status or delivery.failure) == expected
    assert len(delivery.response_excerpt.encode()) <= policy.EXCERPT_BYTES
    if delivery.status == "pending":
        assert (
            delivery.due_at - delivery.created_at
        ).total_seconds() <= policy.RETRY_AFTER_MAX_SECONDS + 10


def test_all_of_them_at_once_take_little_memory_and_nothing_from_the_honest_one(
    settings: Settings, quick: None
) -> None:
    with listening(Receiver()) as receiver:
        servers = [insecure_server(behave) for behave, _ in HOSTILE.values()]
        urls = [server.__enter__() for server in servers]
        try:
            for number, url in enumerate(urls):
                told(settings, f"{url}/hook", bin=f"18044001{number:04}", events=4)
            told(settings, receiver.url, bin="180440019999", events=5)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            run(until=lambda: len(told_of(receiver)) == 5)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        finally:
            for server in servers:
                server.__exit__(None, None, None)
    assert len(told_of(receiver)) == 5
    assert grown < 60 * 1024, "KiB"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_this_machine_or_anywhere_is_not_followed(
    status: int, settings: Settings, quick: None
) -> None:
    with listening(Receiver()) as trap, listening(Receiver(status=status)) as receiver:
        settings.TULGA_WEBHOOK_TEST_HOSTS = [trap.authority]
        receiver.headers = {
            "Location": trap.url,
            "Refresh": f"0;url={trap.url}",
            "Set-Cookie": "a=b",
        }
        told(settings, receiver.url, bin="180440010001")
        run(until=tried(1))
        assert len(receiver.received) == 1
        assert trap.received == []
    assert Delivery.objects.get().response_status == status


def test_a_name_that_leads_elsewhere_between_check_and_connect_is_connected_to_where_it_was_checked(
    settings: Settings, quick: None
) -> None:
    asked: list[str] = []
    with listening(Receiver()) as trap:
        port = int(trap.authority.rpartition(":")[2])

        def look_up(host: str, port: int, **_: Any) -> list[Any]:
            asked.append(host)
            literal = "192.0.2.1" if len(asked) % 2 else "127.0.0.1"  # never the same twice
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (literal, port))]

        told(settings, f"https://rebinding.example:{port}/hook", bin="180440010001")
        settings.TULGA_WEBHOOK_TEST_HOSTS = []  # so that it must be public
        run(until=tried(1), look_up=look_up)
        assert trap.received == []
    assert asked == ["rebinding.example"], "one look-up a try"
    assert Delivery.objects.get().failure == "webhook_url_refused"


def test_a_lender_of_many_hanging_endpoints_holds_no_more_than_its_share_and_starves_nobody(
    settings: Settings, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "SENDER_IN_FLIGHT", policy.LENDER_IN_FLIGHT + 4)
    with insecure_server(silent) as url, listening(Receiver()) as receiver:
        greedy = told(settings, f"{url}/0", bin="180440010001", events=0)
        for number in range(1, policy.ENDPOINTS_MAX):
            endpoints.create(greedy, mode=MODE, url=f"{url}/{number}", events=())
        happen(Caller(keys.issue(greedy, mode=MODE).secret), 10)
        told(settings, receiver.url, bin="180440010002", events=4)
        held: list[int] = []

        def has_all_of_its_share() -> bool:
            held.append(Delivery.objects.filter(lender=greedy).exclude(fence="").count())
            return len(receiver.received) >= 4 and held.count(policy.LENDER_IN_FLIGHT) >= 3

        run(until=has_all_of_its_share)
    assert max(held) == policy.LENDER_IN_FLIGHT
    assert sorted(json.loads(one.body)["lender_sequence"] for one in receiver.received) == [
        1,
        2,
        3,
        4,
    ]
    assert set(
        WebhookEndpoint.objects.filter(lender=greedy).values_list("failures", flat=True)
    ) <= {0, 1, 2, 3, 4}
