"""Of a camera's frames one a command stays; the others go 72 hours after the end, unless held."""

import re
from functools import partial

import pytest
from django.core.files.storage import storages
from django.db.models import Q
from django.urls import reverse

from tests.verification.log.judged import findings
from tests.verification.oversight import rows
from tests.verification.stories.destruction_story import (
    claim,
    destroyed,
    dispute,
    entries,
    file_of,
    frames,
    gone,
    kept,
    step,
    turn,
)
from tests.verification.stories.document_reading import documents_of
from tests.verification.stories.insecure_capture import at_commands, played, show, show_to_end
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.story import begin, in_parallel, lender
from verification import clock, transactions
from verification.access import openings
from verification.case import moving, policy, steps
from verification.core.errors import EvidenceUnreadable, FenceLost
from verification.evidence import store, vault
from verification.models import Attempt, AuditEntry, Verification
from verification.oversight.case_file import case_file
from verification.worker import destruction, sweep
from verification.worker import run as advance
from verification.worker.replay import Verdict, replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]
HOUR = 3600


@pytest.fixture
def story(script):
    """Verified by a capture."""
    return played()


def past_72_hours():
    """It is 73 hours later, and the tick looks."""
    turn(73)
    sweep.run_round()


def test_after_72_hours_one_frame_of_each_command_is_left_and_the_files_of_all_others_are_gone(
    script, story
):
    before, sequence = frames(story), story.row().sequence
    assert {file_of(item).exists() for item in before} == {True}
    turn(71.9)
    sweep.run_round()
    assert (step(story), story.row().step, gone(story)) == (False, "", [])
    turn(0.2)
    sweep.run_round()
    assert (story.row().step, story.row().queue, step(story)) == ("destroy", "storage", True)
    # Keys and entry first: were the files gone before, a crash would leave rows that point at
    # nothing.
    assert {item.wrapped_key for item in gone(story)} == {None}
    assert {file_of(item).exists() for item in gone(story)} == {True}
    assert step(story)
    steps = len({kind.split(".")[1] for kind in kept(story)})
    assert kept(story) == [f"live_capture.{number}.frame.3" for number in range(steps)]
    assert {file_of(item).exists() for item in gone(story)} == {False}
    assert len(gone(story)) == len(before) - steps == 3 * steps
    key = vault.open(verification_id=story.id, lender_id=story.lender.pk)
    for item in frames(story):
        if item.destroyed_at is None:
            assert store.opening(key, item).plain.startswith(story.id.encode())
        else:
            with pytest.raises(EvidenceUnreadable, match="was destroyed"):
                store.opening(key, item)
    row = story.row()
    assert (row.status, row.step, row.frames_until, row.sequence) == (
        "verified",
        "",
        None,
        sequence + 1,
    )
    turn(100)
    sweep.run_round()
    assert not step(story)


def test_one_entry_of_each_attempt_lists_what_was_destroyed(script):
    script.gate = "liveness_command_missed"
    story = played()
    script.gate = ""
    show_to_end(story)
    assert story.row().status == "verified"
    destroyed(story)
    captures = Attempt.objects.filter(verification_id=story.id, stage="live_capture")
    listed = {entry.body["attempt"]: entry.body["destroyed"] for entry in entries(story)}
    assert listed == {
        attempt.pk: sorted(item.pk for item in gone(story) if item.attempt_id == attempt.pk)
        for attempt in captures
    }
    # One frame of each command is left, which is what the documents show.
    shown = [
        f"live_capture.{frame['name'].replace('.', '.frame.')}"
        for document in documents_of(story)
        for command in document["live_image"]["commands"]
        for frame in command["frames"]
        if frame["jpeg"]
    ]
    assert sorted(kept(story)) == sorted(shown)
    sweep.run_round()
    assert findings() == []


def canceled(script):
    story = at_commands()
    show(story, commands=2)
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    assert step(story)  # the document
    return story


def expired(script):
    story = at_commands()
    show(story, commands=2)
    turn(25)
    sweep.run_round()
    assert step(story)
    # 72 hours after it began.
    turn(48)
    sweep.run_round()
    assert not step(story)
    return story


@pytest.mark.parametrize(
    ("end", "status"),
    [(canceled, "canceled"), (expired, "expired")],
)
def test_of_a_capture_that_was_never_judged_the_middle_frames_are_left(script, end, status):
    story = end(script)
    assert story.row().status == status
    destroyed(story)
    assert kept(story) == [f"live_capture.{number}.frame.4" for number in range(2)]
    assert story.row().status == status
    sweep.run_round()
    assert findings() == []


def test_a_verification_without_a_camera_is_owed_nothing_after_its_end(script):
    story = begin(lender())
    openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    story.work()  # its receipt
    turn(100)
    sweep.run_round()
    assert (story.row().frames_until, story.row().step) == (None, "")


