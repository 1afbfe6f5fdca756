"""The attacker owns a whole process: its keys and its database role.

What it forges is named, and decides nothing.
"""

import os
import random
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from io import StringIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from pytest_django import Settings

from lenders.resources import verifications
from tests import entries
from tests.verification.log import owned_web, root
from tests.verification.log.judged import findings
from tests.verification.log.judged import judged as judge
from tests.verification.log.rows import NOON, add_lender, add_verification, order_all, slip_in
from tests.verification.stories.conftest import Issued
from tests.verification.stories.story import IIN, Story, begin
from verification import clock
from verification.case import contents, moving, steps
from verification.case.moving import lawful_combinations, read, read_unverified
from verification.core import certificates, events, profiles, releases
from verification.core.certificates import PROCESSES, key_id
from verification.core.errors import BadInput, EvidenceUnreadable, Misconfigured
from verification.core.ids import check_digit, new_id
from verification.core.keeping import reference_mark
from verification.evidence import store, vault
from verification.log import decided, keys, log, sequencer, signatures
from verification.management.commands.make_keys import ROOT_KEY
from verification.models import (
    Attempt,
    AuditEntry,
    AuditLeaf,
    AuditPending,
    EvidenceItem,
    ReviewVote,
    Verification,
)
from verification.payout import clearances
from verification.worker import sweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

SIGNED = sorted(entries.SIGNED)


@pytest.fixture
def judged(issued: Issued) -> Story:
    """A case that was verified by a signature, ordered."""
    return judge(issued)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter; pytest's own are private."""
    with TemporaryDirectory(prefix="tulga-test-keys-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder, "keys")


def owned(settings: Settings, *kinds: str) -> None:
    """From here on this process holds the signing keys of these kinds and no others."""
    every = settings.TULGA_SIGNING_KEYS
    settings.TULGA_SIGNING_KEYS = {kind: every[kind] if kind in kinds else {} for kind in every}


@pytest.mark.parametrize(
    ("kinds", "may"),
    [
        (("door",), {name for name, one in events.ENTRY_TYPES.items() if events.WEB in one.signed}),
        (
            ("decision",),
            {name for name, one in events.ENTRY_TYPES.items() if events.WORKER in one.signed},
        ),
        (("sender",), {"endpoint.disabled", "actor.process"}),
        (("log",), {"log.heartbeat", "actor.process"}),
    ],
    ids=["web", "worker", "sender", "tick"],
)
def test_each_process_says_what_its_key_may_and_nothing_else(
    judged: Story, settings: Settings, kinds: tuple[str, ...], may: set[str]
) -> None:
    owned(settings, *kinds)
    said = set()
    for name, one in events.ENTRY_TYPES.items():
        if one.signed != (events.ROOT,):
            body = {"v": 1, "process": events.PROCESSES[kinds[0]]}
            entry = AuditEntry(log="test", type=name, at=NOON, body=body)
            try:
                signatures.sign([entry])
            except Misconfigured:
                continue
            said.add(name)
    assert said == may


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file to another user")
@pytest.mark.parametrize("process", PROCESSES)
def test_as_users_of_their_own_processes_read_their_own_keys_and_no_others(
    open_folder: Path, process: str
) -> None:
    users = [f"{name}={60_000 + number}" for number, name in enumerate(PROCESSES)]
    asked = [word for user in users for word in ("--user", user)]
    call_command("make_keys", str(open_folder), *asked, stdout=StringIO())
    uid = 60_000 + list(PROCESSES).index(process)
    program = (
        "import os, sys; from pathlib import Path; from config.key_files import read_keys,"
        f" readable_beside; keys = Path({str(open_folder)!r}); os.setgroups([]); os.setgid({uid});"
        f" os.setuid({uid}); print(bool(read_keys(keys, process={process!r}).signing),"
        f" readable_beside(keys, process={process!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True []\n", "")


def test_what_the_root_certified_stands_in_the_log_and_is_believed_without_files(
    judged: Story, settings: Settings
) -> None:
    assert log.certify("test") == 4
    assert log.certify("test") == 0
    order_all()
    assert {one.kind for one in keys.on_record("test")} == set(events.SIGNERS)
    of_the_log = tuple(one for one in settings.TULGA_CERTIFIED if one.kind == "log")
    settings.TULGA_CERTIFIED = of_the_log
    assert findings() == []


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "door"},
        {"number": 2},
        {"certificate": b64encode(bytes(64)).decode()},
        {"certificate": 5},
        {"public": b64encode(bytes(32)).decode()},
    ],
)
def test_a_certificate_that_is_not_the_roots_is_refused(
    judged: Story, changed: dict[str, Any]
) -> None:
    log.certify("test")
    genuine = AuditEntry.objects.filter(type=events.CERTIFIED, body__kind="decision").get()
    bad = slip_in(genuine, verification_sequence=None, body=genuine.body | changed)
    order_all()
    assert AuditPending.objects.get(refused=True).entry_id == bad
    assert {one.id for one in keys.on_record("test")} == {one.id for one in keys.of_files("test")}


