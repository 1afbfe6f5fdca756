"""From the ordered log to signed POSTs: pump events into deliveries, ring those that are due, send one.

Any number of each may run at once. The cursor's compare-and-set keeps two pumps from making a delivery twice; a lease
with a random fence keeps a late sender from writing over another's result. Times are rows, never countdowns.
"""

import json
import random
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from lenders import answers, endpoints, policy, signing, transport
from lenders.models import Delivery, WebhookEndpoint
from verification.core.errors import EvidenceUnreadable
from verification.workflow import doorbell, queries
from verification.workflow.queries import EventView

POST = "lenders.post"
QUEUE = "webhooks"
_GONE = 410


def pump(mode: str) -> int:
    """Makes deliveries of all events that endpoints of this mode have not had yet; gives how many it made."""
    awake = WebhookEndpoint.objects.filter(mode=mode, disabled_at=None, deleted_at=None)
    return sum(_pump(endpoint) for endpoint in awake.order_by("id"))


def ring_due(mode: str, *, endpoint_id: str | None = None) -> int:
    """Rings for deliveries whose time has come, a few per endpoint; gives how many. The next ring takes the rest.

    An endpoint gets few at once, a failing one a single one: whoever hangs holds one worker, not all of them.
    """
    at = timezone.now()
    due = _due(at).filter(mode=mode)
    if endpoint_id is not None:
        due = due.filter(endpoint_id=endpoint_id)
    rung = 0
    for waiting, failing in list(due.order_by().values_list("endpoint_id", "endpoint__failing").distinct()):
        room = (policy.IN_FLIGHT_FAILING if failing else policy.IN_FLIGHT) - _in_flight(waiting, at)
        oldest = due.filter(endpoint_id=waiting).order_by("due_at", "id").values_list("pk", flat=True)
        for delivery_id in list(oldest[: max(0, room)]):
            # A broker that is down hears none of the others either.
            if _take_bell(delivery_id, at=at) and not doorbell.ring(POST, delivery_id, queue=QUEUE):
                return rung
            rung += 1
        if rung >= policy.RING_BATCH:
            break
    return rung


def post(delivery_id: str) -> None:
    """Sends one delivery, if it is due and nobody else does, and writes what came of it."""
    delivery = _claim(delivery_id)
    if delivery is None:
        return
    try:
        outcome = transport.post(
            delivery.endpoint.url,
            mode=delivery.mode,
            headers=_signed_headers(delivery, at=timezone.now()),
            body=bytes(delivery.body),
        )
    except EvidenceUnreadable:
        # The key-encryption key is gone or the row was swapped: only the operator can help, so the ladder runs on.
        outcome = transport.Outcome(failure="secret_unreadable")
    _finish(delivery, outcome, at=timezone.now())
    ring_due(delivery.mode, endpoint_id=delivery.endpoint_id)


def new_delivery(endpoint: WebhookEndpoint, event: EventView, *, at: datetime) -> Delivery:
    """A delivery, not saved yet, whose body is fixed from now on."""
    return Delivery(
        endpoint=endpoint,
        lender_id=endpoint.lender_id,
        mode=endpoint.mode,
        event_id=event.id,
        type=event.type,
        lender_sequence=event.lender_sequence,
        event_at=event.timestamp,
        body=spell_body(answers.event_body(event)),
        created_at=at,
        due_at=at,
    )


