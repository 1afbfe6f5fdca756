"""What else whoever writes rows may try: a worker as his pen, rows that hold the log up, entries
that only wait.
"""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection
from django.utils import timezone
from pytest_django import Settings

from tests.tampering.hands import taken_back
from tests.verification.log.judged import delete, erase, findings, update
from tests.verification.log.judged import judged as judge
from tests.verification.log.rows import NOON, order_all, slip_in, tamper
from tests.verification.stories.conftest import (
    Issued,
    authorities,  # noqa: F401
    issued,  # noqa: F401
    trusted,  # noqa: F401
)
from tests.verification.stories.story import Story, begin
from verification.access.tokens import PHONES, SESSIONS
from verification.case.moving import read_sound
from verification.core import events
from verification.core.ids import HAND_OVER, SESSION
from verification.log import sequencer
from verification.models import (
    Attempt,
    AuditEntry,
    AuditLeaf,
    AuditPending,
    EvidenceItem,
    ReviewVote,
    Verification,
)
from verification.oversight import search

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


@pytest.fixture
def judged(issued: Issued) -> Story:  # noqa: F811
    """A case that was verified by a signature, ordered."""
    return judge(issued)


def test_no_worker_is_made_to_sign_an_unjudged_attempt(judged: Story) -> None:
    """Whoever writes rows makes up a judgement for people, two votes, and the step that weighs
    them.
    """
    victim = begin(judged.lender, "A-2", iin="900101300017").to_statement()
    order_all()
    attempt, row = Attempt.objects.get(verification_id=victim.id, stage="statement"), victim.row()
    of_statement = AuditEntry.objects.filter(verification_id=judged.id, body__stage="statement")
    genuine = of_statement.get(type="attempt.judged", body__outcome="passed")
    checks = [dict(check) for check in genuine.body["checks"]]
    checks[0] |= {"outcome": "inconclusive", "code": "face_review"}
    body = genuine.body | {
        "attempt": attempt.pk,
        "outcome": "review",
        "code": "face_review",
        "checks": checks,
    }
    forged = slip_in(
        genuine, verification_id=victim.id, verification_sequence=row.sequence + 1, body=body
    )
    AuditPending.objects.filter(
        pk=forged
    ).delete()  # or the log would refuse it, and all that follows
    now = timezone.now()
    Attempt.objects.filter(pk=attempt.pk).update(status="review", code="face_review", closed_at=now)
    for person in ("usr_a", "usr_b"):
        ReviewVote.objects.create(attempt=attempt, person=person, passes=True, created_at=now)
    due: dict[str, Any] = {
        "step": "weigh",
        "queue": "default",
        "due_at": now - timedelta(seconds=1),
    }
    due |= {"status": "in_review", "in_review_since": now, "sequence": row.sequence + 1}
    Verification.objects.filter(pk=victim.id).update(**due)
    victim.work()
    order_all()
    assert not AuditEntry.objects.filter(
        verification_id=victim.id, type__in=("attempt.reviewed", *events.DECISIONS)
    )
    assert {"entry_lost"} <= {found["code"] for found in findings()}


def test_a_body_that_no_leaf_could_hold_is_refused_by_the_database(judged: Story) -> None:
    """Tick would have to read all of it before it could refuse it, of many at once."""
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.created")
    of_nobody = {"verification_id": None, "verification_sequence": None, "lender_id": None}
    with pytest.raises(IntegrityError):
        slip_in(genuine, **of_nobody, type="replay.read", body={"v": 1, "long": "x" * 70_000})


def test_a_leaf_in_another_log_and_an_entry_of_another_delay_no_case(judged: Story) -> None:
    """One INSERT stopped the order for good; another an honest case, by an entry that named no
    log.
    """
    victim = begin(judged.lender, "A-2", iin="900101300017")
    waiting = AuditEntry.objects.filter(verification_id=victim.id).order_by("verification_sequence")
    placed = waiting[0].pk
    leaf = AuditLeaf(entry_id=placed, log="zzz", leaf_index=0, told_to="", leaf_hash=bytes(32))
    AuditLeaf.objects.bulk_create([leaf])
    elsewhere = slip_in(waiting[1], verification_sequence=None, log="zzz", body={"v": 1})
    AuditPending.objects.filter(pk=elsewhere).update(refused=True)
    honest = begin(judged.lender, "A-3", iin="900101300017")
    order_all()
    assert not AuditEntry.objects.filter(
        verification_id__in=(victim.id, honest.id), log="test", leaf=None
    ).exists()
    assert {"log_unknown", "leaf_misplaced"} <= {found["code"] for found in findings()}


