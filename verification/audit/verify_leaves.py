"""Is every leaf there, once, over what its entry says, with the lender's sequence unbroken?"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast

from verification.audit import signatures
from verification.audit.history import hashed_bytes
from verification.audit.stored import PAGE, Damaged, as_bytes, read, readable
from verification.audit.verify_tree import TreeInspection
from verification.core import events
from verification.core.findings import Finding
from verification.models import AuditEntry, AuditLeaf, EvidenceItem, SharedEvidence

# What a leaf may say of evidence that its row says too.
_CLAIMED: Final = {EvidenceItem: {"kind", "commitment", "sealed_sha256", "size"}, SharedEvidence: {"size"}}


def verify_leaves(log: str, *, size: int, tree: TreeInspection) -> Iterator[Finding]:
    """Findings about the leaves of a log of `size` entries, in their order; `tree` is handed every hash."""
    sequences: dict[str, int] = defaultdict(int)
    for start in range(0, size, PAGE):
        # A page at a time: a log of millions of entries is verified in the memory of one page.
        end = min(start + PAGE, size)
        found = AuditLeaf.objects.filter(log=log, leaf_index__gte=start, leaf_index__lt=end)
        leaves = {leaf.leaf_index: leaf for leaf in readable(found)}
        about = AuditEntry.objects.filter(pk__in=[leaf.entry_id for leaf in leaves.values()])
        if connection.vendor == "sqlite":
            about = about.annotate(body_text=Cast("body", TextField()), at_text=Cast("at", TextField()))
        entries = {entry.pk: entry for entry in read(about)}
        for index in range(start, end):
            leaf = leaves.get(index)
            yield from tree.take(as_bytes(leaf.leaf_hash) if leaf else None)
            if leaf is None:
                yield Finding(code="leaf_missing", log=log, leaf_index=index, detail="there is no such leaf any more")
                continue
            yield from _verify_leaf(leaf, entries.get(leaf.entry_id), sequences)
        yield from _verify_evidence_claims(leaves, entries)
        yield from _verify_signatures(leaves, entries)


def _verify_leaf(leaf: AuditLeaf, entry: AuditEntry | Damaged | None, sequences: dict[str, int]) -> Iterator[Finding]:
    """1 what its entry says has the leaf's hash   2 its number is the next of its lender's."""
    if entry is None:
        yield _finding(leaf, "entry_missing", "the leaf's entry is not there any more")
    elif isinstance(entry, Damaged):
        yield _finding(leaf, "entry_unreadable", "the entry cannot be read")
    else:
        if leaf.told_to != ((entry.lender_id or "") if leaf.lender_sequence else ""):
            detail = "the leaf names another lender to be told than the entry"
            yield _finding(leaf, "lender", detail, field="told_to")
        # SQLite keeps a text as it came, and of a name that stands twice in it reads another value than Python does.
        ours = json.dumps(entry.body), connection.ops.adapt_datetimefield_value(entry.at)
        stands = getattr(entry, "body_text", None), getattr(entry, "at_text", None)
        if hashed_bytes(leaf, entry) is None:
            yield _finding(leaf, "entry_differs", "what the entry says is not what was hashed")
        elif connection.vendor == "sqlite" and stands != ours:
            yield _finding(leaf, "entry_spelled", "the entry's row is not spelled as we spell it")
    # 2. What a lender is told counts 1, 2, 3, … of each lender; nothing else is counted.
    lender, sequence = leaf.told_to, leaf.lender_sequence
    is_counted = sequence is not None
    if isinstance(entry, AuditEntry) and is_counted != bool(entry.lender_id and entry.type in events.TOLD):
        detail = f"an entry of the type {entry.type} is {'' if is_counted else 'not '}counted for its lender"
        yield _finding(leaf, "lender_sequence", detail, field="lender_sequence")
    if not is_counted:
        return
    if not isinstance(lender, str) or not lender or not isinstance(sequence, int):
        yield _finding(leaf, "lender_sequence", "the lender's sequence is not a number", field="lender_sequence")
        return
    if sequence != sequences[lender] + 1:
        detail = f"the sequence of lender {lender} goes from {sequences[lender]} to {sequence}"
        yield _finding(leaf, "lender_sequence", detail, field="lender_sequence")
    # Counted on from what is there: one gap is told once, not at every later entry.
    sequences[lender] = sequence


def _verify_signatures(leaves: Mapping[int, AuditLeaf], entries: Mapping[str, Any]) -> Iterator[Finding]:
    """What only a worker may write, a worker signed."""
    there = {leaf.entry_id: leaf for _, leaf in sorted(leaves.items())}
    written = [entry for entry in entries.values() if isinstance(entry, AuditEntry)]
    for pk, fault in signatures.unsigned(written).items():
        yield _finding(there[pk], "decision_unsigned", fault)


def _verify_evidence_claims(leaves: Mapping[int, AuditLeaf], entries: Mapping[str, Any]) -> Iterator[Finding]:
    """Where a body lists evidence, sealed (`id`) or shared (`sha256`), its rows stand and say the same."""
    claims: list[tuple[AuditLeaf, str, Mapping[str, Any]]] = []
    for _, leaf in sorted(leaves.items()):
        entry = entries.get(leaf.entry_id)
        body = entry.body if isinstance(entry, AuditEntry) and isinstance(entry.body, dict) else {}
        listed = body.get("evidence")
        for claim in listed if isinstance(listed, list) else ():
            name = claim.get("id", claim.get("sha256")) if isinstance(claim, dict) else None
            if isinstance(name, str):
                claims.append((leaf, name, claim))
    # Two statements a page instead of one a claim.
    sealed_names = {name for _, name, claim in claims if "id" in claim}
    shared_names = {name for _, name, claim in claims if "id" not in claim}
    items = {row.pk: row for row in readable(EvidenceItem.objects.filter(pk__in=sealed_names).defer("sealed"))}
    shared = {row.pk: row for row in readable(SharedEvidence.objects.filter(pk__in=shared_names))}
    for leaf, name, claim in claims:
        row = items.get(name) if "id" in claim else shared.get(name)
        if row is None:
            yield _finding(leaf, "evidence_missing", f"the evidence {name} that it lists is not there any more")
            continue
        for column in sorted(claim.keys() & _CLAIMED[type(row)]):
            if claim[column] != getattr(row, column):
                detail = f"the {column} of evidence {name} is not what its leaf says"
                yield _finding(leaf, "evidence_differs", detail, field=column)


def _finding(leaf: AuditLeaf, code: str, detail: str, *, field: str = "") -> Finding:
    return Finding(
        code=code, log=leaf.log, leaf_index=leaf.leaf_index, entry=str(leaf.entry_id), field=field, detail=detail
    )
