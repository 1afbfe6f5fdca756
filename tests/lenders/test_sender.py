"""The sender as a process runs it, and endpoints that mean ill: each costs a try of its own."""

import asyncio
import json
import resource
import socket
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from email.utils import format_datetime
from socket import getaddrinfo

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from lenders import deliveries, endpoints, keys, policy, sender
from lenders.deliveries import Outcome
from lenders.models import Delivery, IdempotentRequest, Lender, Sender, WebhookEndpoint
from tests.lenders.insecure_receiver import Receiver, listening
from tests.lenders.log_of_lenders import MODE, happen, pump, take
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
from verification import clock
from verification.log import log, sequencer
from verification.outbound.addresses import LookUp


def told(settings: Settings, url: str, *, events: int = 1, bin: str = "180440012362") -> Caller:
    """A lender with an endpoint at this address and with events in the log; its server."""
    settings.TULGA_WEBHOOK_TEST_HOSTS = [*settings.TULGA_WEBHOOK_TEST_HOSTS, url.split("/")[2]]
    lender = Lender.objects.create(name="Told LLP", bin=bin, phone="+77270000044")
    endpoints.create(lender, mode=MODE, url=url, events=())
    api = Caller(keys.issue(lender, mode=MODE).secret)
    happen(api, events)
    return api


def run(until: Callable[[], bool], *, seconds: float = 60) -> None:
    """Runs a sender until something is so, then tells it to stop and waits for its end."""

    def asked() -> bool:
        try:
            return until()
        finally:
            connection.close()

    async def both() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(sender.run(stop))
        deadline = time.monotonic() + seconds
        try:
            while not await asyncio.to_thread(asked):
                assert time.monotonic() < deadline, "it did not come to pass"
                await asyncio.sleep(0.02)
        finally:
            stop.set()
            await running

    asyncio.run(both())


@pytest.mark.django_db(transaction=True)
def test_what_is_due_is_sent_once_and_the_sender_says_that_it_lives_and_that_it_ends(
    settings: Settings,
) -> None:
    lived: list[int] = []
    with listening(Receiver()) as receiver:
        told(settings, receiver.url, events=6)

        def all_came() -> bool:
            return len(receiver.received) == 6

        run(all_came)
        lived.append(Sender.objects.count())
    numbers = sorted(json.loads(received.body)["lender_sequence"] for received in receiver.received)
    assert numbers == list(range(1, 7))
    assert set(Delivery.objects.values_list("status", "tries")) == {("delivered", 1)}
    assert lived == [0]


@pytest.mark.django_db(transaction=True)
def test_before_a_byte_is_sent_its_reservation_is_committed(settings: Settings) -> None:
    seen: list[tuple[object, ...]] = []

    def behave(accepted: socket.socket) -> None:
        # in a thread, and so over a connection of its own, which sees what was committed and
        # nothing else
        try:
            seen.extend(Delivery.objects.exclude(fence="").values_list("status", "tries"))
        finally:
            connection.close()
        accepted.sendall(OK + b"Content-Length: 0\r\n\r\n")

    with insecure_server(behave) as url:
        told(settings, f"{url}/hook")
        run(lambda: bool(seen))
    assert seen == [("pending", 1)]
    assert Delivery.objects.get().status == "delivered"


@pytest.mark.django_db(transaction=True)
def test_only_what_is_committed_and_ordered_is_told(
    settings: Settings,
) -> None:
    with listening(Receiver()) as receiver:
        api = told(settings, receiver.url, events=0)
        lender = Lender.objects.get()
        with transaction.atomic():
            log.append(
                log=MODE, type="endpoint.disabled", body={"endpoint": "whe_x"}, lender=lender.pk
            )
            transaction.set_rollback(True)
        with transaction.atomic():
            log.append(
                log=MODE, type="endpoint.disabled", body={"endpoint": "whe_y"}, lender=lender.pk
            )
            if (
                connection.vendor == "postgresql"
            ):  # SQLite has one writer, and it is this transaction
                asyncio.run(sender.run(asyncio.Event(), is_single=True))
        asyncio.run(sender.run(asyncio.Event(), is_single=True))
        assert receiver.received == []
        sequencer.order(MODE)
        asyncio.run(sender.run(asyncio.Event(), is_single=True))
        assert [json.loads(one.body)["lender_sequence"] for one in receiver.received] == [1]
        assert [event["lender_sequence"] for event in api.get("/v1/events").json()["data"]] == [1]


