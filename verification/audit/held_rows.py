"""What the tables hold about verifications besides the log, to be compared with what their entries say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from verification.audit.stored import readable
from verification.models import (
    Attempt,
    AuditEntry,
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
    # Sealed columns are left where they are: they are large, and what they seal is compared elsewhere.
    rows = readable(Verification.objects.filter(pk__in=ids).defer("sealed_case").order_by("pk"))
    held = {row.pk: Held(verification=row) for row in rows}
    owners: dict[str, Held] = {}
    attempts = Attempt.objects.filter(verification_id__in=ids).defer("sealed_memory").order_by("turn", "pk")
    for attempt in readable(attempts):
        if one := held.get(attempt.verification_id):
            owners[attempt.pk] = one
            one.attempts[attempt.pk] = attempt
    of_attempts = {"attempt__verification_id__in": ids}
    for vote in readable(ReviewVote.objects.filter(**of_attempts).order_by("pk")):
        if one := owners.get(vote.attempt_id):
            one.votes.append(vote)
    for use in readable(SharedEvidenceUse.objects.filter(**of_attempts).order_by("pk")):
        if one := owners.get(use.attempt_id):
            one.uses.append(use)
    entries = AuditEntry.objects.filter(verification_id__in=ids).order_by("verification_sequence", "pk")
    for entry in readable(entries):
        if one := held.get(entry.verification_id or ""):
            one.entries.append(entry)
    sealed = ("sealed", "wrapped_key")
    for item in readable(EvidenceItem.objects.filter(verification_id__in=ids).defer(*sealed).order_by("pk")):
        if one := held.get(item.verification_id):
            one.items.append(item)
    return held
