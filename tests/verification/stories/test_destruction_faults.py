"""Whatever breaks while frames are destroyed, what must go is owed until it is gone, and no status
moves.
"""

from functools import partial

import pytest
from django.core.files.storage import storages
from django.db.models import Q

from tests.verification.log.judged import findings
from tests.verification.stories.destruction_story import (
    claim,
    dispute,
    entries,
    file_of,
    gone,
    kept,
    step,
    turn,
)
from tests.verification.stories.insecure_capture import played
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.story import in_parallel
from verification import clock
from verification.case import policy, steps
from verification.core.errors import FenceLost
from verification.models import EvidenceItem
from verification.worker import destruction, sweep
from verification.worker import run as advance

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seen_once")]

HOUR = 3600


def test_a_worker_that_dies_between_the_keys_and_the_files_leaves_them_to_the_next(script):
    story = played()
    turn(73)
    sweep.run_round()
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


def test_a_worker_that_comes_late_destroys_nothing(script):
    story = played()
    turn(73)
    sweep.run_round()
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
    turn(73)
    sweep.run_round()
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


def test_a_step_whose_workers_die_without_a_word_is_put_off_and_never_given_up(script):
    story = played()
    turn(73)
    sweep.run_round()
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


def test_terms_that_do_not_open_choose_nothing(script):
    story = played()
    terms = EvidenceItem.objects.filter(verification_id=story.id, kind="live_capture.terms")
    said = terms.get().commitment
    terms.update(commitment="0" * 64)
    turn(73)
    sweep.run_round()
    assert step(story)
    assert (gone(story), story.row().faults, story.row().status) == ([], 1, "verified")
    terms.update(commitment=said)
    turn(0.01)
    assert (step(story), step(story)) == (True, True)
    assert {kind.rpartition(".")[2] for kind in kept(story)} == {"3"}


def test_of_two_rounds_that_find_it_due_one_owes_it(script):
    story = played()
    turn(73)
    owe = partial(sweep._owe, steps.DESTROY, destruction.QUEUE, Q(step=""), story.id)
    assert in_parallel(lambda _: owe(at=clock.now()), 2).count(1) == 1
    claimed = claim(story)
    assert owe(at=clock.now()) == 0
    assert story.row().fence == claimed.fence
