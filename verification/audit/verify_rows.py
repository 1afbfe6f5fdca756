"""Do the tables hold what the log says of attempts, checks, evidence and the verification itself?"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final

from django.db.models import Exists, Model, OuterRef, Q

from verification.audit.compare_rows import compare
from verification.audit.damaged import UNREADABLE, names
from verification.audit.held_rows import load
from verification.audit.spread import spread
from verification.audit.verify_counts import verify_counts
from verification.core.findings import Finding
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
    ReviewVote,
    SharedEvidenceUse,
    Verification,
)

_PAGE: Final = 100  # verifications in memory at a time; each brings some dozens of rows
_LOOKS: Final = 5  # how often a verification is looked at that is moving while we look

_PARENTS: Final[tuple[tuple[type[Model], str, type[Model]], ...]] = (
    (Attempt, "verification", Verification),
    (EvidenceItem, "verification", Verification),
    (AuditEntry, "verification", Verification),
    (DataKey, "verification", Verification),
    (Link, "verification", Verification),
    (BorrowerSession, "verification", Verification),
    (MobileSigning, "verification", Verification),
    (HandOver, "verification", Verification),
    (Clearance, "verification", Verification),
    (EvidenceItem, "attempt", Attempt),
    (SharedEvidenceUse, "attempt", Attempt),
    (ReviewVote, "attempt", Attempt),
    (CaptureWord, "attempt", Attempt),
)


def verify_rows(log: str, *, processes: int = 1) -> Iterator[Finding]:
    """Findings about every verification of a log: rows changed, taken away or added behind the log's back."""
    in_log = Exists(AuditEntry.objects.filter(verification=OuterRef("pk"), log=log))
    pages = names(Verification.objects.filter(Q(mode=log) | in_log), by="pk", most=_PAGE)
    yield from spread(partial(_verify_page, log), pages, processes=processes)


def _verify_page(log: str, ids: Sequence[str]) -> Iterator[Finding]:
    """The findings about some verifications; of one about which there are any, read while it stood still.

    Rows are read one table after the other, and a worker may move the verification meanwhile. Whatever of it an entry
    tells counts that entry in the row, in the same transaction: where the count did not move, nothing of it did.
    """
    every = load(ids)
    for pk in ids:
        if pk in every and next(compare(log, every[pk]), None) is None:
            continue
        found: list[Finding] = []
        for _ in range(_LOOKS):
            held = load([pk]).get(pk)
            if held is None:
                detail = f"the row of verification {pk} cannot be read"
                found = [Finding(code="unreadable", log=log, detail=detail)]
                break
            found = list(compare(log, held))
            now = Verification.objects.filter(pk=pk).values_list("sequence", flat=True).first()
            if now == held.verification.sequence:
                break
        yield from found


def verify_parents() -> Iterator[Finding]:
    """Rows of both modes whose verification or attempt was taken away from under them; then counts over all of them."""
    for child, column, parent in _PARENTS:
        manager: Any = child._default_manager
        there = Exists(parent._default_manager.filter(pk=OuterRef(f"{column}_id")))
        orphans = manager.filter(~there, **{f"{column}__isnull": False}).order_by("pk")
        word = str(child._meta.verbose_name)
        try:
            for pk, name in orphans.values_list("pk", f"{column}_id").iterator():
                detail = f"the {column} {name} of {word} {pk} is not there any more"
                entry = pk if child is AuditEntry else ""
                yield Finding(code="row_missing", entry=entry, field=column, detail=detail)
        except UNREADABLE as error:
            detail = f"the rows of {word} cannot be read further ({type(error).__name__})"
            yield Finding(code="unreadable", detail=detail)
    yield from verify_counts()
