"""An attacker writes rows, to make a worker sign, to hold the log up, or to be read as a worker."""

import json
import random
from base64 import b64encode
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests import entries
from tests.tampering.hands import taken_back
from tests.verification.log import root
from tests.verification.log.judged import delete, erase, findings, update
from tests.verification.log.judged import judged as judge
from tests.verification.log.rows import (
    NOON,
    add_lender,
    add_verification,
    order_all,
    slip_in,
    tamper,
)
from tests.verification.stories.conftest import Issued
from tests.verification.stories.story import Story, begin, lender
from verification.access.tokens import PHONES, SESSIONS
from verification.case.moving import read_sound
from verification.core import events
from verification.core.certificates import key_id
from verification.core.errors import Misconfigured
from verification.core.ids import HAND_OVER, SESSION, new_id
from verification.log import decided, log, sequencer, signatures
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
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]


@pytest.fixture
def judged(issued: Issued) -> Story:
    """A case that was verified by a signature, ordered."""
    return judge(issued)


@pytest.fixture
def created(judged: Story) -> AuditEntry:
    """The entry that opened the judged case."""
    return AuditEntry.objects.get(verification_id=judged.id, type="verification.created")


OF_NO_CASE: dict[str, Any] = {
    "verification_id": None,
    "verification_sequence": None,
    "lender_id": None,
}


def test_no_worker_is_made_to_sign_an_unjudged_attempt(judged: Story) -> None:
    """The attacker writes a judgement for people, two votes, and the step that weighs them."""
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


def test_a_body_that_no_leaf_could_hold_is_refused_by_the_database(created: AuditEntry) -> None:
    """Tick would have to read all of it before it could refuse it, of many at once."""
    with pytest.raises(IntegrityError):
        slip_in(created, **OF_NO_CASE, type="replay.read", body={"v": 1, "long": "x" * 70_000})


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
    bad = slip_in(genuine, **OF_NO_CASE, **{"at": NOON} | poison)
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
    other = slip_in(
        genuine,
        **OF_NO_CASE,
        at=NOON,
        type="attempt.judged",
        log=log,
        body={"v": 1, "signed": {"over": ["evt_a"]}},
    )
    bad = slip_in(
        genuine,
        **OF_NO_CASE,
        at=NOON,
        type="attempt.judged",
        body={"v": 1, "signed": {"with": other}},
    )
    honest = begin(judged.lender, "A-2", iin="900101300017")
    order_all()
    order_all()
    assert not AuditEntry.objects.filter(verification_id=honest.id, leaf=None).exists()
    assert AuditPending.objects.get(refused=True).entry_id == bad


def test_damage_beyond_the_first_batch_delays_no_other_entry(
    created: AuditEntry, judged: Story
) -> None:
    """A later entry of a verification comes along with an earlier one in the batch, however late it
    is dated.
    """
    honest = begin(judged.lender, "A-2", iin="900101300017")
    far = {"verification_id": honest.id, "type": "link.minted", "at": NOON + timedelta(days=36_500)}
    bad = slip_in(created, **far, verification_sequence=0, body={"v": 1, "x": 1.5})
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


# Only a worker's key decides: with the database alone, an attacker gets nothing ordered, told or
# verified as whole.


FORGERIES = 240

Body = dict[str, Any]


def is_ordered(entry: str) -> bool:
    order_all()
    return AuditLeaf.objects.filter(entry=entry).exists()


def test_each_entry_is_signed_by_its_process_and_one_signature_is_over_a_transaction(
    judged: Story,
) -> None:
    every = AuditEntry.objects.filter(verification_id=judged.id).order_by("id")
    faults, signers = signatures.inspect(every)
    keys = {key_id(root.public(kind)): kind for kind in events.SIGNERS}
    assert faults == {}
    signed = {(entry.type, keys[signers[entry.pk]]) for entry in every}
    assert {kind for name, kind in signed if name in entries.SIGNED} == {"decision"}
    assert {name for name, kind in signed if kind == "door"} >= {
        "verification.created",
        "attempt.answered",
    }
    verified = every.get(type="verification.verified")
    first = AuditEntry.objects.get(pk=verified.body["signed"]["with"])
    assert first.type == "attempt.judged"
    assert first.body["signed"]["over"] == [verified.pk]
    order_all()
    assert findings() == []


