"""Reads for edges: one verification, a lender's list and events, checkpoints and proofs. Nothing here writes."""

from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from verification.audit import history, proofs
from verification.core import events, reasons
from verification.core.errors import BadInput, Conflict, NotFound
from verification.core.status import Status
from verification.models import Attempt, AuditEntry, AuditLeaf, CheckRecord, Verification
from verification.workflow import attempts, cases, stages
from verification.workflow.borrower_page import borrower_page, page_name
from verification.workflow.views import (
    BorrowerPage,
    CheckView,
    EventView,
    NextAction,
    Page,
    VerificationView,
)

__all__ = (
    "BorrowerPage",
    "CheckView",
    "EventView",
    "NextAction",
    "Page",
    "VerificationView",
    "borrower_page",
    "checkpoint",
    "events_after",
    "last_sequence",
    "list_views",
    "proof",
    "view",
)

LIST_MAX = 100  # rows a page
ENGINE = {"name": "tulga", "version": "0.1.0"}


def view(*, lender_id: str, mode: str, verification_id: str, with_checks: bool = False) -> VerificationView:
    """One verification of this lender; raises `NotFound` for none or another's."""
    found = Verification.objects.filter(pk=verification_id, lender_id=lender_id, mode=mode).first()
    if found is None:
        raise NotFound("no such verification")
    return _view(found, checks=check_views(found) if with_checks else None)


def list_views(
    *,
    lender_id: str,
    mode: str,
    client_reference: str | None = None,
    status: str | None = None,
    created_from: datetime | None = None,
    after: str | None = None,
    limit: int = 20,
) -> Page[VerificationView]:
    """A lender's verifications, newest first. Raises `BadInput` for a cursor that is not its own."""
    rows = Verification.objects.filter(lender_id=lender_id, mode=mode)
    if client_reference is not None:
        rows = rows.filter(client_reference=client_reference)
    if status is not None:
        rows = rows.filter(status=status)
    if created_from is not None:
        rows = rows.filter(created_at__gte=created_from)
    if after is not None:
        last = Verification.objects.filter(pk=after, lender_id=lender_id, mode=mode).first()
        if last is None:
            raise BadInput("`after` is no verification of yours", code="cursor_unknown", pointer="?after")
        rows = rows.filter(Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk))
    limit = max(1, min(limit, LIST_MAX))
    found = list(rows.order_by("-created_at", "-pk")[: limit + 1])
    shown = tuple(_view(row, checks=None) for row in found[:limit])
    more = len(found) > limit
    return Page(shown, more, shown[-1].id if more else None)


def check_views(verification: Verification) -> tuple[CheckView, ...]:
    """What every check said, in order of the attempts."""
    records = CheckRecord.objects.filter(attempt__verification=verification).select_related("attempt")
    numbers = {pk: n for n, pk in enumerate(_attempt_ids(verification), start=1)}
    return tuple(
        CheckView(
            id=record.pk,
            route=record.attempt.route,
            stage=record.attempt.stage,
            attempt=numbers[record.attempt_id],
            name=record.name,
            outcome=record.outcome,
            code=record.code,
            retryable=bool(record.code) and not reasons.require(record.code).final,
            score=record.score,
            threshold=record.threshold,
            engine=ENGINE,
            borrower_message=reasons.require(record.code).borrower_message if record.code else "",
            lender_detail=reasons.require(record.code).lender_detail if record.code else "",
            created_at=record.created_at,
        )
        for record in records.order_by("attempt__opened_at", "attempt__turn", "position")
    )


def events_after(*, lender_id: str, mode: str, after: int = 0, limit: int = 100) -> Page[EventView]:
    """What a lender is told, in the order of the log, after a sequence number of its own."""
    limit = max(1, min(limit, LIST_MAX))
    found = history.entries_after(mode, lender_id=lender_id, lender_sequence=after, limit=limit + 1, types=events.TOLD)
    references = dict(
        Verification.objects.filter(pk__in={leaf.entry.verification_id for leaf in found}).values_list(
            "pk", "client_reference"
        )
    )
    shown = tuple(_event(leaf, references) for leaf in found[:limit])
    more = len(found) > limit
    return Page(shown, more, str(shown[-1].lender_sequence) if more else None)


