"""What entries say about each other: nothing lost, sequences unbroken, one decision, and a status
that fits it.
"""

from collections.abc import Iterator

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Subquery, Window
from django.db.models.functions import Lag

from verification.core.events import DECISIONS
from verification.core.findings import Finding
from verification.core.status import TERMINAL
from verification.log import sequencer
from verification.log.damaged import PAGE, names
from verification.models import AuditEntry, AuditHead, AuditPending, Verification

_PREFIX = "verification."


def verify_entries(log: str) -> Iterator[Finding]:
    """Findings about the entries of a log that concern more than one of them; the database does the
    comparing.
    """
    entries = AuditEntry.objects.filter(log=log)
    waiting = Exists(AuditPending.objects.filter(entry=OuterRef("pk")))
    head = Subquery(AuditHead.objects.filter(log=log).values("size"))
    misplaced = entries.filter(
        ~Q(leaf__log=log) | Q(leaf__leaf_index__gte=head), leaf__isnull=False
    )
    for code, detail, findings in (
        (
            "entry_lost",
            "the entry has no leaf and does not wait for one",
            entries.filter(~waiting, leaf__isnull=True),
        ),
        (
            "entry_waits",
            "the entry has a leaf and waits for another",
            entries.filter(waiting, leaf__isnull=False),
        ),
        ("leaf_misplaced", "the entry's leaf stands in another log or beyond the head", misplaced),
    ):
        for pk in findings.order_by("pk").values_list("pk", flat=True).iterator():
            yield Finding(code=code, log=log, detail=detail, entry=pk)
    # What the sequencer has refused or is to refuse: it decides, and no worker signed it; or it is
    # no leaf.
    for ids in names(entries.filter(pending__isnull=False), column="pk", most=PAGE):
        for pk, fault in sequencer.faults(AuditEntry.objects.filter(pk__in=ids)).items():
            yield Finding(code="entry_refused", log=log, detail=fault, entry=pk)
    yield from _verify_sequences(
        log, entries.filter(verification__isnull=False, verification_sequence__isnull=False)
    )
    # An append-only log cannot undo a decision, so a second one is somebody's.
    decisions = entries.filter(type__in=DECISIONS)
    twice = decisions.values("verification_id").annotate(number=Count("pk")).filter(number__gt=1)
    for row in twice.order_by("verification_id").iterator():
        detail = f"verification {row['verification_id']} has {row['number']} decisions"
        yield Finding(code="decisions", log=log, detail=detail, field="type")
    columns = decisions.values_list("pk", "type", "verification_id", "verification__status")
    for pk, decision, verification, status in columns.iterator():
        if decision != f"{_PREFIX}{status}":
            stated = decision.removeprefix(_PREFIX)
            detail = f"verification {verification} stands as {status}, but the log decided {stated}"
            yield Finding(code="status", log=log, detail=detail, entry=pk, field="status")
    # The other way round: a row that was set to verified by hand has no decision in the log.
    decided = Exists(AuditEntry.objects.filter(verification=OuterRef("pk"), type__in=DECISIONS))
    undecided = Verification.objects.filter(~decided, mode=log, status__in=TERMINAL).order_by("pk")
    for pk, status in undecided.values_list("pk", "status").iterator():
        detail = f"verification {pk} stands as {status}, but the log decided nothing"
        yield Finding(code="undecided", log=log, detail=detail)


def _verify_sequences(log: str, entries: QuerySet[AuditEntry, AuditEntry]) -> Iterator[Finding]:
    counted = entries.values("verification_id").annotate(
        number=Count("pk"), least=Min("verification_sequence"), most=Max("verification_sequence")
    )
    # 1, 2, 3 … without a gap: the least is 1 and the most is how many there are.
    broken = counted.filter(~Q(least=1) | ~Q(most=F("number"))).order_by("verification_id")
    for row in broken.iterator():
        detail = (
            f"verification {row['verification_id']} has {row['number']} entries, "
            f"numbered from {row['least']} to {row['most']}: one is missing or was added"
        )
        yield Finding(
            code="verification_sequence", log=log, detail=detail, field="verification_sequence"
        )
    previous = Window(
        Lag("verification_sequence"),
        partition_by=F("verification_id"),
        order_by=F("leaf__leaf_index").asc(),
    )
    ordered = entries.filter(leaf__isnull=False).annotate(before=previous)
    for entry in ordered.filter(before__gt=F("verification_sequence")).values_list("pk", flat=True):
        detail = "the entry stands in the log after a later one of its verification"
        yield Finding(
            code="verification_order",
            log=log,
            detail=detail,
            entry=entry,
            field="verification_sequence",
        )
