"""Only a worker's step ends a verification: tick, desk and web write down that one is due, and it
looks for itself.
"""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Q

from tests.verification.log.rows import slip_in
from tests.verification.stories.insecure_glance import glanced, people, see
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import (
    IIN,
    begin,
    decisions,
    later,
    lender,
    make_due,
    wait_until,
)
from verification.access import answers, openings
from verification.case import policy, steps
from verification.core import profiles
from verification.core.errors import BadInput, Conflict, Misconfigured
from verification.models import Attempt, AuditEntry, AuditPending, Verification
from verification.review import voting
from verification.review.voting import vote
from verification.worker import sweep

pytestmark = [pytest.mark.django_db(transaction=True)]

_PRODUCT = Path(__file__).resolve().parents[3]
_DECIDING = re.compile(r"end\(history, Status\.|\"verification.in_review\", at=")
REASON = "the ears and the mole are the same"


def test_no_other_file_moves_a_verification_to_its_end() -> None:
    files = [
        path
        for app in ("verification", "lenders", "people", "config")
        for path in (_PRODUCT / app).rglob("*.py")
    ]
    found = {path.name for path in files if _DECIDING.search(path.read_text("utf-8"))}
    assert found == {"run.py", "judge.py"}


@pytest.mark.parametrize("is_in_review", [False, True])
def test_the_tick_ends_nothing_and_a_worker_does(glances, is_in_review):
    story = glanced("grey") if is_in_review else begin(lender())
    before = story.row().status
    wait_until(story.row().created_at + timedelta(seconds=policy.VERIFICATION_SECONDS + 60))
    for _ in range(2):
        sweep.run_round()
    row = story.row()
    assert (row.status, row.step, decisions(story)) == (before, steps.EXPIRE, 0)
    story.work()
    assert (story.row().status, story.row().step, decisions(story)) == ("expired", "", 1)


def test_the_tick_lapses_no_dialogue_and_a_worker_does():
    story = begin(lender())
    wait_until(Attempt.objects.get(verification_id=story.id).expires_at)
    for _ in range(2):
        sweep.run_round()
    assert (story.row().step, Attempt.objects.get(verification_id=story.id).status) == (
        steps.LAPSE,
        "open",
    )
    story.work()
    assert Attempt.objects.get(verification_id=story.id).status == "lapsed"


PUT_BACK: dict[str, tuple[Any, dict[str, Any], str]] = {
    "the time of the whole": (Verification, {"expires_at": later(-60)}, steps.EXPIRE),
    "the time of an attempt": (Attempt, {"expires_at": later(-60)}, steps.LAPSE),
    "the time of its reviewers": (
        Verification,
        {"in_review_since": later(-25 * 3600)},
        steps.EXPIRE,
    ),
    "that it is the borrower's": (
        Verification,
        {"status": "requires_input", "expires_at": later(-60)},
        steps.EXPIRE,
    ),
    "that it is in review": (
        Verification,
        {"status": "in_review", "in_review_since": later(-9e4)},
        steps.EXPIRE,
    ),
}


@pytest.mark.parametrize("name", PUT_BACK)
def test_what_is_put_back_once_a_worker_has_acted_made_it_do_nothing(glances, name):
    model, columns, step = PUT_BACK[name]
    story = (
        glanced("grey") if "reviewers" in name else begin(lender(), profile="KZ-2021-04", iin=IIN)
    )
    if "reviewers" not in name:
        answers.choose_route(verification_id=story.id, route="eds")
    rows: Any = (
        model.objects.filter(pk=story.id)
        if model is Verification
        else model.objects.filter(verification=story.id)
    )
    before = rows.values(*columns).get()
    status = story.row().status
    rows.update(**columns)
    sweep.run_round()
    assert story.row().step == step
    story.work()
    rows.update(**before)
    assert (story.row().status, story.row().step, decisions(story)) == (status, "", 0)
    assert not AuditEntry.objects.filter(type="step.faulted").exists()


