"""Has every row its owner? Counts over the rows of both logs come behind."""

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import Exists, Model, OuterRef

from verification.core.findings import Finding
from verification.log.damaged import UNREADABLE
from verification.log.verify_counts import verify_counts
from verification.models import (
    Access,
    Attempt,
    AuditEntry,
    CaptureWord,
    Clearance,
    DataKey,
    EvidenceItem,
    ReviewVote,
    SharedEvidenceUse,
    Verification,
)

_PARENTS: Final[tuple[tuple[type[Model], str, type[Model]], ...]] = (
    (Attempt, "verification", Verification),
    (EvidenceItem, "verification", Verification),
    (AuditEntry, "verification", Verification),
    (DataKey, "verification", Verification),
    (Access, "verification", Verification),
    (Clearance, "verification", Verification),
    (EvidenceItem, "attempt", Attempt),
    (SharedEvidenceUse, "attempt", Attempt),
    (ReviewVote, "attempt", Attempt),
    (CaptureWord, "attempt", Attempt),
)


def verify_parents() -> Iterator[Finding]:
    """Rows of both modes whose verification or attempt was taken away from under them; then counts
    over all of them.
    """
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
