"""A regulator's view of one case, and its files for verification. Every reading is logged as in
`search`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from django.contrib.auth.decorators import permission_required, user_passes_test
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from verification import transactions
from verification.case import blocks, contents, stages
from verification.case.blocks import Block
from verification.case.contents import Retention, retention_of
from verification.case.dossier import CheckView, check_views
from verification.case.moving import read_sound
from verification.core.codes import REASONS
from verification.core.errors import BadInput, Conflict, LogInconsistent, Misconfigured
from verification.core.events import DECISIONS, DESTROYED, RENEWED, REPLAYED, VIEWED
from verification.core.status import TERMINAL
from verification.log import decided, entries, keys, proofs, signatures
from verification.log.entries import Look as Look
from verification.models import Attempt, AuditEntry, EvidenceItem, SharedEvidenceUse, Verification
from verification.oversight import labels
from verification.oversight.search import (
    MODES,
    PERMISSION,
    Line,
    SearchResult,
    Step,
    has_both_factors,
    names_of,
    note_reading,
    person_of,
    result_line,
    result_of,
    step_of,
)


@dataclass(frozen=True)
class AttemptView:
    """One dialogue at one stage. `status`: open, judging, or its end; `burnt`: it used up one of
    the tries.
    """

    number: int
    route: str
    stage: str
    status: str
    code: str
    burnt: bool
    opened_at: datetime
    closed_at: datetime | None


_OF_ATTEMPT: Final = ("route", "stage", "status", "code", "burnt", "opened_at", "closed_at")


@dataclass(frozen=True)
class EvidenceView:
    """The record of a stored original and its hashes in the log; never its content.

    `id`: as in entries. `commitment` and `sealed_sha256` are hex; evidence about no person has no
    `commitment`, only its hash.
    `destroyed_at`: when a rule destroyed its key.
    """

    id: str
    attempt: int | None
    kind: str
    size: int
    commitment: str
    sealed_sha256: str
    created_at: datetime
    destroyed_at: datetime | None = None


@dataclass(frozen=True)
class CaseFile:
    """One case on one page, without pictures and personal data.

    `block`: since when and why its personal data are blocked.
    `log_key`: the public key of its log in verifiers' form (C2SP signed-note); empty if not set.
    """

    result: SearchResult
    lender_detail: str
    profile_id: str
    profile_sha256: str
    combination: tuple[str, ...]
    expires_at: datetime
    redacted_at: datetime | None
    disputed_at: datetime | None
    retention: Retention
    block: Block | None
    renews: str
    renewals: tuple[str, ...]
    contract_signed_at: datetime | None
    release_not_before: datetime | None
    attempts: tuple[AttemptView, ...]
    checks: tuple[CheckView, ...]
    evidence: tuple[EvidenceView, ...]
    steps: tuple[Step, ...]
    looks: tuple[Look, ...]
    log_key: str

    @property
    def is_paid_past_us(self) -> bool:
        """Whether the lender reported an obligation without a consumed clearance."""
        is_consumed = any(step.type == "clearance.consumed" for step in self.steps)
        return self.retention.obligation_opened_at is not None and not is_consumed

    @property
    def is_decision_ordered(self) -> bool:
        """Whether the decision has its place in the log, and so a proof."""
        return self.result.is_told and self.result.status in TERMINAL


def case_file(*, person_id: str, verification_id: str) -> CaseFile:
    """All records of a case, in order, and an `oversight.viewed` entry.

    Raises: `NotFound`.
    """
    with transactions.writing():
        row = contents.of_any_lender(verification_id)
        attempts = list(Attempt.objects.filter(verification=row).order_by("opened_at", "turn"))
        numbers = {attempt.pk: number for number, attempt in enumerate(attempts, start=1)}
        result = result_of(row, decided.status_of(row), names_of([row.lender_id]))
        # Of the rest, what the signed entries say, whatever the row says.
        history = read_sound(row)
        on_record = entries.of_cases([row.pk], with_leaf=True)
        # An empty or removed code has no reason.
        row_of_code = REASONS.get(result.code)
        # A renewed consent without an entry is ignored.
        bodies = [entry.body for entry in on_record if entry.type == RENEWED]
        names = {str(body.get("renewal")) for body in bodies if isinstance(body, dict)}
        renewals = Verification.objects.filter(pk__in=names).order_by("created_at")
        file = CaseFile(
            result=result,
            lender_detail=row_of_code.lender_detail if row_of_code else "",
            profile_id=row.profile_id,
            profile_sha256=row.profile_sha256,
            combination=tuple(row.combination),
            expires_at=row.expires_at,
            redacted_at=row.redacted_at,
            disputed_at=row.disputed_at,
            retention=retention_of(row),
            block=blocks.of_history(history),
            renews=row.renews_id or "",
            renewals=tuple(renewals.values_list("pk", flat=True)),
            contract_signed_at=row.contract_signed_at,
            release_not_before=row.release_not_before,
            attempts=tuple(
                AttemptView(number=number, **{name: getattr(attempt, name) for name in _OF_ATTEMPT})
                for number, attempt in enumerate(attempts, start=1)
            ),
            checks=check_views(row, key=None),
            evidence=_evidence(row, numbers=numbers),
            steps=tuple(step_of(entry) for entry in on_record),
            looks=tuple(
                look for look in entries.looks_at(row) if look.type not in (VIEWED, REPLAYED)
            ),
            log_key=_log_key(row.mode),
        )
        _note(row, person_id=person_id, reading="case")
    return file


def proof_file(*, person_id: str, verification_id: str) -> str:
    """The C2SP tlog-proof of the decision, with the newest checkpoint, and an `oversight.viewed`
    entry.

    Raises: `NotFound`, `Conflict` `receipt_not_ready` before the decision is ordered, and
    `LogInconsistent` for an unproven one.
    """
    with transactions.writing():
        row = contents.of_any_lender(verification_id)
        proof = proofs.proof_for(_decision(row).pk)
        if proof is None:
            raise _unordered()
        _note(row, person_id=person_id, reading="proof")
    return proof


def leaf_file(*, person_id: str, verification_id: str) -> bytes:
    """The exact bytes that the log hashed for the decision, and an `oversight.viewed` entry.

    Raises: as `proof_file`.
    """
    with transactions.writing():
        row = contents.of_any_lender(verification_id)
        leaf = signatures.leaf_bytes(_decision(row))
        if leaf is None:
            raise _unordered()
        _note(row, person_id=person_id, reading="leaf")
    return leaf


def checkpoint_file(*, person_id: str, mode: str) -> str:
    """The newest signed checkpoint of a mode's log, and an `oversight.viewed` entry.

    Raises: `BadInput` for another mode, `Conflict` `receipt_not_ready` while the log is empty.
    """
    if mode not in MODES:
        raise BadInput("mode cannot be asked like this", code="mode_unknown", pointer="mode")
    with transactions.writing():
        note = proofs.latest_checkpoint(mode)
        if note is None:
            raise Conflict("nothing is ordered in this log yet", code="receipt_not_ready")
        note_reading(
            "oversight.viewed", mode=mode, person_id=person_id, body={"what": "checkpoint"}
        )
    return note


def _decision(row: Verification) -> AuditEntry:
    decision = decided.status_of(row).decision
    if decision is not None:
        return decision
    for entry in entries.of_cases([row.pk], types=DECISIONS, with_leaf=True):
        if getattr(entry, "leaf", None) is not None:
            detail = f"entry {entry.pk} differs from its hash, or has no signature"
            raise LogInconsistent(f"{detail}: see audit_verify")
    raise _unordered()


def _unordered() -> Conflict:
    return Conflict("the decision has no place in the log yet", code="receipt_not_ready")


def _note(row: Verification, *, person_id: str, reading: str) -> None:
    # The id is in the body only: as the entry's verification it would count among the case's
    # events.
    body = {"what": reading, "verification": row.pk}
    note_reading("oversight.viewed", mode=row.mode, person_id=person_id, body=body)


def _log_key(mode: str) -> str:
    try:
        return str(keys.verification_key(mode))
    except Misconfigured:  # a case is readable without the log's signing key
        return ""


def _evidence(row: Verification, *, numbers: dict[str, int]) -> tuple[EvidenceView, ...]:
    sealed = [
        EvidenceView(
            id=item.pk,
            attempt=numbers.get(item.attempt_id or ""),
            kind=item.kind,
            size=item.size,
            commitment=item.commitment,
            sealed_sha256=item.sealed_sha256,
            created_at=item.created_at,
            destroyed_at=item.destroyed_at,
        )
        for item in EvidenceItem.objects.filter(verification=row)
        .defer("sealed")
        .order_by("created_at", "kind", "pk")
    ]
    uses = SharedEvidenceUse.objects.filter(attempt__verification=row).select_related("evidence")
    shared = [
        EvidenceView(
            id=use.evidence.pk,
            attempt=numbers[use.attempt_id],
            kind=use.kind,
            size=use.evidence.size,
            commitment="",
            sealed_sha256=use.evidence.sha256,
            created_at=use.evidence.created_at,
        )
        for use in uses.order_by("attempt__opened_at", "kind", "pk")
    ]
    return (*sealed, *shared)


def timeline(steps: Iterable[Step]) -> list[Line]:
    """Entries of the log about a case; `whole` is the log's full content of each."""
    lines = []
    for step in steps:
        failed = step.type == "attempt.judged" and step.body.get("outcome") == "failed"
        # In a few words: from which browser to which, how many frames; of others where and how.
        notes = [
            str(step.body.get(name, ""))
            for name in ("route", "stage", "outcome", "code", "what", "how", "person")
        ]
        if step.type == "verification.handed_over":
            notes.append(f"{step.body.get('from', '')} → {step.body.get('to', '')}")
        if step.type == DESTROYED:
            notes.append(f"× {step.body.get('number', '')}")
        lines.append(
            Line(
                row=step,
                label=labels.ENTRIES.get(step.type, step.type),
                mark="bad" if failed else labels.TONES.get(step.type, ""),
                note=" · ".join(note for note in notes if note),
                body=json.dumps(step.body, ensure_ascii=False, indent=2, sort_keys=True)
                if step.body
                else "",
            )
        )
    return lines


