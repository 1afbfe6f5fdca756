"""Adds up the changes of monthly counts, which triggers write beside the verification that changed
(see the migration).

Business transactions insert and never meet; only `sweep` touches a count, row by row in one order.
"""

from collections import Counter
from typing import Final

from django.db import transaction
from django.db.models import F

from verification import transactions
from verification.case import policy
from verification.models import MonthlyChange, MonthlyCount

_KEY: Final = ("mode", "month", "route", "status", "code")


def add_up() -> int:
    """Puts the oldest changes into their counts, in one transaction; gives how many. Others may do
    the same beside.
    """
    changes = list(MonthlyChange.objects.order_by("pk")[: policy.COUNT_BATCH])
    if not changes:
        return 0
    with transactions.writing():
        taken, _ = MonthlyChange.objects.filter(pk__in=[change.pk for change in changes]).delete()
        if taken != len(changes):
            # Another has counted some of them: none of these is counted twice, the rest waits for
            # the next round.
            transaction.set_rollback(True)
            return 0
        sums: Counter[tuple[object, ...]] = Counter()
        for change in changes:
            sums[tuple(getattr(change, name) for name in _KEY)] += change.number
        for key in sorted(sums, key=str):
            columns = dict(zip(_KEY, key, strict=True))
            counted = MonthlyCount.objects.filter(**columns)
            if not counted.update(number=F("number") + sums[key]):
                # Of two that find no count one makes it, at 0, and both then add to that.
                MonthlyCount.objects.get_or_create(**columns, defaults={"number": 0})
                counted.update(number=F("number") + sums[key])
    return len(changes)
