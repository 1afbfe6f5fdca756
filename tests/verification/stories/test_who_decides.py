"""A worker alone ends a verification, by signed entries; no row that says otherwise decides."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Q

from tests.verification.log import owned_web
from tests.verification.log.judged import findings
from tests.verification.log.looks import verify_legality
from tests.verification.log.rows import order_all, slip_in
from tests.verification.stories.conftest import Issued
from tests.verification.stories.insecure_glance import glanced, people, see, voted
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import (
    IIN,
    OTHER_IIN,
    Story,
    begin,
    decisions,
    later,
    lender,
    make_due,
    signed,
    swept,
    verified_at_second_try,
    wait_until,
)
from verification import clock, tasks
from verification.access import answers, openings
from verification.case import contents, dossier, policy, steps
from verification.case.moving import read
from verification.core import profiles
from verification.core.errors import BadInput, Conflict, Misconfigured
from verification.evidence import vault
from verification.models import (
    Attempt,
    AuditEntry,
    AuditPending,
    EvidenceItem,
    Verification,
)
from verification.review import voting
from verification.review.voting import vote
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT
from verification.worker import sweep

pytestmark = pytest.mark.django_db(transaction=True)
_PRODUCT = Path(__file__).resolve().parents[3]
_DECIDING = re.compile(r"end\(history, Status\.|\"verification.in_review\", at=")
REASON = "the ears and the mole are the same"


@pytest.fixture
def story():
    """A case whose borrower is asked for consent."""
    return begin(lender())


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


def test_the_tick_lapses_no_dialogue_and_a_worker_does(story):
    attempt = Attempt.objects.get(verification_id=story.id)
    wait_until(attempt.expires_at)
    sweep.run_round()
    attempt.refresh_from_db()
    assert (story.row().step, attempt.status) == (steps.LAPSE, "open")
    story.work()
    attempt.refresh_from_db()
    assert attempt.status == "lapsed"


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


@pytest.mark.parametrize("step", [steps.LAPSE, steps.EXPIRE, steps.STOP, steps.WEIGH])
def test_a_step_that_somebody_else_wrote_down_ends_nothing(step, story):
    Verification.objects.filter(pk=story.id).update(step=step, queue="default", due_at=later(-1))
    story.work()
    assert (story.row().status, story.row().step, decisions(story)) == ("requires_input", "", 0)
    assert Attempt.objects.get(verification_id=story.id).status == "open"


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
    with pytest.raises(BadInput, match="not offered"):
        answers.choose_route(verification_id=story.id, route="biometric")
    see(story, "clear")
    see(story, "clear") if story.page().page == "question" else None
    assert story.row().status != "verified"
    assert not AuditEntry.objects.filter(type="verification.verified").exists()


@pytest.mark.parametrize("chosen", [["eds"], ["biometric", "eds"], []])
def test_a_combination_that_somebody_wrote_into_the_row_leads_nowhere(glances, chosen):
    story = glanced(profile="KZ-2025-01")
    Verification.objects.filter(pk=story.id).update(combination=chosen)
    for _ in range(2):
        see(story, "clear")
    assert (story.row().route, story.row().combination) == ("biometric", ["eds", "biometric"])
    assert not AuditEntry.objects.filter(type="step.faulted").exists()


def test_a_step_written_by_an_attacker_weighs_no_votes_that_do_not_suffice(glances):
    story = glanced("clear", "grey", profile="KZ-2021-04")
    vote(verification_id=story.id, reviewer=people(story)[0], passes=True, reason=REASON)
    Verification.objects.filter(pk=story.id).update(
        step=steps.WEIGH, queue="default", due_at=later(-1)
    )
    story.work()
    assert (story.row().status, story.row().step, decisions(story)) == ("in_review", "", 0)


@pytest.mark.forges
def test_a_law_that_no_release_can_read_decides_nothing(glances, monkeypatch):
    story = glanced(profile="KZ-2021-04")
    other = glanced(of=story.lender, reference="A-2", iin=OTHER_IIN, profile="KZ-2021-04")
    story.answer(sees="clear")
    turn = other.page().turn
    changed = replace(profiles.get("KZ-2021-04"), replaced_max=1)
    monkeypatch.setitem(profiles.PROFILES, "KZ-2021-04", changed)
    for _ in range(2):
        story.work()
        make_due(story)
    assert (story.row().status, story.row().faults, decisions(story)) == ("processing", 2, 0)
    with pytest.raises(Misconfigured):
        other.answer_turn(turn, {"sees": "clear"})
    assert (other.row().turn, decisions(other)) == (turn, 0)


def test_a_round_that_listed_a_row_before_its_answer_came_overwrites_no_step(story):
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
    story.reply(somebody_tells_me=False)
    assert (story.row().status, story.row().step) == (
        "processing",
        steps.JUDGE,
    )  # no judge follows such entries
    assert not AuditEntry.objects.filter(
        verification_id=story.id, type="verification.verified"
    ).exists()


@pytest.mark.forges
def test_a_case_that_is_set_before_its_last_stage_passes_nothing_by_it(glances):
    story = begin(lender(), profile="KZ-2021-04", iin=IIN)
    answers.choose_route(verification_id=story.id, route="eds")
    Attempt.objects.filter(verification_id=story.id).update(status="void")
    owed = {"stage": "nod", "step": steps.OPEN, "queue": "default", "due_at": later(-1)}
    Verification.objects.filter(pk=story.id).update(**owed)
    story.work()
    assert (story.row().status, story.row().step) == ("requires_input", "")
    assert not AuditEntry.objects.filter(type="verification.verified").exists()


# What the replay says of a time that a review does not move, and what a changed row does not
# lead to.


@pytest.mark.usefixtures("glances")
def test_what_people_passed_runs_out_when_its_own_time_is_over():
    story = glanced()
    clock._state.offset += timedelta(minutes=4)
    see(story, "grey")
    voted(story)
    wait_until(story.row().expires_at)
    swept()
    swept()
    assert (story.row().status, findings()) == ("expired", [])


@pytest.mark.usefixtures("glances")
@pytest.mark.parametrize(
    "columns", [{"combination": []}, {"combination": ["biometric"]}, {"passed_routes": ["eds"]}]
)
def test_what_a_row_says_of_routes_declines_no_borrower(columns):
    story = glanced("clear")
    story.reply(somebody_tells_me=False)
    story.answer(sees="clear")
    Verification.objects.filter(pk=story.id).update(**columns)
    story.work()
    order_all()
    assert (story.row().route, findings()) == ("biometric", [])


# An attempt is judged by what signed entries list: what a row says otherwise is refused or not
# read.


def attempts(story: Story, stage: str) -> list[Attempt]:
    found = Attempt.objects.filter(verification_id=story.id, stage=stage).select_related(
        "verification"
    )
    return list(found.order_by("turn"))


def item(story: Story, kind: str) -> EvidenceItem:
    return EvidenceItem.objects.select_related("verification").get(
        verification_id=story.id, kind=kind
    )


def resealed(story: Story) -> None:
    owned_web.reseal(item(story, "statement.text"), b'{"purpose": "another"}')


def renamed(story: Story) -> None:
    EvidenceItem.objects.filter(pk=item(story, "statement.signature").pk).update(
        kind="statement.other"
    )


def moved(story: Story) -> None:
    consent = attempts(story, "consent")[0]
    EvidenceItem.objects.filter(pk=item(story, "statement.signature").pk).update(attempt=consent)


def deleted(story: Story) -> None:
    item(story, "question.answer").delete()


def replaced(story: Story) -> None:
    """A row of web's own in the place of what the borrower gave, and an entry of the door's that
    lists it.
    """
    row = item(story, "statement.signature")
    row.delete()
    [attempt] = attempts(story, "statement")
    owned_web.keep(attempt, owned_web.plant(attempt, "statement.signature", b"another"))


def another_case(story: Story) -> None:
    """The case resealed, for a loan to somebody else."""
    row, key = story.row(), contents.key_of(story.row())
    place = vault.CASE
    content = key.unseal(bytes(row.sealed_case), **place).plain.replace(
        IIN.encode(), OTHER_IIN.encode()
    )
    Verification.objects.filter(pk=row.pk).update(sealed_case=key.seal(content, **place).data)


@pytest.mark.usefixtures("trusted")
@pytest.mark.forges
@pytest.mark.parametrize(
    "change",
    [another_case, resealed, renamed, moved, deleted, replaced],
)
def test_evidence_that_is_not_as_its_entry_says_is_never_judged(
    issued: Issued, change: Callable[[Story], None]
) -> None:
    story = signed(issued)
    change(story)
    for number in range(1, policy.FAULTS_MAX + 1):
        story.work()
        fault = (
            AuditEntry.objects.filter(verification_id=story.id, type="step.faulted")
            .order_by("at")
            .last()
        )
        assert fault is not None
        assert (fault.body["cause"], fault.body["faults"]) == ("evidence_unreadable", number)
        make_due(story)
    assert (story.row().status, decisions(story)) == ("failed", 1)
    assert not AuditEntry.objects.filter(
        verification_id=story.id, type="attempt.judged", body__stage="statement"
    )


@pytest.mark.usefixtures("trusted")
@pytest.mark.forges
def test_a_row_that_named_another_log_while_a_worker_had_its_step_led_to_nothing(
    story: Story,
) -> None:
    """Other sources would be asked: a sandbox's registers, for a live case."""
    story.answer(agreed=True, version=CURRENT, language="ru")
    Verification.objects.filter(pk=story.id).update(mode="live")
    tasks.advance(story.id)
    Verification.objects.filter(pk=story.id).update(mode="test")
    entries = AuditEntry.objects.filter(verification_id=story.id)
    assert not entries.filter(type="attempt.judged").exists()
    assert [entry.body["cause"] for entry in entries.filter(type="step.faulted")] == [
        "entries_unsound"
    ]


