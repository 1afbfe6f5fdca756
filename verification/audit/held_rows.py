"""What the tables hold about a verification, and how much earlier its due times are.

What becomes due of a test verification comes earlier by as much as its entries advanced its clock; those of a live log
move nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Model, QuerySet

from verification.audit.damaged import readable
from verification.core.events import ADVANCED
from verification.core.findings import Finding
from verification.course import policy
from verification.models import (
    Attempt,
    AuditEntry,
    BorrowerSession,
    CaptureWord,
    Clearance,
    DataKey,
    EvidenceItem,
    HandOver,
    Link,
    MobileSigning,
    Receipt,
    ReviewVote,
    SharedEvidenceUse,
    Verification,
)

_WAYS: Final = (Link, BorrowerSession, MobileSigning, HandOver, Clearance)
"""Tables whose rows are held by the name of the table."""


@dataclass(frozen=True)
class Held:
    """One verification, its entries by their sequence, and every row that its entries speak of."""

    verification: Verification
    entries: list[AuditEntry] = field(default_factory=list)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    votes: list[ReviewVote] = field(default_factory=list)
    items: list[EvidenceItem] = field(default_factory=list)
    uses: list[SharedEvidenceUse] = field(default_factory=list)
    words: dict[str, list[int]] = field(default_factory=dict)
    ways: list[Model] = field(default_factory=list)
    keys: list[DataKey] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)

    @property
    def key(self) -> DataKey | None:
        """The key of its evidence, wrapped or destroyed."""
        return self.keys[0] if self.keys else None

    def rows(self, table: str) -> list[Any]:
        """The rows of one table."""
        rows = (
            self.verification,
            *self.attempts.values(),
            *self.votes,
            *self.items,
            *self.uses,
            *self.receipts,
            *self.ways,
        )
        return [row for row in rows if row._meta.db_table == table]

    def said(self, *types: str, naming: str) -> Iterator[tuple[AuditEntry, dict[str, Any]]]:
        """The entries of these types with their bodies, where the body names `naming`; others say nothing of rows."""
        for entry in self.entries:
            if entry.type in types and isinstance(entry.body, dict) and naming in entry.body:
                yield entry, entry.body


_List = tuple[QuerySet[Any, Any], Mapping[str, Held], str, str]
"""Rows, whose they are by an id, which of their columns that is, and where they are held."""


def load(ids: Sequence[str], *, is_whole: bool = True) -> dict[str, Held]:
    """What is held about these verifications; one whose own row cannot be read is left out, as is any such row.

    is_whole: also what decides no end: evidence, words, ways in, keys and receipts.
    """
    # Sealed columns are left where they are: they are large, and what they seal is compared elsewhere.
    rows = readable(Verification.objects.filter(pk__in=ids).defer("sealed_case").order_by("pk"))
    held = {row.pk: Held(verification=row) for row in rows}
    owners: dict[str, Held] = {}
    attempts = Attempt.objects.filter(verification_id__in=ids).defer("sealed_memory").order_by("turn", "pk")
    for attempt in readable(attempts):
        if one := held.get(attempt.verification_id):
            owners[attempt.pk] = one
            one.attempts[attempt.pk] = attempt
    of_attempts, own, pks = "attempt_id", "verification_id", list(held)
    votes = ReviewVote.objects.filter(attempt__verification_id__in=ids).order_by("pk")
    entries = AuditEntry.objects.filter(verification_id__in=pks).order_by("verification_sequence", "pk")
    lists: list[_List] = [(votes, owners, of_attempts, "votes"), (entries, held, own, "entries")]
    if is_whole:
        uses = SharedEvidenceUse.objects.filter(attempt__in=list(owners)).order_by("pk")
        items = EvidenceItem.objects.filter(verification_id__in=pks).defer("sealed", "wrapped_key").order_by("pk")
        lists += [(uses, owners, of_attempts, "uses"), (items, held, own, "items")]
        for table in _WAYS:
            lists.append((table._default_manager.filter(verification_id__in=pks).order_by("pk"), held, own, "ways"))
        lists.append((DataKey.objects.filter(pk__in=pks), held, own, "keys"))
        lists.append((Receipt.objects.filter(pk__in=pks), held, own, "receipts"))
        for attempt_id, word in CaptureWord.objects.filter(attempt__in=list(owners)).values_list("attempt_id", "word"):
            owners[attempt_id].words.setdefault(attempt_id, []).append(word)
    for found, whose, by, name in lists:
        for row in readable(found):
            if one := whose.get(getattr(row, by)):
                getattr(one, name).append(row)
    return held


def differs(log: str, held: Held, field: str, detail: str, *, entry: str = "") -> Finding:
    """The finding that a column of this verification is not what its entries lead to."""
    detail = f"verification {held.verification.pk}: {detail}"
    return Finding(code="row_differs", log=log, entry=entry, field=field, detail=detail)


def advanced_since(entry: AuditEntry | None, entries: Iterable[AuditEntry]) -> timedelta:
    """By how much those after `entry` among the entries of its verification advance what is due of it; all for None.

    Nothing of a live log does, nor what says no time that is allowed.
    """
    first = (entry.verification_sequence or 0) if entry is not None else 0
    later = (one for one in entries if one.type == ADVANCED and (one.verification_sequence or 0) > first)
    bodies = (one.body for one in later if one.log == policy.TEST_LOG and isinstance(one.body, dict))
    seconds = (body.get("advance_seconds") for body in bodies)
    lawful = (each for each in seconds if type(each) is int and 1 <= each <= policy.ADVANCE_SECONDS_MAX)
    return timedelta(seconds=sum(lawful))


def earlier(time: str, by: timedelta) -> str:
    """A time as a body spells it, so much earlier; what is no time stays as it is."""
    try:
        return (datetime.fromisoformat(time) - by).isoformat() if by else time
    except (OverflowError, ValueError):
        return time