@pytest.mark.django_db(transaction=True)
def test_a_silent_database_ends_nothing_and_no_result_is_forgotten(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(policy, "SILENCE_SECONDS", 0.05)
    written, silent = deliveries.record_outcomes, iter(range(3))

    def record_outcomes(ended: list[sender.Sent]) -> None:
        if next(silent, None) is not None:
            raise OperationalError("the server closed the connection, whose password is hunter2")
        written(ended)

    monkeypatch.setattr(deliveries, "record_outcomes", record_outcomes)
    with listening(Receiver()) as receiver:
        told(settings, receiver.url)
        run(lambda: Delivery.objects.filter(status="delivered").exists())
        assert len(receiver.received) == 1
    assert caplog.text.count("a round of the sender failed") == 3


@pytest.mark.django_db(transaction=True)
def test_a_sender_that_is_told_to_stop_begins_nothing_and_ends_what_it_began(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "POST_SECONDS", 1.0)
    with listening(Receiver(status=200, script=["hang"])) as receiver:
        told(settings, receiver.url, events=policy.IN_FLIGHT + 2)

        def all_began() -> bool:
            return len(receiver.received) >= policy.IN_FLIGHT

        run(all_began)
    assert not Delivery.objects.exclude(fence="").exists(), "it left none behind"
    assert sum(Delivery.objects.values_list("tries", flat=True)) == len(receiver.received)
    assert Delivery.objects.filter(failure="timeout").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_sender_with_a_wrong_clock_sends_nothing_and_does_not_say_that_it_does(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(Receiver()) as receiver:
        told(settings, receiver.url)
        monkeypatch.setattr(clock._state, "is_right", False)
        asyncio.run(sender.run(asyncio.Event(), is_single=True))
        assert not receiver.received
        assert sender.running() == 0
        monkeypatch.setattr(clock._state, "is_right", True)
        asyncio.run(sender.run(asyncio.Event(), is_single=True))
        assert len(receiver.received) == 1


@pytest.mark.django_db(transaction=True)
def test_a_dead_senders_row_and_old_deliveries_and_idempotency_keys_are_forgotten(
    settings: Settings,
) -> None:
    at = timezone.now()
    Sender.objects.create(id="snd_dead", seen_at=at - timedelta(days=2))
    with listening(Receiver()) as receiver:
        told(settings, receiver.url)
        asyncio.run(sender.run(asyncio.Event(), is_single=True))
    assert (
        Delivery.objects.update(created_at=at - timedelta(days=policy.DELIVERY_DAYS, minutes=1))
        == 1
    )
    answered = {
        "key_sha256": "a" * 64,
        "request_sha256": "b" * 64,
        "fence": "c" * 32,
        "reserved_until": at,
    }
    old = at - timedelta(days=30)
    IdempotentRequest.objects.create(
        lender=Lender.objects.get(), mode=MODE, process=1, created_at=old, **answered
    )
    rounds = sender.Rounds()
    rounds.work((), room=0, failing_room=0)
    assert not Delivery.objects.exists()
    assert not IdempotentRequest.objects.exists()
    assert list(Sender.objects.values_list("id", flat=True)) == [rounds.name]
    Sender.objects.update(seen_at=at - timedelta(minutes=5))
    rounds.work((), room=0, failing_room=0)
    assert Sender.objects.get().seen_at < at, "it says so every few seconds, not every round"
    rounds.end()
    assert not Sender.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_log_line_holds_a_secret_a_body_or_an_address(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with listening(Receiver(status=500, answer=b"your token is hunter2")) as receiver:
        api = told(settings, f"{receiver.url}?token=hunter3", events=0)
        made = api.post("/v1/webhook-endpoints", {"url": f"{receiver.url}?token=hunter3"}).json()
        happen(api)
        caplog.clear()
        asyncio.run(sender.run(asyncio.Event(), is_single=True))
        assert len(receiver.received) == 2
    secret, signatures = (
        made["secret"],
        [one.headers["webhook-signature"] for one in receiver.received],
    )
    reference = json.loads(receiver.received[0].body)["data"]["client_reference"]
    for word in (
        "hunter2",
        "hunter3",
        secret,
        secret.removeprefix("whsec_"),
        reference,
        *signatures,
    ):
        assert word not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_the_sender_may_open_as_many_sockets_as_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object, **__: object) -> None:
        """No round: what is asked is what came before it."""

    monkeypatch.setattr(sender, "run", nothing)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = policy.FILES_MAX if hard == resource.RLIM_INFINITY else min(policy.FILES_MAX, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        call_command("deliver", once=True)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_work", [True, False])
def test_one_round_fails_by_its_work_and_not_by_its_last_word(
    monkeypatch: pytest.MonkeyPatch, *, is_work: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(sender.Rounds, "work" if is_work else "end", fail)
    single = sender.run(asyncio.Event(), is_single=True)
    with pytest.raises(OperationalError) if is_work else nullcontext():
        asyncio.run(asyncio.wait_for(single, timeout=20))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("tries", [1, len(policy.LADDER_SECONDS), 1000])
def test_a_fault_of_ours_is_not_the_endpoints(settings: Settings, tries: int) -> None:
    told(settings, "http://127.0.0.1:9/")
    pump()
    Delivery.objects.update(tries=tries - 1)
    [taken] = take()
    deliveries.record_outcomes([(taken, Outcome(failure=deliveries.INTERNAL))])
    left = Delivery.objects.select_related("endpoint").get(pk=taken.pk)
    assert (left.status, left.tries, left.failure) == ("pending", tries, "internal")
    assert left.due_at > clock.now()
    endpoint = left.endpoint
    assert (endpoint.failures, endpoint.paused_until, endpoint.disabled_at) == (0, None, None)


def send(receiver: Receiver, *, body: bytes = b"{}") -> Outcome:
    return posted(receiver.url, body=body)


def posted(
    url: str, *, body: bytes = b"{}", mode: str = "test", look_up: LookUp = getaddrinfo
) -> Outcome:
    return asyncio.run(
        sender.post(url, mode=mode, headers={"webhook-id": "evt_1"}, body=body, look_up=look_up)
    )


@pytest.mark.parametrize(
    ("status", "success"),
    [
        (200, True),
        (204, True),
        (299, True),
        (301, False),
        (307, False),
        (400, False),
        (404, False),
        (500, False),
    ],
)
def test_only_2xx_is_success(receiver: Receiver, status: int, success: bool) -> None:
    receiver.status = status
    outcome = send(receiver)
    assert (outcome.status, outcome.is_success) == (status, success)


@pytest.mark.parametrize(
    ("told", "excerpt"),
    [
        (b"x" * 5_000_000, "x" * policy.EXCERPT_BYTES),
        (b"no \x1b[31mred\x00 990101100010 \xff end", "no [31mred [number] \ufffd end"),
        ("pay \u202eecrof\u202c\ufeff".encode(), r"pay \u202eecrof\u202c\ufeff"),
        ("\u202e".encode() * 1000, None),
    ],
    ids=["long", "control characters and numbers", "a line turned around", "long when spelled"],
)
def test_an_excerpt_is_short_and_shows_nothing_hidden(
    receiver: Receiver, told: bytes, excerpt: str | None
) -> None:
    receiver.status, receiver.answer = 500, told
    kept = send(receiver).excerpt
    assert excerpt in (None, kept)
    assert len(kept.encode()) <= policy.EXCERPT_BYTES


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        (lambda: "120", 120, 120),
        (lambda: format_datetime(clock.now() + timedelta(seconds=90), usegmt=True), 85, 91),
        (lambda: format_datetime(clock.now() - timedelta(days=1), usegmt=True), 0, 0),
        (lambda: "soon", 0, 0),
    ],
    ids=["seconds", "a date", "a date gone by", "no time"],
)
def test_a_time_to_be_left_alone_is_read_as_a_number_or_as_a_date(
    receiver: Receiver, said: Callable[[], str], least: float, most: float
) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": said()}
    assert least <= send(receiver).retry_after <= most


# Endpoints that mean ill: each costs a try of its own and nothing else, however it answers;
# others are told at once. Every case is played by a real sender against servers below HTTP.
# What an endpoint may do to us ends with its post.


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


def told_at(settings: Settings, url: str, *, bin: str, events: int = 1) -> Lender:
    """A lender with an endpoint at this address, and events in the log."""
    told(settings, url, bin=bin, events=events)
    return Lender.objects.get(bin=bin)


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


@pytest.mark.service
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_costs_its_own_try_and_nothing_else(
    name: str, settings: Settings, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    behave, expected = HOSTILE[name]
    # What is refused before its time is refused for what it is; a busy machine answers for the
    # honest one in seconds.
    monkeypatch.setattr(policy, "POST_SECONDS", 4.0 if expected == "timeout" else 20.0)
    with insecure_server(behave) as url, listening(Receiver()) as receiver:
        hostile = told_at(settings, f"{url}/hook", bin="180440010001")
        honest = told_at(settings, receiver.url, bin="180440010002", events=3)
        run(tried(4))
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


@pytest.mark.service
@pytest.mark.django_db(transaction=True)
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
            run(lambda: len(told_of(receiver)) == 5)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        finally:
            for server in servers:
                server.__exit__(None, None, None)
    assert len(told_of(receiver)) == 5
    assert grown < 60 * 1024, "KiB"


@pytest.mark.service
@pytest.mark.django_db(transaction=True)
def test_a_lender_of_many_hanging_endpoints_holds_no_more_than_its_share(
    settings: Settings, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "SENDER_IN_FLIGHT", policy.LENDER_IN_FLIGHT + 4)
    with insecure_server(silent) as url, listening(Receiver()) as receiver:
        greedy = told_at(settings, f"{url}/0", bin="180440010001", events=0)
        for number in range(1, policy.ENDPOINTS_MAX):
            endpoints.create(greedy, mode=MODE, url=f"{url}/{number}", events=())
        happen(Caller(keys.issue(greedy, mode=MODE).secret), 10)
        told(settings, receiver.url, bin="180440010002", events=4)
        held: list[int] = []

        def has_all_of_its_share() -> bool:
            held.append(Delivery.objects.filter(lender=greedy).exclude(fence="").count())
            return len(receiver.received) >= 4 and held.count(policy.LENDER_IN_FLIGHT) >= 3

        run(has_all_of_its_share)
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


@pytest.mark.django_db(transaction=True)
def test_a_fault_of_ours_in_one_post_is_that_posts_alone(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with listening(Receiver()) as receiver:
        told(settings, receiver.url)
        told(settings, receiver.url, bin="180440012373")
        pump()
        [broken, sound] = take()

        broken.endpoint.sealed_secret = None
        _, outcome = asyncio.run(sender.send(broken))
        assert outcome == Outcome(failure="internal")
        deliveries.record_outcomes([(broken, outcome), asyncio.run(sender.send(sound))])
    assert Delivery.objects.get(pk=broken.pk).failure == "internal"
    assert Delivery.objects.get(pk=sound.pk).status == "delivered"
    assert "hunter2" not in caplog.text