def test_a_revoked_key_is_believed_up_to_an_index_and_the_lenders_are_told(
    judged: Story, settings: Settings
) -> None:
    own = key_id(root.public("decision"))
    before = AuditLeaf.objects.count()
    out = StringIO()
    of_root = ["--root", str(settings.TULGA_KEYS_DIR / ROOT_KEY)]
    call_command("revoke_signing_key", "test", own, str(before), *of_root, stdout=out)
    assert "had decided 0 verifications" in out.getvalue()
    order_all()
    assert findings() == []
    later = begin(judged.lender, "A-2", iin="900101300017").to_statement()
    order_all()
    refused = AuditPending.objects.filter(refused=True).values_list("entry_id", flat=True)
    # What follows it waits too, and is named as well.
    assert set(refused) < {found.get("entry") for found in findings()}
    assert AuditEntry.objects.filter(verification_id=later.id, leaf=None).exists()
    # From earlier on: its decision is listed, and its lender told.
    out = StringIO()
    signed = certificates.revocation(root.seed(), mode="test", key=own, from_index=0)
    call_command("revoke_signing_key", "test", own, "0", "--signed", signed, stdout=out)
    assert out.getvalue().splitlines()[0] == judged.id
    order_all()
    # What it had decided is told no more, and what happened since is.
    assert decided.status_of(judged.row()).status == "processing"
    leaves = decided.leaves_after("test", lender_id=judged.lender.pk, lender_sequence=0, limit=100)
    assert not {leaf.entry.type for leaf in leaves} & set(events.DECISIONS)
    assert leaves[-1].entry.type == clearances.TOLD
    told = AuditEntry.objects.get(type=clearances.TOLD)
    assert (told.verification_id, told.leaf.lender_sequence is not None) == (judged.id, True)
    codes = {found["code"] for found in findings()}
    assert codes == {"key_revoked", "entry_refused"}
    call_command("revoke_signing_key", "test", own, "0", "--signed", signed, stdout=StringIO())
    assert AuditEntry.objects.filter(type=clearances.TOLD).count() == 1


def test_only_the_root_revokes(judged: Story, settings: Settings) -> None:
    own = key_id(root.public("decision"))
    for seed in (
        settings.TULGA_SIGNING_KEYS["decision"]["test"][1],
        settings.TULGA_LOG_KEYS["test"],
        bytes(32),
    ):
        signed = certificates.revocation(seed, mode="test", key=own, from_index=0)
        with pytest.raises(BadInput, match="did not sign this revocation"):
            clearances.revoke_key("test", key=own, from_index=0, signature=signed)
    for mode, key, index in (("live", own, 0), ("test", "0" * 16, 0), ("test", own, 1)):
        signed = certificates.revocation(root.seed(), mode=mode, key=key, from_index=index)
        with pytest.raises(BadInput):
            clearances.revoke_key("test", key=own, from_index=0, signature=signed)
    with pytest.raises(BadInput, match="no key"):
        clearances.revoke_key("test", key="0" * 16, from_index=0, signature="")
    with pytest.raises(CommandError):
        call_command("revoke_signing_key", "test", own, "-1", "--signed", "x")
    genuine = AuditEntry.objects.get(verification_id=judged.id, type="verification.created")
    body = {"v": 1, "key": own, "from_index": 0, "revocation": b64encode(bytes(64)).decode()}
    of_no_case = {"verification_id": None, "lender_id": None, "verification_sequence": None}
    bad = slip_in(genuine, **of_no_case, type="key.revoked", body=body)
    order_all()
    assert AuditPending.objects.get(refused=True).entry_id == bad
    assert keys.revoked("test") == {}


