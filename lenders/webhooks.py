"""From the ordered log to deliveries: each endpoint has a cursor, and what lies behind it becomes
rows, once.

Any number of pumps may run at once: moving the cursor by compare-and-set keeps two from making a
    delivery twice.
"""

import json
import logging
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import DataError, IntegrityError
from django.db.models import Case, F, QuerySet, When

from lenders import answers, policy
from lenders.models import Delivery, WebhookEndpoint
from lenders.resources import checkpoints
from lenders.resources import events as lender_events
from lenders.resources.events import EventView
from verification import clock, transactions
from verification.compiled import Compiled
from verification.core.errors import TulgaError
from verification.worker import sweep

logger = logging.getLogger(__name__)

TEST_TYPE = "endpoint.test"
"""Of a message that is made only to try an endpoint out."""


@cache
def _behind(modes: tuple[str, ...]) -> Compiled[Any]:
    """Asks which endpoints have not had all events, those after one of them first; one more than
    are served.
    """

    def rows(after: str) -> QuerySet[Any, Any]:
        newest = lender_events.last_sequence_of_row(lender="lender_id", mode="mode")
        awake = WebhookEndpoint.objects.filter(mode__in=modes, disabled_at=None, deleted_at=None)
        behind = awake.annotate(to_come=newest - F("cursor")).filter(to_come__gt=0)
        had_its_turn = Case(When(id__lte=after, then=1), default=0)
        return behind.order_by(had_its_turn, "id")[: policy.PUMP_ENDPOINTS + 1]

    return Compiled(rows)


def pump(*, after: str = "") -> tuple[str, bool]:
    """Makes deliveries of events that endpoints have not had yet, a batch for a few of them, in
    turn.

    Gives the endpoint that had its turn last, to begin `after` it the next time, and whether more
    wait: so no lender's backlog, nor a stream of its events, keeps another's only one. A fault in
    what one endpoint is owed is logged and stops no other.
    """
    most = policy.PUMP_ENDPOINTS
    found = _behind(sweep.modes()).ask(after)
    made = 0
    for endpoint in found[:most]:
        try:
            made += pump_endpoint(endpoint)
        except (DataError, IntegrityError, TulgaError, LookupError, TypeError, ValueError) as fault:
            logger.error(
                "webhooks: events of %s cannot be read (%s)", endpoint.pk, type(fault).__name__
            )
    # What cannot be read is still to come, and must not keep the sender from resting.
    has_more = made > 0 and (
        len(found) > most or any(one.to_come > policy.EVENTS_BATCH for one in found)
    )
    return found[:most][-1].pk if found else after, has_more


def pump_endpoint(endpoint: WebhookEndpoint) -> int:
    """Makes the next deliveries of one endpoint, unless another pump was faster; gives how many
    events it had.
    """
    page = lender_events.events_after(
        lender_id=endpoint.lender_id,
        mode=endpoint.mode,
        after=endpoint.cursor,
        limit=policy.EVENTS_BATCH,
    )
    if not page.data:
        return 0
    awake = WebhookEndpoint.objects.filter(pk=endpoint.pk, disabled_at=None, deleted_at=None)
    with transactions.writing():
        # First the cursor: who finds it moved writes nothing.
        if awake.filter(cursor=endpoint.cursor).update(cursor=page.data[-1].lender_sequence) != 1:
            return 0
        at = clock.now()
        wanted = [
            event for event in page.data if not endpoint.events or event.type in endpoint.events
        ]
        note = checkpoints.newest_checkpoint(endpoint.mode)
        # The bodies are fixed from now on, the log's newest checkpoint in them.
        made = [
            Delivery(
                endpoint=endpoint,
                lender_id=endpoint.lender_id,
                mode=endpoint.mode,
                event_id=event.id,
                type=event.type,
                lender_sequence=event.lender_sequence,
                event_at=event.timestamp,
                body=spell_body(payload(event, note)),
                created_at=at,
                due_at=at,
            )
            for event in wanted
        ]
        Delivery.objects.bulk_create(made)
    return len(page.data)


def payload(event: EventView, checkpoint: str | None) -> dict[str, Any]:
    """What a webhook says of an event."""
    return {**answers.EventBody().to_representation(event), "checkpoint": checkpoint}


def unproven(deliveries: Sequence[Delivery]) -> set[str]:
    """Ids of those of these deliveries that say what the log does not say: whoever writes rows may
    have made them.

    Not compared is the lender's own reference, which is erased with a person's data.
    """
    events = lender_events.events_named(
        {one.event_id for one in deliveries if one.type != TEST_TYPE}
    )
    left = {one.pk for one in deliveries}
    for one in deliveries:
        event = events.get((one.lender_id, one.event_id))
        try:
            said = json.loads(bytes(one.body))
            note, place = said.pop("checkpoint"), event.log_index if event else 0
            is_right = checkpoints.is_covered(note, mode=one.mode, log_index=place)
            if one.type == TEST_TYPE:
                about = [value for name, value in said["data"].items() if name != "mode"]
                is_empty = said["type"] == TEST_TYPE and about.count(None) == len(about)
                is_proven = is_empty and (is_right or note is None)
            elif event is None or event.mode != one.mode or not is_right:
                is_proven = False
            else:
                meant = payload(event, None)
                del meant["checkpoint"]
                meant["data"] = {
                    **meant["data"],
                    "client_reference": said["data"].get("client_reference"),
                }
                is_proven = bool(said == meant)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            is_proven = False
        if is_proven:
            left.discard(one.pk)
    return left


def spell_body(body: dict[str, Any]) -> bytes:
    """The bytes that are signed and sent."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
