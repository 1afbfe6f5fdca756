"""What else whoever writes rows may try: a worker as his pen, rows that hold the log up, entries that only wait."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from tests.verification.audit.judged import findings
from tests.verification.audit.judged import judged as judge
from tests.verification.audit.rows import NOON, order_all, slip_in, tamper
from tests.verification.workflow.conftest import Issued, authorities, issued, trusted  # noqa: F401 (fixtures)
from tests.verification.workflow.story import Story, begin
from verification.audit import sequencer
from verification.core import events
from verification.models import Attempt, AuditEntry, AuditPending, ReviewVote, Verification

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


@pytest.fixture
def judged(issued: Issued) -> Story:  # noqa: F811 (the fixture)
    """A case that was verified by a signature, ordered."""
    return judge(issued)


def test_no_worker_is_made_to_sign_what_nobody_judged(judged: Story) -> None:
    """Whoever writes rows makes up a judgement for people, two votes, and the step that weighs them."""
    victim = begin(judged.lender, "A-2", iin="900101300017").to_statement()
    order_all()
    attempt, row = Attempt.objects.get(verification_id=victim.id, stage="statement"), victim.row()
    of_statement = AuditEntry.objects.filter(verification_id=judged.id, body__stage="statement")
    genuine = of_statement.get(type="attempt.judged", body__outcome="passed")
    checks = [dict(check) for check in genuine.body["checks"]]
    checks[0] |= {"outcome": "inconclusive", "code": "face_review"}
    body = genuine.body | {"attempt": attempt.pk, "outcome": "review", "code": "face_review", "checks": checks}
    forged = slip_in(genuine, verification_id=victim.id, verification_sequence=row.sequence + 1, body=body)
    AuditPending.objects.filter(pk=forged).delete()  # or the log would refuse it, and all that follows
    now = timezone.now()
    Attempt.objects.filter(pk=attempt.pk).update(status="review", code="face_review", closed_at=now)
    for person in ("usr_a", "usr_b"):
        ReviewVote.objects.create(attempt=attempt, person=person, passes=True, created_at=now)
    due: dict[str, Any] = {"step": "weigh", "queue": "default", "due_at": now - timedelta(seconds=1)}
    due |= {"status": "in_review", "in_review_since": now, "sequence": row.sequence + 1}
    Verification.objects.filter(pk=victim.id).update(**due)
    victim.work()
    order_all()
    assert not AuditEntry.objects.filter(verification_id=victim.id, type__in=("attempt.reviewed", *events.DECISIONS))
    assert {"entry_lost"} <= {found["code"] for found in findings()}


@pytest.mark.parametrize(
    "poison",
    [
        {"type": "replay.read", "body": {"v": 1, "x": 1.5}},
        {"type": "replay.read", "body": {"v": 1, "deep": "x" * 70_000}},
        {"type": "replay.read", "body": {"v": 1}, "at": "infinity"},
        {"type": "attempt.judged", "body": {"v": 1, "signed": {"with": "evt_none"}}},
        {"type": "attempt.judged", "body": {"v": 1, "signed": {"with": "\ud800"}}},
        {"type": "attempt.judged", "body": {"v": 1, "signed": {"over": ["\ud800"], "by": "x"}}},
    ],
)
def test_a_row_that_is_no_leaf_is_refused_and_holds_nobody_else_up(judged: Story, poison: dict[str, Any]) -> None:
    if connection.vendor == ("sqlite" if "at" in poison else "postgresql" if "\\ud800" in json.dumps(poison) else ""):
        pytest.skip("this database stores no such row")
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.created")
    of_nobody = {"verification_id": None, "verification_sequence": None, "lender_id": None}
    bad = slip_in(genuine, **of_nobody, **{"at": NOON} | poison)
    honest = begin(judged.lender, "A-2", iin="900101300017")
    for _ in range(3):
        sequencer.order("test")
    waiting = AuditEntry.objects.filter(verification_id=honest.id, leaf=None)
    assert (waiting.count(), AuditPending.objects.get(refused=True).entry_id) == (0, bad)
    assert ("entry_refused", bad) in {(found["code"], found.get("entry")) for found in findings()}


def test_what_waits_unsigned_is_named_before_the_log_refuses_it_and_after_it_is_asked_again(judged: Story) -> None:
    victim = begin(judged.lender, "A-2", iin="900101300017")
    order_all()
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.verified")
    forged = slip_in(genuine, verification_id=victim.id)
    for _ in range(2):
        assert ("entry_refused", forged) in {(found["code"], found.get("entry")) for found in findings()}
        order_all()
        sequencer.ask_again("test")


def test_a_damaged_first_entry_hides_nothing_behind_it(judged: Story) -> None:
    of_statement = AuditEntry.objects.filter(verification_id=judged.id, body__stage="statement")
    first = of_statement.get(type="attempt.judged", body__outcome="passed")
    if connection.vendor == "sqlite":  # PostgreSQL takes no such time
        tamper(("UPDATE verification_auditentry SET at = %s WHERE id = %s", ("2026-13-45 00:00:00", first.pk)))
        assert {"decision_unsigned", "entry_unreadable"} <= {found["code"] for found in findings()}


@pytest.mark.parametrize("log", ["xxxx", "live"])
def test_an_entry_that_names_another_log_stops_nothing(judged: Story, settings: Settings, log: str) -> None:
    settings.TULGA_DECIDERS = {"test": settings.TULGA_DECIDERS["test"]}
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.verified")
    of_nobody = {"verification_id": None, "verification_sequence": None, "lender_id": None, "at": NOON}
    other = slip_in(genuine, **of_nobody, type="attempt.judged", log=log, body={"v": 1, "signed": {"over": ["evt_a"]}})
    bad = slip_in(genuine, **of_nobody, type="attempt.judged", body={"v": 1, "signed": {"with": other}})
    honest = begin(judged.lender, "A-2", iin="900101300017")
    order_all()
    order_all()
    assert not AuditEntry.objects.filter(verification_id=honest.id, leaf=None).exists()
    assert AuditPending.objects.get(refused=True).entry_id == bad


def test_damage_beyond_the_first_batch_holds_nobody_up(judged: Story) -> None:
    """A later entry of a verification comes along with an earlier one in the batch, however late it is dated."""
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.created")
    honest = begin(judged.lender, "A-2", iin="900101300017")
    far = {"verification_id": honest.id, "type": "link.minted", "at": NOON + timedelta(days=36_500)}
    bad = slip_in(genuine, **far, verification_sequence=0, body={"v": 1, "x": 1.5})
    for _ in range(12):
        sequencer.order("test", limit=1)
    assert AuditPending.objects.get(refused=True).entry_id == bad


def test_a_destruction_is_put_off_while_no_worker_signed_the_end(judged: Story, settings: Settings) -> None:
    Verification.objects.filter(pk=judged.id).update(
        step="destroy", queue="storage", due_at=timezone.now(), frames_until=timezone.now()
    )
    settings.TULGA_DECIDERS = {"test": {9: b"\x01" * 32}}
    judged.work()
    row = judged.row()
    assert row.step == "destroy"
    assert row.due_at is not None
    assert row.due_at > timezone.now()
    assert AuditEntry.objects.filter(type="step.faulted", body__step="destroy").count() == 1
