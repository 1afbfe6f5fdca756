"""A case moves by its entries: its rows are written once, at the end, as the entries imply, or not
at all.
"""

import pytest
from django.utils import timezone

from tests.statements import statements
from tests.verification.log.rows import tamper
from tests.verification.stories.story import IIN, Story, begin, lender
from verification import transactions
from verification.case import moving, steps
from verification.case.moving import History, read, read_unverified
from verification.core.errors import Conflict, EvidenceUnreadable
from verification.models import Attempt, AuditEntry, AuditPending, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import queue, run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def story() -> Story:
    """A verification that waits for its borrower."""
    return begin(lender())


def written(story: Story) -> tuple[int, int]:
    """How many entries there are of the verification, and how many its row has counted."""
    return AuditEntry.objects.filter(verification_id=story.id).count(), story.row().sequence


def spend(history: History, link: str = "00") -> None:
    """An entry that moves nothing else."""
    moving.record(history.row, "link.spent", at=timezone.now(), body={"link": link})


def test_all_that_happens_is_one_update_and_two_inserts(story: Story) -> None:
    history, before = read_unverified(story.row()), written(story)
    with statements() as sent, transactions.writing(), moving.moving(history):
        spend(history)
        steps.schedule(history.row, steps.JUDGE, due_at=timezone.now(), queue="eds")
        spend(history, "01")
    assert [statement.split()[0] for statement in sent] == ["UPDATE", "INSERT", "INSERT"]
    assert written(story) == (before[0] + 2, before[1] + 2)
    assert (story.row().status, story.row().step, story.row().queue) == (
        "requires_input",
        "judge",
        "eds",
    )
    assert AuditPending.objects.filter(entry__verification_id=story.id).count() == before[0] + 2
    assert history.row.history is None


def test_an_error_within_writes_nothing(story: Story) -> None:
    history, before = read_unverified(story.row()), written(story)

    def fail() -> None:
        with transactions.writing(), moving.moving(history):
            spend(history)
            moving.write(history.row, frames_until=timezone.now())
            raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        fail()
    assert (written(story), story.row().frames_until, history.row.history) == (before, None, None)


@pytest.mark.parametrize("entry_type", ["verification.verified", "attempt.judged", "review.voted"])
def test_an_entry_that_the_course_forbids_is_a_conflict_and_nothing_is_written(
    story: Story, entry_type: str
) -> None:
    history, before = read_unverified(story.row()), written(story)
    body = moving.word(history, "") | {"attempt": history.state.newest_name}

    def move() -> None:
        with transactions.writing(), moving.moving(history):
            moving.record(history.row, entry_type, at=timezone.now(), body=body)

    with pytest.raises(Conflict) as refused:
        move()
    assert (refused.value.code, written(story), story.row().status) == (
        "illegal_transition",
        before,
        "requires_input",
    )


def test_what_a_row_says_otherwise_is_not_read_and_is_put_right_by_the_next_step(
    story: Story,
) -> None:
    honest = story.row()
    lies = {
        "route": "biometric",
        "turn": 9,
        "code": "x",
        "passed_routes": ["eds"],
        "last_failure": "x",
    }
    Verification.objects.filter(pk=story.id).update(**lies)
    history = read(story.row())
    assert {name: getattr(history.row, name) for name in lies} == {
        name: getattr(honest, name) for name in lies
    }
    with transactions.writing(), moving.moving(history):
        spend(history)
    assert {name: getattr(story.row(), name) for name in lies} == {
        name: getattr(honest, name) for name in lies
    }


def test_what_the_row_of_an_attempt_says_is_not_read(story: Story) -> None:
    name = Attempt.objects.get(verification_id=story.id).pk
    Attempt.objects.filter(pk=name).update(status="passed", burnt=True, turn=7, stage="nod")
    attempt = read(story.row()).attempt(name)
    assert (attempt.status, attempt.burnt, attempt.turn, attempt.stage) == (
        "open",
        False,
        1,
        "consent",
    )


def test_an_attempt_that_no_entry_opened_is_not_read(story: Story) -> None:
    row = Attempt.objects.latest("turn")
    row.pk, row.turn, row.status, row.borrower_index = "att_forged", row.turn + 1, "failed", None
    row.save(force_insert=True)
    with pytest.raises(EvidenceUnreadable, match="no entry opened attempt att_forged"):
        read(story.row()).attempt("att_forged")


def test_an_entry_that_comes_while_a_step_is_at_work_is_counted_before_its_entries(
    story: Story,
) -> None:
    steps.schedule(story.row(), steps.JUDGE, due_at=timezone.now(), queue="eds")
    claimed = queue.claim(story.id)
    assert claimed is not None
    history = read(claimed)
    with transactions.writing():
        moving.record(story.row(), "link.spent", at=timezone.now())
    with queue.finishing(history):
        spend(history)
    numbers = AuditEntry.objects.filter(verification_id=story.id).values_list(
        "verification_sequence", flat=True
    )
    assert sorted(number or 0 for number in numbers) == list(range(1, story.row().sequence + 1))