# A web process that is wholly the attacker's puts no evidence of a worker's kinds on record.


SPLICES = 50

OF_WORKERS = (
    *(
        "code.issued.N",
        "code.sent.N",
        "code.expected",
        "code.owner",
        "consent.terms",
        "statement.text",
    ),
    *(
        "statement.ocsp",
        "statement.ocsp_nonce",
        "register.consent",
        "register.person",
        "person.phone",
    ),
    *(
        "live_capture.order",
        "live_capture.photo",
        "register.consent_request",
        "register.asked",
        "live_capture.compared",
    ),
    *(
        "live_capture.N.seen",
        "live_capture.N.look",
        "live_capture.N.prints",
        "live_capture.document",
    ),
    *(
        "shared.anchor.N",
        "shared.crl.N",
        "statement.report",
        "code.guess",
        "code.guess.N.N",
        "of.another.stage",
    ),
)

"""Kinds that the door's key puts on record nowhere."""


@pytest.mark.parametrize("entry_type", ["evidence.kept", "attempt.answered"])
def test_of_50_pieces_of_a_workers_evidence_a_web_process_puts_none_on_record(
    judged: Story, proof_seed: int, entry_type: str
) -> None:
    """What it can seal, and sign by the door's key, and what only workers ask, draw, send, look up
    or measure.
    """
    victim, chance = (
        begin(judged.lender, "A-9", iin="900101300017").to_statement(),
        random.Random(proof_seed),
    )
    order_all()
    attempt = Attempt.objects.select_related("verification").get(
        verification_id=victim.id, stage="statement"
    )
    forged = []
    for number in range(SPLICES):
        own = "statement.signature" if number % 2 else "live_capture.0.frame.1"
        items = [
            EvidenceItem(kind=kind, commitment="0" * 64, sealed_sha256="0" * 64, size=1)
            for kind in (own, chance.choice(OF_WORKERS).replace("N", str(number)))
        ]
        forged.append(
            owned_web.keep(attempt, *items, entry_type=entry_type, turn=9, next="collect")
        )
    order_all()
    assert AuditLeaf.objects.filter(entry__in=forged).count() == 0
    named = {
        found["entry"]: found["detail"] for found in findings() if found["code"] == "entry_refused"
    }
    assert set(named) == set(forged)
    assert named[forged[0]] == "a door key signed it, and may not"
    assert sweep.entries_refused() > 0
    with pytest.raises(EvidenceUnreadable):
        read(victim.row())


@pytest.mark.parametrize(
    ("law", "renews", "suffices"),
    [
        (profiles.RENEWAL, "", []),
        (profiles.RENEWAL, "ver_another", [("renewal",)]),
        (profiles.get("KZ-2021-04"), "ver_another", []),
        (profiles.get("KZ-2021-04"), "", [("eds",)]),
    ],
)
def test_the_law_of_a_new_consent_verifies_only_a_renewal(
    law: profiles.Profile, renews: str, suffices: list[profiles.Combination]
) -> None:
    row = add_verification(add_lender())
    allowed = [list(law.combinations[0])]
    body = {"profile": law.id, "profile_sha256": law.sha256, "combinations": allowed}
    body |= {"renews": renews} if renews else {}
    with transaction.atomic():
        log.append(
            log="test",
            type="verification.created",
            verification=row,
            verification_sequence=1,
            body=body,
        )
    assert lawful_combinations(read_unverified(row)) == suffices