@pytest.mark.parametrize(("votes", "status"), [((True, True), "verified"), ((False,), "declined")])
def test_the_desk_ends_nothing_and_a_worker_does(glances, votes, status):
    story = glanced("clear", "grey", profile="KZ-2021-04")
    for passes, person in zip(votes, people(story), strict=False):
        is_decided = vote(verification_id=story.id, reviewer=person, passes=passes, reason=REASON)
    assert is_decided
    assert (story.row().status, story.row().step, decisions(story)) == ("in_review", steps.WEIGH, 0)
    assert not AuditEntry.objects.filter(type="attempt.reviewed").exists()
    story.work()
    assert AuditEntry.objects.get(type="attempt.reviewed").body["outcome"] == (
        "passed" if all(votes) else "failed"
    )
    assert story.row().status == status


@pytest.mark.parametrize("step", [steps.LAPSE, steps.EXPIRE, steps.STOP])
def test_a_step_that_somebody_else_wrote_down_ends_nothing(step):
    story = begin(lender())
    Verification.objects.filter(pk=story.id).update(step=step, queue="default", due_at=later(-1))
    story.work()
    assert (story.row().status, story.row().step, decisions(story)) == ("requires_input", "", 0)
    assert Attempt.objects.get(verification_id=story.id).status == "open"


@pytest.mark.parametrize("given", [0, 1])
def test_votes_that_do_not_suffice_are_not_weighed_whoever_wrote_the_step_down(glances, given):
    story = glanced("clear", "grey", profile="KZ-2021-04")
    for person in people(story)[:given]:
        vote(verification_id=story.id, reviewer=person, passes=True, reason=REASON)
    Verification.objects.filter(pk=story.id).update(
        step=steps.WEIGH, queue="default", due_at=later(-1)
    )
    story.work()
    assert (story.row().status, story.row().step, decisions(story)) == ("in_review", "", 0)


@pytest.mark.parametrize(
    "columns",
    [
        {"combinations": [["eds"]]},
        {"combinations": [["eds"]], "combination": ["eds"]},
        {"combinations": [["eds"]], "combination": ["eds"], "profile_id": "KZ-2021-04"},
        {
            "combinations": [["eds"]],
            "profile_id": "KZ-2021-04",
            "profile_sha256": profiles.get("KZ-2021-04").sha256,
        },
        {"passed_routes": ["biometric"]},
    ],
)
def test_no_column_of_an_open_case_makes_less_suffice_than_its_law(glances, columns):
    story = glanced(profile="KZ-2025-01")
    Verification.objects.filter(pk=story.id).update(**columns)
    see(story, "clear")
    see(story, "clear") if story.page().page == "question" else None
    assert story.row().status != "verified"
    assert not AuditEntry.objects.filter(type="verification.verified").exists()


def test_a_route_is_offered_by_the_law_of_a_case_and_not_by_its_row(glances):
    story = glanced(profile="KZ-2025-01")
    Verification.objects.filter(pk=story.id).update(
        combinations=[["eds", "biometric"], ["biometric"]]
    )
    with pytest.raises(BadInput, match="not offered"):
        answers.choose_route(verification_id=story.id, route="biometric")
    assert story.row().route == "eds"


@pytest.mark.parametrize("chosen", [["eds"], ["biometric", "eds"], []])
def test_a_combination_that_somebody_wrote_into_the_row_leads_nowhere(glances, chosen):
    story = glanced(profile="KZ-2025-01")
    Verification.objects.filter(pk=story.id).update(combination=chosen)
    for _ in range(2):
        see(story, "clear")
    assert (story.row().route, story.row().combination) == ("biometric", ["eds", "biometric"])
    assert not AuditEntry.objects.filter(type="step.faulted").exists()


@pytest.mark.forges
def test_a_law_that_nobody_can_read_any_more_decides_nothing(glances, monkeypatch):
    story = glanced(profile="KZ-2021-04")
    story.answer(sees="clear")
    monkeypatch.setitem(
        profiles.PROFILES, "KZ-2021-04", replace(profiles.get("KZ-2021-04"), replaced_max=1)
    )
    for _ in range(2):
        story.work()
        make_due(story)
    assert (story.row().status, story.row().faults, decisions(story)) == ("processing", 2, 0)
    assert story.page().page == "wait"


@pytest.mark.forges
def test_under_a_law_that_is_not_readable_any_more_no_answer_is_taken(glances, monkeypatch):
    story = glanced(profile="KZ-2021-04")
    turn = story.page().turn
    monkeypatch.setitem(
        profiles.PROFILES, "KZ-2021-04", replace(profiles.get("KZ-2021-04"), replaced_max=1)
    )
    with pytest.raises(Misconfigured):
        story.answer_turn(turn, {"sees": "clear"})
    assert (story.row().turn, decisions(story)) == (turn, 0)