@pytest.mark.forges
def test_an_entry_that_comes_meanwhile_without_its_signature_ends_the_step(story: Story) -> None:
    steps.schedule(story.row(), steps.JUDGE, due_at=timezone.now(), queue="eds")
    claimed = queue.claim(story.id)
    assert claimed is not None
    history, count = read(claimed), story.row().sequence
    AuditEntry.objects.create(
        log="test",
        type="hand_over.stopped",
        at=timezone.now(),
        verification_id=story.id,
        verification_sequence=count + 1,
        lender_id=claimed.lender_id,
        body={"v": 1, "hand_over": "00"},
    )
    with pytest.raises(EvidenceUnreadable) as refused, queue.finishing(history):
        spend(history)
    assert (refused.value.code, story.row().sequence) == ("entries_unsound", count)


@pytest.mark.forges
def test_fewer_entries_than_the_row_counts_are_no_history(story: Story) -> None:
    newest = AuditEntry.objects.filter(verification_id=story.id).latest("verification_sequence").pk
    waiting = ("DELETE FROM verification_auditpending WHERE entry_id = %s", (newest,))
    tamper(waiting, ("DELETE FROM verification_auditentry WHERE id = %s", (newest,)))
    with pytest.raises(EvidenceUnreadable) as refused:
        read(story.row())
    assert refused.value.code == "entries_unsound"


def test_a_refusal_tells_a_lender_nothing_of_what_is_on_record(story: Story) -> None:
    """An end that is not told yet stays untold."""
    history = read_unverified(story.row())

    def move() -> None:
        with transactions.writing(), moving.moving(history):
            moving.record(
                history.row,
                "verification.verified",
                at=timezone.now(),
                body=moving.word(history, ""),
            )

    with pytest.raises(Conflict) as refused:
        move()
    assert refused.value.detail == "this entry may not follow the recorded ones"


def test_an_end_names_the_reference_that_it_was_opened_with(story: Story) -> None:
    honest = moving.word(read(story.row()), "")["reference"]
    Verification.objects.filter(pk=story.id).update(client_reference="B-2")
    assert moving.word(read(story.row()), "")["reference"] == honest


def test_no_row_says_how_many_entries_there_are(story: Story) -> None:
    number = story.row().sequence
    Verification.objects.filter(pk=story.id).update(sequence=number + 500)
    with transactions.writing():
        entry = moving.record(story.row(), "link.spent", at=timezone.now())
    assert (entry.verification_sequence, story.row().sequence) == (number + 1, number + 1)


@pytest.mark.parametrize("step", [steps.JUDGE, steps.PREPARE, steps.LOOK, steps.OPEN])
def test_a_step_that_no_entry_awaits_is_owed_no_more(story: Story, step: str) -> None:
    Verification.objects.filter(pk=story.id).update(
        step=step, queue="default", due_at=timezone.now()
    )
    before = written(story)
    story.work()
    assert (story.row().status, story.row().step, written(story)) == ("requires_input", "", before)


def test_a_column_that_was_changed_is_put_right_also_after_a_fault(story: Story) -> None:
    story.answer(agreed=True, version=CURRENT, language="ru")
    Verification.objects.filter(pk=story.id).update(passed_routes=["biometric"], faults=1)
    claimed = queue.claim(story.id)
    assert claimed is not None
    run.run(claimed)
    assert story.row().passed_routes == []


def test_a_place_that_only_rows_make_free_is_taken(story: Story) -> None:
    """An attempt elsewhere is open by its entries, whatever its row says."""
    first = begin(story.lender, "A-2", iin=IIN).to_statement()
    Attempt.objects.filter(verification_id=first.id, stage="statement").update(status="void")
    second = begin(story.lender, "A-3", iin=IIN)
    second.answer(agreed=True, version=CURRENT, language="ru")
    second.work()
    second.answer(somebody_tells_me=False)
    second.work()
    assert not Attempt.objects.filter(verification_id=second.id, stage="statement").exists()
    assert second.row().last_failure == "borrower_busy"


def test_an_answer_goes_by_the_memory_of_its_entries(story: Story) -> None:
    """An older memory that is put back has tries left."""
    attempt = Attempt.objects.get(verification_id=story.id)
    other = begin(story.lender, "A-2", iin="900101300017")
    older = Attempt.objects.get(verification_id=other.id)
    Attempt.objects.filter(pk=attempt.pk).update(sealed_memory=bytes(older.sealed_memory))
    with pytest.raises(EvidenceUnreadable):
        story.answer(agreed=True, version=CURRENT, language="ru")
