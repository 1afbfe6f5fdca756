"""Delivers once more: one delivery, a range of time, or a message made only to try an endpoint out."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from lenders import answers, policy, webhooks
from lenders.models import Delivery, Lender, WebhookEndpoint
from verification.core.errors import Conflict, NotFound
from verification.core.ids import new_id
from verification.workflow import doorbell

TEST_TYPE = "endpoint.test"


def of_lender(lender: Lender, *, mode: str) -> QuerySet[Delivery]:
    """A lender's deliveries in a mode."""
    return Delivery.objects.filter(lender=lender, mode=mode)


def again(lender: Lender, *, mode: str, delivery_id: str) -> Delivery:
    """A fresh delivery of the same event and body. Raises `NotFound`, or `Conflict` where its endpoint is disabled."""
    delivery = of_lender(lender, mode=mode).select_related("endpoint").filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFound("no such delivery")
    _require_awake(delivery.endpoint)
    copy = _copy(delivery, at=timezone.now())
    copy.save(force_insert=True)
    doorbell.ring_on_commit(doorbell.DELIVER, mode, queue=webhooks.QUEUE)
    return copy


def again_between(
    lender: Lender, *, mode: str, start: datetime, end: datetime, endpoint_id: str | None
) -> tuple[int, bool]:
    """Fresh deliveries of the events from `start` up to `end`; gives how many, and whether some were left over."""
    first = of_lender(lender, mode=mode).filter(redelivery_of=None, event_at__gte=start, event_at__lt=end)
    awake = first.filter(endpoint__disabled_at=None, endpoint__deleted_at=None).exclude(type=TEST_TYPE)
    if endpoint_id is not None:
        awake = awake.filter(endpoint_id=endpoint_id)
    found = list(awake.order_by("event_at", "id")[: policy.REDELIVER_MAX + 1])
    at = timezone.now()
    Delivery.objects.bulk_create([_copy(delivery, at=at) for delivery in found[: policy.REDELIVER_MAX]])
    doorbell.ring_on_commit(doorbell.DELIVER, mode, queue=webhooks.QUEUE)
    return min(len(found), policy.REDELIVER_MAX), len(found) > policy.REDELIVER_MAX


def try_out(endpoint: WebhookEndpoint) -> Delivery:
    """A signed message of the type `endpoint.test`, which is no event: it stands in no list and no log."""
    _require_awake(endpoint)
    at = timezone.now()
    nothing = {"id": None, "client_reference": None, "status": None, "sequence": None, "mode": endpoint.mode}
    delivery = Delivery.objects.create(
        endpoint=endpoint,
        lender_id=endpoint.lender_id,
        mode=endpoint.mode,
        event_id=new_id("evt"),
        type=TEST_TYPE,
        event_at=at,
        body=webhooks.spell_body({"type": TEST_TYPE, "timestamp": answers.moment(at), "data": nothing}),
        created_at=at,
        due_at=at,
    )
    doorbell.ring_on_commit(doorbell.DELIVER, endpoint.mode, queue=webhooks.QUEUE)
    return delivery


def _copy(delivery: Delivery, *, at: datetime) -> Delivery:
    return Delivery(
        endpoint_id=delivery.endpoint_id,
        lender_id=delivery.lender_id,
        mode=delivery.mode,
        event_id=delivery.event_id,
        type=delivery.type,
        lender_sequence=delivery.lender_sequence,
        event_at=delivery.event_at,
        redelivery_of_id=delivery.redelivery_of_id or delivery.pk,
        body=bytes(delivery.body),
        created_at=at,
        due_at=at,
    )


def _require_awake(endpoint: WebhookEndpoint) -> None:
    if endpoint.disabled_at is not None or endpoint.deleted_at is not None:
        raise Conflict("this endpoint is disabled", code="endpoint_disabled")
