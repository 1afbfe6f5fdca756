"""What does not arrive comes again, by the ladder, until the endpoint is given up."""

from datetime import timedelta

import pytest
from django.utils import timezone

from lenders import endpoints, policy, webhooks
from lenders.models import Delivery, Lender, WebhookEndpoint
from tests.lenders.insecure_receiver import Receiver
from tests.lenders.log_of_lenders import MODE, happen, make_due, send_due
from tests.lenders.samples import Caller
from verification.audit import sequencer
from verification.models import AuditEntry


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
