"""What happens to a row that a transaction holds is written once, at its end, or not at all."""

import pytest
from django.utils import timezone

from tests.statements import statements
from tests.verification.workflow.story import Story, begin, lender
from verification import transactions
from verification.core.errors import Conflict
from verification.core.status import Move
from verification.models import AuditEntry, AuditPending, Verification
from verification.workflow.moving import queue, transition

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def story() -> Story:
    """A verification that waits for its borrower."""
    return begin(lender())


def written(story: Story) -> tuple[int, int]:
    """How many entries there are of the verification, and how many its row has counted."""
    return AuditEntry.objects.filter(verification_id=story.id).count(), story.row().sequence


def test_all_that_happens_is_one_update_and_two_inserts(story: Story) -> None:
    row, before = story.row(), written(story)
    with statements() as sent, transactions.writing(), transition.holding(row):
        transition.write(row, last_failure="eds_malformed")
        transition.record(row, "link.spent", at=timezone.now())
        transition.move(row, Move.SUBMIT, at=timezone.now())
        queue.schedule(row, queue.JUDGE, due_at=timezone.now(), queue="eds")
        transition.move(row, Move.ASK, at=timezone.now())
    assert [one.split()[0] for one in sent] == ["UPDATE", "INSERT", "INSERT"]
    assert written(story) == (before[0] + 1, before[1] + 1)
    now = story.row()
    assert (now.status, now.last_failure, now.step, now.queue) == ("requires_input", "eds_malformed", "judge", "eds")
    assert AuditPending.objects.filter(entry__verification_id=story.id).count() == before[0] + 1
    assert row.held is None


def test_an_error_within_writes_nothing(story: Story) -> None:
    row, before = story.row(), written(story)

    def fail() -> None:
        with transactions.writing(), transition.holding(row):
            transition.record(row, "link.spent", at=timezone.now())
            transition.write(row, last_failure="eds_malformed")
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        fail()
    assert (written(story), story.row().last_failure, row.held) == (before, "", None)


def test_a_row_that_was_written_beside_is_a_conflict_and_nothing_is_written(story: Story) -> None:
    row, before = story.row(), written(story)

    def write_beside() -> None:
        with transactions.writing(), transition.holding(row):
            transition.record(row, "link.spent", at=timezone.now())
            transition.record(Verification.objects.get(pk=story.id), "link.spent", at=timezone.now())

    with pytest.raises(Conflict):
        write_beside()
    assert written(story) == before


def test_a_link_made_while_a_step_is_at_work_is_counted_before_its_entries(story: Story) -> None:
    row = story.row()
    queue.schedule(row, queue.JUDGE, due_at=timezone.now(), queue="eds")
    claimed = queue.claim(story.id)
    assert claimed is not None
    with transactions.writing():
        transition.record(story.row(), "link.spent", at=timezone.now())
    with transactions.writing():
        queue.require_fence(claimed)
        with transition.holding(claimed):
            transition.record(claimed, "link.spent", at=timezone.now())
    counted = AuditEntry.objects.filter(verification_id=story.id).values_list("verification_sequence", flat=True)
    assert sorted(number or 0 for number in counted) == list(range(1, story.row().sequence + 1))


def test_a_move_outside_the_table_is_a_conflict(story: Story) -> None:
    row, before = story.row(), written(story)
    with pytest.raises(Conflict) as refused, transactions.writing():
        transition.move(row, Move.VERIFY, at=timezone.now())
    assert (refused.value.code, written(story), story.row().status) == ("illegal_transition", before, "requires_input")