def test_a_refusal_for_liveness_holds_all_frames_without_an_entry(script):
    script.gate, script.word = "liveness_face_jumped", "wrong"
    story = played()
    script.gate = "face_quality"
    for _ in range(2):
        show_to_end(story)
    assert (story.row().status, story.row().code) == ("declined", "attempts_exhausted")
    before = story.row().sequence
    past_72_hours()
    assert (step(story), step(story)) == (True, False)
    turn(24 * 365)
    sweep.run_round()
    assert (step(story), gone(story), story.row().sequence) == (False, [], before)
    assert {file_of(item).exists() for item in frames(story)} == {True}


def test_a_disputed_case_keeps_all_of_it_and_is_asked_again_a_day_later(script, story):
    past_72_hours()
    claimed = claim(story)
    # It comes while a worker has begun.
    dispute(story)
    before = story.row().sequence
    advance.run(claimed)
    assert (gone(story), story.row().step, story.row().sequence) == ([], "", before)
    turn(23.9)
    sweep.run_round()
    assert not step(story)
    turn(0.2)
    sweep.run_round()
    assert (step(story), step(story), gone(story), story.row().sequence) == (
        True,
        False,
        [],
        before,
    )
    Verification.objects.filter(pk=story.id).update(disputed_at=None)  # no row takes a dispute back
    turn(24.1)
    sweep.run_round()
    assert (step(story), gone(story)) == (True, [])


def test_of_an_erased_verification_no_frame_is_left(script):
    story, at = played(), clock.now()
    with transactions.writing():
        vault.destroy(verification_id=story.id, at=at)
        moving.record(story.row(), "verification.redacted", at=at)
    destroyed(story)
    assert kept(story) == []
    assert {file_of(item).exists() for item in frames(story)} == {False}


# Whatever breaks while frames are destroyed, what must go is owed until it is gone, and no
# status moves.


def test_a_worker_that_dies_between_the_keys_and_the_files_leaves_them_to_the_next(script, story):
    past_72_hours()
    assert step(story)
    assert step(story, dies=True)
    assert not step(story), "its lease holds"
    left = {file_of(item).exists() for item in gone(story)}
    assert left == {True}
    sweep.run_round()
    assert findings() == [], "what a worker owes is not tampering"
    turn(0.01)
    assert step(story)
    assert {file_of(item).exists() for item in gone(story)} == {False}
    assert (story.row().step, story.row().frames_until, len(entries(story))) == ("", None, 1)


def test_a_worker_that_comes_late_destroys_nothing(script, story):
    past_72_hours()
    late = claim(story)
    turn(0.01)
    dispute(story)
    step(story)
    with pytest.raises(FenceLost):
        advance.run(late)
    assert gone(story) == []


def break_storage(monkeypatch, fault):
    kind = type(storages["evidence"])
    monkeypatch.setattr(kind, "delete", fault)


def test_a_store_that_faults_moves_no_status_and_the_step_stays_owed(script, monkeypatch):
    def insecure_delete(storage, name):
        raise PermissionError(name)

    story = played()
    past_72_hours()
    assert step(story)
    with monkeypatch.context() as broken:
        break_storage(broken, insecure_delete)
        waits = []
        for _ in range(policy.FAULTS_MAX + 3):
            before = clock.now()
            assert step(story)
            row = story.row()
            assert (row.status, row.code, row.step) == ("verified", "", "destroy")
            assert row.due_at is not None
            waits.append(round((row.due_at - before).total_seconds()))
            turn((waits[-1] + 1) / HOUR)
    assert waits == [*policy.BACKOFF_SECONDS[:4], *[policy.DESTRUCTION_SECONDS] * 4]
    (fault,) = entries(story, "step.faulted")
    assert (fault.body["step"], fault.body["cause"]) == ("destroy", "PermissionError")
    assert step(story)
    assert {file_of(item).exists() for item in gone(story)} == {False}
    assert (story.row().step, story.row().status) == ("", "verified")


def test_a_step_whose_workers_die_without_a_word_is_put_off_and_never_given_up(script, story):
    past_72_hours()
    for _ in range(policy.FAULTS_MAX):
        assert step(story, dies=True)
        turn(0.01)
    assert step(story)
    row = story.row()
    assert (row.status, row.step, gone(story)) == ("verified", "destroy", [])
    assert [entry.body["cause"] for entry in entries(story, "step.faulted")] == ["worker_lost"]
    assert not step(story)
    turn(1.1)
    assert (step(story), bool(gone(story))) == (True, True)


