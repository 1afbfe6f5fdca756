"""Webhooks: which deliveries are owed, how they are sent, and to which endpoints."""

import asyncio
import json
import resource
import socket
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import timedelta
from email.utils import format_datetime
from itertools import product
from socket import getaddrinfo
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import override_settings
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from config.key_files import read_keys
from lenders import deliveries, endpoints, idempotency, keys, policy, sender
from lenders.deliveries import Outcome
from lenders.models import Delivery, IdempotentRequest, Lender, Sender, WebhookEndpoint
from lenders.resources import checkpoints, events
from lenders.resources.events import Event
from tests import registered
from tests.lenders.insecure_receiver import Receiver, listening
from tests.lenders.log_of_lenders import (
    MODE,
    happen,
    make_due,
    pump,
    send_due,
    take,
    wait_to_be_sent,
)
from tests.lenders.samples import IIN, PHONE, Caller, opening
from tests.verification.outbound.insecure_names import PRIVATE, answering, refuse_connects
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
from verification.case.contents import Page
from verification.core.errors import BadInput, Conflict, EvidenceUnreadable
from verification.evidence import vault
from verification.log import checkpoint, log, sequencer
from verification.log import keys as log_keys
from verification.log.checkpoint import Checkpoint, open_checkpoint
from verification.models import AuditEntry
from verification.outbound.addresses import LookUp


@pytest.fixture(autouse=True)
def _compiled_anew() -> Iterator[None]:
    """A compiled query keeps the number of endpoints of a round, which a test may change."""
    deliveries._endpoints_in_arrears.cache_clear()
    yield
    deliveries._endpoints_in_arrears.cache_clear()


# From the log to the lender's server: each event arrives signed, is tried again, and is proved.


def test_an_event_arrives_signed_thin_and_under_the_events_id(
    api: Caller, other_api: Caller, lender: Lender, receiver: Receiver
) -> None:
    happen(api)  # before there is an endpoint
    _, secret = endpoints.create(lender, mode=MODE, url=receiver.url, events=())
    happen(other_api)
    assert pump() == 0
    happen(api, 2)  # the first is the one of before
    assert pump() == 1
    send_due()
    [received] = receiver.received
    body = Webhook(secret).verify(received.body, received.headers)
    event = api.get("/v1/events").json()["data"][-1]
    assert received.headers["webhook-id"] == event["id"]
    assert (
        open_checkpoint(body.pop("checkpoint"), key=log_keys.verification_key("test")).size
        > event["log_index"]
    )
    assert body == {
        name: event[name] for name in ("version", "type", "timestamp", "lender_sequence", "data")
    }
    assert not [word for word in (IIN, PHONE, "Асанов") if word in received.body.decode()]
    assert Delivery.objects.get().status == "delivered"


def test_only_the_types_asked_for_are_delivered_and_the_cursor_moves_over_the_rest(
    api: Caller, lender: Lender, receiver: Receiver
) -> None:
    endpoint, _ = endpoints.create(
        lender, mode=MODE, url=receiver.url, events=["verification.canceled"]
    )
    happen(api)
    opened = api.get("/v1/verifications").json()["data"][0]["id"]
    api.post(f"/v1/verifications/{opened}/cancel")
    sequencer.order(MODE)
    pump()
    assert [delivery.type for delivery in Delivery.objects.all()] == ["verification.canceled"]
    endpoint.refresh_from_db()
    assert endpoint.cursor == api.get("/v1/events").json()["data"][-1]["lender_sequence"]


def test_a_round_gives_a_batch_to_the_endpoints_whose_turn_it_is(
    api: Caller,
    other_api: Caller,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "EVENTS_BATCH", 2)
    monkeypatch.setattr(policy, "PUMP_ENDPOINTS", 1)
    other_api.post("/v1/webhook-endpoints", {"url": receiver.url})
    happen(api, 3)
    happen(other_api, 3)
    first, second = sorted(Lender.objects.values_list("pk", flat=True))
    turns, rest, after, more = [], [], "", True
    while more:
        before = Delivery.objects.count()
        after, more = deliveries.pump(cursor=after)
        turns.append(after)
        rest.append(Delivery.objects.count() - before)
    assert turns[:3] == [first, second, first], "a stream of events keeps every lender's turn"
    assert sum(rest) == 6
    assert max(rest) == 2
    assert Delivery.objects.values("event_id").distinct().count() == 6