def test_votes_and_a_stop_that_only_stand_in_rows_end_nothing(judged: Story) -> None:
    """SQL alone had a worker sign them."""
    victim = begin(judged.lender, "A-2", iin="900101300017").to_statement()
    order_all()
    attempt, now = Attempt.objects.get(verification_id=victim.id, stage="statement"), timezone.now()
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.created")
    for number, person in enumerate(("usr_a", "usr_b")):
        body = {"v": 1, "attempt": attempt.pk, "person": person, "outcome": "passed"}
        named = {
            "verification_id": victim.id,
            "verification_sequence": 900 + number,
            "type": "review.voted",
        }
        AuditPending.objects.filter(pk=slip_in(genuine, **named, body=body)).delete()
        ReviewVote.objects.create(attempt=attempt, person=person, passes=True, created_at=now)
    assert not read_sound(victim.row()).state.attempts[attempt.pk].votes
    session = SESSIONS.rows.filter(verification_id=victim.id).first()
    if session is None:
        session = SESSIONS.rows.create(
            kind=SESSION, verification_id=victim.id, digest=bytes(32), created_at=now
        )
    PHONES.rows.create(
        kind=HAND_OVER,
        created_at=now,
        verification_id=victim.id,
        parent=session,
        digest=b"1" * 32,
        expires_at=now,
        outcome="stopped",
    )
    Verification.objects.filter(pk=victim.id).update(step="stop", queue="default", due_at=now)
    victim.work()
    assert victim.row().status == "requires_input"


@pytest.mark.embedded
@pytest.mark.parametrize(
    "poison",
    [
        {"type": "replay.read", "body": {"v": 1, "x": 1.5}},
        {"type": "replay.read", "body": {"v": 1}, "at": "infinity"},
        {"type": "attempt.judged", "body": {"v": 1, "signed": {"with": "evt_none"}}},
        {"type": "attempt.judged", "body": {"v": 1, "signed": {"with": "\ud800"}}},
        {"type": "attempt.judged", "body": {"v": 1, "signed": {"over": ["\ud800"], "by": "x"}}},
    ],
)
def test_a_row_that_is_no_leaf_is_refused_and_delays_no_other(
    judged: Story, poison: dict[str, Any]
) -> None:
    if connection.vendor == (
        "sqlite" if "at" in poison else "postgresql" if "\\ud800" in json.dumps(poison) else ""
    ):
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


def test_what_waits_unsigned_is_named_before_the_log_refuses_it_and_after_it_is_asked_again(
    judged: Story,
) -> None:
    victim = begin(judged.lender, "A-2", iin="900101300017")
    order_all()
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.verified")
    forged = slip_in(genuine, verification_id=victim.id)
    for _ in range(2):
        assert ("entry_refused", forged) in {
            (found["code"], found.get("entry")) for found in findings()
        }
        order_all()
        sequencer.ask_again("test")


def test_a_damaged_first_entry_hides_nothing_behind_it(judged: Story) -> None:
    of_statement = AuditEntry.objects.filter(verification_id=judged.id, body__stage="statement")
    first = of_statement.get(type="attempt.judged", body__outcome="passed")
    if connection.vendor == "sqlite":  # PostgreSQL takes no such time
        tamper(
            (
                "UPDATE verification_auditentry SET at = %s WHERE id = %s",
                ("2026-13-45 00:00:00", first.pk),
            )
        )
        assert {"entry_unsigned", "entry_unreadable"} <= {found["code"] for found in findings()}


@pytest.mark.parametrize("log", ["xxxx", "live"])
def test_an_entry_that_names_another_log_stops_nothing(
    judged: Story, settings: Settings, log: str
) -> None:
    settings.TULGA_CERTIFIED = tuple(one for one in settings.TULGA_CERTIFIED if one.mode == "test")
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.verified")
    of_nobody = {
        "verification_id": None,
        "verification_sequence": None,
        "lender_id": None,
        "at": NOON,
    }
    other = slip_in(
        genuine,
        **of_nobody,
        type="attempt.judged",
        log=log,
        body={"v": 1, "signed": {"over": ["evt_a"]}},
    )
    bad = slip_in(
        genuine, **of_nobody, type="attempt.judged", body={"v": 1, "signed": {"with": other}}
    )
    honest = begin(judged.lender, "A-2", iin="900101300017")
    order_all()
    order_all()
    assert not AuditEntry.objects.filter(verification_id=honest.id, leaf=None).exists()
    assert AuditPending.objects.get(refused=True).entry_id == bad


