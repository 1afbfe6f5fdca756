"""Consistency between entries: none lost, sequences unbroken, one decision, and a matching
status.
"""

from collections.abc import Iterator
from typing import Any, Final

from django.db import connection
from django.db.models import (
    Count,
    Exists,
    F,
    Max,
    Min,
    Model,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Window,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce, Lag

from verification import clock
from verification.core.codes import ATTEMPTS_EXHAUSTED
from verification.core.events import DECISIONS
from verification.core.findings import Finding
from verification.core.status import OPEN, TERMINAL
from verification.log import sequencer
from verification.log.damaged import PAGE, UNREADABLE, names
from verification.models import (
    Access,
    Attempt,
    AuditEntry,
    AuditHead,
    AuditPending,
    CaptureWord,
    Clearance,
    DataKey,
    EvidenceItem,
    QuotaUse,
    ReviewVote,
    SharedEvidenceUse,
    Verification,
)

_PREFIX = "verification."


def verify_entries(log: str) -> Iterator[Finding]:
    """Findings that concern several entries of a log; the database compares them."""
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
    # Entries that the sequencer refuses, now or later: decisions without a worker's signature, or
    # impossible leaves.
    for ids in names(entries.filter(pending__isnull=False), column="pk", most=PAGE):
        for pk, fault in sequencer.faults(AuditEntry.objects.filter(pk__in=ids)).items():
            yield Finding(code="entry_refused", log=log, detail=fault, entry=pk)
    yield from _verify_sequences(
        log, entries.filter(verification__isnull=False, verification_sequence__isnull=False)
    )
    # An append-only log cannot undo a decision, so a second one is a forgery.
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
    # Conversely, a row set to verified by hand has no decision in the log.
    decided = Exists(AuditEntry.objects.filter(verification=OuterRef("pk"), type__in=DECISIONS))
    undecided = Verification.objects.filter(~decided, mode=log, status__in=TERMINAL).order_by("pk")
    for pk, status in undecided.values_list("pk", "status").iterator():
        detail = f"verification {pk} stands as {status}, but the log decided nothing"
        yield Finding(code="undecided", log=log, detail=detail)


def _verify_sequences(log: str, entries: QuerySet[AuditEntry, AuditEntry]) -> Iterator[Finding]:
    counted = entries.values("verification_id").annotate(
        number=Count("pk"), least=Min("verification_sequence"), most=Max("verification_sequence")
    )
    # 1, 2, 3 … without a gap: the least is 1 and the most equals their number.
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


_TAKING: Final = ("attempt.opened", "attempt.answered")
"""Types whose `quota` states that they took one of a day's uses."""
_PURPOSE: Final = Cast(KT("body__quota"), TextField())
_QUOTA: Final = ("purpose", "day", "used_all", "said")
_MONTH: Final = {
    "sqlite": "date(substr(created_at, 1, 19), '+5 hours', 'start of month')",
    "postgresql": "date_trunc('month', created_at AT TIME ZONE 'Asia/Almaty')::date",
}
_COUNTS: Final = """
SELECT mode, month, route, status, code, last_failure, SUM(number) FROM (
    SELECT mode, month, route, status, code, last_failure, number FROM verification_monthlycount
    UNION ALL
    SELECT mode, month, route, status, code, last_failure, number FROM verification_monthlychange
    UNION ALL SELECT mode, {month}, route, CASE WHEN status IN {open} THEN 'open' ELSE status END,
        CASE WHEN status IN {open} THEN '' ELSE code END,
        CASE WHEN status NOT IN {open} AND code = '{exhausted}' THEN last_failure ELSE '' END,
        -1 FROM verification_verification
) AS counted GROUP BY mode, month, route, status, code, last_failure HAVING SUM(number) <> 0
ORDER BY 1, 2, 3, 4, 5, 6
"""


def verify_counts() -> Iterator[Finding]:
    """Findings about the monthly counts, which a regulator reads, and about the uses of daily
    quotas.
    """
    with connection.cursor() as cursor:
        open_statuses = ", ".join(f"'{status.value}'" for status in sorted(OPEN))
        cursor.execute(
            _COUNTS.format(
                month=_MONTH[connection.vendor],
                open=f"({open_statuses})",
                exhausted=ATTEMPTS_EXHAUSTED,
            )
        )
        for mode, month, route, status, _code, _failure, more in cursor.fetchall():
            detail = (
                f"the count of {month}, route {route or 'none'}, {status}, is {more:+} off its"
                " verifications"
            )
            yield Finding(code="count", log=mode, field="number", detail=detail)
    # A quota's uses on a day, over all its rows, equal the entries'; past days are deleted.
    today = clock.now().date()
    uses = (
        AuditEntry.objects.filter(type__in=_TAKING)
        .annotate(purpose=_PURPOSE)
        .filter(purpose__isnull=False)
    )
    # Before the rows: later uses are in both.
    purposes = set(uses.filter(at__date=today).values_list("purpose", flat=True))
    of_day = (
        uses.filter(purpose=OuterRef("purpose"), at__date=OuterRef("day"))
        .order_by()
        .values("purpose")
    )
    stated = Coalesce(Subquery(of_day.annotate(number=Count("pk")).values("number")), 0)
    counts = QuotaUse.objects.values("purpose", "day").annotate(used_all=Sum("used"), said=stated)
    used = {
        (purpose, day): (all_, times) for purpose, day, all_, times in counts.values_list(*_QUOTA)
    }
    for purpose in purposes:
        used.setdefault((purpose, today), (0, -1))
    for (purpose, day), (number, times) in sorted(used.items()):
        if number != times:
            detail = (
                f"of the quota {purpose} {number} were used on {day}, which is not as often as"
                " entries say"
            )
            yield Finding(code="count", field="used", detail=detail)


_PARENTS: Final[tuple[tuple[type[Model], str, type[Model]], ...]] = (
    (Attempt, "verification", Verification),
    (EvidenceItem, "verification", Verification),
    (AuditEntry, "verification", Verification),
    (DataKey, "verification", Verification),
    (Access, "verification", Verification),
    (Clearance, "verification", Verification),
    (EvidenceItem, "attempt", Attempt),
    (SharedEvidenceUse, "attempt", Attempt),
    (ReviewVote, "attempt", Attempt),
    (CaptureWord, "attempt", Attempt),
)


def verify_parents() -> Iterator[Finding]:
    """Rows of both modes whose verification or attempt is missing; then counts over all of them."""
    for child, column, parent in _PARENTS:
        manager: Any = child._default_manager
        there = Exists(parent._default_manager.filter(pk=OuterRef(f"{column}_id")))
        orphans = manager.filter(~there, **{f"{column}__isnull": False}).order_by("pk")
        word = str(child._meta.verbose_name)
        try:
            for pk, name in orphans.values_list("pk", f"{column}_id").iterator():
                detail = f"the {column} {name} of {word} {pk} is not there any more"
                entry = pk if child is AuditEntry else ""
                yield Finding(code="row_missing", entry=entry, field=column, detail=detail)
        except UNREADABLE as error:
            detail = f"the rows of {word} cannot be read further ({type(error).__name__})"
            yield Finding(code="unreadable", detail=detail)
    yield from verify_counts()