def test_a_lender_of_fifty_endpoints_and_a_backlog_holds_up_no_single_delivery_of_another(
    api: Caller,
    other_api: Caller,
    lender: Lender,
    receiver: Receiver,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "ENDPOINTS_MAX", 50)
    monkeypatch.setattr(policy, "EVENTS_BATCH", 2)
    for number in range(50):
        endpoints.create(lender, mode=MODE, url=f"{receiver.url}/{number}", events=())
    happen(api, 6)
    with listening(Receiver()) as others:
        settings.TULGA_WEBHOOK_TEST_HOSTS = [receiver.authority, others.authority]
        other_api.post("/v1/webhook-endpoints", {"url": others.url})
        cursor = ""
        for number in range(3):
            happen(other_api, number + 1)
            cursor, has_more = deliveries.pump(cursor=cursor)
            assert has_more
            send_due()
            assert len(others.received) == number + 1, "each in the first round after its event"
    pump()
    made = Counter(Delivery.objects.filter(lender=lender).values_list("endpoint_id", flat=True))
    assert (len(made), set(made.values())) == (50, {6})


@pytest.mark.parametrize("fault", [ValueError, IntegrityError])
def test_events_that_cannot_be_read_stop_no_other_endpoint_and_keep_the_sender_from_no_rest(
    fault: type[Exception],
    api: Caller,
    other_api: Caller,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(policy, "EVENTS_BATCH", 1)
    other_api.post("/v1/webhook-endpoints", {"url": receiver.url})
    read = events.events_after

    def damaged(*, lender_id: str, mode: str, cursor: int, limit: int) -> Page[Event]:
        if lender_id == endpoint.lender_id:
            raise fault("no such form")
        return read(lender_id=lender_id, mode=mode, cursor=cursor, limit=limit)

    monkeypatch.setattr(events, "events_after", damaged)
    happen(api, 2)
    happen(other_api)
    deliveries.pump()
    assert [delivery.lender_id != endpoint.lender_id for delivery in Delivery.objects.all()] == [
        True
    ]
    _, has_more = deliveries.pump()
    assert not has_more, "the sender would ask for them without a pause"


def test_after_a_rotation_both_secrets_verify_for_a_day_and_then_only_the_new_one(
    api: Caller, lender: Lender, receiver: Receiver
) -> None:
    endpoint, old = endpoints.create(lender, mode=MODE, url=receiver.url, events=())
    new = endpoints.rotate_secret(endpoint)
    wait_to_be_sent(api)
    [delivery] = Delivery.objects.select_related("endpoint")
    headers = endpoints.signed_headers(delivery, at=timezone.now())
    for secret in (old, new):
        Webhook(secret).verify(bytes(delivery.body), headers)
    WebhookEndpoint.objects.update(previous_secret_until=timezone.now())
    delivery = Delivery.objects.select_related("endpoint").get()
    headers = endpoints.signed_headers(delivery, at=timezone.now())
    Webhook(new).verify(bytes(delivery.body), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(bytes(delivery.body), headers)


def test_an_owned_web_opens_no_secret_that_the_sender_opens(
    api: Caller, lender: Lender, settings: Settings
) -> None:
    # 1. 50 secrets: shared ones, replaced ones and signing keys, as web makes them.
    for number in range(16):
        endpoint, _ = endpoints.create(
            lender, mode=MODE, url=f"https://lender.example/{number}", events=()
        )
        endpoints.rotate_secret(endpoint)
        endpoints.delete(endpoint)
    asked = {"url": "https://lender.example"}
    first = api.post("/v1/webhook-endpoints", asked, key="a")
    assert first.status_code == 201
    sealed = [
        (endpoint.pk, bytes(secret))
        for endpoint in WebhookEndpoint.objects.all()
        for secret in (
            endpoint.sealed_secret,
            endpoint.sealed_previous_secret,
            endpoint.sealed_signing_key,
        )
        if secret
    ]
    assert len(sealed) == 50

    # 2. All that web's folder and the public one hold, tried as each kind of key.
    folder = settings.TULGA_KEYS_DIR
    web = read_keys(folder, process="web")
    seeds = (
        seed
        for modes in web.signing.values()
        for numbered in modes.values()
        for seed in numbered.values()
    )
    symmetric = (bytes.fromhex(web.secret_key), *web.encryption.values(), *web.index.values())
    public = (web.root, *web.webhook_public.values(), *(key.public for key in web.certified))
    assert web.webhook == {}
    for key in (*symmetric, *seeds, *public):
        assert opened(sealed, {1: key}) == 0

    # 3. The sender's folder opens all.
    assert opened(sealed, read_keys(folder, process="sender").webhook) == 50

    # 4. What a lender asked for with an idempotency key is kept for a repeat, and web reads it.
    assert api.post("/v1/webhook-endpoints", asked, key="a").content == first.content
    idempotency.purge(at=clock.now() + timedelta(seconds=policy.REPLAY_SECONDS + 1))
    assert not IdempotentRequest.objects.exists()


def opened(sealed: list[tuple[str, bytes]], held: dict[int, bytes]) -> int:
    """How many of these open with the keys held, as box or as bytes under a KEK, at either
    place.
    """
    with override_settings(TULGA_WEBHOOK_KEYS=held, TULGA_KEY_ENCRYPTION_KEYS=held):
        count = 0
        for endpoint_id, secret in sealed:
            scopes = (endpoints.secret_scope(endpoint_id), endpoints.signing_key_scope(endpoint_id))
            for scope, unseal in product(scopes, (vault.unseal_for_sender, vault.unseal)):
                with suppress(EvidenceUnreadable):
                    count += len(unseal(scope, secret)) == policy.SECRET_BYTES
        return count


# What does not arrive comes again, by the ladder, until the endpoint is given up.


def test_a_failed_try_comes_again_with_the_same_id_and_body_and_a_fresh_time(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.script = [500, "break off", 302]
    wait_to_be_sent(api)
    for number in range(1, 5):
        make_due()
        send_due()
        assert WebhookEndpoint.objects.get().failing is (number < 4)
    assert len(receiver.received) == 4
    assert (
        len({(received.headers["webhook-id"], received.body) for received in receiver.received})
        == 1
    )
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.tries, delivery.response_status) == ("delivered", 4, 204)


def test_every_try_brings_the_checkpoint_of_when_the_message_was_made(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.script = [500]
    wait_to_be_sent(api)
    send_due()
    newest = checkpoints.newest_checkpoint(MODE)
    api.post("/v1/verifications", opening(client_reference="later"))
    sequencer.order(MODE)
    make_due()
    send_due()
    deliveries.redeliver(endpoint.lender, mode=MODE, delivery_id=Delivery.objects.get().pk)
    send_due()
    assert [json.loads(received.body)["checkpoint"] for received in receiver.received] == [
        newest
    ] * 3
    pump()
    send_due()
    assert (
        json.loads(receiver.received[-1].body)["checkpoint"]
        == checkpoints.newest_checkpoint(MODE)
        != newest
    )


@pytest.mark.parametrize("tries", range(1, len(policy.LADDER_SECONDS)))
def test_the_ladder_is_that_of_the_specification(tries: int) -> None:
    ladder = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    assert ladder == policy.LADDER_SECONDS
    assert policy.wait_seconds(tries, chance=0.0) == ladder[tries]
    assert ladder[tries] < (policy.wait_seconds(tries, chance=0.999) or 0) <= ladder[tries] * 1.1


def test_after_the_last_try_the_endpoint_is_disabled_on_record_and_the_event_stays_listed(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.status = 500
    wait_to_be_sent(api)
    for tried in range(1, len(policy.LADDER_SECONDS) + 1):
        make_due()
        send_due()
        delivery = Delivery.objects.get()
        assert delivery.tries == tried
        assert tried > 1 or delivery.due_at > delivery.created_at + timedelta(seconds=5)
        assert (Delivery.objects.get().status == "exhausted") == (
            tried == len(policy.LADDER_SECONDS)
        )
    endpoint.refresh_from_db()
    assert (endpoint.disabled_reason, endpoint.disabled_at is not None) == ("exhausted", True)
    assert AuditEntry.objects.filter(type="endpoint.disabled").count() == 1
    sequencer.order(MODE)
    told = [event["type"] for event in api.get("/v1/events").json()["data"]]
    assert told == ["verification.created", "endpoint.disabled"]


def test_410_disables_at_once(api: Caller, endpoint: WebhookEndpoint, receiver: Receiver) -> None:
    receiver.status = 410
    wait_to_be_sent(api, policy.IN_FLIGHT + 2)
    send_due()
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "gone"
    assert len(receiver.received) == policy.IN_FLIGHT, "what was under way with it, and no more"
    assert Delivery.objects.filter(status="pending").count() == 2


@pytest.mark.parametrize("status", [429, 302])
def test_a_receiver_that_asks_for_time_gets_it_and_is_asked_for_nothing_meanwhile(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, status: int
) -> None:
    receiver.script, receiver.headers = [status], {"Retry-After": "1200"}
    wait_to_be_sent(api)
    before = timezone.now()
    send_due()
    wait_to_be_sent(api, 2)
    send_due()
    assert len(receiver.received) == 1
    endpoint.refresh_from_db()
    assert endpoint.paused_until is not None
    delivery = Delivery.objects.get(tries=1)
    for until in (delivery.due_at, endpoint.paused_until):
        assert timedelta(seconds=1200) <= until - before < timedelta(seconds=1210)
    make_due()
    send_due()
    assert len(receiver.received) == 1 + Delivery.objects.count()
    assert WebhookEndpoint.objects.get().paused_until is None


def test_a_receiver_cannot_put_a_message_off_for_longer_than_an_hour_a_try(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": "99999999"}
    wait_to_be_sent(api)
    for tries in range(1, len(policy.LADDER_SECONDS) + 1):
        make_due()
        before = timezone.now()
        send_due()
        delivery = Delivery.objects.get()
        rung = policy.wait_seconds(tries, chance=1.0) or 0
        most = max(policy.RETRY_AFTER_MAX_SECONDS, rung) + 5
        assert delivery.due_at - before < timedelta(seconds=most)
    assert (delivery.status, len(receiver.received)) == ("exhausted", len(policy.LADDER_SECONDS))


def test_what_began_before_a_receiver_asked_for_time_does_not_shorten_it(
    api: Caller, endpoint: WebhookEndpoint
) -> None:
    wait_to_be_sent(api, policy.IN_FLIGHT)
    asked, failed, arrived, later = take()
    before = timezone.now()
    deliveries.record_outcomes(
        [
            (asked, Outcome(status=429, retry_after=600)),
            (failed, Outcome(status=500)),
            (arrived, Outcome(status=204)),
            (later, Outcome(status=429, retry_after=5)),
        ]
    )
    told = WebhookEndpoint.objects.get()
    assert told.paused_until is not None
    assert timedelta(seconds=600) <= told.paused_until - before < timedelta(seconds=610)
    assert (told.failures, take()) == (1, [])


def test_an_endpoint_that_fails_again_and_again_is_left_alone_for_longer_and_longer(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.status = 500
    wait_to_be_sent(api, 1)
    for seconds in (0, 0, 5, 10, 20, 40, 80, 160, 300):
        Delivery.objects.update(tries=0)
        make_due()
        before = timezone.now()
        send_due()
        after = timezone.now()
        endpoint.refresh_from_db()
        pause = timedelta(seconds=seconds)
        assert (endpoint.paused_until is None) is (seconds == 0)
        assert (
            endpoint.paused_until is None
            or before + pause <= endpoint.paused_until <= after + pause
        )
    receiver.status = 204
    make_due()
    send_due()
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.paused_until) == (0, None)


def test_of_a_failing_endpoint_the_message_tried_most_often_is_tried_first(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    wait_to_be_sent(api, 3)
    Delivery.objects.filter(lender_sequence=3).update(tries=4)
    WebhookEndpoint.objects.update(failures=2)
    assert [one.lender_sequence for one in take()] == [3], (
        "or an endpoint with a backlog would never be given up"
    )
    Delivery.objects.update(lease_until=None)
    WebhookEndpoint.objects.update(failures=0)
    assert [one.lender_sequence for one in take(room=1)] == [1], "else they begin in their order"


def test_another_address_or_a_wish_of_the_lender_ends_a_pause(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    later = timezone.now() + timedelta(seconds=250)
    first = deliveries.send_test(endpoint)
    for act in (
        lambda: endpoints.change(endpoint, url=receiver.url),
        lambda: endpoints.change(endpoint, enabled=True),
        lambda: deliveries.send_test(endpoint),
        lambda: deliveries.redeliver(endpoint.lender, mode=MODE, delivery_id=first.pk),
    ):
        WebhookEndpoint.objects.update(failures=5, paused_until=later)
        assert take() == []
        act()
        assert len(take()) == 1
        Delivery.objects.update(lease_until=None)


def test_an_enabled_endpoint_makes_up_for_what_it_missed(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    endpoints.change(endpoint, enabled=False)
    happen(api, 2)
    assert pump() == 0
    endpoints.change(endpoint, enabled=True)
    assert pump() == 3  # two openings, and that it was disabled
    send_due()
    assert len(receiver.received) == 3


def test_secrets_are_sealed_and_open_in_their_own_row_only(
    lender: Lender, receiver: Receiver
) -> None:
    one, secret = endpoints.create(lender, mode=MODE, url=receiver.url, events=())
    two, _ = endpoints.create(lender, mode=MODE, url=receiver.url, events=())
    assert secret.encode() not in bytes(one.sealed_secret)
    WebhookEndpoint.objects.filter(pk=two.pk).update(sealed_secret=bytes(one.sealed_secret))
    delivery = Delivery.objects.create(
        endpoint=two,
        lender=lender,
        mode=MODE,
        event_id="evt_1",
        type="endpoint.test",
        event_at=timezone.now(),
        body=b"{}",
        created_at=timezone.now(),
        due_at=timezone.now(),
    )
    send_due()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.failure, receiver.received) == (
        "pending",
        "secret_unreadable",
        [],
    )


# Any number of senders: a delivery is held by one, every lender gets its share, no kill loses
# anything.


def row(name: str, *, lender: str, failures: int = 0, mode: str = MODE) -> WebhookEndpoint:
    return WebhookEndpoint(id=name, lender_id=lender, mode=mode, failures=failures)


def shares(
    hungry: list[WebhookEndpoint], *, room: int = 512, failing_room: int = 256, **under_way: int
) -> dict[str, int]:
    counts: Counter[object] = Counter(under_way)
    return dict(deliveries.share(hungry, under_way=counts, room=room, failing_room=failing_room))


def test_an_endpoint_gets_few_at_once_and_a_failing_one_a_single_one() -> None:
    hungry = [row("a", lender="one"), row("b", lender="one", failures=1)]
    assert shares(hungry) == {"a": policy.IN_FLIGHT, "b": policy.IN_FLIGHT_FAILING}
    assert shares(hungry, a=3, b=1) == {"a": 1}
    assert shares(hungry, room=0) == {}
    assert 1.5 * policy.POST_SECONDS < policy.POST_LEASE_SECONDS, "a lease outlives its post"


def test_a_lender_gets_few_at_once_however_many_endpoints_it_has_and_each_mode_for_itself() -> None:
    many = [
        row(f"{mode}{number}", lender="one", mode=mode)
        for mode in ("test", "live")
        for number in range(10)
    ]
    given: Counter[str] = Counter()
    for name, number in shares(many).items():
        given[name[:4]] += number
    assert given == {"test": policy.LENDER_IN_FLIGHT, "live": policy.LENDER_IN_FLIGHT}


def test_a_lender_of_many_endpoints_leaves_as_much_to_one_of_a_single_one() -> None:
    hungry = [row(f"many{number}", lender="many") for number in range(10)] + [
        row("single", lender="single")
    ]
    for room in (1, 2, 8, 11):
        given = shares(hungry, room=room)
        assert sum(given.values()) == room
        assert abs(given.get("single", 0) - min(policy.IN_FLIGHT, room // 2)) <= 1


def test_those_that_fail_hold_half_of_everything_at_most() -> None:
    failing = [
        row(f"{lender}-{n}", lender=str(lender), failures=3)
        for lender in range(100)
        for n in range(10)
    ]
    healthy = [row(f"{lender}-well", lender=str(lender)) for lender in range(100)]
    given = shares(failing + healthy)
    assert sum(given.values()) == policy.SENDER_IN_FLIGHT
    assert sum(given.get(one.pk, 0) for one in failing) <= policy.SENDER_IN_FLIGHT // 2
    of_one = shares(failing[:10] + healthy[:1])
    assert sum(of_one.get(one.pk, 0) for one in failing[:10]) == policy.LENDER_IN_FLIGHT // 2
    assert of_one["0-well"] == policy.IN_FLIGHT


def test_what_a_killed_sender_held_is_sent_by_another(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    wait_to_be_sent(api)
    assert len(take()) == 1  # and its sender is gone
    send_due()
    assert receiver.received == [], "the lease still stands"
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    send_due()
    assert (len(receiver.received), Delivery.objects.get().tries) == (1, 2)


def test_a_sender_whose_lease_ran_out_writes_nothing(
    api: Caller, endpoint: WebhookEndpoint
) -> None:
    wait_to_be_sent(api)
    [late] = take()
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    [taken] = take()
    deliveries.record_outcomes([(late, Outcome(status=410))])
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.fence) == ("pending", taken.fence)
    assert not WebhookEndpoint.objects.exclude(disabled_at=None).exists()


def test_a_result_that_no_row_can_hold_keeps_no_other_from_being_written(
    api: Caller, endpoint: WebhookEndpoint
) -> None:
    wait_to_be_sent(api, 3)
    first, second, third = take()
    impossible = Outcome(status=204, milliseconds=-1)
    deliveries.record_outcomes(
        [(first, Outcome(status=204)), (second, impossible), (third, Outcome(status=204))]
    )
    kept = {delivery.pk: delivery.status for delivery in Delivery.objects.all()}
    assert kept == {first.pk: "delivered", second.pk: "pending", third.pk: "delivered"}


def test_live_endpoints_wait_while_live_mode_is_off(
    api: Caller, endpoint: WebhookEndpoint, settings: Settings
) -> None:
    wait_to_be_sent(api)
    WebhookEndpoint.objects.update(mode="live")
    assert take() == []
    settings.TULGA_MODES_LIVE = True
    assert len(take()) == 1


def test_redeliveries_that_wait_are_bounded_and_a_repeated_call_adds_none(
    api: Caller, endpoint: WebhookEndpoint, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "REDELIVER_MAX", 4)
    wait_to_be_sent(api, 6)
    send_due()
    span = {
        "start": timezone.now() - timedelta(hours=1),
        "end": timezone.now(),
        "endpoint_id": None,
    }
    assert deliveries.redeliver_range(lender, mode=MODE, **span) == (4, True)  # type: ignore[arg-type]
    with pytest.raises(Conflict) as refused:
        deliveries.redeliver_range(lender, mode=MODE, **span)  # type: ignore[arg-type]
    assert refused.value.code == "redelivery_limit"
    for ask in (
        lambda: deliveries.send_test(endpoint),
        lambda: deliveries.redeliver(lender, mode=MODE, delivery_id=Delivery.objects.first().pk),  # type: ignore[union-attr]
    ):
        with pytest.raises(Conflict):
            ask()
    send_due()
    monkeypatch.setattr(policy, "REDELIVER_MAX", 1000)
    assert deliveries.redeliver_range(lender, mode=MODE, **span) == (6, False)  # type: ignore[arg-type]
    assert deliveries.redeliver_range(lender, mode=MODE, **span) == (0, False)  # type: ignore[arg-type]


def test_deliveries_are_forgotten_after_thirty_days_a_batch_at_a_time(
    api: Caller, endpoint: WebhookEndpoint, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "DELIVERIES_PURGED", 2)
    wait_to_be_sent(api, 3)
    send_due()
    first = Delivery.objects.order_by("created_at")[0]
    copy = deliveries.redeliver(lender, mode=MODE, delivery_id=first.pk)
    at = timezone.now()
    almost, over = (at - timedelta(days=30) + timedelta(seconds=second) for second in (5, -5))
    Delivery.objects.exclude(pk=copy.pk).update(created_at=over)
    Delivery.objects.filter(pk=copy.pk).update(created_at=almost)
    assert [deliveries.purge(at=at) for _ in range(3)] == [True, False, False]
    assert Delivery.objects.get().redelivery_of == first.pk, (
        "a copy outlives the first, and still names it"
    )
    assert len(api.get("/v1/events").json()["data"]) == 3, "what was told stays listed"
    assert pump() == 0


@pytest.mark.django_db(transaction=True)
def test_sixteen_pumps_at_once_make_one_delivery_of_each_event(settings: Settings) -> None:
    make_lender(settings, events=6)

    def work(_: int) -> None:
        try:
            deliveries.pump()
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    assert Delivery.objects.count() == Delivery.objects.values("event_id").distinct().count() == 6


@pytest.mark.django_db(transaction=True)
def test_sixteen_senders_at_once_hold_each_delivery_once_and_never_more_than_may_be(
    settings: Settings,
) -> None:
    make_lender(settings, events=6)
    pump()

    def work(_: int) -> list[str]:
        try:
            return [delivery.pk for delivery in take()]
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        taken = [pk for mine in pool.map(work, range(16)) for pk in mine]
    assert len(taken) == len(set(taken)) == policy.IN_FLIGHT


@pytest.mark.django_db(transaction=True)
def test_a_lender_that_another_sender_serves_just_now_is_passed_over(settings: Settings) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    busy, other = (
        make_lender(settings, events=1),
        make_lender(settings, events=1, bin="180440012373"),
    )
    pump()

    def work() -> list[str]:
        try:
            return [delivery.lender_id for delivery in take()]
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Lender.objects.select_for_update(no_key=True).get(pk=busy.pk)
        assert pool.submit(work).result(timeout=10) == [other.pk]


def make_lender(settings: Settings, *, events: int, bin: str = "180440012362") -> Lender:
    """A lender with an endpoint that does not listen, and with events in the log."""
    settings.TULGA_WEBHOOK_TEST_HOSTS = ["127.0.0.1:9"]
    lender = registered.lender(name="Parallel LLP", bin=bin, phone="+77270000044")
    endpoints.create(lender, mode=MODE, url="http://127.0.0.1:9/", events=())
    happen(Caller(keys.issue(lender, mode=MODE).secret), events)
    return lender


# A forged row among the messages to be sent is not sent: the sender asks the log first.


def _says(verified: Delivery, **more: Any) -> bytes:
    said = json.loads(bytes(verified.body))
    data = said["data"] | {"status": "verified"}
    return deliveries.spell_body(said | {"type": "verification.verified", "data": data} | more)


def _with_checkpoint(verified: Delivery, change: Callable[[str], str | None]) -> bytes:
    said = json.loads(bytes(verified.body))
    return deliveries.spell_body(said | {"checkpoint": change(said["checkpoint"])})


def _with_another_size(note: str) -> str:
    name, size, rest = note.split("\n", 2)
    return f"{name}\n{int(size) + 1}\n{rest}"


def _signed_before(note: str) -> str:
    """A checkpoint of the log itself, from before the event."""
    key = log_keys.signing_key("test")
    assert note.startswith(f"{key.name}\n")
    return checkpoint.sign(Checkpoint(key.name, 0, bytes(32)), key=key)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "forge",
    [
        lambda one: {"body": _says(one)},
        lambda one: {"body": _says(one), "type": "verification.verified"},
        lambda one: {"body": _says(one), "type": "endpoint.test"},
        lambda one: {"body": _says(one, type="endpoint.test"), "type": "endpoint.test"},
        lambda one: {"body": _says(one), "type": "verification.verified", "event_id": "evt_none"},
        lambda one: {"body": _with_checkpoint(one, lambda note: None)},
        lambda one: {"body": _with_checkpoint(one, lambda note: note.replace("/test", "/live"))},
        lambda one: {"body": _with_checkpoint(one, _with_another_size)},
        lambda one: {"body": _with_checkpoint(one, lambda note: _signed_before(note))},
        lambda one: {"body": b"{}"},
        lambda one: {"body": b"\xff"},
        lambda one: {"mode": "live"},
    ],
)
def test_a_delivery_that_somebody_wrote_is_not_sent(
    api: Caller, endpoint: WebhookEndpoint, forge: Callable[[Delivery], dict[str, Any]]
) -> None:
    wait_to_be_sent(api)
    genuine_one = Delivery.objects.get()
    forged = Delivery.objects.get()
    for name, value in forge(genuine_one).items():
        setattr(forged, name, value)
    forged.pk, forged.redelivery_of = "dlv_forged", genuine_one.pk
    forged.save(force_insert=True)
    taken, _ = sender.Rounds().work([], room=9, failing_room=9)
    assert [one.pk for one in taken] == [genuine_one.pk]
    put_off = Delivery.objects.get(pk="dlv_forged")
    assert (put_off.status, put_off.failure in ("", "internal")) == ("pending", True)
    assert WebhookEndpoint.objects.get().failures == 0


def test_a_pump_that_finds_the_cursor_moved_makes_nothing(
    api: Caller, endpoint: WebhookEndpoint
) -> None:
    happen(api)
    late = WebhookEndpoint.objects.get(pk=endpoint.pk)
    assert pump() == 1
    assert deliveries.pump_endpoint(late) == 0
    assert Delivery.objects.count() == 1


# The sender as a process runs it, and endpoints that mean ill: each costs a try of its own.


def told(settings: Settings, url: str, *, events: int = 1, bin: str = "180440012362") -> Caller:
    """A lender with an endpoint at this address and with events in the log; its server."""
    settings.TULGA_WEBHOOK_TEST_HOSTS = [*settings.TULGA_WEBHOOK_TEST_HOSTS, url.split("/")[2]]
    lender = registered.lender(name="Told LLP", bin=bin, phone="+77270000044")
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


# Where a webhook may never go, and signatures against an independent verifier.


# Spellings that some readers take for an address, and addresses that are something else than they
# seem.
REFUSED_URLS = [
    "https://xn--i-7iq.ws/hook",  # RFC 5891 has no such name
    "http://lender.example/",
    "ftp://lender.example/",
    "file:///etc/passwd",
    "https://",
    "https:///path",
    "https://localhost/",
    "https://metadata/",
    "https://2130706433/",  # 127.0.0.1 as one number
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.000.000.001/",
    "https://1.1.1.1.1/",
    "https://lender.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1/",
    "https://lender.example@127.0.0.1/",
    "https://user:secret@lender.example/",
    "https://lender.example#@127.0.0.1/",
    "https://127.0.0.1\\@lender.example/",
    "https://lender.example /",
    "https://lender.example/\r\nX-Injected: 1",
    "https://lender.example/%0d\n",
    "https://lender.example\t/",
    "https://１２７.０.０.１/",  # full-width digits
    "https://ⓛocalhost.example/",
    "https://lender.example:0/",
    "https://lender.example:22/",
    "https://lender.example:99999/",
    "https://lender.example:x/",
    "https://-lender.example/",
    "https://lender..example/",
    "https://.example/",
    "https://lender.example./",
    "https://lender_x.example/",
    "https://" + "a" * 64 + ".example/",
    "https://lender.example/990101100010",
    "https://lender.example/" + "a" * 2048,
    "",
]
ACCEPTED_URLS = [
    "https://lender.example/",
    "https://lender.example",
    "https://LENDER.example:8443/a/b?c=d%20e",
    "https://93.184.216.34/",
    "https://[2606:4700:4700::1111]/hook",
    "https://xn--80ak6aa92e.kz/",
]


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    return refuse_connects(monkeypatch)


def send_to(url: str, look_up: LookUp, *, mode: str = "test") -> Outcome:
    return asyncio.run(sender.post(url, mode=mode, headers={}, body=b"{}", look_up=look_up))


@pytest.mark.parametrize("literal", PRIVATE)
def test_a_name_that_leads_to_a_private_address_is_not_connected_to(
    literal: str, connects: list[Any]
) -> None:
    for literals in ([literal], ["8.8.8.8", literal]):
        refused = send_to("https://lender.example/", answering(*literals))
        assert refused.failure == "webhook_url_refused"
    assert connects == []


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_misleading_address_is_not_even_looked_up(url: str, connects: list[Any]) -> None:
    def look_up(*_: Any, **__: Any) -> list[Any]:
        raise AssertionError("it was looked up")

    with pytest.raises(BadInput) as refused:
        endpoints.read_address(url, mode="live")
    assert refused.value.code == "webhook_url_refused"
    assert send_to(url, look_up).failure == "webhook_url_refused"
    assert connects == []


@pytest.mark.parametrize("url", ACCEPTED_URLS)
def test_a_plain_public_address_is_read(url: str) -> None:
    assert endpoints.read_address(url, mode="live").url.startswith("https://")


def test_an_address_is_kept_as_it_will_be_sent() -> None:
    assert (
        endpoints.read_address("https://lender.example:443/a/../b/./c?x=1", mode="live").url
        == "https://lender.example/b/c?x=1"
    )


def test_a_listed_host_is_open_in_test_mode_only(settings: Settings, connects: list[Any]) -> None:
    settings.TULGA_WEBHOOK_TEST_HOSTS = ["127.0.0.1:9100"]
    assert (
        send_to("http://127.0.0.1:9100/hook", answering("127.0.0.1")).failure == "connection_failed"
    )
    assert connects == [("127.0.0.1", 9100)]
    assert (
        send_to("http://127.0.0.1:9100/hook", answering("127.0.0.1"), mode="live").failure
        == "webhook_url_refused"
    )
    assert (
        send_to("http://127.0.0.1:9101/hook", answering("127.0.0.1")).failure
        == "webhook_url_refused"
    )
    assert len(connects) == 1


# Webhook signatures against an independent verifier, and against the sentences of the
# specification.
BODY = '{"type":"verification.verified","data":{"client_reference":"Ә-1"}}'.encode()
OLD, NEW = endpoints.new_secret(), endpoints.new_secret()
SEED, PUBLIC_KEY = endpoints.new_signing_key()


def signed(*, at: int | None = None, secrets: tuple[bytes, ...] = (NEW,)) -> dict[str, str]:
    timestamp = int(time.time()) if at is None else at
    return endpoints.sign(
        message_id="evt_1", timestamp=timestamp, body=BODY, shared_secrets=secrets, seed=SEED
    )


def _v1a(headers: dict[str, str]) -> bytes:
    return next(
        b64decode(part[4:])
        for part in headers["webhook-signature"].split(" ")
        if part.startswith("v1a,")
    )


def test_the_v1a_signature_verifies_with_the_public_key_shown() -> None:
    public = Ed25519PublicKey.from_public_bytes(b64decode(PUBLIC_KEY.removeprefix("whpk_")))
    headers = signed(at=1_800_000_000)
    public.verify(_v1a(headers), b"evt_1.1800000000." + BODY)
    with pytest.raises(InvalidSignature):
        public.verify(_v1a(headers), b"evt_1.1800000001." + BODY)


def test_a_secret_is_spelled_as_the_specification_says() -> None:
    assert len(NEW) == policy.SECRET_BYTES
    assert endpoints.spell_secret(NEW).startswith("whsec_")
    assert b64decode(endpoints.spell_secret(NEW).removeprefix("whsec_"), validate=True) == NEW


def test_the_reference_library_refuses_another_body_or_an_old_message() -> None:
    webhook, old = Webhook(endpoints.spell_secret(NEW)), int(time.time()) - 301
    for body, headers in ((BODY + b" ", signed()), (BODY, signed(at=old))):
        with pytest.raises(WebhookVerificationError):
            webhook.verify(body, headers)