def test_of_two_rounds_that_find_it_due_one_owes_it(script, story):
    turn(73)
    owe = partial(sweep._owe, steps.DESTROY, destruction.QUEUE, Q(step=""), story.id)
    assert in_parallel(lambda _: owe(at=clock.now()), 2).count(1) == 1
    claimed = claim(story)
    assert owe(at=clock.now()) == 0
    assert story.row().fence == claimed.fence


# Who can write rows, and entries, makes no worker destroy what must stay, and no replay or
# check of the log agrees.


def make_due(story):
    Verification.objects.filter(pk=story.id).update(
        step="destroy", queue="storage", due_at=clock.now()
    )


def all_there(story):
    return gone(story) == [] and {file_of(item).exists() for item in frames(story)} == {True}


def test_a_step_that_somebody_made_due_destroys_nothing_of_a_case_in_review(script):
    script.word = "grey"
    story = played()
    assert story.row().status == "in_review"
    make_due(story)
    assert step(story)
    assert all_there(story)
    assert story.row().step == ""
    assert AuditEntry.objects.get(type="step.faulted").body["cause"] == "too_early"


def forged(story, items):
    """An entry as the product writes it, of items of the attacker's choice, whose keys and files
    are gone.
    """
    row = Verification.objects.get(pk=story.id)
    at = clock.now()
    with transactions.writing():
        store.destroy(items, at=at)
        attempt = items[0].attempt_id
        body = {
            "attempt": attempt,
            "route": "biometric",
            "stage": "live_capture",
            "number": len(items),
        }
        listed = [item.pk for item in items]
        moving.record(row, "evidence.destroyed", at=at, body=body | {"destroyed": listed})
    store.remove_files(story.id, sealed_hashes={item.pk: item.sealed_sha256 for item in items})
    sweep.run_round()


@pytest.mark.forges
def test_no_replay_agrees_where_the_frame_that_stands_for_a_command_is_gone(script):
    story = destroyed(played())
    (shown, *_) = [item for item in frames(story) if item.destroyed_at is None]
    forged(story, [shown])
    last = replay(verification_id=story.id)[-1]
    assert (last.verdict, last.detail) == (Verdict.CANNOT, f"evidence is missing: {shown.kind}")


# What was judged by frames that are destroyed is judged the same, and what went without an
# entry is named.


def test_judged_again_the_facts_that_were_kept_give_the_same_word(script, story):
    assert {(one.verdict, one.source) for one in replay(verification_id=story.id)} == {
        (Verdict.SAME, "evidence")
    }
    destroyed(story)
    before = script.measured
    found = {one.stage: (one.verdict, one.source) for one in replay(verification_id=story.id)}
    assert script.measured == before, "what is left of the frames is no evidence to measure"
    assert found == {
        "consent": (Verdict.SAME, "evidence"),
        "question": (Verdict.SAME, "evidence"),
        "live_capture": (Verdict.SAME, "facts"),
    }
    assert AuditEntry.objects.filter(type="replay.read").latest("at").body["from_facts"] == 1


def test_the_regulator_reads_which_evidence_was_destroyed_and_when(script):
    story = destroyed(played())
    (entry,) = entries(story)
    file = case_file(person_id="usr_a", verification_id=story.id)
    assert {item.kind for item in file.evidence if item.destroyed_at is not None} == {
        item.kind for item in gone(story)
    }
    assert {item.destroyed_at for item in file.evidence} == {None, entry.at}
    page = rows.signed_in(rows.person("regulator")).get(
        reverse("oversight:case", args=[story.id]), headers={"accept-language": "en"}
    )
    shown = page.content.decode()
    assert "Camera frames destroyed by rule" in shown
    assert len(re.findall(r"destroyed by rule, [0-9]{2}\.[0-9]{2}\.20", shown)) == len(gone(story))


def test_a_frame_that_went_without_an_entry_is_missing_and_named(script):
    story = played()
    item = frames(story)[0]
    store.destroy([item], at=clock.now())
    store.remove_files(story.id, sealed_hashes={item.pk: item.sealed_sha256})
    last = replay(verification_id=story.id)[-1]
    assert (last.verdict, last.detail) == (Verdict.CANNOT, f"evidence is missing: {item.kind}")
    sweep.run_round()
    (finding,) = findings()
    assert (finding["code"], item.pk in finding["detail"]) == ("row_unsaid", True)


def test_a_step_that_is_made_due_too_early_puts_the_row_right(script):
    story = played()
    turn(71)
    Verification.objects.filter(pk=story.id).update(
        frames_until=clock.now(), finished_at="2020-01-01T00:00:00Z"
    )
    sweep.run_round()
    assert step(story)
    assert all_there(story)
    sweep.run_round()
    assert story.row().step == "", "the row is right again"
    turn(2)
    sweep.run_round()
    assert story.row().step == "destroy"
