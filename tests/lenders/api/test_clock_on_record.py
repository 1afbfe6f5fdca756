"""What a test clock puts forward stands in the log: a replay counts with it, and what moves without
it is told.
"""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.lenders.api.clearing import cleared, verified
from tests.lenders.api.test_test_clock import advance, lawful
from tests.verification.log.looks import differences_of
from tests.verification.stories.story import begin
from verification.models import Access, Attempt, Clearance, Verification

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


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
