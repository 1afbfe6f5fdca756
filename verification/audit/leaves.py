"""What the leaf of an entry says.

A leaf (schema 1) is canonical JSON with integers and strings, absent fields left out:
`schema` 1, `id`, `mode` (the log), `type`, `at` (UTC, microseconds), `verification`, `verification_sequence`, `lender`,
`lender_sequence` and `body`, which says by route, check, outcome, codes, versions and commitments what happened.
"""

from datetime import UTC
from typing import Final

from verification.audit import policy
from verification.core.stored import canonical_json
from verification.models import AuditEntry

SCHEMA: Final = 1


def spell_leaf(entry: AuditEntry, *, lender_sequence: int | None, is_bare: bool = False) -> bytes:
    """The exact bytes of an entry's leaf, which are hashed; lender_sequence: its number for the lender, if it has one.

    is_bare: without `signed`, as it is signed.

    The row is the only place where it is kept: whoever changes its spelling changes the hash of what is on record.
    Raises `ValueError` for a time without a zone or beyond `policy.LEAF_BYTES`, `TypeError` for a body that is no JSON.
    """
    if entry.at.tzinfo is None:
        raise ValueError("a leaf's time has a zone")
    written = {
        "schema": SCHEMA,
        "id": entry.id,
        "mode": entry.log,
        "type": entry.type,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z",
        "verification": entry.verification_id,
        "verification_sequence": entry.verification_sequence,
        "lender": entry.lender_id,
        "lender_sequence": lender_sequence,
        "body": {name: said for name, said in entry.body.items() if name != "signed"} if is_bare else entry.body,
    }
    spelt = canonical_json({name: value for name, value in written.items() if value is not None})
    if len(spelt) > policy.LEAF_BYTES:
        raise ValueError(f"a leaf has at most {policy.LEAF_BYTES} bytes, not {len(spelt)}")
    return spelt
