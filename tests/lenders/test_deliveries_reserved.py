"""Any number of senders: a delivery is held by one, every lender gets its share, no kill loses
anything.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from lenders import deliveries, endpoints, keys, policy
from lenders.deliveries import Outcome
from lenders.models import Delivery, Lender, WebhookEndpoint
from tests.lenders.insecure_receiver import Receiver
from tests.lenders.log_of_lenders import MODE, happen, pump, send_due, take
from tests.lenders.samples import Caller
from verification.core.errors import Conflict


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


def test_nobody_gets_anything_where_there_is_no_room() -> None:
    assert shares([row("a", lender="one")], room=0) == {}
    assert shares([row("a", lender="one", failures=1)], failing_room=0) == {}


def test_the_bounds_hold_over_all_senders(api: Caller, endpoint: WebhookEndpoint) -> None:
    happen(api, policy.IN_FLIGHT + 2)
    pump()
    first = take()
    assert (len(first), take()) == (policy.IN_FLIGHT, [])
    deliveries.record_outcomes([(first[0], Outcome(status=204))])
    assert len(take()) == 1, "who is done makes room for the next"


def test_what_a_killed_sender_held_is_sent_by_another(
    api: Caller, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    happen(api)
    pump()
    assert len(take()) == 1  # and its sender is gone
    send_due()
    assert receiver.received == [], "the lease still stands"
    Delivery.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    send_due()
    assert (len(receiver.received), Delivery.objects.get().tries) == (1, 2)


def test_a_sender_whose_lease_ran_out_writes_nothing(
    api: Caller, endpoint: WebhookEndpoint
) -> None:
    happen(api)
    pump()
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
    happen(api, 3)
    pump()
    first, second, third = take()
    impossible = Outcome(status=204, milliseconds=-1)
    deliveries.record_outcomes(
        [(first, Outcome(status=204)), (second, impossible), (third, Outcome(status=204))]
    )
    kept = {delivery.pk: delivery.status for delivery in Delivery.objects.all()}
    assert kept == {first.pk: "delivered", second.pk: "pending", third.pk: "delivered"}


def test_a_result_may_be_written_again(api: Caller, endpoint: WebhookEndpoint) -> None:
    happen(api)
    pump()
    [taken] = take()
    for _ in range(2):
        deliveries.record_outcomes([(taken, Outcome(status=500))])
    assert WebhookEndpoint.objects.get().failures == 1
    assert Delivery.objects.get().tries == 1


def test_the_lease_outlives_the_post() -> None:
    assert 1.5 * policy.POST_SECONDS < policy.POST_LEASE_SECONDS


def test_live_endpoints_wait_while_live_mode_is_off(
    api: Caller, endpoint: WebhookEndpoint, settings: Settings
) -> None:
    happen(api)
    pump()
    WebhookEndpoint.objects.update(mode="live")
    assert take() == []
    settings.TULGA_MODES_LIVE = True
    assert len(take()) == 1


def test_redeliveries_that_wait_are_bounded_and_a_repeated_call_adds_none(
    api: Caller, endpoint: WebhookEndpoint, lender: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "REDELIVER_MAX", 4)
    happen(api, 6)
    pump()
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
    happen(api, 3)
    pump()
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


def test_a_pump_that_finds_the_cursor_moved_makes_nothing(
    api: Caller, endpoint: WebhookEndpoint
) -> None:
    happen(api)
    late = WebhookEndpoint.objects.get(pk=endpoint.pk)
    assert pump() == 1
    assert deliveries.pump_endpoint(late) == 0
    assert Delivery.objects.count() == 1
