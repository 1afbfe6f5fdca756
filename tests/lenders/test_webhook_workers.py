"""Any number of workers: each event becomes one delivery, nobody waits for a slow lender, no kill loses anything."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from lenders import endpoints, keys, policy, webhooks
from lenders.models import Delivery, Lender, WebhookEndpoint
from lenders.transport import Outcome
from tests.lenders.insecure_receiver import Receiver, listening
from tests.lenders.log_of_lenders import MODE, happen
from tests.lenders.samples import Caller
from verification.workflow import doorbell
from verification.workflow import policy as celerys


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


def test_a_broker_that_is_down_is_not_asked_for_every_delivery(
    api: Caller, endpoint: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ring(task: object, argument: str, *, queue: object) -> bool:
        asked.append(argument)
        return False

    monkeypatch.setattr(doorbell, "ring", ring)
    happen(api, 3)
    webhooks.pump(MODE)
    asked.clear()
    assert webhooks.ring_due(MODE) == 0
    assert len(asked) == 1


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


def test_a_pump_that_finds_the_cursor_moved_makes_nothing(
    api: Caller, endpoint: WebhookEndpoint, rung: list[str]
) -> None:
    happen(api)
    late = WebhookEndpoint.objects.get(pk=endpoint.pk)
    assert webhooks.pump(MODE) == 1
    assert webhooks._pump(late) == 0
    assert Delivery.objects.count() == 1
