"""From the log to the lender's server: every event arrives, signed, and says no more than it
must.
"""

import json

import pytest
from django.db import IntegrityError
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from lenders import deliveries, endpoints, policy
from lenders.models import Delivery, Lender, WebhookEndpoint
from lenders.resources import events
from lenders.resources.events import Event
from tests.lenders.insecure_receiver import Receiver
from tests.lenders.log_of_lenders import MODE, happen, pump, send_due
from tests.lenders.samples import IIN, PHONE, Caller
from verification.case.lists import Page
from verification.log import keys, sequencer
from verification.log.checkpoint import open_checkpoint


def test_an_event_arrives_signed_thin_and_under_the_events_id(
    api: Caller, lender: Lender, receiver: Receiver
) -> None:
    _, secret = endpoints.create(lender, mode=MODE, url=receiver.url, events=())
    happen(api)
    assert pump() == 1
    send_due()
    [received] = receiver.received
    body = Webhook(secret).verify(received.body, received.headers)
    event = api.get("/v1/events").json()["data"][0]
    assert received.headers["webhook-id"] == event["id"]
    assert (
        open_checkpoint(body.pop("checkpoint"), key=keys.verification_key("test")).size
        > event["log_index"]
    )
    assert body == {
        name: event[name] for name in ("version", "type", "timestamp", "lender_sequence", "data")
    }
    assert not [word for word in (IIN, PHONE, "Асанов") if word in received.body.decode()]
    assert Delivery.objects.get().status == "delivered"


def test_what_happened_before_the_endpoint_is_not_delivered(
    api: Caller, lender: Lender, receiver: Receiver
) -> None:
    happen(api, 3)
    endpoints.create(lender, mode=MODE, url=receiver.url, events=())
    assert pump() == 0


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


def test_another_lenders_events_are_not_delivered(
    other_api: Caller, endpoint: WebhookEndpoint
) -> None:
    happen(other_api)
    assert pump() == 0


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


def test_the_numbers_of_an_endpoint_for_all_events_have_no_gap(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    for number in range(3):
        happen(api)
        opened = api.get("/v1/verifications").json()["data"][0]["id"]
        api.post(f"/v1/verifications/{opened}/link", {"sent_by": f"officer {number}"})
        api.post(f"/v1/verifications/{opened}/cancel")
    sequencer.order(MODE)
    pump()
    send_due()
    bodies = [json.loads(received.body) for received in receiver.received]
    told = sorted((body["lender_sequence"], body["type"]) for body in bodies)
    assert [number for number, _ in told] == list(range(1, 7))
    listed = api.get("/v1/events").json()["data"]
    assert told == [(event["lender_sequence"], event["type"]) for event in listed]


def test_after_a_rotation_both_secrets_verify_for_a_day_and_then_only_the_new_one(
    api: Caller, lender: Lender, receiver: Receiver
) -> None:
    endpoint, old = endpoints.create(lender, mode=MODE, url=receiver.url, events=())
    new = endpoints.rotate_secret(endpoint)
    happen(api)
    pump()
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
