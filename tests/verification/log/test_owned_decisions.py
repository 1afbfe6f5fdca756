"""A process that is wholly the attacker's decides many cases: of web's and tick's nobody is told
one, a worker's name its key. And as many that web has made ready in every way it can: no worker
verifies one. Fifty in `make prove`.
"""

import random
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from itertools import islice

import pytest
from django.db import transaction
from pytest_django import Settings

from lenders.resources import verifications
from tests import entries
from tests.verification.log import owned_web, root
from tests.verification.log.judged import findings
from tests.verification.log.judged import judged as judge
from tests.verification.log.rows import NOON, order_all, slip_in
from tests.verification.stories.conftest import (
    Issued,
    authorities,  # noqa: F401
    issued,  # noqa: F401
    trusted,  # noqa: F401
)
from tests.verification.stories.story import IIN, Story, begin
from verification import clock
from verification.case import contents, moving, steps
from verification.case.moving import read_unverified
from verification.core import events, profiles, releases
from verification.core.ids import check_digit, new_id
from verification.core.keeping import reference_mark
from verification.evidence import store, vault
from verification.log import decided, sequencer, signatures
from verification.models import (
    Attempt,
    AuditEntry,
    AuditLeaf,
    EvidenceItem,
    ReviewVote,
    Verification,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

FORGERIES = pytest.mark.parametrize(
    "count", [10, pytest.param(50, marks=[pytest.mark.proof("tampering"), pytest.mark.whole])]
)
VERIFIED = "verification.verified"


@pytest.fixture
def judged(issued: Issued) -> Story:  # noqa: F811
    """A case that was verified by a signature, ordered."""
    return judge(issued)


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


def nobody_is_told(of: Story, forged: Collection[str]) -> None:
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


@FORGERIES
def test_of_many_decisions_by_a_web_process_none_is_ordered_or_told(
    judged: Story, settings: Settings, proof_seed: int, count: int
) -> None:
    forged = decisions(
        judged, settings.TULGA_SIGNING_KEYS["door"]["test"][1], random.Random(proof_seed), count
    )
    order_all()
    assert AuditLeaf.objects.filter(entry__in=forged).count() == 0
    nobody_is_told(judged, forged)
    named = {
        found["entry"]: found["detail"] for found in findings() if found["code"] == "entry_refused"
    }
    assert named == dict.fromkeys(forged, "a door key signed it, and may not")


@FORGERIES
def test_of_many_decisions_that_a_tick_orders_none_is_told_and_each_is_named(
    judged: Story, settings: Settings, proof_seed: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the log key, so it can order what it likes; whoever reads the log sees that nobody
    said it.
    """
    forged = decisions(judged, settings.TULGA_LOG_KEYS["test"], random.Random(proof_seed), count)
    with monkeypatch.context() as patch:
        patch.setattr(sequencer, "_unsigned", lambda entries, *, upto: {})
        order_all()
    assert AuditLeaf.objects.filter(entry__in=forged).count() == len(forged)
    nobody_is_told(judged, forged)
    named = {
        found["entry"]: found["detail"] for found in findings() if found["code"] == "entry_unsigned"
    }
    assert named == dict.fromkeys(forged, "a log key signed it, and may not")


@FORGERIES
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


@FORGERIES
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
