"""Reading what the log says, in its order."""

from verification.models import AuditEntry, AuditLeaf


def told_after(log: str, *, lender_id: str, lender_sequence: int, limit: int) -> list[AuditLeaf]:
    """What a lender is told after a sequence number, in the log's order without a gap, each leaf with its `entry`."""
    found = AuditLeaf.objects.filter(log=log, lender_id_copy=lender_id, lender_sequence__gt=lender_sequence)
    return list(found.select_related("entry").order_by("lender_sequence")[:limit])


def leaf_of(entry: AuditEntry) -> AuditLeaf | None:
    """The leaf of an entry, or None while it is not ordered."""
    return AuditLeaf.objects.filter(entry=entry).first()


def timeline(verification_id: str) -> list[AuditEntry]:
    """All that is on record about a verification, oldest first, ordered or not."""
    found = AuditEntry.objects.filter(verification_id=verification_id).select_related("leaf")
    return list(found.order_by("at", "verification_sequence", "id"))
