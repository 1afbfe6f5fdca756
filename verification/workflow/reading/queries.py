"""Reads for edges: one verification, a lender's list and events, checkpoints and proofs. Nothing
here writes.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter

from django.db.models import QuerySet, Subquery

from verification import clock
from verification.core import ids, reasons
from verification.core.errors import BadInput, Conflict, EvidenceUnreadable, NotFound
from verification.core.events import CLEARINGS
from verification.core.status import TERMINAL, Status
from verification.evidence import store, vault
from verification.log import decided, entries, proofs
from verification.models import Attempt, AuditLeaf, EvidenceItem, Verification
from verification.workflow import cases
from verification.workflow.moving import attempts, dossier
from verification.workflow.reading.borrower_page import (
    borrower_page,
    borrower_turn,
    is_looked_at,
    page_of,
    state_of,
    turn_of,
)
from verification.workflow.reading.views import (
    BorrowerPage,
    BorrowerState,
    BorrowerTurn,
    CheckedView,
    CheckView,
    EventView,
    NextAction,
    Page,
    VerificationView,
    verification_view,
)

__all__ = [
    "BorrowerPage",
    "BorrowerState",
    "BorrowerTurn",
    "CheckView",
    "EventView",
    "NextAction",
    "Page",
]
__all__ += ["VerificationView"]
__all__ += [
    "beyond",
    "borrower_page",
    "borrower_turn",
    "checkpoint",
    "events_after",
    "events_named",
    "is_looked_at",
    "last_sequence",
    "page_of",
    "state_of",
    "turn_of",
]
__all__ += ["consistency", "is_covered", "newest_checkpoint"]
__all__ += ["last_sequence_of_row", "list_views", "proof", "view"]

logger = logging.getLogger(__name__)

LIST_MAX = 100  # rows a page
_WITH_NEXT_ACTION = (Status.REQUIRES_INPUT, Status.PROCESSING)
ENGINE = {"name": "tulga", "version": "0.1.0"}


def view(
    *, lender_id: str, mode: str, verification_id: str, with_checks: bool = False
) -> VerificationView:
    """One verification of this lender; raises `NotFound` for none or another's."""
    found = _own_rows(lender_id=lender_id, mode=mode).filter(pk=verification_id).first()
    if found is None:
        raise NotFound("no such verification")
    (shown,) = _views([found])
    # That checks are left out says that nobody asked; none would say that there are none.
    return (
        CheckedView(**vars(shown), checks=check_views(found, key=cases.key_beside(found)))
        if with_checks
        else shown
    )


def list_views(
    *,
    lender_id: str,
    mode: str,
    client_reference: str | None = None,
    case_number: str | None = None,
    status: str | None = None,
    created_from: datetime | None = None,
    after: str | None = None,
    limit: int = 20,
) -> Page[VerificationView]:
    """A lender's verifications, newest first. Raises `BadInput` for a cursor that is not its
    own.
    """
    rows = _own_rows(lender_id=lender_id, mode=mode)
    if client_reference is not None:
        rows = rows.filter(client_reference=client_reference)
    if case_number is not None:
        rows = rows.filter(pk__range=ids.numbered(case_number, prefix="ver"))
    if created_from is not None:
        rows = rows.filter(created_at__gte=created_from)
    if after is not None:
        # A cursor is an id that the lender was given; another lender's must look like one that
        # never was.
        last = Verification.objects.filter(pk=after, lender_id=lender_id, mode=mode).first()
        if last is None:
            raise BadInput(
                "`after` is no verification of yours", code="cursor_unknown", pointer="?after"
            )
        rows = beyond(rows, last)
    limit = max(1, min(limit, LIST_MAX))
    while True:
        # One more than the page holds: whether there is a next page costs no count.
        found = _newest(rows, limit + 1, status=status)
        shown = tuple(view for view in _views(found[:limit]) if status in (None, view.status))
        more = len(found) > limit
        if shown or not more:
            return Page(shown, more, shown[-1].id if more else None)
        # Of all these the log has an end that nobody signed: what follows is the page.
        rows = beyond(rows, found[limit - 1])


def _newest(rows: QuerySet[Verification], number: int, *, status: str | None) -> list[Verification]:
    """The newest of these that are told to stand so, but for signatures. What ended just now is
    still `processing`.
    """
    newest = ("-created_at", "-pk")
    if status in TERMINAL:
        rows = decided.with_ordered_end(rows, str(status))
    elif status == Status.PROCESSING:
        ended = list(decided.with_unordered_end(rows).order_by(*newest)[:number])
        found = [*rows.filter(status=status).order_by(*newest)[:number], *ended]
        return sorted(found, key=attrgetter("created_at", "pk"), reverse=True)[:number]
    elif status is not None:
        rows = rows.filter(status=status)
    return list(rows.order_by(*newest)[:number])


