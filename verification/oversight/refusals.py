"""Entries that the log refuses to order, for the operator who must find their writer."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from verification.log import entries
from verification.models import AuditEntry

MOST = 100
"""Refused entries per page. Ours: the trace of one attack or one missing key before it is
noticed.
"""


@dataclass(frozen=True)
class RefusedEntry:
    """One refused entry. `why`: as `tick` logs it; empty if it would be ordered now, and will be
    tried again.

    row_status: of the case's row. last_ordered, last_index: the case's last entry with a place in
    the log.
    held: how many more entries of the case wait.
    """

    id: str
    log: str
    type: str
    at: datetime
    why: str
    verification_id: str
    row_status: str
    last_ordered: str
    last_index: int | None
    held: int


def refused_entries() -> tuple[tuple[RefusedEntry, ...], bool]:
    """Up to `MOST` of them, newest first, and whether there are more. Lenders and borrowers
    never see them.
    """
    newest_first = entries.refusals(limit=MOST)
    cases = {entry.verification_id for entry, _ in newest_first if entry.verification_id}
    waiting, last = Counter[str](), dict[str, AuditEntry]()
    for entry in entries.of_cases(cases, with_leaf=True, skips_damaged=True):
        case = str(entry.verification_id)
        if (leaf := getattr(entry, "leaf", None)) is None:
            waiting[case] += 1
        elif case not in last or leaf.leaf_index > last[case].leaf.leaf_index:
            last[case] = entry
    listed = []
    for entry, why in newest_first:
        case = entry.verification_id or ""
        newest = last.get(case)
        listed.append(
            RefusedEntry(
                id=entry.pk,
                log=entry.log,
                type=entry.type,
                at=entry.at,
                why=why,
                verification_id=case,
                row_status=entry.verification.status if entry.verification else "",
                last_ordered=newest.type if newest else "",
                last_index=newest.leaf.leaf_index if newest else None,
                held=max(0, waiting[case] - 1),
            )
        )
    # An unreadable one is reported by `audit_verify`, and counted here.
    return tuple(listed), entries.waiting(are_refused=True) > len(listed)
