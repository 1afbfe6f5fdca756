"""What a test clock puts forward stands in the log: a replay counts with it, and what moves without
it is told.
"""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.lenders.api.test_clearances import cleared, verified
from tests.lenders.api.test_test_clock import DAY, advance, lawful
from tests.verification.log.looks import differences_of
from tests.verification.stories.story import begin, swept, wait_until
from verification.log.legality import faults_of
from verification.models import Access, Attempt, AuditEntry, Clearance, Verification

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


def entries_of(story):
    return list(
        AuditEntry.objects.filter(verification_id=story.id).order_by("verification_sequence")
    )


def told(entries):
    return [(entry.type, fault[0]) for entry, fault in faults_of(entries)]


def test_an_end_before_the_time_that_is_left_is_unlawful(api, lender):
    story = begin(lender)
    advance(api, DAY - 600)
    wait_until(story.row().expires_at)
    swept()
    entries = entries_of(story)
    assert told(entries) == []
    end = next(one for one in entries if one.type == "verification.expired")
    end.at -= timedelta(seconds=60)
    assert told(entries) == [("verification.expired", "illegal_time")]
    # Without the clock, or with less of it, it came too soon.
    entries = [one for one in entries_of(story) if one.type != "test_clock.advanced"]
    assert told(entries) == [("verification.expired", "illegal_time")]


def test_what_counts_for_nothing_advances_nothing(api, lender):
    story = begin(lender)
    advance(api, DAY)
    swept()
    entries = entries_of(story)
    advanced = next(one for one in entries if one.type == "test_clock.advanced")
    forged = [(entry.type, fault[0]) for entry, fault in faults_of(entries, forged={advanced.pk})]
    assert forged == [("verification.expired", "illegal_time")]
    for one in entries:
        one.log = "live"
    assert told(entries) == [
        ("test_clock.advanced", "illegal_move"),
        ("verification.expired", "illegal_time"),
    ]


@pytest.mark.parametrize("seconds", [0, -60, 7 * DAY + 1, True, "86400", None])
def test_a_clock_that_was_advanced_by_what_it_may_not_be(api, lender, seconds):
    story = begin(lender)
    advance(api, 60)
    entries = entries_of(story)
    entries[-1].body = {**entries[-1].body, "advance_seconds": seconds}
    assert told(entries) == [("test_clock.advanced", "illegal_move")]


def test_after_an_end_nothing_is_due_any_more(api, lender):
    story = begin(lender)
    advance(api, 60)
    advanced = entries_of(story)[-1]
    story.cancel()
    assert told([*entries_of(story), advanced]) == [("test_clock.advanced", "after_end")]


@pytest.mark.forges
@pytest.mark.parametrize("column", ["expires_at", "advanced_seconds"])
def test_a_row_that_moves_without_an_entry_is_told(api, lender, column):
    story = begin(lender)
    advance(api, 60)
    lawful()
    value = 61 if column == "advanced_seconds" else story.row().expires_at - timedelta(seconds=1)
    Verification.objects.filter(pk=story.id).update(**{column: value})
    with pytest.raises(CommandError, match="not what was signed"):
        call_command("audit_verify")
    assert [one.field for one in differences_of(story.id)] == [column]


@pytest.mark.forges
@pytest.mark.parametrize(
    ("table", "column"),
    [
        (Attempt, "expires_at"),
        (Access, "expires_at"),
        (Clearance, "expires_at"),
        (Clearance, "fresh_until"),
    ],
)
def test_nor_does_what_belongs_to_it(api, lender, issued, table, column):
    story = verified(lender, issued)
    cleared(api, story)
    advance(api, 60)
    lawful()
    row = table.objects.filter(verification_id=story.id).first()
    assert getattr(row, column) is not None
    table.objects.filter(pk=row.pk).update(**{column: getattr(row, column) - timedelta(seconds=1)})
    assert [one.field for one in differences_of(story.id)] == [column]
