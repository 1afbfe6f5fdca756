"""From the log to the lender's server: everything arrives, nothing twice by our doing, nobody waits for a slow one."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from lenders import endpoints, keys, policy, tasks, webhooks
from lenders.models import Delivery, Lender, WebhookEndpoint
from lenders.transport import Outcome
from tests.lenders.insecure_receiver import Receiver, listening
from tests.lenders.samples import IIN, PHONE, Caller, opening
from verification.audit import sequencer
from verification.models import AuditEntry
from verification.workflow import doorbell
from verification.workflow import policy as celerys

MODE = "test"


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    with listening(Receiver()) as receiver:
        settings.TULGA_WEBHOOK_TEST_HOSTS = [receiver.authority]
        yield receiver


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The deliveries rung for, instead of a broker's queue."""
    heard: list[str] = []

    def ring(task: str, argument: str, *, queue: str) -> bool:
        assert (task, queue) == ("lenders.post", "webhooks")
        heard.append(argument)
        return True

    monkeypatch.setattr(doorbell, "ring", ring)
    return heard


@pytest.fixture
def endpoint(lender: Lender, receiver: Receiver) -> WebhookEndpoint:
    return endpoints.create(lender, mode=MODE, url=receiver.url, events=())[0]


def happen(api: Caller, number: int = 1) -> None:
    """So many verifications are opened and ordered in the log."""
    for n in range(number):
        api.post("/v1/verifications", opening(client_reference=f"loan-{n}"))
    sequencer.order(MODE)


def send_due() -> None:
    """Does what rings would make workers do, until nothing is due."""
    while True:
        due = webhooks._due(timezone.now()).values_list("pk", flat=True)
        if not due:
            return
        for delivery_id in list(due):
            webhooks.post(delivery_id)


def make_due(**where: Any) -> None:
    Delivery.objects.filter(status="pending", **where).update(due_at=timezone.now(), rung_until=None)


def test_an_event_arrives_signed_thin_and_under_the_events_id(
    api: Caller, lender: Lender, receiver: Receiver, rung: list[str]
) -> None:
    _, secret = endpoints.create(lender, mode=MODE, url=receiver.url, events=())
    happen(api)
    assert webhooks.pump(MODE) == 1
    send_due()
    [received] = receiver.received
    body = Webhook(secret).verify(received.body, received.headers)
    event = api.get("/v1/events").json()["data"][0]
    assert received.headers["webhook-id"] == event["id"]
    assert body == {name: event[name] for name in ("type", "timestamp", "data")}
    assert not [word for word in (IIN, PHONE, "Асанов") if word in received.body.decode()]
    assert Delivery.objects.get().status == "delivered"


def test_what_happened_before_the_endpoint_is_not_delivered(
    api: Caller, lender: Lender, receiver: Receiver, rung: list[str]
) -> None:
    happen(api, 3)
    endpoints.create(lender, mode=MODE, url=receiver.url, events=())
    assert webhooks.pump(MODE) == 0


def test_only_the_types_asked_for_are_delivered_and_the_cursor_moves_over_the_rest(
    api: Caller, lender: Lender, receiver: Receiver, rung: list[str]
) -> None:
    endpoint, _ = endpoints.create(lender, mode=MODE, url=receiver.url, events=["verification.canceled"])
    happen(api)
    opened = api.get("/v1/verifications").json()["data"][0]["id"]
    api.post(f"/v1/verifications/{opened}/cancel")
    sequencer.order(MODE)
    webhooks.pump(MODE)
    assert [delivery.type for delivery in Delivery.objects.all()] == ["verification.canceled"]
    endpoint.refresh_from_db()
    assert endpoint.cursor == api.get("/v1/events").json()["data"][-1]["lender_sequence"]


def test_another_lenders_events_are_not_delivered(
    other_api: Caller, endpoint: WebhookEndpoint, rung: list[str]
) -> None:
    happen(other_api)
    assert webhooks.pump(MODE) == 0


def test_a_long_backlog_is_worked_off_in_pages(
    api: Caller, endpoint: WebhookEndpoint, rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "EVENTS_BATCH", 2)
    monkeypatch.setattr(policy, "PUMP_ROUNDS", 2)
    happen(api, 5)
    assert [webhooks.pump(MODE) for _ in range(3)] == [4, 1, 0]
    assert Delivery.objects.values("event_id").distinct().count() == 5


def test_a_pump_that_finds_the_cursor_moved_makes_nothing(
    api: Caller, endpoint: WebhookEndpoint, rung: list[str]
) -> None:
    happen(api)
    late = WebhookEndpoint.objects.get(pk=endpoint.pk)
    assert webhooks.pump(MODE) == 1
    assert webhooks._pump(late) == 0
    assert Delivery.objects.count() == 1