def test_an_update_and_two_inserts_verify_no_case(
    judged: Story, client: Client, settings: Settings
) -> None:
    """On 25 November 2026 the log signed this, under a law that asks for a signature and a face."""
    settings.TULGA_ROUTES = ["eds", "biometric"]
    victim = begin(judged.lender, "A-2", iin="900101300017", profile="KZ-2025-01")
    order_all()
    row = victim.row()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE verification_verification SET status = 'verified', code = '', finished_at = %s,"
            " sequence = sequence + 1 WHERE id = %s",
            [connection.ops.adapt_datetimefield_value(NOON), victim.id],
        )
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.verified")
    body = {
        "v": 1,
        "code": "",
        "profile": row.profile_id,
        "profile_sha256": row.profile_sha256,
        "routes": ["eds"],
    }
    forged = slip_in(
        genuine,
        verification_id=victim.id,
        verification_sequence=row.sequence + 1,
        body=body,
        lender_id=row.lender_id,
    )
    assert not is_ordered(forged)
    told = decided.leaves_after("test", lender_id=row.lender_id, lender_sequence=0, limit=100)
    assert forged not in {leaf.entry_id for leaf in told}
    named = findings()
    assert ("entry_refused", forged) in {(found["code"], found.get("entry")) for found in named}
    assert {"status", "at"} <= {found.get("field") for found in named}
    ready = client.get("/readyz", REMOTE_ADDR="127.0.0.1")
    assert (ready.status_code, ready.json()["log"]["refused"]) == (503, 1)


def test_240_forged_decisions_are_never_ordered(
    judged: Story, settings: Settings, proof_seed: int
) -> None:
    chance = random.Random(proof_seed)
    order_all()
    victim = begin(lender("Other", number=500), "A-9")
    order_all()
    genuine = list(AuditEntry.objects.filter(verification_id=judged.id, type__in=entries.SIGNED))
    stolen = _stolen(genuine, chance, settings)
    forged = []
    for number in range(FORGERIES):
        one = chance.choice(genuine)
        body = stolen[number % len(stolen)](one)
        as_verified = chance.random() < 0.7 and not AuditEntry.objects.filter(
            verification_id=victim.id, type__in=events.DECISIONS
        )
        kind = "verification.verified" if as_verified else "attempt.judged"
        forged.append(
            slip_in(
                one,
                verification_id=victim.id,
                verification_sequence=5000 + number,
                type=kind,
                body=body,
                at=NOON + timedelta(seconds=number),
            )
        )
    order_all()
    assert AuditLeaf.objects.filter(entry__in=forged).count() == 0
    assert AuditPending.objects.filter(refused=True).count() == FORGERIES
    assert {found["entry"] for found in findings() if found["code"] == "entry_refused"} == set(
        forged
    )


def _stolen(
    genuine: list[AuditEntry], chance: random.Random, settings: Settings
) -> list[Callable[[AuditEntry], Body]]:
    """Ways to a body for a forged decision: what genuine ones say, and signatures by whatever else
    is at hand.
    """
    return [
        lambda one: {name: value for name, value in one.body.items() if name != "signed"},
        lambda one: one.body,
        lambda one: one.body | {"signed": {"with": one.body["signed"].get("with", one.pk)}},
        lambda one: one.body | {"signed": {"with": chance.choice(genuine).pk}},
        lambda one: one.body | {"signed": {"with": new_id("evt")}},
        lambda one: (
            one.body | {"signed": chance.choice([None, [], "x", 5, {}, {"with": 5}, {"over": []}])}
        ),
        lambda one: (
            one.body | {"signed": chance.choice(genuine).body["signed"] | {"over": [one.pk] * 17}}
        ),
        lambda one: (
            one.body | {"signed": chance.choice(genuine).body["signed"] | {"over": [one.pk]}}
        ),
        lambda one: one.body | {"outcome": "passed", "code": ""},
        lambda one: _by_own_key(one, by=None),
        lambda one: _by_own_key(one, by=key_id(root.public("decision"))),
        lambda one: _by_own_key(one, by=None, seed=settings.TULGA_LOG_KEYS["test"]),
        lambda one: _by_own_key(one, by=None, seed=settings.TULGA_DOCUMENT_KEYS["test"][1]),
        lambda one: _by_own_key(
            one, by=None, seed=settings.TULGA_SIGNING_KEYS["decision"]["live"][1]
        ),
        lambda one: _by_own_key(one, by=None, seed=settings.TULGA_SIGNING_KEYS["door"]["test"][1]),
        lambda one: _by_own_key(
            one, by=None, seed=settings.TULGA_SIGNING_KEYS["sender"]["test"][1]
        ),
        lambda one: _by_own_key(one, by=None, seed=root.seed()),
    ]


def _by_own_key(entry: AuditEntry, *, by: str | None, seed: bytes = b"\x07" * 32) -> Body:
    """Signed as a worker would, by a key that is none of theirs. The id of what is slipped in is
    not known before.
    """
    private = Ed25519PrivateKey.from_private_bytes(seed)
    signature = private.sign(signatures._message([entry]))
    own = key_id(private.public_key().public_bytes_raw())
    said = {"by": by or own, "signature": b64encode(signature).decode()}
    forged: Body = entry.body | {"signed": said}
    return forged