def beyond(rows: QuerySet[Verification], last: Verification) -> QuerySet[Verification]:
    """Those that come after this one in a list, newest first."""
    # The first condition is implied by the second, but only it ends where an index begins to be
    # read.
    return rows.filter(created_at__lte=last.created_at).exclude(
        created_at=last.created_at, pk__gte=last.pk
    )


def check_views(verification: Verification, *, key: vault.Key | None) -> tuple[CheckView, ...]:
    """What every check said, as the log has it, in order of the attempts, numbered over all stages
    and routes.

    Of a judgement that has no place in the log, or that no worker signed, nothing is told. Scores
    are sealed: without the key, or once it was destroyed, there are none.
    """
    in_order = Attempt.objects.filter(verification=verification).order_by("opened_at", "turn")
    numbers = {
        pk: number for number, pk in enumerate(in_order.values_list("pk", flat=True), start=1)
    }
    scores: dict[tuple[str, str], tuple[float | None, float | None]] = {}
    if key is not None:
        for item in EvidenceItem.objects.filter(verification=verification, kind__endswith=".terms"):
            try:
                kept = {item.kind: store.opening(key, item).plain}
                for one in dossier.checks_in(kept, stage=item.kind.partition(".")[0]):
                    scores[str(item.attempt_id), one.name] = (one.score, one.threshold)
            except EvidenceUnreadable as fault:
                logger.error(
                    "%s of %s: no scores can be told (%s)", item.pk, verification.pk, fault.code
                )
    known = reasons.REASONS
    return tuple(
        CheckView(
            id=f"chk_{body['attempt'].partition('_')[2]}_{position}",
            route=body["route"],
            stage=body["stage"],
            attempt=numbers[body["attempt"]],
            name=said["check"],
            outcome=said["outcome"],
            code=(code := said["code"]),
            retryable=code in known and not known[code].final,
            score=scores.get((body["attempt"], said["check"]), (None, None))[0],
            threshold=scores.get((body["attempt"], said["check"]), (None, None))[1],
            engine=ENGINE | said.get("engine", {}),
            # A code that the table no longer has is shown as it stands.
            borrower_message=known[code].borrower_message if code in known else "",
            lender_detail=known[code].lender_detail if code in known else "",
            created_at=at,
        )
        for body, at in ((entry.body, entry.at) for entry in decided.judgements(verification))
        for position, said in enumerate(body["checks"], start=1)
    )


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


def checkpoint(mode: str) -> str:
    """The newest signed note of a log; raises `Conflict` while nothing is ordered."""
    note = newest_checkpoint(mode)
    if note is None:
        raise Conflict("nothing is ordered yet", code="receipt_not_ready")
    return note


def newest_checkpoint(mode: str) -> str | None:
    """The newest signed note of a log; None while nothing is ordered."""
    return proofs.latest_checkpoint(mode)


def is_covered(untrusted: object, *, mode: str, log_index: int) -> bool:
    """Whether this is a checkpoint, signed by the key of a mode's log, that covers this place of
    it.
    """
    return isinstance(untrusted, str) and proofs.covers(untrusted, log=mode, index=log_index)


def proof(*, lender_id: str, mode: str, event_id: str) -> str:
    """The tlog-proof of one of the lender's entries; raises `NotFound`, or `Conflict` before it is
    ordered.
    """
    named = entries.by_ids([event_id], skips_damaged=True)
    if [(entry.lender_id, entry.log) for entry in named] != [(lender_id, mode)]:
        raise NotFound("no such event")
    found = proofs.proof_for(event_id)
    if found is None:
        raise Conflict("the log has not ordered this event yet", code="receipt_not_ready")
    return found


def consistency(mode: str, *, first: int, second: int) -> list[bytes]:
    """Hashes by which a log of `second` entries goes on from one of `first`. Raises `BadInput` for
    no such sizes.
    """
    size = proofs.latest_size(mode)
    if second > size:
        raise BadInput(f"the log has {size} entries", code="out_of_range", pointer="?second")
    if first > second:
        raise BadInput("larger than `second`", code="out_of_range", pointer="?first")
    return proofs.consistency_for(mode, first=first, second=second)


def _own_rows(*, lender_id: str, mode: str) -> QuerySet[Verification]:
    """A lender's rows, each with its key."""
    return Verification.objects.filter(lender_id=lender_id, mode=mode).select_related("key")


def _views(rows: Sequence[Verification]) -> tuple[VerificationView, ...]:
    """Rows of `_own_rows`, with what else is told: one more statement for all that wait, one for
    all that ended.
    """
    standing = attempts.standing_of(
        [each for each in rows if each.status in _WITH_NEXT_ACTION], at=clock.now()
    )
    public = decided.statuses_of(rows)
    return tuple(
        verification_view(
            each,
            cases.read(each, cases.key_beside(each)).opening,
            public=public[each.pk],
            standing=standing.get(each.pk),
        )
        for each in rows
    )
