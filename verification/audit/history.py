"""Reading what the log says, in its order."""

from verification.audit.leaves import spell_leaf
from verification.audit.stored import UNREADABLE, as_bytes
from verification.audit.tree import leaf_hash
from verification.core.errors import LogInconsistent
from verification.models import AuditEntry, AuditLeaf


def told_after(log: str, *, lender_id: str, lender_sequence: int, limit: int) -> list[AuditLeaf]:
    """What a lender is told after a sequence number, in the log's order without a gap.

    Each leaf with its `entry`, and that with its verification, whose case is not read.
    """
    found = AuditLeaf.objects.filter(log=log, told_to=lender_id, lender_sequence__gt=lender_sequence)
    with_case = found.select_related("entry__verification").defer("entry__verification__sealed_case")
    return list(with_case.order_by("lender_sequence")[:limit])


def leaf_bytes(entry: AuditEntry) -> bytes | None:
    """The exact bytes that the log hashed for an entry, or None while it is not ordered.

    Raises `LogInconsistent` if the entry says something else by now.
    """
    leaf = AuditLeaf.objects.filter(entry=entry).first()
    if leaf is None:
        return None
    if (hashed := hashed_bytes(leaf, entry)) is None:
        raise LogInconsistent(f"entry {entry.pk} is not what was hashed at {leaf.leaf_index}: see audit_verify")
    return hashed


def hashed_bytes(leaf: AuditLeaf, entry: AuditEntry) -> bytes | None:
    """The bytes of an entry's leaf, or None if they are not those that were hashed."""
    try:
        spelt = spell_leaf(entry, lender_sequence=leaf.lender_sequence)
    except UNREADABLE:
        return None
    return spelt if leaf_hash(spelt) == as_bytes(leaf.leaf_hash) else None


def timeline(verification_id: str) -> list[AuditEntry]:
    """All that is on record about a verification, oldest first, ordered or not."""
    found = AuditEntry.objects.filter(verification_id=verification_id).select_related("leaf")
    return list(found.order_by("at", "verification_sequence", "id"))