@pytest.mark.parametrize("kind", sorted(entries.SIGNED))
def test_what_a_worker_says_cannot_be_said_without_its_key(settings: Settings, kind: str) -> None:
    of = add_verification(add_lender())
    keys = settings.TULGA_SIGNING_KEYS
    settings.TULGA_SIGNING_KEYS = keys | {"decision": {"live": keys["decision"]["live"]}}

    def say(*, at_once: bool) -> None:
        with transaction.atomic(), nullcontext() if at_once else log.gathering():
            log.append(log="test", type=kind, body={}, verification=of)

    for at_once in (False, True):
        with pytest.raises(Misconfigured, match="no decision key"):
            say(at_once=at_once)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    "changed", ["body", "at", "verification_sequence", "lender_id", "type", "log"]
)
def test_a_signed_entry_that_was_changed_before_it_was_ordered_is_refused(
    judged: Story, changed: str
) -> None:
    genuine = AuditEntry.objects.get(
        verification_id=judged.id,
        type="attempt.judged",
        body__stage="statement",
        body__outcome="passed",
    )
    changes: dict[str, Any] = {
        "body": genuine.body | {"outcome": "failed"},
        "at": genuine.at + timedelta(microseconds=1),
        "verification_sequence": 77,
        "lender_id": lender("Other", number=500).pk,
        "type": "attempt.reviewed",
        "log": "live",
    }
    setattr(genuine, changed, changes[changed])
    assert set(signatures.inspect([genuine])[0]) == {genuine.pk}


def test_where_no_public_key_is_here_nothing_is_ordered_and_nothing_refused(
    settings: Settings,
) -> None:
    known = settings.TULGA_CERTIFIED
    settings.TULGA_CERTIFIED = ()
    begin(lender())
    with pytest.raises(Misconfigured, match="public key"):
        sequencer.order("test")
    assert not AuditPending.objects.filter(refused=True).exists()
    settings.TULGA_CERTIFIED = known
    order_all()
    assert not AuditPending.objects.exists()


def test_a_key_that_comes_later_has_what_was_refused_ordered(settings: Settings) -> None:
    known = settings.TULGA_CERTIFIED
    settings.TULGA_CERTIFIED = tuple(one for one in known if one.kind != "decision")
    story = begin(lender())
    story.answer(agreed=True, version=CURRENT, language="ru")
    story.work()
    order_all()
    assert AuditPending.objects.filter(refused=True).exists()
    settings.TULGA_CERTIFIED = known
    sequencer.ask_again("test")
    order_all()
    assert not AuditPending.objects.exists()
    assert findings() == []


def test_a_signature_of_an_older_key_stays_good_and_one_of_a_key_taken_away_is_named(
    judged: Story, settings: Settings
) -> None:
    order_all()
    new = b"\x05" * 32
    keys, known, second = (
        settings.TULGA_SIGNING_KEYS,
        settings.TULGA_CERTIFIED,
        root.certified("decision", 2, new),
    )
    settings.TULGA_SIGNING_KEYS = keys | {"decision": {"test": keys["decision"]["test"] | {2: new}}}
    settings.TULGA_CERTIFIED = (*known, second)
    begin(judged.lender, "A-2", iin="900101300017").to_statement()
    order_all()
    assert {
        one.body["signed"]["by"] for one in AuditEntry.objects.filter(body__signed__has_key="by")
    } >= {second.id}
    assert findings() == []
    settings.TULGA_CERTIFIED = (*(one for one in known if one.kind != "decision"), second)
    assert {found["code"] for found in findings()} == {"entry_unsigned"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=30,
)

_NAMES = st.lists(st.from_regex(r"\Aevt_[0-9a-z]{1,5}\Z"), max_size=40)

_SIGNED = {"by": _JSON | st.just("ab" * 32), "signature": _JSON | st.just("AAAA")}


@given(
    signed=_JSON | st.fixed_dictionaries(_SIGNED, optional={"over": _JSON | _NAMES, "with": _JSON})
)
def test_whatever_a_body_says_under_signed_is_no_signature(signed: Any) -> None:
    entry = AuditEntry(log="test", type="attempt.judged", at=NOON, body={"v": 1, "signed": signed})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "_loaded", lambda ids: {})
        assert set(signatures.inspect([entry])[0]) == {entry.pk}


@pytest.mark.parametrize(("others", "is_read"), [(31, True), (32, False)])
def test_a_signature_stands_over_so_many_entries_and_no_more(others: int, is_read: bool) -> None:
    names = {f"evt_{number}" for number in range(others)}
    signed = {"by": "ab" * 32, "signature": "AAAA", "over": sorted(names)}
    entry = AuditEntry(log="test", type="attempt.judged", at=NOON, body={"v": 1, "signed": signed})
    asked = set[str]()

    def load_none(ids: set[str]) -> dict[str, AuditEntry]:
        asked.update(ids)
        return {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "_loaded", load_none)
        assert set(signatures.inspect([entry])[0]) == {entry.pk}
    assert (names <= asked) is is_read
    assert names.isdisjoint(asked) is not is_read
