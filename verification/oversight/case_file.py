"""What a regulator sees of one case, and the files to verify it with. Every reading is logged as in
`search`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from verification import transactions
from verification.case import contents
from verification.case.checks import CheckView, check_views
from verification.case.retention import Retention, retention_of
from verification.core import reasons
from verification.core.errors import BadInput, Conflict, LogInconsistent, Misconfigured
from verification.core.events import DECISIONS, RENEWED
from verification.core.status import TERMINAL
from verification.log import decided, entries, keys, proofs, signatures
from verification.log.entries import Look as Look
from verification.models import Attempt, AuditEntry, EvidenceItem, SharedEvidenceUse, Verification
from verification.oversight.search import MODES, SearchResult, Step, found_of, note_reading, step_of


@dataclass(frozen=True)
class AttemptView:
    """One dialogue at one stage. `status`: open, judging, or how it ended; `burnt`: it used up one
    of the tries.
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
    """That an original was kept, and what stands for it in the log; never its content.

    `id`: as entries list it. `commitment` and `sealed_sha256` are hex; `commitment` is empty for
    evidence about nobody, which has only its hash. `destroyed_at`: when its key was destroyed by
    rule.
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
    """One case on one page, without images and without personal data.

    `log_key`: the public key of its log as verifiers are given it (C2SP signed-note); empty where
        none is set.
    """

    found: SearchResult
    lender_detail: str
    profile_id: str
    profile_sha256: str
    combination: tuple[str, ...]
    expires_at: datetime
    redacted_at: datetime | None
    disputed_at: datetime | None
    retention: Retention
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
        """Whether the lender told of an obligation, and no clearance was consumed."""
        is_consumed = any(step.type == "clearance.consumed" for step in self.steps)
        return self.retention.obligation_opened_at is not None and not is_consumed

    @property
    def is_decision_ordered(self) -> bool:
        """Whether the decision has its place in the log, so that there is a proof of it."""
        return self.found.is_told and self.found.status in TERMINAL


def case_file(*, person_id: str, verification_id: str) -> CaseFile:
    """All that is on record about a case, in order, and an `oversight.viewed` entry; raises
    `NotFound`.
    """
    with transactions.writing():
        row = contents.of_any_lender(verification_id)
        attempts = list(Attempt.objects.filter(verification=row).order_by("opened_at", "turn"))
        numbers = {attempt.pk: number for number, attempt in enumerate(attempts, start=1)}
        found = found_of(row, decided.status_of(row))
        on_record = entries.of_cases([row.pk], with_leaf=True)
        # No reason for no code, and none for one that a later version of the table no longer has.
        reason = reasons.REASONS.get(found.code)
        # A new consent that no entry names is none: nobody asked for that row.
        told = [entry.body for entry in on_record if entry.type == RENEWED]
        named = {str(body.get("renewal")) for body in told if isinstance(body, dict)}
        renewals = Verification.objects.filter(pk__in=named).order_by("created_at")
        file = CaseFile(
            found=found,
            lender_detail=reason.lender_detail if reason else "",
            profile_id=row.profile_id,
            profile_sha256=row.profile_sha256,
            combination=tuple(row.combination),
            expires_at=row.expires_at,
            redacted_at=row.redacted_at,
            disputed_at=row.disputed_at,
            retention=retention_of(row),
            renews=row.renews_id or "",
            renewals=tuple(renewals.values_list("pk", flat=True)),
            contract_signed_at=row.contract_signed_at,
            release_not_before=row.release_not_before,
            attempts=tuple(
                AttemptView(number=number, **{name: getattr(one, name) for name in _OF_ATTEMPT})
                for number, one in enumerate(attempts, start=1)
            ),
            checks=check_views(row, key=None),
            evidence=_evidence(row, numbers=numbers),
            steps=tuple(step_of(entry) for entry in on_record),
            looks=entries.looks_at(row),
            log_key=_log_key(row.mode),
        )
        _note(row, person_id=person_id, what="case")
    return file


def proof_file(*, person_id: str, verification_id: str) -> str:
    """The C2SP tlog-proof of the decision, with the newest checkpoint in it, and an
    `oversight.viewed` entry.

    Raises `NotFound`, `Conflict` `receipt_not_ready` while there is no decision or it has no place
    in the log, and `LogInconsistent` for one that is not proven.
    """
    with transactions.writing():
        row = contents.of_any_lender(verification_id)
        proof = proofs.proof_for(_decision(row).pk)
        if proof is None:
            raise _unordered()
        _note(row, person_id=person_id, what="proof")
    return proof


def leaf_file(*, person_id: str, verification_id: str) -> bytes:
    """The exact bytes that the log hashed for the decision, and an `oversight.viewed` entry; raises
    as `proof_file`.
    """
    with transactions.writing():
        row = contents.of_any_lender(verification_id)
        leaf = signatures.leaf_bytes(_decision(row))
        if leaf is None:
            raise _unordered()
        _note(row, person_id=person_id, what="leaf")
    return leaf


def checkpoint_file(*, person_id: str, mode: str) -> str:
    """The newest signed checkpoint of a mode's log, and an `oversight.viewed` entry.

    Raises `BadInput` for another mode, `Conflict` `receipt_not_ready` while the log is empty.
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
    for other in entries.of_cases([row.pk], types=DECISIONS, with_leaf=True):
        if getattr(other, "leaf", None) is not None:
            detail = f"entry {other.pk} is not what was hashed, or nobody signed it"
            raise LogInconsistent(f"{detail}: see audit_verify")
    raise _unordered()


def _unordered() -> Conflict:
    return Conflict("the decision has no place in the log yet", code="receipt_not_ready")


def _note(row: Verification, *, person_id: str, what: str) -> None:
    # The id stands in the body only: as the entry's own verification it would count among the
    # case's events.
    body = {"what": what, "verification": row.pk}
    note_reading("oversight.viewed", mode=row.mode, person_id=person_id, body=body)


def _log_key(mode: str) -> str:
    try:
        return str(keys.verification_key(mode))
    except Misconfigured:  # a case can be read where the log cannot be signed
        return ""


def _evidence(row: Verification, *, numbers: dict[str, int]) -> tuple[EvidenceView, ...]:
    own = [
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
    return (*own, *shared)
