"""Events as their lender reads them, in the order of the log."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Subquery

from verification.case.contents import LIST_MAX, Page
from verification.core.events import CLEARINGS
from verification.core.status import Status
from verification.log import decided
from verification.models import AuditLeaf


@dataclass(frozen=True)
class EventView:
    """One ordered entry of the log that a lender is told."""

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


def events_after(*, lender_id: str, mode: str, after: int = 0, limit: int = 100) -> Page[EventView]:
    """What a lender is told, in the order of the log, after a sequence number of its own."""
    limit = max(1, min(limit, LIST_MAX))
    found = decided.leaves_after(mode, lender_id=lender_id, lender_sequence=after, limit=limit + 1)
    shown = _events(found[:limit])
    more = len(found) > limit
    return Page(shown, more, str(shown[-1].lender_sequence) if more else None)


def events_named(event_ids: Collection[str]) -> dict[tuple[str, str], EventView]:
    """Those of these events that a lender is told, by the lender's id and their own."""
    leaves = decided.leaves_of(event_ids)
    return {
        (leaf.told_to, leaf.entry_id): event
        for leaf, event in zip(leaves, _events(leaves), strict=True)
    }


def _events(leaves: Sequence[AuditLeaf]) -> tuple[EventView, ...]:
    """One more statement for all that speak of clearances: web signs some of those, and verifies
    nobody by it.
    """
    rows = {
        one.entry.verification_id: one.entry.verification
        for one in leaves
        if one.entry.type in CLEARINGS
    }
    public = decided.statuses_of([row for row in rows.values() if row is not None])
    events = []
    for leaf, entry in ((leaf, leaf.entry) for leaf in leaves):
        # An entry that moves the status is named for it; the first one leaves the verification to
        # its borrower.
        status = entry.type.removeprefix("verification.")
        if status == "created":
            status = Status.REQUIRES_INPUT.value
        elif entry.type in CLEARINGS:
            of = public.get(entry.verification_id or "")
            status = of.status if of is not None else ""
        event = EventView(
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
    """The sequence number of the last event that a lender is told; 0 while there is none."""
    return decided.last_sequence(lender_id=lender_id, log=mode)


def last_sequence_of_row(*, lender: str, mode: str) -> Subquery:
    """The same as a part of a statement over rows with these two columns: one look-up a row; null
    for none.
    """
    return decided.last_sequence_of_row(lender=lender, log=mode)