def test_damage_beyond_the_first_batch_delays_no_other_entry(judged: Story) -> None:
    """A later entry of a verification comes along with an earlier one in the batch, however late it
    is dated.
    """
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.created")
    honest = begin(judged.lender, "A-2", iin="900101300017")
    far = {"verification_id": honest.id, "type": "link.minted", "at": NOON + timedelta(days=36_500)}
    bad = slip_in(genuine, **far, verification_sequence=0, body={"v": 1, "x": 1.5})
    for _ in range(12):
        sequencer.order("test", limit=1)
    assert AuditPending.objects.get(refused=True).entry_id == bad


def test_a_destruction_is_put_off_while_no_worker_signed_the_end(
    judged: Story, settings: Settings
) -> None:
    Verification.objects.filter(pk=judged.id).update(
        step="destroy", queue="storage", due_at=timezone.now(), frames_until=timezone.now()
    )
    settings.TULGA_CERTIFIED = tuple(
        one for one in settings.TULGA_CERTIFIED if one.kind != "decision"
    )
    judged.work()
    row = judged.row()
    assert row.step == "destroy"
    assert row.due_at is not None
    assert row.due_at > timezone.now()
    assert AuditEntry.objects.filter(type="step.faulted", body__step="destroy").count() == 1


@pytest.mark.parametrize("column", ["combinations", "combination"])
def test_b2_another_combination_than_was_opened_is_named(judged: Story, column: str) -> None:
    victim = begin(judged.lender, "A-2", iin="900101300017")
    order_all()
    for pk in (victim.id, judged.id):
        tamper(update("verification", f"{column} = '[[\"biometric\"]]'", pk))
        assert column in {each.get("field") for each in findings()}
        row = Verification.objects.get(pk=pk)
        honest = {"combinations": [["eds"]], "combination": ["eds"]}
        Verification.objects.filter(pk=row.pk).update(**{column: honest[column]})
        assert findings() == []


@pytest.mark.parametrize("is_with_entries", [False, True])
def test_b7_a_whole_case_dated_back_is_named(judged: Story, is_with_entries: bool) -> None:
    month = timedelta(days=30)
    row, statements = judged.row(), []
    for table, owner, columns in (
        ("verification", "id", ("created_at", "expires_at", "finished_at")),
        ("attempt", "verification_id", ("opened_at", "expires_at", "closed_at")),
        ("evidenceitem", "verification_id", ("created_at",)),
        ("access", "verification_id", ("created_at",)),
        *((("auditentry", "verification_id", ("at",)),) if is_with_entries else ()),
    ):
        model = apps.get_model("verification", table)
        for each in model._default_manager.filter(**{owner: judged.id}):
            for column in columns:
                moment = connection.ops.adapt_datetimefield_value(getattr(each, column) - month)
                change = f"UPDATE verification_{table} SET {column} = %s WHERE id = %s"  # noqa: S608
                statements.append((change, (moment, each.pk)))
    tamper(*statements)
    assert Verification.objects.get(pk=judged.id).created_at == row.created_at - month
    codes = {each["code"] for each in findings()}
    assert codes & ({"entry_differs", "entry_unsigned"} if is_with_entries else {"row_differs"})


def test_b7_a_key_destroyed_without_an_entry_is_named_and_one_destroyed_by_an_entry_is_not(
    judged: Story,
) -> None:
    at = connection.ops.adapt_datetimefield_value(timezone.now())
    gone = (
        "UPDATE verification_datakey SET wrapped_key = NULL, destroyed_at = %s WHERE"
        " verification_id = %s"
    )
    with taken_back():
        with connection.cursor() as cursor:
            cursor.execute(gone, [at, judged.id])
        assert ("row_differs", "destroyed_at") in {
            (each["code"], each.get("field")) for each in findings()
        }
    erase(judged)
    assert findings() == []


def test_b7_scores_are_sealed_and_those_of_another_judgement_open_nowhere_else(
    judged: Story,
) -> None:
    first, second = EvidenceItem.objects.filter(
        verification_id=judged.id, kind="statement.terms"
    ).order_by("pk")
    for row, other in ((first, second), (second, first)):
        names = ("sealed", "sealed_sha256", "offset", "wrapped_key", "commitment", "size")
        EvidenceItem.objects.filter(pk=row.pk).update(
            **{name: getattr(other, name) for name in names}
        )
    found = findings()
    assert {"evidence", "evidence_differs"} <= {each["code"] for each in found}
    assert {first.pk, second.pk} <= {word for each in found for word in each["detail"].split()}


def test_b7_a_reading_that_was_ordered_is_not_taken_away(judged: Story) -> None:
    search.search(person_id="usr_" + "a" * 26, question=search.Question(mode="test"))
    order_all()
    entry = AuditEntry.objects.get(type="oversight.searched")
    assert findings() == []
    tamper(delete("auditentry", entry.pk))
    assert ("entry_missing", entry.pk) in {(each["code"], each.get("entry")) for each in findings()}