def test_the_hash_of_a_profile_is_over_what_decides():
    profile = profiles.get("KZ-2021-04")
    assert replace(profile, source="elsewhere", verified_by_lawyer=True).sha256 == profile.sha256
    for change in ({"replaced_max": 1}, {"combinations": (("eds",),)}, {"valid_for_seconds": 1}):
        assert replace(profile, **change).sha256 != profile.sha256


def test_a_round_that_listed_a_row_before_its_answer_came_overwrites_no_step():
    story = begin(lender())
    due = Q(status="requires_input", expires_at__lte=later(-1))
    Verification.objects.filter(pk=story.id).update(
        status="processing", step=steps.JUDGE, expires_at=later(-5)
    )
    assert sweep._owe(steps.EXPIRE, "default", due, story.id, at=later(0)) == 0
    assert story.row().step == steps.JUDGE


def test_votes_that_fault_for_long_end_by_time(glances):
    story = glanced("clear", "grey", profile="KZ-2021-04")
    ends = voting.ends_at(story.row())
    owed = {"step": steps.WEIGH, "queue": "default", "due_at": ends + timedelta(days=1)}
    Verification.objects.filter(pk=story.id).update(**owed)
    wait_until(ends + timedelta(seconds=60))
    sweep.run_round()
    assert story.row().step == steps.WEIGH
    wait_until(ends + timedelta(seconds=3660))
    sweep.run_round()
    assert story.row().step == steps.WEIGH  # no worker has tried yet: the votes came in time
    Verification.objects.filter(pk=story.id).update(faults=1)
    sweep.run_round()
    story.work()
    assert (story.row().status, story.row().code) == ("expired", "review_timeout")


def test_a_weighing_of_what_is_not_in_review_is_owed_no_more():
    story = begin(lender())
    Verification.objects.filter(pk=story.id).update(
        step=steps.WEIGH, queue="default", due_at=later(-1)
    )
    story.work()
    assert (story.row().status, story.row().step) == ("requires_input", "")


def test_who_was_stopped_is_not_canceled_meanwhile():
    story = begin(lender())
    Verification.objects.filter(pk=story.id).update(
        step=steps.STOP, queue="default", due_at=later(60)
    )
    with pytest.raises(Conflict):
        openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)


@pytest.mark.forges
def test_routes_that_only_entries_of_somebody_else_call_passed_are_none(glances):
    story = glanced("clear", profile="KZ-2025-01")
    assert (story.row().route, story.row().passed_routes) == ("eds", [])
    genuine = AuditEntry.objects.get(
        verification_id=story.id, type="attempt.judged", body__stage="glance"
    )
    for number, stage in enumerate(("question", "nod")):
        body = {
            "v": 1,
            "attempt": "att_none",
            "route": "biometric",
            "stage": stage,
            "outcome": "passed",
            "checks": [],
        }
        slip_in(genuine, verification_sequence=900 + number, body=body)
    AuditPending.objects.filter(entry__verification_sequence__gte=900).delete()
    Verification.objects.filter(pk=story.id).update(passed_routes=["biometric"])
    story.answer(somebody_tells_me=False)
    story.work()
    assert (story.row().status, story.row().step) == (
        "processing",
        steps.JUDGE,
    )  # nobody judges beside such entries
    assert not AuditEntry.objects.filter(
        verification_id=story.id, type="verification.verified"
    ).exists()


@pytest.mark.parametrize("stage", ["nod"])
@pytest.mark.forges
def test_a_case_that_is_set_before_its_last_stage_passes_nothing_by_it(glances, stage):
    story = begin(lender(), profile="KZ-2021-04", iin=IIN)
    answers.choose_route(verification_id=story.id, route="eds")
    Attempt.objects.filter(verification_id=story.id).update(status="void")
    owed = {"stage": stage, "step": steps.OPEN, "queue": "default", "due_at": later(-1)}
    Verification.objects.filter(pk=story.id).update(**owed)
    story.work()
    assert (story.row().status, story.row().step) == ("requires_input", "")
    assert not AuditEntry.objects.filter(type="verification.verified").exists()
