"""What entries say against the rows they speak of; then the rows of which no entry speaks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from verification.audit.held_rows import Held
from verification.core.findings import Finding
from verification.models import AuditEntry

Pair = tuple[str, Any, Any]
"""A field, what the entry says and what the row holds."""
Said = tuple[AuditEntry, Any, str, list[Pair] | None]
"""An entry, the key and the name of the row it speaks of, and what it says of it; None where there is no such row."""


def reconcile(log: str, held: Held, said: Sequence[Said], rows: Mapping[Any, str]) -> Iterator[Finding]:
    """Findings about rows of one verification; `rows`: the name of each by its key."""
    for entry, _, name, pairs in said:
        if pairs is None:
            detail = f"the {name} that this entry speaks of is not there any more"
            yield Finding(code="row_missing", log=log, entry=entry.pk, detail=detail)
        for field, says, holds in pairs or ():
            if says != holds:
                detail = f"the {field} of {name} is not what this entry says"
                yield Finding(code="row_differs", log=log, entry=entry.pk, field=field, detail=detail)
    for key in sorted(rows.keys() - {key for _, key, _, _ in said}, key=str):
        detail = f"verification {held.verification.pk} holds the {rows[key]}, of which no entry speaks"
        yield Finding(code="row_unsaid", log=log, detail=detail)


def differs(log: str, held: Held, field: str, detail: str, *, entry: str = "") -> Finding:
    """The finding that a column of this verification is not what its entries lead to."""
    detail = f"verification {held.verification.pk}: {detail}"
    return Finding(code="row_differs", log=log, entry=entry, field=field, detail=detail)


def named(body: Mapping[str, Any], **holds: Any) -> list[Pair]:
    """The pairs of those fields that a body names."""
    return [(field, body[field], value) for field, value in holds.items() if field in body]


def spelled(column: object) -> str:
    """A binary column or a time as bodies spell it; empty for none."""
    if isinstance(column, bytes | bytearray | memoryview):  # PostgreSQL hands out a memoryview, SQLite bytes
        return bytes(column).hex()
    return str(column.isoformat()) if hasattr(column, "isoformat") else ""