def test_a_failed_try_comes_again_with_the_same_id_and_body_and_a_fresh_time(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, rung: list[str]
) -> None:
    receiver.script = [500, "break off", 302]
    happen(api)
    webhooks.pump(MODE)
    for _ in range(4):
        make_due()
        send_due()
    assert len(receiver.received) == 4
    assert len({(received.headers["webhook-id"], received.body) for received in receiver.received}) == 1
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.tries, delivery.response_status) == ("delivered", 4, 204)


def test_every_try_is_signed_anew(api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, rung: list[str]) -> None:
    receiver.script = [500]
    happen(api)
    webhooks.pump(MODE)
    [delivery] = Delivery.objects.all()
    first = webhooks._signed_headers(delivery, at=timezone.now())
    later = webhooks._signed_headers(delivery, at=timezone.now() + timedelta(seconds=60))
    assert first["webhook-id"] == later["webhook-id"]
    assert int(later["webhook-timestamp"]) - int(first["webhook-timestamp"]) in (59, 60, 61)
    assert first["webhook-signature"] != later["webhook-signature"]


@pytest.mark.parametrize("tries", range(1, len(policy.LADDER_SECONDS)))
def test_the_ladder_is_that_of_the_specification(tries: int) -> None:
    ladder = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    assert ladder == policy.LADDER_SECONDS
    assert policy.wait_seconds(tries, chance=0.0) == ladder[tries]
    assert ladder[tries] < (policy.wait_seconds(tries, chance=0.999) or 0) <= ladder[tries] * 1.1


def test_the_wait_after_a_failure_is_a_row(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, rung: list[str]
) -> None:
    receiver.status = 500
    happen(api)
    webhooks.pump(MODE)
    before = timezone.now()
    send_due()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.tries) == ("pending", 1)
    assert timedelta(seconds=5) <= delivery.due_at - before < timedelta(seconds=7)


def test_after_the_last_try_the_endpoint_is_disabled_on_record_and_the_event_stays_listed(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, rung: list[str]
) -> None:
    receiver.status = 500
    happen(api)
    webhooks.pump(MODE)
    for tried in range(1, len(policy.LADDER_SECONDS) + 1):
        make_due()
        send_due()
        assert Delivery.objects.get().tries == tried
        assert (Delivery.objects.get().status == "exhausted") == (tried == len(policy.LADDER_SECONDS))
    endpoint.refresh_from_db()
    assert (endpoint.disabled_reason, endpoint.disabled_at is not None) == ("exhausted", True)
    assert AuditEntry.objects.filter(type="endpoint.disabled").count() == 1
    sequencer.order(MODE)
    told = [event["type"] for event in api.get("/v1/events").json()["data"]]
    assert told == ["verification.created", "endpoint.disabled"]


def test_410_disables_at_once(api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, rung: list[str]) -> None:
    receiver.status = 410
    happen(api, 2)
    webhooks.pump(MODE)
    send_due()
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "gone"
    assert len(receiver.received) == 1


def test_an_enabled_endpoint_makes_up_for_what_it_missed(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, rung: list[str]
) -> None:
    endpoints.change(endpoint, enabled=False)
    happen(api, 2)
    assert webhooks.pump(MODE) == 0
    endpoints.change(endpoint, enabled=True)
    assert webhooks.pump(MODE) == 3  # two openings, and that it was disabled
    send_due()
    assert len(receiver.received) == 3


def test_a_killed_worker_loses_nothing(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, rung: list[str]
) -> None:
    happen(api)
    webhooks.pump(MODE)
    delivery_id = Delivery.objects.get().pk
    assert webhooks._claim(delivery_id) is not None  # and the worker is gone
    webhooks.post(delivery_id)
    assert receiver.received == [], "the lease still stands"
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    webhooks.post(delivery_id)
    assert (len(receiver.received), Delivery.objects.get().tries) == (1, 2)


def test_a_worker_whose_lease_ran_out_writes_nothing(api: Caller, endpoint: WebhookEndpoint, rung: list[str]) -> None:
    happen(api)
    webhooks.pump(MODE)
    late = webhooks._claim(Delivery.objects.get().pk)
    assert late is not None
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    taken = webhooks._claim(late.pk)
    assert taken is not None
    webhooks._finish(late, Outcome(status=410), at=timezone.now())
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.fence) == ("pending", taken.fence)
    assert not WebhookEndpoint.objects.exclude(disabled_at=None).exists()


def test_the_lease_outlives_the_post_and_celerys_limit() -> None:
    assert max(policy.POST_SECONDS, celerys.STEP_HARD_LIMIT_SECONDS) < policy.POST_LEASE_SECONDS
    assert policy.POST_SECONDS < celerys.STEP_SOFT_LIMIT_SECONDS


def test_two_rings_at_once_ring_once(api: Caller, endpoint: WebhookEndpoint, rung: list[str]) -> None:
    happen(api)
    webhooks.pump(MODE)
    assert [webhooks.ring_due(MODE), webhooks.ring_due(MODE)] == [1, 0]
    later = timezone.now() - timedelta(seconds=1)
    Delivery.objects.update(rung_until=later)
    assert webhooks.ring_due(MODE) == 1, "a bell nobody heard is rung again"


