"""Reading what the log says, in its order."""

from collections.abc import Collection

from verification.models import AuditEntry, AuditLeaf


def entries_after(
    log: str, *, lender_id: str, lender_sequence: int, limit: int, types: Collection[str] | None = None
) -> list[AuditLeaf]:
    """A lender's ordered entries after a sequence number, oldest first, each leaf with its `entry`.

    `types`: only these. A cursor moves to the last `lender_sequence` returned; gaps are entries of other types.
    """
    found = AuditLeaf.objects.filter(log=log, lender_id_copy=lender_id, lender_sequence__gt=lender_sequence)
    if types is not None:
        found = found.filter(entry__type__in=types)
    return list(found.select_related("entry").order_by("lender_sequence")[:limit])


def leaf_of(entry: AuditEntry) -> AuditLeaf | None:
    """The leaf of an entry, or None while it is not ordered."""
    return AuditLeaf.objects.filter(entry=entry).first()


def timeline(verification_id: str) -> list[AuditEntry]:
    """All that is on record about a verification, oldest first, ordered or not."""
    found = AuditEntry.objects.filter(verification_id=verification_id).select_related("leaf")
    return list(found.order_by("at", "verification_sequence", "id"))
