"""Reading what the log says, in its order."""

from verification.core.errors import LogInconsistent
from verification.course.entry import Entry
from verification.log import tree
from verification.log.damaged import UNREADABLE, as_bytes
from verification.log.signatures import spell_leaf
from verification.models import AuditEntry, AuditLeaf


def leaf_bytes(entry: AuditEntry) -> bytes | None:
    """The exact bytes that the log hashed for an entry, or None while it is not ordered.

    Raises `LogInconsistent` if the entry says something else by now.
    """
    leaf = AuditLeaf.objects.filter(entry=entry).first()
    if leaf is None:
        return None
    if (
        hashed := hashed_bytes(
            entry, lender_sequence=leaf.lender_sequence, leaf_hash=leaf.leaf_hash
        )
    ) is None:
        raise LogInconsistent(
            f"entry {entry.pk} is not what was hashed at {leaf.leaf_index}: see audit_verify"
        )
    return hashed


def hashed_bytes(
    entry: AuditEntry, *, lender_sequence: int | None, leaf_hash: object
) -> bytes | None:
    """The bytes of an entry's leaf, or None if they are not those that were hashed."""
    try:
        spelling = spell_leaf(entry, lender_sequence=lender_sequence)
    except UNREADABLE:
        return None
    return spelling if tree.leaf_hash(spelling) == as_bytes(leaf_hash) else None


def course_entry(entry: AuditEntry, *, is_signed: bool = True) -> Entry:
    """An entry as the course reads it: what is no map of fields has none."""
    body = entry.body if isinstance(entry.body, dict) else {}
    return Entry(entry.pk, entry.type, entry.log, entry.at, body, is_signed, entry.lender_id)
