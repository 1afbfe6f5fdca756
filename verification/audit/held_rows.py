"""What the tables hold about verifications besides the log, to be compared with what their entries say."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from verification.audit.stored import Damaged, read
from verification.models import (
    Attempt,
    AuditEntry,
    CheckRecord,
    EvidenceItem,
    ReviewVote,
    SharedEvidenceUse,
    Verification,
)


@dataclass(frozen=True)
class Held:
    """One verification, its entries by their sequence, and every row that its entries speak of."""

    verification: Verification
    entries: list[AuditEntry] = field(default_factory=list)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    checks: list[CheckRecord] = field(default_factory=list)
    votes: list[ReviewVote] = field(default_factory=list)
    items: list[EvidenceItem] = field(default_factory=list)
    uses: list[SharedEvidenceUse] = field(default_factory=list)

    def said(self, *types: str, naming: str) -> Iterator[tuple[AuditEntry, dict[str, Any]]]:
        """The entries of these types with their bodies, where the body names `naming`; others say nothing of rows."""
        for entry in self.entries:
            if entry.type in types and isinstance(entry.body, dict) and naming in entry.body:
                yield entry, entry.body


def load(ids: Sequence[str]) -> dict[str, Held]:
    """What is held about these verifications; one whose own row cannot be read is left out, as is any such row."""
    rows = _good(Verification.objects.filter(pk__in=ids).defer("sealed_case").order_by("pk"))
    held = {row.pk: Held(verification=row) for row in rows}
    owners: dict[str, str] = {}
    for attempt in _good(Attempt.objects.filter(verification_id__in=ids).defer("sealed_memory").order_by("turn", "pk")):
        owners[attempt.pk] = attempt.verification_id
        if attempt.verification_id in held:
            held[attempt.verification_id].attempts[attempt.pk] = attempt
    of_attempts = {"attempt__verification_id__in": ids}
    checks = _by_attempt(CheckRecord.objects.filter(**of_attempts).defer("sealed_detail").order_by("pk"), owners)
    votes = _by_attempt(ReviewVote.objects.filter(**of_attempts).order_by("pk"), owners)
    uses = _by_attempt(SharedEvidenceUse.objects.filter(**of_attempts).order_by("pk"), owners)
    entries = AuditEntry.objects.filter(verification_id__in=ids).order_by("verification_sequence", "pk")
    items = EvidenceItem.objects.filter(verification_id__in=ids).order_by("pk")
    own_entries, own_items = _by_verification(entries), _by_verification(items)
    for pk, one in held.items():
        one.entries.extend(own_entries[pk])
        one.checks.extend(checks[pk])
        one.votes.extend(votes[pk])
        one.items.extend(own_items[pk])
        one.uses.extend(uses[pk])
    return held


def _by_verification(query: QuerySet[Any, Any]) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = defaultdict(list)
    for row in _good(query):
        rows[row.verification_id].append(row)
    return rows


def _by_attempt(query: QuerySet[Any, Any], owners: dict[str, str]) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = defaultdict(list)
    for row in _good(query):
        rows[owners.get(row.attempt_id, "")].append(row)
    return rows


def _good(query: QuerySet[Any, Any]) -> Iterator[Any]:
    return (row for row in read(query) if not isinstance(row, Damaged))
