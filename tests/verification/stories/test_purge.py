"""After five years the personal data of a case are gone, and its proofs stay."""

from contextlib import suppress
from functools import partial

import pytest
from django.core.files.storage import storages

from lenders.resources import verifications
from tests.verification.log.judged import audit, differences_of, findings, judged
from tests.verification.stories.destruction_story import claim, dispute, entries, step, turn
from tests.verification.stories.insecure_capture import played
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.purge_story import (
    dump,
    files,
    purged,
    sealed_rows,
    secrets_of,
    to_last_day,
)
from tests.verification.stories.story import (
    IIN,
    OTHER_IIN,
    Story,
    at_statement,
    begin,
    in_parallel,
    lender,
    order,
)
from verification import clock, transactions
from verification.access import erasures, openings
from verification.case import moving
from verification.case.moving import read_unverified
from verification.core.errors import Conflict, EvidenceUnreadable, FenceLost
from verification.core.ids import case_number
from verification.evidence import store, vault
from verification.models import Attempt, DataKey, EvidenceItem, Verification
from verification.oversight import case_file, search
from verification.payout import reports
from verification.worker import run as advance
from verification.worker import sweep
from verification.worker.replay import Verdict, replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


RACES = 16


@pytest.fixture
def story(issued):
    """Verified by a signature, ordered."""
    return judged(issued)


def test_at_the_midnight_after_its_last_day_nothing_of_a_case_is_left_to_read(story):
    to_last_day(story, seconds=-0.001)
    sweep.run_round()
    assert (step(story), story.row().redacted_at) == (False, None)
    before = files()
    assert before
    assert len(sealed_rows(story)) == 9
    clock._state.offset += story.row().kept_until - clock.now()
    sweep.run_round()
    assert (story.row().step, story.row().queue) == ("purge", "storage")
    assert step(story)
    # Keys first: were the files gone before, a crash would leave rows that point at nothing.
    assert (sealed_rows(story), files()) == (set(), before)
    assert step(story)
    assert (files(), story.row().step, story.row().kept_until) == (set(), "", None)
    [entry] = entries(story, "verification.redacted")
    assert story.row().redacted_at == entry.at
    assert entry.body["originals"] > 10
    order()
    assert findings() == []


def test_a_worker_that_dies_between_the_keys_and_the_files_leaves_them_to_the_next(story):
    before = files()
    to_last_day(story)
    sweep.run_round()
    assert step(story)
    assert step(story, dies=True)
    assert not step(story), "its lease holds"
    assert (sealed_rows(story), files()) == (set(), before)
    order()
    assert findings() == [], "what a worker owes is not tampering"
    turn(0.01)
    assert step(story)
    assert (files(), story.row().step, len(entries(story, "verification.redacted"))) == (
        set(),
        "",
        1,
    )


def test_a_late_worker_erases_nothing(story):
    to_last_day(story)
    sweep.run_round()
    late = claim(story)
    turn(0.01)
    assert (step(story), step(story), step(story)) == (True, True, False)
    with pytest.raises(FenceLost):
        advance.run(late)
    assert len(entries(story, "verification.redacted")) == 1


def test_files_that_cannot_be_deleted_stay_owed(story, monkeypatch):
    def insecure_delete(storage, name):
        raise PermissionError(name)

    before = files()
    to_last_day(story)
    sweep.run_round()
    with monkeypatch.context() as broken:
        broken.setattr(type(storages["evidence"]), "delete", insecure_delete)
        assert (step(story), step(story)) == (True, True)
        assert (story.row().step, files()) == ("purge", before)
    turn(1)
    assert step(story)
    assert (story.row().step, files()) == ("", set())
    [fault] = entries(story, "step.faulted")
    assert (fault.body["step"], fault.body["cause"]) == ("purge", "PermissionError")


@pytest.mark.forges
def test_a_row_that_says_it_is_due_erases_nothing_and_is_put_right(story):
    due = story.row().kept_until
    Verification.objects.filter(pk=story.id).update(kept_until=clock.now())
    sweep.run_round()
    assert step(story)
    row = story.row()
    assert (row.kept_until, row.redacted_at, row.step) == (due, None, "")
    [fault] = entries(story, "step.faulted")
    assert (fault.body["step"], fault.body["cause"]) == ("purge", "too_early")


def report(story, word, at):
    reports.report_obligation(
        lender_id=story.lender.pk, mode="test", verification_id=story.id, status=word, at=at
    )


def test_an_open_obligation_holds_it_and_its_end_starts_the_period(story):
    report(story, "opened", clock.now())
    assert story.row().kept_until is None
    turn(24 * 366 * 7)
    sweep.run_round()
    assert (step(story), len(sealed_rows(story))) == (False, 9)
    report(story, "closed", clock.now())
    order()
    until = story.row().kept_until
    assert (until - clock.now()).days in (5 * 365, 5 * 365 + 1, 5 * 365 + 2)
    purged(story)
    assert sealed_rows(story) == set()
    with pytest.raises(Conflict) as refused:
        report(story, "closed", clock.now())
    assert refused.value.code == "verification_erased"


def test_an_obligation_that_is_reported_while_a_worker_begins_holds_it(story):
    to_last_day(story)
    sweep.run_round()
    claimed = claim(story)
    report(story, "opened", clock.now())
    advance.run(claimed)
    assert (story.row().kept_until, len(sealed_rows(story))) == (None, 9)


