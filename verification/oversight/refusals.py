"""What the log refuses to order, for the operator who has to find out who wrote it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from verification.log import entries
from verification.models import AuditEntry

MOST = 100
"""Refused entries on one page. Ours: what one attack or one missing key leaves before somebody
looks.
"""


@dataclass(frozen=True)
class RefusedEntry:
    """One of them. `why`: as `tick` logs it; empty where it would be ordered by now: it is asked
    again.

    row_status: what the case's row says. last_ordered, last_index: the case's last entry that has a
    place in the log, which is how far the case has got. held: how many more entries of it wait.
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
    """Up to `MOST` of them, newest first, and whether there are more. None is told to a lender or a
    borrower.
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
    # One that cannot even be read is named by `audit_verify`, and counted here.
    return tuple(listed), entries.waiting(are_refused=True) > len(listed)