# Pages


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def case_page(request: HttpRequest, verification_id: str) -> HttpResponse:
    """One case on one page."""
    file = case_file(person_id=person_of(request), verification_id=verification_id)
    context = {
        "file": file,
        "found": result_line(file.result),
        "combination": [stages.titles().get(route, route) for route in file.combination],
        "attempts": [
            Line(
                row=attempt,
                label=labels.ATTEMPTS.get(attempt.status, attempt.status),
                route=stages.titles().get(attempt.route, attempt.route),
            )
            for attempt in file.attempts
        ],
        "checks": [
            Line(
                row=check,
                label=labels.OUTCOMES.get(check.outcome, check.outcome),
                mark=labels.OUTCOME_BADGES.get(check.outcome, "badge-warn"),
            )
            for check in file.checks
        ],
        "timeline": timeline(file.steps),
        "blocked_by": [
            Line(row=reason, label=labels.BLOCKS.get((reason.type, reason.asked_by), reason.type))
            for reason in (file.block.reasons if file.block else ())
        ],
        # Looks by the lender's people and by the person; the regulator's have their own page.
        "looks": [
            Line(row=look, label=labels.LOOKS.get(look.what, look.what)) for look in file.looks
        ],
    }
    return render(request, "oversight/case.html", context)


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def proof_page(request: HttpRequest, verification_id: str) -> HttpResponse:
    """The tlog-proof of the decision, for download and verification elsewhere."""
    try:
        proof = proof_file(person_id=person_of(request), verification_id=verification_id)
    except Conflict as error:
        return _not_ready(request, error)
    return _download(proof.encode(), name=f"{verification_id}.tlog-proof")


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def leaf_page(request: HttpRequest, verification_id: str) -> HttpResponse:
    """The exact bytes that the log hashed for the decision, so that anybody can hash them again."""
    try:
        leaf = leaf_file(person_id=person_of(request), verification_id=verification_id)
    except Conflict as error:
        return _not_ready(request, error)
    return _download(leaf, name=f"{verification_id}.leaf")


@never_cache
@user_passes_test(has_both_factors)
@permission_required(PERMISSION, raise_exception=True)
@require_GET
def checkpoint_page(request: HttpRequest, mode: str) -> HttpResponse:
    """The signed state of a log. A stored one later proves that the log was only appended to."""
    try:
        note = checkpoint_file(person_id=person_of(request), mode=mode)
    except Conflict as error:
        return _not_ready(request, error)
    return _download(note.encode(), name=f"{mode}.checkpoint")


def _not_ready(request: HttpRequest, error: Conflict) -> HttpResponse:
    return render(
        request, "oversight/not_ready.html", {"code": error.code}, status=HTTPStatus.CONFLICT
    )


def _download(content: bytes, *, name: str) -> HttpResponse:
    # For download, not display: log bytes must never be read as markup.
    response = HttpResponse(content, content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
