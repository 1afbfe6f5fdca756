"""What does not arrive comes again, by the ladder, until the endpoint is given up."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from lenders import deliveries, endpoints, policy
from lenders.deliveries import Outcome
from lenders.models import Delivery, Lender, WebhookEndpoint
from lenders.resources import checkpoints
from tests.lenders.insecure_receiver import Receiver
from tests.lenders.log_of_lenders import MODE, happen, make_due, pump, send_due, take
from tests.lenders.samples import Caller, opening
from verification.log import sequencer
from verification.models import AuditEntry


def test_a_failed_try_comes_again_with_the_same_id_and_body_and_a_fresh_time(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.script = [500, "break off", 302]
    happen(api)
    pump()
    for _ in range(4):
        make_due()
        send_due()
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
    happen(api)
    pump()
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


def test_every_try_is_signed_anew(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.script = [500]
    happen(api)
    pump()
    [delivery] = Delivery.objects.all()
    first = endpoints.signed_headers(delivery, at=timezone.now())
    later = endpoints.signed_headers(delivery, at=timezone.now() + timedelta(seconds=60))
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
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.status = 500
    happen(api)
    pump()
    before = timezone.now()
    send_due()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.tries) == ("pending", 1)
    assert timedelta(seconds=5) <= delivery.due_at - before < timedelta(seconds=7)


def test_after_the_last_try_the_endpoint_is_disabled_on_record_and_the_event_stays_listed(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.status = 500
    happen(api)
    pump()
    for tried in range(1, len(policy.LADDER_SECONDS) + 1):
        make_due()
        send_due()
        assert Delivery.objects.get().tries == tried
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
    happen(api, policy.IN_FLIGHT + 2)
    pump()
    send_due()
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "gone"
    assert len(receiver.received) == policy.IN_FLIGHT, "what was under way with it, and no more"
    assert Delivery.objects.filter(status="pending").count() == 2


@pytest.mark.parametrize("status", [429, 503, 302])
def test_a_receiver_that_asks_for_time_gets_it_and_is_asked_for_nothing_meanwhile(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver, status: int
) -> None:
    receiver.script, receiver.headers = [status], {"Retry-After": "1200"}
    happen(api)
    pump()
    before = timezone.now()
    send_due()
    happen(api, 2)
    pump()
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
    happen(api)
    pump()
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
    happen(api, policy.IN_FLIGHT)
    pump()
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


def test_a_success_that_asks_for_time_is_a_success(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.status, receiver.headers = 200, {"Retry-After": "1200"}
    happen(api, policy.IN_FLIGHT + 1)
    pump()
    send_due()
    assert len(receiver.received) == policy.IN_FLIGHT + 1


def test_an_endpoint_that_fails_again_and_again_is_left_alone_for_longer_and_longer(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.status = 500
    happen(api, 1)
    pump()
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


@pytest.mark.parametrize("number", [0, 1, 2, 3, 100, 10**9])
def test_a_pause_ends(number: int) -> None:
    assert 0 <= policy.pause_seconds(number) <= policy.BREAKER_MAX_SECONDS


def test_of_a_failing_endpoint_the_message_tried_most_often_is_tried_first(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    happen(api, 3)
    pump()
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


def test_a_failure_marks_the_endpoint_and_a_success_clears_it(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.script = [500]
    happen(api)
    pump()
    for expected in (True, False):
        make_due()
        send_due()
        endpoint.refresh_from_db()
        assert endpoint.failing is expected


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
