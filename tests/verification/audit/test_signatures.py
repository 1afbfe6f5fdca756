"""Only a worker's key decides: whoever holds the database alone gets nothing ordered, told or verified as whole."""

import random
from base64 import b64encode
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests.verification.audit.judged import findings
from tests.verification.audit.judged import judged as judge
from tests.verification.audit.rows import NOON, add_lender, add_verification, order_all, slip_in
from tests.verification.workflow.conftest import Issued, authorities, issued, trusted  # noqa: F401 (fixtures)
from tests.verification.workflow.story import Story, begin, lender
from verification.audit import history, log, sequencer, signatures
from verification.core import events
from verification.core.errors import Misconfigured
from verification.core.ids import new_id
from verification.models import AuditEntry, AuditLeaf, AuditPending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

FORGERIES = 240
Body = dict[str, Any]


@pytest.fixture
def judged(issued: Issued) -> Story:  # noqa: F811 (the fixture)
    """A case that was verified by a signature, ordered."""
    return judge(issued)


def is_ordered(entry: str) -> bool:
    order_all()
    return AuditLeaf.objects.filter(entry=entry).exists()


def test_all_that_a_worker_decided_is_signed_and_one_signature_is_over_a_transaction(judged: Story) -> None:
    decided = AuditEntry.objects.filter(verification_id=judged.id, type__in=events.SIGNED).order_by("id")
    assert signatures.unsigned(decided) == {}
    verified = decided.get(type="verification.verified")
    first = AuditEntry.objects.get(pk=verified.body["signed"]["with"])
    assert first.type == "attempt.judged"
    assert first.body["signed"]["over"] == [first.pk, verified.pk]
    assert all("signed" in entry.body for entry in decided)
    others = AuditEntry.objects.exclude(type__in=events.SIGNED)
    assert not any("signed" in entry.body for entry in others)
    order_all()
    assert findings() == []


def test_an_update_and_two_inserts_verify_nobody(judged: Story, client: Client, settings: Settings) -> None:
    """On 25 November 2026 the log signed this, under a law that asks for a signature and a face."""
    settings.TULGA_ROUTES = ["eds", "biometric"]
    victim = begin(judged.lender, "A-2", iin="900101300017", profile="KZ-2025-01")
    order_all()
    row = victim.row()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE verification_verification SET status = 'verified', code = '', finished_at = %s, sequence = sequence"
            " + 1 WHERE id = %s",
            [connection.ops.adapt_datetimefield_value(NOON), victim.id],
        )
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.verified")
    body = {"v": 1, "code": "", "profile": row.profile_id, "profile_sha256": row.profile_sha256, "routes": ["eds"]}
    forged = slip_in(
        genuine, verification_id=victim.id, verification_sequence=row.sequence + 1, body=body, lender_id=row.lender_id
    )
    assert not is_ordered(forged)
    told = history.told_after("test", lender_id=row.lender_id, lender_sequence=0, limit=100)
    assert forged not in {leaf.entry_id for leaf in told}
    assert ("entry_refused", forged) in {(found["code"], found.get("entry")) for found in findings()}
    ready = client.get("/readyz", REMOTE_ADDR="127.0.0.1")
    assert (ready.status_code, ready.json()["log"]["refused"]) == (503, 1)


def test_of_240_forged_decisions_none_is_ordered(judged: Story, settings: Settings, proof_seed: int) -> None:
    chance = random.Random(proof_seed)
    order_all()
    victim = begin(lender("Other", number=500), "A-9")
    order_all()
    genuine = list(AuditEntry.objects.filter(verification_id=judged.id, type__in=events.SIGNED))
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
    assert {found["entry"] for found in findings() if found["code"] == "entry_refused"} == set(forged)


def _stolen(genuine: list[AuditEntry], chance: random.Random, settings: Settings) -> list[Callable[[AuditEntry], Body]]:
    """Ways to a body for a forged decision: what genuine ones say, and signatures by whatever else is at hand."""
    return [
        lambda one: {name: value for name, value in one.body.items() if name != "signed"},
        lambda one: one.body,
        lambda one: one.body | {"signed": {"with": one.body["signed"].get("with", one.pk)}},
        lambda one: one.body | {"signed": {"with": chance.choice(genuine).pk}},
        lambda one: one.body | {"signed": {"with": new_id("evt")}},
        lambda one: one.body | {"signed": chance.choice([None, [], "x", 5, {}, {"with": 5}, {"over": []}])},
        lambda one: one.body | {"signed": chance.choice(genuine).body["signed"] | {"over": [one.pk] * 17}},
        lambda one: one.body | {"outcome": "passed", "code": ""},
        lambda one: _by_own_key(one, by=None),
        lambda one: _by_own_key(one, by=signatures.key_id(settings.TULGA_DECIDERS["test"][1])),
        lambda one: _by_own_key(one, by=None, seed=settings.TULGA_LOG_KEYS["test"]),
        lambda one: _by_own_key(one, by=None, seed=settings.TULGA_DOCUMENT_KEYS["test"][1]),
        lambda one: _by_own_key(one, by=None, seed=settings.TULGA_DECISION_KEYS["live"][1]),
    ]


