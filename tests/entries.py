"""What entries of the log say, beside by whom they were signed."""

from typing import Any

from verification.core import events
from verification.models import AuditEntry

SIGNED = frozenset(
    name for name, entry in events.ENTRY_TYPES.items() if entry.signed == (events.WORKER,)
)
"""What only a worker writes: judgements, what people's votes led to, and every end but a lender's
own.
"""


def body_of(entry: AuditEntry) -> dict[str, Any]:
    """The body without its signature, which the transaction's first entry holds."""
    return {name: value for name, value in entry.body.items() if name != "signed"}
