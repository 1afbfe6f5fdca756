"""An event as its lender reads it, in the list and in webhooks; in log order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Subquery
from rest_framework import serializers

from lenders import policy
from lenders.answers import Moment, Word
from verification.case.contents import LIST_MAX, Page
from verification.core.events import CLEARINGS, TOLD, WITHDRAWN
from verification.core.status import Status
from verification.log import decided
from verification.models import AuditLeaf


@dataclass(frozen=True)
class Event:
    """One ordered entry of the log that is a lender's event."""

    id: str
    type: str
    timestamp: datetime
    lender_sequence: int
    verification_id: str | None
    client_reference: str
    status: str
    sequence: int | None
    mode: str
    log_index: int
    clearance_id: str = ""
    renews: str = ""


class EventDataAnswer(serializers.Serializer[Any]):
    """The subject of the event; all but `mode` are null without a verification."""

    verification = serializers.CharField(source="verification_id", allow_null=True)
    client_reference = Word(allow_null=True)
    status = Word(allow_null=True)
    sequence = serializers.IntegerField(allow_null=True)
    mode = serializers.ChoiceField(choices=("test", "live"))
    clearance = Word(source="clearance_id", allow_null=True, help_text="`clr_…`, of `clearance.…`.")
    renews = Word(
        allow_null=True, help_text="`ver_…`: it is about the new consent to the loan of that."
    )


class EventBody(serializers.Serializer[Any]):
    """An event's content. Read the verification for more."""

    version = serializers.SerializerMethodField(help_text="Of the API, by which this is spelled.")
    type = serializers.CharField(help_text=f"{', '.join(TOLD)}; accept unknown ones.")
    timestamp = Moment()
    lender_sequence = serializers.IntegerField(
        allow_null=True,
        help_text=(
            "Counts what you are told in this mode, from 1 without a gap; null in a mere test."
        ),
    )
    # a field of this name hides the serializer's own `data`
    data = EventDataAnswer(source="*")  # type: ignore[assignment]

    def get_version(self, event: Any) -> str:
        """That of all answers."""
        return policy.API_VERSION


class WebhookBody(EventBody):
    """A webhook's content."""

    checkpoint = serializers.CharField(
        allow_null=True,
        help_text=(
            "The log's newest signed head when the message was made (C2SP signed note), the same in"
            " every try: keep the largest. Null while the log is empty."
        ),
    )


class EventAnswer(EventBody):
    """One event, in the order of the log."""

    id = serializers.CharField(help_text="`evt_…`, the `webhook-id` of its deliveries.")
    log_index = serializers.IntegerField()


class EventPage(serializers.Serializer[Any]):
    """A slice of the events, oldest first."""

    # a field of this name hides the serializer's own `data`
    data = EventAnswer(many=True)  # type: ignore[assignment]
    has_more = serializers.BooleanField()
    next = serializers.CharField(allow_null=True)


def events_after(*, lender_id: str, mode: str, cursor: int = 0, limit: int = 100) -> Page[Event]:
    """A lender's events after the sequence number `cursor`, in log order."""
    limit = max(1, min(limit, LIST_MAX))
    leaves = decided.leaves_after(
        mode, lender_id=lender_id, lender_sequence=cursor, limit=limit + 1
    )
    events = _events(leaves[:limit])
    has_more = len(leaves) > limit
    return Page(events, has_more, str(events[-1].lender_sequence) if has_more else None)


def events_of_types(
    types: Collection[str], *, lender_id: str, mode: str, cursor: int, limit: int
) -> Page[Event]:
    """Of a lender's events after the sequence number `cursor` those of these types; of all without
    any.

    It looks at a bounded number: a page may be short, even empty, with more events after it.
    """
    if not types:
        return events_after(lender_id=lender_id, mode=mode, cursor=cursor, limit=limit)
    listed: list[Event] = []
    for _ in range(policy.EVENT_PAGES):
        page = events_after(lender_id=lender_id, mode=mode, cursor=cursor, limit=LIST_MAX)
        listed += [event for event in page.data if event.type in types]
        if len(listed) > limit or (len(listed) == limit and page.has_more):
            return Page(tuple(listed[:limit]), True, str(listed[limit - 1].lender_sequence))
        if page.next is None:
            break
        cursor = int(page.next)
    return Page(tuple(listed), page.has_more, page.next)


def events_named(event_ids: Collection[str]) -> dict[tuple[str, str], Event]:
    """The lender's events among these, by the lender's id and their own."""
    leaves = decided.leaves_of(event_ids)
    return {
        (leaf.told_to, leaf.entry_id): event
        for leaf, event in zip(leaves, _events(leaves), strict=True)
    }


def _events(leaves: Sequence[AuditLeaf]) -> tuple[Event, ...]:
    """One more statement for entries about clearances: web signs some of those, which verify no
    person.
    """
    rows = {
        leaf.entry.verification_id: leaf.entry.verification
        for leaf in leaves
        if leaf.entry.type in CLEARINGS
    }
    public = decided.statuses_of([row for row in rows.values() if row is not None])
    events = []
    for leaf, entry in ((leaf, leaf.entry) for leaf in leaves):
        # An entry that moves the status is named for it; the first one leaves the verification to
        # its borrower.
        status = entry.type.removeprefix("verification.")
        if status == "created":
            status = Status.REQUIRES_INPUT.value
        elif entry.type == WITHDRAWN:
            status = ""  # it moves none: the end of an open case is an event of its own
        elif entry.type in CLEARINGS:
            public_status = public.get(entry.verification_id or "")
            status = public_status.status if public_status is not None else ""
        event = Event(
            id=entry.pk,
            type=entry.type,
            timestamp=entry.at,
            lender_sequence=leaf.lender_sequence or 0,
            verification_id=entry.verification_id,
            client_reference=entry.verification.client_reference if entry.verification else "",
            status=status if entry.verification_id else "",
            sequence=entry.verification_sequence,
            mode=entry.log,
            log_index=leaf.leaf_index,
            clearance_id=str(entry.body.get("clearance", "")),
            renews=entry.verification.renews_id or "" if entry.verification else "",
        )
        events.append(event)
    return tuple(events)


def last_sequence(*, lender_id: str, mode: str) -> int:
    """The sequence number of a lender's last event; 0 without one."""
    return decided.last_sequence(lender_id=lender_id, log=mode)


def last_sequence_of_row(*, lender: str, mode: str) -> Subquery:
    """The same as an expression over rows with these two columns: one look-up per row; null
    without one.
    """
    return decided.last_sequence_of_row(lender=lender, log=mode)