def spell_body(body: dict[str, Any]) -> bytes:
    """The bytes that are signed and sent."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _pump(endpoint: WebhookEndpoint) -> int:
    made = 0
    for _ in range(policy.PUMP_ROUNDS):
        page = queries.events_after(
            lender_id=endpoint.lender_id, mode=endpoint.mode, after=endpoint.cursor, limit=policy.EVENTS_BATCH
        )
        if not page.data or not _deliver_page(endpoint, page.data):
            break
        made += len(page.data)
        if not page.has_more:
            break
    return made


def _deliver_page(endpoint: WebhookEndpoint, events: tuple[EventView, ...]) -> bool:
    """Moves the cursor over these events and makes their deliveries; False if another pump was faster."""
    last = events[-1].lender_sequence
    with transaction.atomic():
        # First the cursor: who finds it moved writes nothing.
        unmoved = WebhookEndpoint.objects.filter(
            pk=endpoint.pk, cursor=endpoint.cursor, disabled_at=None, deleted_at=None
        )
        if unmoved.update(cursor=last) != 1:
            return False
        at = timezone.now()
        wanted = (event for event in events if not endpoint.events or event.type in endpoint.events)
        Delivery.objects.bulk_create([new_delivery(endpoint, event, at=at) for event in wanted])
    endpoint.cursor = last
    return True


def _due(at: datetime) -> QuerySet[Delivery]:
    """Deliveries that may be sent now: their time has come, nobody holds them and no bell is on its way."""
    return Delivery.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=at),
        Q(rung_until=None) | Q(rung_until__lt=at),
        status="pending",
        due_at__lte=at,
        endpoint__disabled_at=None,
        endpoint__deleted_at=None,
    )


def _in_flight(endpoint_id: str, at: datetime) -> int:
    flying = Delivery.objects.filter(
        Q(lease_until__gte=at) | Q(rung_until__gte=at, lease_until=None), endpoint_id=endpoint_id, status="pending"
    )
    return flying.count()


def _take_bell(delivery_id: str, *, at: datetime) -> bool:
    """Whether this call may ring: of many at once one may, and nobody else for some seconds."""
    until = at + timedelta(seconds=policy.RING_AGAIN_SECONDS)
    unrung = Delivery.objects.filter(Q(rung_until=None) | Q(rung_until__lt=at), pk=delivery_id, status="pending")
    return unrung.update(rung_until=until) == 1


def _claim(delivery_id: str) -> Delivery | None:
    """Takes a due delivery for a while and counts the try; None if it is not ours to send."""
    at, fence = timezone.now(), secrets.token_hex(16)
    # The endpoint stands in a subquery and is not joined: with a join Django updates `WHERE id IN (SELECT …)`, and
    # PostgreSQL does not ask a SELECT again for a row another worker has just taken. Two would hold one delivery.
    awake = WebhookEndpoint.objects.filter(pk=OuterRef("endpoint_id"), disabled_at=None, deleted_at=None)
    free = Delivery.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=at), Exists(awake), pk=delivery_id, status="pending", due_at__lte=at
    )
    lease = at + timedelta(seconds=policy.POST_LEASE_SECONDS)
    if free.update(lease_until=lease, fence=fence, tries=F("tries") + 1) != 1:
        return None
    return Delivery.objects.select_related("endpoint").filter(pk=delivery_id, fence=fence).first()


def _signed_headers(delivery: Delivery, *, at: datetime) -> dict[str, str]:
    # The id is the event's: it stays the same over tries and redeliveries, so the lender can drop what it has.
    signed = signing.headers(
        message_id=delivery.event_id,
        timestamp=int(at.timestamp()),
        body=bytes(delivery.body),
        shared_secrets=endpoints.shared_secrets(delivery.endpoint, at=at),
        seed=endpoints.signing_seed(delivery.endpoint),
    )
    return dict(signed)


def _finish(delivery: Delivery, outcome: transport.Outcome, *, at: datetime) -> None:
    """Writes the result under our fence: done, once more later, or never again."""
    wait = policy.wait_seconds(delivery.tries, chance=random.random())  # noqa: S311  # jitter, not a secret
    over = outcome.is_success or outcome.status == _GONE or wait is None
    columns: dict[str, Any] = {
        "status": ("delivered" if outcome.is_success else "exhausted") if over else "pending",
        "finished_at": at if over else None,
        "due_at": delivery.due_at if wait is None or over else at + timedelta(seconds=wait),
        "rung_until": None,
        "lease_until": None,
        "fence": "",
        "response_status": outcome.status,
        "response_excerpt": outcome.excerpt,
        "response_ms": outcome.milliseconds,
        "failure": outcome.failure,
    }
    with transaction.atomic():
        # The fence first: a worker whose lease ran out writes nothing.
        if Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence, status="pending").update(**columns) != 1:
            return
        WebhookEndpoint.objects.filter(pk=delivery.endpoint_id).exclude(failing=not outcome.is_success).update(
            failing=not outcome.is_success
        )
        if over and not outcome.is_success:
            reason = "gone" if outcome.status == _GONE else "exhausted"
            endpoints.disable(delivery.endpoint, reason=reason, at=at)
