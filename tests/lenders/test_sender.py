"""The sender as a process runs it: rounds in a thread, posts in a loop, until it is told to
stop.
"""

import asyncio
import json
import resource
import socket
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from lenders import deliveries, endpoints, keys, policy, sender
from lenders.deliveries import Outcome
from lenders.models import Delivery, IdempotentRequest, Lender, Sender
from tests.lenders.insecure_receiver import Receiver, listening
from tests.lenders.log_of_lenders import MODE, happen, pump, take
from tests.lenders.samples import Caller
from tests.verification.outbound.insecure_servers import OK, insecure_server
from verification import clock
from verification.log import log, sequencer

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_one_round_sends_what_is_due_and_ends(settings: Settings) -> None:
    with listening(Receiver()) as receiver:
        told(settings, receiver.url, events=policy.IN_FLIGHT + 1)
        asyncio.run(sender.run(asyncio.Event(), is_single=True))
        assert len(receiver.received) == policy.IN_FLIGHT
    assert Delivery.objects.filter(status="delivered").count() == policy.IN_FLIGHT


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


def test_nobody_is_told_what_was_rolled_back_or_is_not_committed_or_not_ordered_yet(
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


def test_who_hangs_delays_nobody_else(settings: Settings) -> None:
    with listening(Receiver(status="hang")) as hanging, listening(Receiver()) as receiver:  # type: ignore[arg-type]
        for number in range(4):
            told(settings, hanging.url, events=10, bin=f"18044001{number:04}")
        began = time.monotonic()
        told(settings, receiver.url, bin="180440019999")

        def arrived() -> bool:
            if receiver.received:
                hanging.released.set()
            return bool(receiver.received)

        # Behind one that hangs it would arrive once that one was given up.
        run(arrived, seconds=policy.POST_SECONDS - 1)
        assert time.monotonic() - began < policy.POST_SECONDS - 1


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


def test_deliver_refuses_an_unsafe_live_set_in_words(settings: Settings) -> None:
    settings.TULGA_MODES_LIVE = True
    with pytest.raises(CommandError, match="live mode is unsafe to run"):
        call_command("deliver", once=True)
    assert not Sender.objects.exists()


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


def test_one_round_that_could_not_be_made_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(sender.Rounds, "work", fail)
    with pytest.raises(OperationalError):
        asyncio.run(asyncio.wait_for(sender.run(asyncio.Event(), is_single=True), timeout=20))


def test_one_round_ends_though_nobody_could_be_told_that_it_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(sender.Rounds, "end", fail)
    asyncio.run(asyncio.wait_for(sender.run(asyncio.Event(), is_single=True), timeout=20))


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
