"""What the log refuses to order, for the operator who has to find out who wrote it."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from verification.audit import sequencer
from verification.audit.damaged import readable
from verification.core.errors import Misconfigured
from verification.models import AuditEntry, AuditPending

MOST = 100
"""Refused entries on one page. Ours: what one attack or one missing key leaves before somebody looks."""


@dataclass(frozen=True)
class RefusedEntry:
    """One of them. `why`: as `tick` logs it; empty where it would be ordered by now: it is asked again.

    row_status: what the case's row says. last_ordered, last_index: the case's last entry that has a place in the log,
    which is how far the case has got. held: how many more entries of it wait.
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
    """Up to `MOST` of them, newest first, and whether there are more. None is told to a lender or a borrower."""
    ids = list(AuditPending.objects.filter(refused=True).values_list("pk", flat=True)[: MOST + 1])
    found = AuditEntry.objects.filter(pk__in=ids[:MOST]).select_related("verification")
    # One that cannot even be read is named by `audit_verify`, and counted here.
    entries = list(readable(found.defer("verification__sealed_case").order_by("-at", "-pk")))
    try:
        why = sequencer.faults(AuditEntry.objects.filter(pk__in=[entry.pk for entry in entries]))
    except Misconfigured as fault:
        why = dict.fromkeys((entry.pk for entry in entries), fault.detail)
    of_cases = AuditEntry.objects.filter(verification__in={entry.verification_id for entry in entries} - {None})
    counted = of_cases.values("verification_id").annotate(waiting=Count("pk", filter=Q(leaf=None)))
    held = dict(counted.values_list("verification_id", "waiting"))
    ordered = of_cases.exclude(leaf=None).order_by("leaf__leaf_index")
    last = {pk: (kind, at) for pk, kind, at in ordered.values_list("verification_id", "type", "leaf__leaf_index")}
    refused = []
    for entry in entries:
        case = entry.verification_id or ""
        kind, index = last.get(case, ("", None))
        refused.append(
            RefusedEntry(
                id=entry.pk,
                log=entry.log,
                type=entry.type,
                at=entry.at,
                why=why.get(entry.pk, ""),
                verification_id=case,
                row_status=entry.verification.status if entry.verification else "",
                last_ordered=kind,
                last_index=index,
                held=max(0, held.get(case, 1) - 1),
            )
        )
    return tuple(refused), len(ids) > len(entries)