@pytest.mark.parametrize(
    "evidence", [5, {}, "x", [5], [{}], [{"kind": 5}], [{"kind": "statement.signature"}, None]]
)
def test_what_is_no_list_of_evidence_the_door_does_not_say(judged: Story, evidence: Any) -> None:
    entry = AuditEntry(
        log="test", type="evidence.kept", at=NOON, body={"v": 1, "evidence": evidence}
    )
    assert not signatures._allows(entry, "door")
    assert signatures._allows(entry, "decision")


# An owned process decides many cases. A decision by web or tick is never told; a worker's names
# its key. Web also makes many cases ready in every way it can, and no worker verifies one.
# `make prove` makes fifty of each.


MANY = pytest.mark.parametrize(
    "count", [10, pytest.param(50, marks=[pytest.mark.proof("tampering"), pytest.mark.whole])]
)

VERIFIED = "verification.verified"


def decisions(of: Story, seed: bytes, chance: random.Random, count: int) -> list[str]:
    """Makes so many open cases verified in all that their rows say, and puts into the queue of the
    log, for each, a decision that fits it, with some of the judgements it would rest on: all
    soundly signed by this key.
    """
    genuine = list(
        AuditEntry.objects.filter(verification_id=of.id, type__in=entries.SIGNED).order_by("at")
    )
    [decision], others = (
        [one for one in genuine if one.type == VERIFIED],
        [one for one in genuine if one.type != VERIFIED],
    )
    victims = [begin(of.lender, f"F-{number}", iin="900101300017") for number in range(count)]
    order_all()
    forged = []
    for victim in victims:
        row, at = victim.row(), clock.now()
        for like in (*chance.sample(others, chance.randrange(len(others))), decision):
            row.sequence += 1
            body = dict(like.body)
            if like is decision:
                body["reference"] = reference_mark(row.pk, row.client_reference)
            one = AuditEntry(
                id=new_id("evt"),
                log="test",
                type=like.type,
                at=at,
                body=body,
                lender_id=row.lender_id,
            )
            one.verification_id, one.verification_sequence = row.pk, row.sequence
            signed = owned_web.sign_with(one, seed)
            forged.append(slip_in(one, id=one.pk, verification_sequence=row.sequence, body=signed))
        ended = {
            "status": "verified",
            "finished_at": at,
            "passed_routes": ["eds"],
            "step": "",
            "due_at": None,
        }
        Verification.objects.filter(pk=row.pk).update(sequence=row.sequence, **ended)
    assert AuditEntry.objects.filter(pk__in=forged, type=VERIFIED).count() == count
    return forged


def assert_untold(of: Story, forged: Collection[str]) -> None:
    """That somebody is verified, by row, list or event."""
    rows = list(Verification.objects.filter(entries__in=forged).distinct())
    assert len(rows) == AuditEntry.objects.filter(pk__in=forged, type=VERIFIED).count()
    assert {told.status for told in decided.statuses_of(rows).values()} == {"processing"}
    listed = verifications.read_page(
        lender_id=of.lender.pk, mode="test", status="verified", limit=100
    )
    assert [answer["id"] for answer in listed["data"]] == [of.id]
    events_told = decided.leaves_after(
        "test", lender_id=of.lender.pk, lender_sequence=0, limit=1000
    )
    assert not {leaf.entry_id for leaf in events_told} & set(forged)
    assert decided.leaves_of(forged) == []


@MANY
def test_no_decision_of_a_web_process_is_ordered_or_told(
    judged: Story, settings: Settings, proof_seed: int, count: int
) -> None:
    forged = decisions(
        judged, settings.TULGA_SIGNING_KEYS["door"]["test"][1], random.Random(proof_seed), count
    )
    order_all()
    assert AuditLeaf.objects.filter(entry__in=forged).count() == 0
    assert_untold(judged, forged)
    named = {
        found["entry"]: found["detail"] for found in findings() if found["code"] == "entry_refused"
    }
    assert named == dict.fromkeys(forged, "a door key signed it, and may not")


