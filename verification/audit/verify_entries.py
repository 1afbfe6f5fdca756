"""What entries say about each other: nothing lost, sequences unbroken, one decision, and a status that fits it."""

from collections.abc import Iterator

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import Lag

from verification.core.events import DECISIONS
from verification.core.findings import Finding
from verification.core.status import TERMINAL
from verification.models import AuditEntry, AuditHead, AuditPending, Verification

_PREFIX = "verification."


def verify_entries(log: str) -> Iterator[Finding]:
    """Findings about the entries of a log that concern more than one of them; the database does the comparing."""
    entries = AuditEntry.objects.filter(log=log)
    waiting = Exists(AuditPending.objects.filter(entry=OuterRef("pk")))
    for pk in _ids(entries.filter(~waiting, leaf__isnull=True)):
        yield _finding(log, "entry_lost", "the entry has no leaf and does not wait for one", entry=pk)
    for pk in _ids(entries.filter(waiting, leaf__isnull=False)):
        yield _finding(log, "entry_waits", "the entry has a leaf and waits for another", entry=pk)
    head = Subquery(AuditHead.objects.filter(log=log).values("size"))
    for pk in _ids(entries.filter(~Q(leaf__log=log) | Q(leaf__leaf_index__gte=head), leaf__isnull=False)):
        yield _finding(log, "leaf_misplaced", "the entry's leaf stands in another log or beyond the head", entry=pk)
    yield from _verify_sequences(log, entries.filter(verification__isnull=False, verification_sequence__isnull=False))
    yield from _verify_decisions(log, entries.filter(type__in=DECISIONS))


def _verify_sequences(log: str, entries: QuerySet[AuditEntry, AuditEntry]) -> Iterator[Finding]:
    counted = entries.values("verification_id").annotate(
        number=Count("pk"), least=Min("verification_sequence"), most=Max("verification_sequence")
    )
    broken = counted.filter(~Q(least=1) | ~Q(most=F("number"))).order_by("verification_id")
    for row in broken.iterator():
        detail = (
            f"verification {row['verification_id']} has {row['number']} entries, "
            f"numbered from {row['least']} to {row['most']}: one is missing or was added"
        )
        yield _finding(log, "verification_sequence", detail, field="verification_sequence")
    before = Window(
        Lag("verification_sequence"), partition_by=F("verification_id"), order_by=F("leaf__leaf_index").asc()
    )
    ordered = entries.filter(leaf__isnull=False).annotate(before=before)
    for entry in ordered.filter(before__gt=F("verification_sequence")).values_list("pk", flat=True):
        detail = "the entry stands in the log after a later one of its verification"
        yield _finding(log, "verification_order", detail, entry=entry, field="verification_sequence")


def _verify_decisions(log: str, decisions: QuerySet[AuditEntry, AuditEntry]) -> Iterator[Finding]:
    twice = decisions.values("verification_id").annotate(number=Count("pk")).filter(number__gt=1)
    for row in twice.order_by("verification_id").iterator():
        detail = f"verification {row['verification_id']} has {row['number']} decisions"
        yield _finding(log, "decisions", detail, field="type")
    told = decisions.values_list("pk", "type", "verification_id", "verification__status")
    for pk, decision, verification, status in told.iterator():
        if decision != f"{_PREFIX}{status}":
            said = decision.removeprefix(_PREFIX)
            detail = f"verification {verification} stands as {status}, but the log decided {said}"
            yield _finding(log, "status", detail, entry=pk, field="status")
    decided = Exists(AuditEntry.objects.filter(verification=OuterRef("pk"), type__in=DECISIONS))
    undecided = Verification.objects.filter(~decided, mode=log, status__in=TERMINAL).order_by("pk")
    for pk, status in undecided.values_list("pk", "status").iterator():
        yield _finding(log, "undecided", f"verification {pk} stands as {status}, but the log decided nothing")


def _ids(entries: QuerySet[AuditEntry, AuditEntry]) -> Iterator[str]:
    return entries.order_by("pk").values_list("pk", flat=True).iterator()


def _finding(log: str, code: str, detail: str, *, entry: str = "", field: str = "") -> Finding:
    return Finding(code=code, log=log, entry=entry, field=field, detail=detail)
