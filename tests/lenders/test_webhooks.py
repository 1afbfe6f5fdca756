"""From the log to the lender's server: every event arrives, signed, and says no more than it must."""

import json

import pytest
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from lenders import endpoints, policy, tasks, webhooks
from lenders.models import Delivery, Lender, WebhookEndpoint
from tests.lenders.insecure_receiver import Receiver
from tests.lenders.log_of_lenders import MODE, happen, send_due
from tests.lenders.samples import IIN, PHONE, Caller
from verification.audit import sequencer


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


def test_the_task_pumps_and_rings(api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, rung: list[str]) -> None:
    happen(api)
    tasks.deliver(MODE)
    assert rung == [Delivery.objects.get().pk]
    tasks.post(rung[0])
    assert json.loads(receiver.received[0].body)["type"] == "verification.created"
