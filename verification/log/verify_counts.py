"""Do the counts that rows are added up in say what the rows and entries of both modes add up to?

Each is compared in one statement, for rows and counts change while we look.
"""

from collections.abc import Iterator
from typing import Final

from django.db import connection
from django.db.models import Count, OuterRef, Subquery, Sum, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from verification import clock
from verification.core.findings import Finding
from verification.core.status import OPEN
from verification.models import AuditEntry, QuotaUse

_TAKING: Final = ("attempt.opened", "attempt.answered")
"""What says under `quota` that it took one of a day's uses."""
_PURPOSE: Final = Cast(KT("body__quota"), TextField())
_QUOTA: Final = ("purpose", "day", "used_all", "said")
_MONTH: Final = {
    "sqlite": "date(substr(created_at, 1, 19), '+5 hours', 'start of month')",
    "postgresql": "date_trunc('month', created_at AT TIME ZONE 'Asia/Almaty')::date",
}
_COUNTS: Final = """
SELECT mode, month, route, status, code, SUM(number) FROM (
    SELECT mode, month, route, status, code, number FROM verification_monthlycount
    UNION ALL SELECT mode, month, route, status, code, number FROM verification_monthlychange
    UNION ALL SELECT mode, {month}, route, CASE WHEN status IN {open} THEN 'open' ELSE status END,
        CASE WHEN status IN {open} THEN '' ELSE code END, -1 FROM verification_verification
) AS counted GROUP BY mode, month, route, status, code HAVING SUM(number) <> 0
ORDER BY 1, 2, 3, 4, 5
"""


def verify_counts() -> Iterator[Finding]:
    """Findings about the monthly counts, which a regulator reads, and about what was used of a
    day's quotas.
    """
    with connection.cursor() as cursor:
        open_statuses = ", ".join(f"'{status.value}'" for status in sorted(OPEN))
        cursor.execute(_COUNTS.format(month=_MONTH[connection.vendor], open=f"({open_statuses})"))
        for mode, month, route, status, _, more in cursor.fetchall():
            detail = (
                f"the count of {month}, route {route or 'none'}, {status}, is {more:+} off its"
                " verifications"
            )
            yield Finding(code="count", log=mode, field="number", detail=detail)
    # What was used of a quota on a day, over all its rows, is as often as entries say; days gone by
    # are forgotten.
    today = clock.now().date()
    uses = (
        AuditEntry.objects.filter(type__in=_TAKING)
        .annotate(purpose=_PURPOSE)
        .filter(purpose__isnull=False)
    )
    # Before the rows: what is used after this is in both.
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