def _by_own_key(entry: AuditEntry, *, by: str | None, seed: bytes = b"\x07" * 32) -> Body:
    """Signed as a worker would, by a key that is none of theirs. The id of what is slipped in is not known before."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    signature = private.sign(signatures._message([entry]))
    own = signatures.key_id(private.public_key().public_bytes_raw())
    said = {"by": by or own, "over": [entry.pk], "signature": b64encode(signature).decode()}
    forged: Body = entry.body | {"signed": said}
    return forged


@pytest.mark.parametrize("kind", sorted(events.SIGNED))
def test_what_a_worker_says_cannot_be_said_without_its_key(settings: Settings, kind: str) -> None:
    of = add_verification(add_lender())
    settings.TULGA_DECISION_KEYS = {"live": settings.TULGA_DECISION_KEYS["live"]}

    def say(*, at_once: bool) -> None:
        with transaction.atomic(), nullcontext() if at_once else log.gathering():
            log.append(log="test", type=kind, body={}, verification=of)

    for at_once in (False, True):
        with pytest.raises(Misconfigured, match="only workers decide"):
            say(at_once=at_once)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("changed", ["body", "at", "verification_sequence", "lender_id", "type", "log"])
def test_a_signed_entry_that_was_changed_before_it_was_ordered_is_refused(judged: Story, changed: str) -> None:
    genuine = AuditEntry.objects.get(
        verification_id=judged.id, type="attempt.judged", body__stage="statement", body__outcome="passed"
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
    assert set(signatures.unsigned([genuine])) == {genuine.pk}


def test_where_no_public_key_is_here_nothing_is_ordered_and_nothing_refused(settings: Settings) -> None:
    begin(lender()).to_statement()
    known, settings.TULGA_DECIDERS = settings.TULGA_DECIDERS, {}
    with pytest.raises(Misconfigured, match="public key"):
        sequencer.order("test")
    assert not AuditPending.objects.filter(refused=True).exists()
    settings.TULGA_DECIDERS = known
    order_all()
    assert not AuditPending.objects.exists()


def test_a_key_that_comes_later_has_what_was_refused_ordered(settings: Settings) -> None:
    begin(lender()).to_statement()
    known, settings.TULGA_DECIDERS = settings.TULGA_DECIDERS, {"test": {1: b"\x01" * 32}}
    order_all()
    assert AuditPending.objects.filter(refused=True).exists()
    settings.TULGA_DECIDERS = {"test": {**known["test"], 2: b"\x01" * 32}}
    sequencer.ask_again("test")
    order_all()
    assert not AuditPending.objects.exists()
    assert findings() == []


def test_a_signature_of_an_older_key_stays_good_and_one_of_a_key_taken_away_is_named(
    judged: Story, settings: Settings
) -> None:
    order_all()
    new = b"\x05" * 32
    own = Ed25519PrivateKey.from_private_bytes(new).public_key().public_bytes_raw()
    settings.TULGA_DECISION_KEYS = {"test": settings.TULGA_DECISION_KEYS["test"] | {2: new}}
    settings.TULGA_DECIDERS = {"test": settings.TULGA_DECIDERS["test"] | {2: own}}
    begin(judged.lender, "A-2", iin="900101300017").to_statement()
    order_all()
    assert {one.body["signed"]["by"] for one in AuditEntry.objects.filter(body__signed__has_key="by")} >= {
        signatures.key_id(own)
    }
    assert findings() == []
    settings.TULGA_DECIDERS = {"test": {2: own}}
    assert {found["code"] for found in findings()} == {"decision_unsigned"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=30,
)


@given(signed=_JSON | st.fixed_dictionaries({"by": _JSON, "over": _JSON, "signature": _JSON, "with": _JSON}))
def test_whatever_a_body_says_under_signed_is_no_signature(signed: Any) -> None:
    entry = AuditEntry(log="test", type="attempt.judged", at=NOON, body={"v": 1, "signed": signed})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "_loaded", lambda ids: {})
        assert set(signatures.unsigned([entry])) == {entry.pk}