def last_sequence(*, lender_id: str, mode: str) -> int:
    """The sequence number of a lender's newest ordered entry; 0 while there is none."""
    leaves = AuditLeaf.objects.filter(log=mode, lender_id_copy=lender_id).order_by("-lender_sequence")
    return leaves.values_list("lender_sequence", flat=True).first() or 0


def checkpoint(mode: str) -> str:
    """The newest signed note of a log; raises `Conflict` while nothing is ordered."""
    note = proofs.latest_checkpoint(mode)
    if note is None:
        raise Conflict("nothing is ordered yet", code="receipt_not_ready")
    return note


def proof(*, lender_id: str, mode: str, event_id: str) -> str:
    """The tlog-proof of one of the lender's entries; raises `NotFound`, or `Conflict` before it is ordered."""
    if not AuditEntry.objects.filter(pk=event_id, lender_id=lender_id, log=mode).exists():
        raise NotFound("no such event")
    found = proofs.proof_for(event_id)
    if found is None:
        raise Conflict("the log has not ordered this event yet", code="receipt_not_ready")
    return found


def _attempt_ids(verification: Verification) -> list[str]:
    rows = Attempt.objects.filter(verification=verification).order_by("opened_at", "turn")
    return list(rows.values_list("pk", flat=True))


def _event(leaf: AuditLeaf, references: dict[str, str]) -> EventView:
    entry = leaf.entry
    name = entry.type.removeprefix("verification.")
    status = Status.REQUIRES_INPUT if name == "created" else name
    return EventView(
        id=entry.pk,
        type=entry.type,
        timestamp=entry.at,
        lender_sequence=leaf.lender_sequence or 0,
        verification_id=entry.verification_id,
        client_reference=references.get(entry.verification_id or "", ""),
        status=str(status) if entry.verification_id else "",
        sequence=entry.verification_sequence or 0,
        mode=entry.log,
        log_index=leaf.leaf_index,
    )


def _next_action(verification: Verification) -> NextAction | None:
    if verification.status not in (Status.REQUIRES_INPUT, Status.PROCESSING):
        return None
    attempt = attempts.current(verification)
    name = page_name(verification, attempt)
    left = None
    if verification.route and verification.stage:
        stage = stages.find(verification.route, verification.stage)
        left = attempts.attempts_left(verification, stage, at=timezone.now())
    return NextAction(
        type=name,
        route=verification.route,
        stage=verification.stage,
        attempts_left=left,
        expires_at=attempt.expires_at if attempt else verification.expires_at,
        code=attempt.notice if attempt else verification.last_failure,
    )


def _view(verification: Verification, *, checks: tuple[CheckView, ...] | None) -> VerificationView:
    sealed = cases.read(verification, cases.key_of(verification))
    decision = AuditLeaf.objects.filter(entry__verification=verification, entry__type__in=events.DECISIONS).first()
    return VerificationView(
        id=verification.pk,
        mode=verification.mode,
        status=verification.status,
        code=verification.code,
        last_failure=verification.last_failure,
        next_action=_next_action(verification),
        combinations=tuple(tuple(combination) for combination in verification.combinations),
        route=verification.route,
        profile_id=verification.profile_id,
        profile_sha256=verification.profile_sha256,
        purpose=sealed.case.purpose,
        client_reference=verification.client_reference,
        locale=verification.locale,
        created_at=verification.created_at,
        expires_at=verification.expires_at,
        finished_at=verification.finished_at,
        redacted_at=verification.redacted_at,
        disputed_at=verification.disputed_at,
        metadata=sealed.metadata,
        opened_by=sealed.opened_by,
        sequence=verification.sequence,
        log_index=decision.leaf_index if decision else None,
        checks=checks,
    )
