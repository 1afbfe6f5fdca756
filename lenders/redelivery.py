"""Delivers once more: one delivery, a range of time, or a message made only to try an endpoint
out.
"""

from datetime import datetime

from django.db.models import Q, QuerySet

from lenders import answers, policy, webhooks
from lenders.models import Delivery, Lender, WebhookEndpoint
from lenders.resources import checkpoints
from lenders.webhooks import TEST_TYPE
from verification import clock, transactions
from verification.core.errors import Conflict, NotFound
from verification.core.ids import new_id


def of_lender(lender: Lender, *, mode: str) -> QuerySet[Delivery]:
    """A lender's deliveries in a mode."""
    return Delivery.objects.filter(lender=lender, mode=mode)


def again(lender: Lender, *, mode: str, delivery_id: str) -> Delivery:
    """A fresh delivery of the same event and body, sent soon even if its endpoint was to be left
    alone for a while.

    Raises `NotFound`, or `Conflict`: its endpoint is disabled, or too many redeliveries wait.
    """
    delivery = (
        of_lender(lender, mode=mode).select_related("endpoint").filter(pk=delivery_id).first()
    )
    if delivery is None:
        raise NotFound("no such delivery")
    with transactions.writing():
        _require_room(lender, mode=mode)
        _wake(delivery.endpoint)
        copy = _copy(delivery, at=clock.now())
        copy.save(force_insert=True)
    return copy


def again_between(
    lender: Lender, *, mode: str, start: datetime, end: datetime, endpoint_id: str | None
) -> tuple[int, bool]:
    """Fresh deliveries of the events from `start` up to `end`; gives how many, and whether some
    were left over.

    What is still waiting to be sent is left out, so a call that is repeated adds nothing. Raises
    `Conflict`: as above.
    """
    first = of_lender(lender, mode=mode).filter(
        redelivery_of="", event_at__gte=start, event_at__lt=end
    )
    awake = first.filter(endpoint__disabled_at=None, endpoint__deleted_at=None).exclude(
        type=TEST_TYPE
    )
    if endpoint_id is not None:
        awake = awake.filter(endpoint_id=endpoint_id)
    with transactions.writing():
        room = _require_room(lender, mode=mode)
        copies = of_lender(lender, mode=mode).filter(status="pending").exclude(redelivery_of="")
        sent = awake.exclude(status="pending").exclude(pk__in=copies.values("redelivery_of"))
        found = list(sent.order_by("event_at", "id")[: room + 1])
        at = clock.now()
        Delivery.objects.bulk_create([_copy(delivery, at=at) for delivery in found[:room]])
    return min(len(found), room), len(found) > room


def try_out(endpoint: WebhookEndpoint) -> Delivery:
    """A signed message of the type `endpoint.test`, which is no event: it stands in no list and no
    log.

    Raises `Conflict`: as `again`.
    """
    at = clock.now()
    nothing = {
        "verification": None,
        "client_reference": None,
        "status": None,
        "sequence": None,
        "clearance": None,
        "renews": None,
        "mode": endpoint.mode,
    }
    body = {
        "version": policy.API_VERSION,
        "type": TEST_TYPE,
        "timestamp": answers.Moment().to_representation(at),
        "lender_sequence": None,
        "data": nothing,
        "checkpoint": checkpoints.newest_checkpoint(endpoint.mode),
    }
    with transactions.writing():
        _require_room(endpoint.lender, mode=endpoint.mode)
        _wake(endpoint)
        return Delivery.objects.create(
            endpoint=endpoint,
            lender_id=endpoint.lender_id,
            mode=endpoint.mode,
            event_id=new_id("evt"),
            type=TEST_TYPE,
            event_at=at,
            body=webhooks.spell_body(body),
            created_at=at,
            due_at=at,
        )


def _require_room(lender: Lender, *, mode: str) -> int:
    """How many more may wait; the lender's row is the lock until the transaction ends. Raises
    `Conflict` for none.
    """
    # No key: whoever inserts a row that points to this lender, an opening say, need not wait for it
    # (PostgreSQL, FOR NO KEY UPDATE).
    Lender.objects.select_for_update(no_key=True).get(pk=lender.pk)
    asked_for = ~Q(redelivery_of="") | Q(type=TEST_TYPE)
    room = (
        policy.REDELIVER_MAX
        - of_lender(lender, mode=mode).filter(asked_for, status="pending").count()
    )
    if room < 1:
        detail = f"{policy.REDELIVER_MAX} redeliveries are waiting to be sent"
        raise Conflict(detail, code="redelivery_limit")
    return room


def _wake(endpoint: WebhookEndpoint) -> None:
    """Ends a pause: whoever asks for a message wants to see it. Raises `Conflict` where the
    endpoint is disabled.
    """
    if endpoint.disabled_at is not None or endpoint.deleted_at is not None:
        raise Conflict("this endpoint is disabled", code="endpoint_disabled")
    WebhookEndpoint.objects.filter(pk=endpoint.pk).exclude(paused_until=None).update(
        paused_until=None
    )


def _copy(delivery: Delivery, *, at: datetime) -> Delivery:
    return Delivery(
        endpoint_id=delivery.endpoint_id,
        lender_id=delivery.lender_id,
        mode=delivery.mode,
        event_id=delivery.event_id,
        type=delivery.type,
        lender_sequence=delivery.lender_sequence,
        event_at=delivery.event_at,
        redelivery_of=delivery.redelivery_of or delivery.pk,
        body=bytes(delivery.body),
        created_at=at,
        due_at=at,
    )