@MANY
def test_no_decision_that_a_tick_orders_is_told_and_each_is_named(
    judged: Story, settings: Settings, proof_seed: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the log key, so it can order what it likes; a reader of the log sees that no process
    may have said it.
    """
    forged = decisions(judged, settings.TULGA_LOG_KEYS["test"], random.Random(proof_seed), count)
    with monkeypatch.context() as patch:
        patch.setattr(sequencer, "_unsigned", lambda entries, *, upto: {})
        order_all()
    assert AuditLeaf.objects.filter(entry__in=forged).count() == len(forged)
    assert_untold(judged, forged)
    named = {
        found["entry"]: found["detail"] for found in findings() if found["code"] == "entry_unsigned"
    }
    assert named == dict.fromkeys(forged, "a log key signed it, and may not")


@MANY
def test_of_many_decisions_by_a_worker_that_is_the_attackers_each_names_its_key(
    judged: Story, settings: Settings, count: int
) -> None:
    """It may sign what it likes, so the log orders it; that nothing had passed, and whose key lied,
    is found.
    """
    seed = b"\x05" * 32
    stolen, every = root.certified("decision", 2, seed), settings.TULGA_SIGNING_KEYS
    settings.TULGA_CERTIFIED = (*settings.TULGA_CERTIFIED, stolen)
    settings.TULGA_SIGNING_KEYS = every | {
        "decision": {"test": every["decision"]["test"] | {2: seed}}
    }
    victims = [
        begin(judged.lender, f"A-{number}", iin="900101300017")
        for number in range(100, 100 + count)
    ]
    of_route = [one.id for one in releases.RELEASES.values() if one.route == "eds"][-1:]
    for victim in victims:
        with transaction.atomic():
            row = victim.row()
            body = {"routes": ["eds"], "releases": of_route, "receipt": "0" * 64}
            moving.record(
                row,
                "verification.verified",
                at=NOON,
                body=moving.word(read_unverified(row), "") | body,
            )
            moving.write(row, status="verified", finished_at=NOON)
    order_all()
    forged = set(
        AuditEntry.objects.filter(
            verification__in=[one.id for one in victims], type__in=events.DECISIONS
        )
    )
    assert AuditLeaf.objects.filter(entry__in=forged).count() == count
    named = {
        found["entry"]: found["detail"] for found in findings() if found["code"] == "stages_missing"
    }
    assert set(named) == {entry.pk for entry in forged}
    assert all(detail.endswith(f"by the key {stolen.id}") for detail in named.values())


def _numbers() -> Iterator[tuple[str, str]]:
    for number in range(10**4):
        yield (eleven := f"9001013{number:04}"), check_digit(eleven)


Trick = Callable[[Story, Story, random.Random], None]


def at_statement(story: Story) -> Attempt:
    return Attempt.objects.select_related("verification").get(
        verification_id=story.id, stage="statement"
    )


def write(story: Story, **columns: object) -> None:
    Verification.objects.filter(pk=story.id).update(**columns)


def rows_passed(story: Story, of: Story, chance: random.Random) -> None:
    Attempt.objects.filter(verification_id=story.id).update(status="passed", closed_at=clock.now())
    write(story, passed_routes=["eds", "biometric"], combination=["eds"])


def easier_law(story: Story, of: Story, chance: random.Random) -> None:
    law = profiles.get("KZ-2021-04")
    write(
        story,
        profile_id=law.id,
        profile_sha256=law.sha256,
        combinations=[["eds"]],
        combination=["eds"],
    )


def another_mode(story: Story, of: Story, chance: random.Random) -> None:
    write(story, mode="live")
    Attempt.objects.filter(verification_id=story.id).update(mode="live")


def another_person(story: Story, of: Story, chance: random.Random) -> None:
    row, key = story.row(), contents.key_of(story.row())
    place = vault.CASE
    plain = key.unseal(bytes(row.sealed_case), **place).plain
    content = plain.replace(contents.read(row, key).case.person.iin.value.encode(), IIN.encode())
    write(story, sealed_case=key.seal(content, **place).data)


def signature_of_another(story: Story, of: Story, chance: random.Random) -> None:
    """The genuine one of the case that was verified, put into the log in this borrower's place."""
    theirs = EvidenceItem.objects.filter(verification_id=of.id, kind="statement.signature").latest(
        "created_at"
    )
    content = store.opening(contents.key_of(of.row()), theirs).plain
    attempt = at_statement(story)
    item = owned_web.plant(attempt, "statement.signature", content)
    owned_web.keep(attempt, item, entry_type="attempt.answered", turn=attempt.turn, next="collect")
    Attempt.objects.filter(pk=attempt.pk).update(status="judging", turn=attempt.turn + 1, answers=1)
    write(story, status="processing", turn=attempt.turn + 1)


def statement_of_another(story: Story, of: Story, chance: random.Random) -> None:
    """What a worker had the other sign, in the place of what this borrower was shown."""
    theirs = EvidenceItem.objects.filter(
        verification_id=of.id, kind__startswith="statement.text"
    ).latest("created_at")
    content, attempt = store.opening(contents.key_of(of.row()), theirs).plain, at_statement(story)
    for item in EvidenceItem.objects.select_related("verification").filter(
        attempt=attempt, kind=theirs.kind
    ):
        owned_web.keep(attempt, owned_web.reseal(item, content))


def votes(story: Story, of: Story, chance: random.Random) -> None:
    attempt, at = at_statement(story), clock.now()
    place = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage}
    for person in ("usr_a", "usr_b"):
        ReviewVote.objects.get_or_create(
            attempt=attempt, person=person, defaults={"passes": True, "created_at": at}
        )
        owned_web.say(story.row(), "review.voted", {**place, "person": person, "outcome": "passed"})
    Attempt.objects.filter(pk=attempt.pk).update(status="review", code="face_review", closed_at=at)
    write(story, status="in_review", code="face_review", in_review_since=at)


