"""Only a worker's key decides: whoever holds the database alone gets nothing ordered, told or
verified as whole.
"""

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

from tests import entries
from tests.verification.log import root
from tests.verification.log.judged import findings
from tests.verification.log.judged import judged as judge
from tests.verification.log.rows import NOON, add_lender, add_verification, order_all, slip_in
from tests.verification.stories.conftest import Issued, authorities, issued, trusted  # noqa: F401
from tests.verification.stories.story import Story, begin, lender
from verification.core import events
from verification.core.certificates import key_id
from verification.core.errors import Misconfigured
from verification.core.ids import new_id
from verification.log import decided, log, sequencer, signatures
from verification.models import AuditEntry, AuditLeaf, AuditPending
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

FORGERIES = 240
Body = dict[str, Any]


@pytest.fixture
def judged(issued: Issued) -> Story:  # noqa: F811
    """A case that was verified by a signature, ordered."""
    return judge(issued)


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

    def nobody(ids: set[str]) -> dict[str, AuditEntry]:
        asked.update(ids)
        return {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signatures, "_loaded", nobody)
        assert set(signatures.inspect([entry])[0]) == {entry.pk}
    assert (names <= asked) is is_read
    assert names.isdisjoint(asked) is not is_read