@pytest.mark.usefixtures("trusted")
def test_a_row_that_named_another_law_while_a_worker_had_its_step_changed_nothing() -> None:
    story, other = begin(lender()), profiles.get("KZ-2024-10")
    story.answer(agreed=True, version=CURRENT, language="ru")
    honest = story.row()
    rows = Verification.objects.filter(pk=story.id)
    rows.update(profile_id=other.id, profile_sha256=other.sha256)
    tasks.advance(story.id)
    entries = AuditEntry.objects.filter(verification_id=story.id)
    opened, judged = (
        entries.filter(type=f"attempt.{name}").earliest("at") for name in ("opened", "judged")
    )
    assert (judged.body["outcome"], judged.body["release"]) == ("passed", opened.body["release"])
    assert (story.row().profile_id, story.row().profile_sha256) == (
        honest.profile_id,
        honest.profile_sha256,
    )


@pytest.mark.usefixtures("trusted")
def test_of_a_stage_that_is_begun_again_the_earlier_pass_is_no_evidence(issued: Issued) -> None:
    story = verified_at_second_try(issued)
    [consent] = attempts(story, "consent")
    history = read(story.row())
    first = history.state.attempts[consent.pk]
    history.state = history.state.put(
        "att_later", replace(first, is_passed=False, evidence=frozenset())
    )
    found = {
        claim.kind.partition(".")[0] for claim in dossier.on_record(history, "att_later").evidence
    }
    assert found == {"question", "statement", "shared"}
    assert not list(verify_legality("test"))


def test_who_was_stopped_is_not_canceled_meanwhile():
    story = begin(lender())
    Verification.objects.filter(pk=story.id).update(
        step=steps.STOP, queue="default", due_at=later(60)
    )
    with pytest.raises(Conflict):
        openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
