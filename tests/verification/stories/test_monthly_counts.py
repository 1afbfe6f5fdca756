"""Counts that triggers and the sweep keep are those of the rows, at every moment and whoever
writes.
"""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from tests.verification.oversight import rows
from verification.case import policy
from verification.core.status import OPEN, Status
from verification.models import MonthlyChange, MonthlyCount, Verification
from verification.oversight import counts, search
from verification.worker import monthly_counts

pytestmark = pytest.mark.django_db

READER = "usr_" + "a" * 26


def counted(mode: str = "live") -> dict[tuple[date, str, str, str], int]:
    """What the regulator is told."""
    told = counts.monthly_counts(person_id=READER, mode=mode, months=counts.MONTHS_MAX)
    return {(one.month, one.route, one.status, one.code): one.number for one in told}


def stands(mode: str = "live") -> dict[tuple[date, str, str, str], int]:
    """The same, from the rows themselves."""
    found: Counter[tuple[date, str, str, str]] = Counter()
    for row in Verification.objects.filter(mode=mode):
        is_open = row.status in OPEN
        month = row.created_at.astimezone(search.ZONE).date().replace(day=1)
        found[month, row.route, "open" if is_open else row.status, "" if is_open else row.code] += 1
    return dict(found)


def test_counts_follow_the_rows_before_while_and_after_they_are_added_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chance, owner = random.Random(13), rows.lender()
    began = datetime.combine(counts.first_month(3), datetime.min.time(), tzinfo=search.ZONE)
    times = [began + timedelta(hours=chance.randrange(80 * 24)) for _ in range(20)]
    made = [rows.bare(owner, created_at=at, status="requires_input", route="") for at in times]
    monkeypatch.setattr(policy, "COUNT_BATCH", 7)
    for _ in range(80):
        columns = {
            "status": chance.choice(list(Status)),
            "code": chance.choice(["", "eds_iin_mismatch", "canceled"]),
        }
        moved = Verification.objects.filter(pk=chance.choice(made))
        moved.update(
            **columns | chance.choice([{}, {"route": chance.choice(["eds", "live_face"])}])
        )
        assert counted() == stands()
        if chance.random() < 0.3:
            monthly_counts.add_up()
            assert counted() == stands()
    while monthly_counts.add_up():
        assert counted() == stands()
    assert not MonthlyChange.objects.exists()
    assert {row.number for row in MonthlyCount.objects.all()} >= {
        0
    }  # one that all have left is told to nobody
    assert counted("test") == {}


@pytest.mark.parametrize(
    ("opened", "month"),
    [
        (datetime(2026, 1, 31, 18, 59, 59, 999_999, tzinfo=UTC), date(2026, 1, 1)),
        (datetime(2026, 1, 31, 19, 0, 0, 0, tzinfo=UTC), date(2026, 2, 1)),
        (datetime(2026, 12, 31, 19, 0, 0, 1, tzinfo=UTC), date(2027, 1, 1)),
    ],
)
def test_a_month_begins_in_astana(opened: datetime, month: date) -> None:
    rows.bare(rows.lender(), created_at=opened)
    assert MonthlyChange.objects.get().month == month


def test_what_a_transaction_took_back_was_never_counted() -> None:
    owner = rows.lender()
    with transaction.atomic():
        rows.bare(owner, created_at=rows.at(2026, 11, 1))
        transaction.set_rollback(True)
    assert not MonthlyChange.objects.exists()


def test_what_moves_within_open_or_changes_something_else_writes_no_change() -> None:
    row = rows.bare(rows.lender(), created_at=rows.at(2026, 11, 1), status="requires_input")
    changed: list[dict[str, Any]] = [
        {"status": "processing"},
        {"status": "in_review", "code": "face_review"},
    ]
    for columns in (*changed, {"locale": "ru"}, {"status": "requires_input", "code": ""}):
        Verification.objects.filter(pk=row).update(**columns)
    assert MonthlyChange.objects.count() == 1