def test_a_dispute_starts_the_period_again(story):
    turn(24 * 365)
    dispute(story)
    assert (story.row().kept_until - clock.now()).days in (5 * 365, 5 * 365 + 1, 5 * 365 + 2)
    assert differences_of(story.id) == []


@pytest.mark.forges
def test_an_erasure_by_hand_is_named_for_what_it_left_and_for_its_day(story):
    at = clock.now()
    DataKey.objects.filter(pk=story.id).update(wrapped_key=None, destroyed_at=at)
    with transactions.writing():
        history = read_unverified(story.row())
        history.flaw = "so that the course lets it"
        with moving.moving(history):
            moving.record(history.row, "verification.redacted", at=at, body={})
    order()
    found = findings()
    assert ("illegal_time", "") in {(one["code"], one.get("field", "")) for one in found}
    left = {one["field"] for one in found if one["code"] == "case"}
    assert left == {"sealed_case", "client_reference", "borrower_index", "sealed_memory"}
    assert {"seen", "destroyed_at"} <= {
        one["field"] for one in found if one["code"] == "row_differs"
    }


def test_other_cases_stay_readable(story, issued):
    other = at_statement(story.lender, "A-9", iin="990101100030")
    openings.cancel(lender_id=other.lender.pk, mode="test", verification_id=other.id)
    other.work()
    turn(24 * 40)
    report(story, "opened", clock.now())
    purged(other)
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    opened = [
        store.opening(key, item) for item in EvidenceItem.objects.filter(verification=story.id)
    ]
    assert len(opened) > 10
    assert findings() == []


def searched(**asked):
    question = search.Question(mode="test", **asked)
    return [row.verification_id for row in search.search(person_id="usr_1", question=question).data]


def test_no_search_finds_it_and_a_regulator_reads_that_it_was_erased(story):
    number = case_number(story.id)
    mode = {"lender_id": story.lender.pk, "mode": "test"}
    listed = partial(verifications.read_page, **mode, client_reference="A-1")
    assert (searched(iin=IIN), len(listed()["data"])) == ([story.id], 1)
    purged(story)
    assert (searched(iin=IIN), listed()["data"]) == ([], [])
    assert not Attempt.objects.exclude(borrower_index=None).exists()
    # By its number it is still there, with its end and its proofs.
    assert searched(case_number=number) == [story.id]
    file = case_file.case_file(person_id="usr_1", verification_id=story.id)
    assert (file.result.status, file.redacted_at) == ("verified", story.row().redacted_at)
    assert {item.destroyed_at for item in file.evidence if item.commitment} == {file.redacted_at}
    assert case_file.proof_file(person_id="usr_1", verification_id=story.id)


@pytest.mark.usefixtures("seen_once")
def test_a_dump_taken_later_holds_nothing_that_a_key_opens_and_the_rest_opens(script):
    """Played as an attacker with every key, every row and every file."""
    filmed = played()
    other = played(filmed.lender, "A-2", iin=OTHER_IIN)
    order()
    secrets = {story.id: secrets_of(story) for story in (filmed, other)}
    taken = dump()
    assert {len(values) > 20 for values in secrets.values()} == {True}
    assert [value for values in secrets.values() for value in values if value not in taken] == []
    to_last_day(filmed)
    report(other, "opened", clock.now())
    purged(filmed)
    taken = dump()
    assert [value for value in secrets[filmed.id] if value in taken] == []
    with pytest.raises(EvidenceUnreadable, match="was destroyed"):
        vault.open(verification_id=filmed.id, lender_id=filmed.lender.pk)
    assert [value for value in secrets[other.id] if value not in taken] == []
    assert vault.open(verification_id=other.id, lender_id=other.lender.pk)
    assert findings() == []


def meanwhile(story, number):
    """What people, lenders and the law may do with a case, or beside it, while it is erased."""
    with suppress(Conflict):
        if number % 4 == 0:
            dispute(story)
        elif number % 4 == 1:
            erasures.request(lender_id=story.lender.pk, mode="test", verification_id=story.id)
        elif number % 4 == 2:
            begin(story.lender, f"R-{number}", iin=IIN)
        else:
            sweep.run_round()


def test_of_many_erasures_beside_disputes_requests_and_openings_none_is_half_done():
    stories: list[Story] = []
    for number in range(RACES):
        story = begin(stories[0].lender if stories else lender(), f"R-{number}", iin=IIN)
        openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
        story.work()
        stories.append(story)
    whole = {story.id: sealed_rows(story) for story in stories}
    to_last_day(stories[-1])
    sweep.run_round()

    def race(turn_number):
        number, is_worker = divmod(turn_number, 2)
        if is_worker:
            while step(stories[number]):
                pass
        else:
            meanwhile(stories[number], number)

    in_parallel(race, 2 * RACES)
    turn(1)  # what faulted, or was put off, is due again
    sweep.run_round()
    for story in stories:
        while step(story):
            pass
    order()
    held = [story for story in stories if story.row().redacted_at is None]
    for story in stories:
        assert sealed_rows(story) == (whole[story.id] if story in held else set())
        assert not story.row().step
    assert len(held) <= RACES // 4
    assert findings() == []


def test_nothing_is_judged_again_and_the_audit_says_how_much(story):
    purged(story)
    told = audit("--replay", "9")
    assert (told["ok"], told["findings"]) == (True, [])
    assert told["replayed"]["test"]["cannot"] == {"verification_erased": 4}
    assert {replayed.verdict for replayed in replay(verification_id=story.id)} == {Verdict.CANNOT}
