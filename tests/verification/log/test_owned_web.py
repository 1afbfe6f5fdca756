"""A web process that is wholly the attacker's puts no evidence of a worker's kinds on record."""

import random
from typing import Any

import pytest
from django.db import transaction

from tests.verification.log import owned_web
from tests.verification.log.judged import findings
from tests.verification.log.judged import judged as judge
from tests.verification.log.rows import NOON, add_lender, add_verification, order_all
from tests.verification.stories.conftest import Issued, authorities, issued, trusted  # noqa: F401
from tests.verification.stories.story import Story, begin
from verification.case.moving import lawful_combinations, read, read_unverified
from verification.core import profiles
from verification.core.errors import EvidenceUnreadable
from verification.log import log, signatures
from verification.models import Attempt, AuditEntry, AuditLeaf, EvidenceItem
from verification.worker import sweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

FORGERIES = 50
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


@pytest.fixture
def judged(issued: Issued) -> Story:  # noqa: F811
    """A case that was verified by a signature, ordered."""
    return judge(issued)


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
    for number in range(FORGERIES):
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
def test_by_the_law_of_a_new_consent_nobody_is_verified_whom_it_does_not_renew(
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
