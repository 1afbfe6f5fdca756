"""Is every leaf there, once, over what its entry says, with the lender's sequence unbroken?"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.db.models import QuerySet

from verification.audit.leaf import differences
from verification.audit.log import leaf_of_entry
from verification.audit.stored import PAGE, UNREADABLE, Damaged, as_bytes, read
from verification.audit.tree import leaf_hash
from verification.audit.verify_tree import TreeInspection
from verification.core.findings import Finding
from verification.models import AuditEntry, AuditLeaf, EvidenceItem, SharedEvidence

_CLAIMED: Final = {
    EvidenceItem: {"kind", "commitment", "sealed_sha256", "size"},
    SharedEvidence: {"size"},
}
"""What a leaf may say of evidence that its row says too."""


def verify_leaves(log: str, *, size: int, tree: TreeInspection) -> Iterator[Finding]:
    """Findings about the leaves of a log of `size` entries, in their order; `tree` is handed every hash."""
    sequences: dict[str, int] = defaultdict(int)
    for start in range(0, size, PAGE):
        leaves = _leaves(log, start, min(start + PAGE, size))
        entries = {
            row.pk: row for row in read(AuditEntry.objects.filter(pk__in=[row.entry_id for row in leaves.values()]))
        }
        for index in range(start, min(start + PAGE, size)):
            leaf = leaves.get(index)
            if leaf is None:
                yield from tree.take(None)
                yield Finding(code="leaf_missing", log=log, leaf_index=index, detail="there is no such leaf any more")
                continue
            yield from tree.take(leaf_hash(as_bytes(leaf.leaf)))
            yield from _verify_leaf(leaf, entries.get(leaf.entry_id))
            yield from _verify_sequence(leaf, sequences)
        yield from _verify_evidence_claims(leaves, entries)


def _leaves(log: str, start: int, end: int) -> dict[int, AuditLeaf]:
    found = AuditLeaf.objects.filter(log=log, leaf_index__gte=start, leaf_index__lt=end)
    return {row.leaf_index: row for row in read(found) if not isinstance(row, Damaged)}


def _verify_leaf(leaf: AuditLeaf, entry: AuditEntry | Damaged | None) -> Iterator[Finding]:
    if as_bytes(leaf.leaf_hash) != leaf_hash(as_bytes(leaf.leaf)):
        yield _finding(leaf, "leaf_hash", "the stored hash is not that of the leaf's bytes", field="leaf_hash")
    if entry is None:
        yield _finding(leaf, "entry_missing", "the leaf's entry is not there any more")
        return
    if isinstance(entry, Damaged):
        yield _finding(leaf, "entry_unreadable", "the entry cannot be read")
        return
    if leaf.lender_id_copy != (entry.lender_id or ""):
        yield _finding(leaf, "lender", "the leaf's row names another lender than the entry", field="lender_id_copy")
    try:
        different = differences(as_bytes(leaf.leaf), leaf_of_entry(entry, lender_sequence=leaf.lender_sequence))
    except UNREADABLE:
        different = ["leaf"]
    for name in different:
        yield _finding(leaf, "entry_differs", f"the entry's {name} is not what its leaf says", field=name)


def _verify_sequence(leaf: AuditLeaf, sequences: dict[str, int]) -> Iterator[Finding]:
    """Each lender's entries count 1, 2, 3, …; those of no lender are not counted."""
    lender, sequence = leaf.lender_id_copy, leaf.lender_sequence
    if not lender and sequence is None:
        return
    if not isinstance(lender, str) or not isinstance(sequence, int):
        yield _finding(leaf, "lender_sequence", "the lender's sequence is not a number", field="lender_sequence")
        return
    if sequence != sequences[lender] + 1:
        detail = f"the sequence of lender {lender} goes from {sequences[lender]} to {sequence}"
        yield _finding(leaf, "lender_sequence", detail, field="lender_sequence")
    sequences[lender] = sequence


def _verify_evidence_claims(leaves: Mapping[int, AuditLeaf], entries: Mapping[str, Any]) -> Iterator[Finding]:
    """Where a body lists evidence, sealed (`id`) or shared (`sha256`), its rows stand and say the same."""
    claims = [(leaf, claim) for _, leaf in sorted(leaves.items()) for claim in _claims(entries.get(leaf.entry_id))]
    items = _by_key(EvidenceItem.objects.filter(pk__in=_texts(claims, "id")))
    shared = _by_key(SharedEvidence.objects.filter(pk__in=_texts(claims, "sha256")))
    for leaf, claim in claims:
        name = str(claim.get("id", claim.get("sha256")))
        row = items.get(name) if "id" in claim else shared.get(name)
        if row is None:
            yield _finding(leaf, "evidence_missing", f"the evidence {name} that it lists is not there any more")
            continue
        for column in sorted(claim.keys() & _CLAIMED[type(row)]):
            if claim[column] != getattr(row, column):
                detail = f"the {column} of evidence {name} is not what its leaf says"
                yield _finding(leaf, "evidence_differs", detail, field=column)


def _claims(entry: object) -> list[dict[str, Any]]:
    body = entry.body if isinstance(entry, AuditEntry) and isinstance(entry.body, dict) else {}
    listed = body.get("evidence")
    found = [claim for claim in listed if isinstance(claim, dict)] if isinstance(listed, list) else []
    return [claim for claim in found if isinstance(claim.get("id", claim.get("sha256")), str)]


def _texts(claims: Sequence[tuple[AuditLeaf, Mapping[str, Any]]], name: str) -> set[str]:
    return {claim[name] for _, claim in claims if isinstance(claim.get(name), str)}


def _by_key(query: QuerySet[Any, Any]) -> dict[str, Any]:
    return {row.pk: row for row in read(query) if not isinstance(row, Damaged)}


def _finding(leaf: AuditLeaf, code: str, detail: str, *, field: str = "") -> Finding:
    return Finding(
        code=code, log=leaf.log, leaf_index=leaf.leaf_index, entry=str(leaf.entry_id), field=field, detail=detail
    )