def judgement(story: Story, of: Story, chance: random.Random) -> None:
    genuine = AuditEntry.objects.filter(
        verification_id=of.id, type="attempt.judged", body__outcome="passed"
    )
    body = chance.choice(list(genuine)).body | {"attempt": at_statement(story).pk}
    owned_web.say(story.row(), "attempt.judged", body)


def owed(story: Story, of: Story, chance: random.Random) -> None:
    names = (
        steps.OPEN,
        steps.JUDGE,
        steps.LOOK,
        steps.PREPARE,
        steps.WEIGH,
        steps.LEAVE,
        steps.DOCUMENT,
    )
    write(
        story, step=chance.choice(names), queue="default", due_at=clock.now() - timedelta(seconds=1)
    )


TRICKS: tuple[Trick, ...] = (
    *(
        rows_passed,
        easier_law,
        another_mode,
        another_person,
        signature_of_another,
        statement_of_another,
    ),
    *(votes, judgement),
)


@MANY
def test_of_many_cases_that_a_web_process_makes_ready_no_worker_verifies_one(
    judged: Story, settings: Settings, proof_seed: int, count: int
) -> None:
    """Its tricks in any number and order, and then a step that is due: whatever workers sign, it is
    no verdict.
    """
    settings.TULGA_ROUTES = ["eds", "biometric"]
    chance = random.Random(proof_seed)
    people = islice((eleven + digit for eleven, digit in _numbers() if digit != "x"), count)
    victims = [
        begin(judged.lender, f"O-{iin}", iin=iin, profile="KZ-2025-01").to_statement()
        for iin in people
    ]
    for story in victims:
        for trick in chance.sample(TRICKS, chance.randint(1, len(TRICKS))):
            trick(story, judged, chance)
        owed(story, judged, chance)
        story.work(4)
    found = AuditEntry.objects.filter(
        verification_id__in=[one.id for one in victims], type__in=events.DECISIONS
    )
    sound = {one.type for one in signatures.sound(found)}
    assert VERIFIED not in sound
    assert "verified" not in {
        told.status for told in decided.statuses_of([one.row() for one in victims]).values()
    }