def test_an_endpoint_gets_few_at_once_and_a_failing_one_a_single_one(
    api: Caller, endpoint: WebhookEndpoint, lender: Lender, receiver: Receiver, rung: list[str]
) -> None:
    slow, _ = endpoints.create(lender, mode=MODE, url=receiver.url, events=())
    WebhookEndpoint.objects.filter(pk=slow.pk).update(failing=True)
    happen(api, 10)
    webhooks.pump(MODE)
    webhooks.ring_due(MODE)
    assert Delivery.objects.filter(pk__in=rung, endpoint=endpoint).count() == policy.IN_FLIGHT
    assert Delivery.objects.filter(pk__in=rung, endpoint=slow).count() == policy.IN_FLIGHT_FAILING
    webhooks.ring_due(MODE)
    assert len(rung) == policy.IN_FLIGHT + policy.IN_FLIGHT_FAILING, "none of them is back yet"


def test_who_is_done_makes_room_for_the_next(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, rung: list[str]
) -> None:
    happen(api, policy.IN_FLIGHT + 2)
    webhooks.pump(MODE)
    webhooks.ring_due(MODE)
    webhooks.post(rung[0])
    assert len(rung) == policy.IN_FLIGHT + 1


def test_a_failure_marks_the_endpoint_and_a_success_clears_it(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, rung: list[str]
) -> None:
    receiver.script = [500]
    happen(api)
    webhooks.pump(MODE)
    for expected in (True, False):
        make_due()
        send_due()
        endpoint.refresh_from_db()
        assert endpoint.failing is expected


def test_a_broker_that_is_down_is_not_asked_for_every_delivery(
    api: Caller, endpoint: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(doorbell, "ring", lambda task, argument, *, queue: bool(asked.append(argument)))
    happen(api, 3)
    webhooks.pump(MODE)
    asked.clear()
    assert webhooks.ring_due(MODE) == 0
    assert len(asked) == 1


def test_after_a_rotation_both_secrets_verify_for_a_day_and_then_only_the_new_one(
    api: Caller, lender: Lender, receiver: Receiver, rung: list[str]
) -> None:
    endpoint, old = endpoints.create(lender, mode=MODE, url=receiver.url, events=())
    new = endpoints.rotate_secret(endpoint)
    happen(api)
    webhooks.pump(MODE)
    [delivery] = Delivery.objects.select_related("endpoint")
    headers = webhooks._signed_headers(delivery, at=timezone.now())
    for secret in (old, new):
        Webhook(secret).verify(bytes(delivery.body), headers)
    WebhookEndpoint.objects.update(previous_secret_until=timezone.now())
    delivery = Delivery.objects.select_related("endpoint").get()
    headers = webhooks._signed_headers(delivery, at=timezone.now())
    Webhook(new).verify(bytes(delivery.body), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(bytes(delivery.body), headers)


def test_secrets_are_sealed_and_open_in_their_own_row_only(lender: Lender, receiver: Receiver) -> None:
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
    webhooks.post(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.failure, receiver.received) == ("pending", "secret_unreadable", [])


def test_the_task_pumps_and_rings(api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, rung: list[str]) -> None:
    happen(api)
    tasks.deliver(MODE)
    assert rung == [Delivery.objects.get().pk]
    tasks.post(rung[0])
    assert json.loads(receiver.received[0].body)["type"] == "verification.created"


@pytest.mark.django_db(transaction=True)
def test_sixteen_pumps_at_once_make_one_delivery_of_each_event(settings: Settings) -> None:
    settings.TULGA_WEBHOOK_TEST_HOSTS = ["127.0.0.1:9"]
    lender = Lender.objects.create(name="Parallel LLP", bin="180440012362")
    endpoints.create(lender, mode=MODE, url="http://127.0.0.1:9/", events=())
    happen(Caller(keys.issue(lender, mode=MODE).secret), 6)

    def pump(_: int) -> int:
        try:
            return webhooks.pump(MODE)
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(pump, range(16)))
    assert sum(made) == Delivery.objects.count() == 6


@pytest.mark.django_db(transaction=True)
def test_sixteen_workers_at_once_send_a_delivery_once(settings: Settings) -> None:
    lender = Lender.objects.create(name="Parallel LLP", bin="180440012362")
    with listening(Receiver()) as receiver:
        settings.TULGA_WEBHOOK_TEST_HOSTS = [receiver.authority]
        endpoints.create(lender, mode=MODE, url=receiver.url, events=())
        happen(Caller(keys.issue(lender, mode=MODE).secret))
        webhooks.pump(MODE)
        delivery_id = Delivery.objects.get().pk

        def post(_: int) -> None:
            try:
                webhooks.post(delivery_id)
            finally:
                connection.close()

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(post, range(16)))
    assert len(receiver.received) == 1
