"""From the log to the lender's server: each event arrives signed, is tried again, and is proved."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from lenders import deliveries, endpoints, keys, policy, sender
from lenders.deliveries import Outcome
from lenders.models import Delivery, Lender, WebhookEndpoint
from lenders.resources import checkpoints, events
from lenders.resources.events import Event
from tests.lenders.insecure_receiver import Receiver
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
from verification.case.contents import Page
from verification.core.errors import Conflict
from verification.log import checkpoint, sequencer
from verification.log import keys as log_keys
from verification.log.checkpoint import Checkpoint, open_checkpoint
from verification.models import AuditEntry


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
    other = other_api.post("/v1/webhook-endpoints", {"url": receiver.url}).json()["id"]
    happen(api, 3)
    happen(other_api, 3)
    first, second = sorted((endpoint.pk, other))
    turns, rest, after, more = [], [], "", True
    while more:
        before = Delivery.objects.count()
        after, more = deliveries.pump(cursor=after)
        turns.append(after)
        rest.append(Delivery.objects.count() - before)
    assert turns[:3] == [first, second, first], "a stream of events keeps nobody from its turn"
    assert sum(rest) == 6
    assert max(rest) == 2
    assert Delivery.objects.values("event_id").distinct().count() == 6


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
    """A lender with an endpoint where nobody listens, and with events in the log."""
    settings.TULGA_WEBHOOK_TEST_HOSTS = ["127.0.0.1:9"]
    lender = Lender.objects.create(name="Parallel LLP", bin=bin, phone="+77270000044")
    endpoints.create(lender, mode=MODE, url="http://127.0.0.1:9/", events=())
    happen(Caller(keys.issue(lender, mode=MODE).secret), events)
    return lender


# A message that whoever writes rows put among those to be sent is not sent: the sender asks the
# log first.


def _says(verified: Delivery, **more: Any) -> bytes:
    said = json.loads(bytes(verified.body))
    data = said["data"] | {"status": "verified"}
    return deliveries.spell_body(said | {"type": "verification.verified", "data": data} | more)


def _with_checkpoint(verified: Delivery, change: Callable[[str], str | None]) -> bytes:
    said = json.loads(bytes(verified.body))
    return deliveries.spell_body(said | {"checkpoint": change(said["checkpoint"])})


def _signed_before(note: str) -> str:
    """A checkpoint of the log itself, from before the event."""
    key = log_keys.signing_key("test")
    assert note.startswith(f"{key.name}\n2\n")
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
        lambda one: {"body": _with_checkpoint(one, lambda note: note.replace("\n2\n", "\n3\n"))},
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
