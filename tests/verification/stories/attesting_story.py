"""Verified borrowers whose money waits for a word of an employee."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

from lenders.models import Lender
from tests import registered
from tests.scenes import IS_OVER, staged
from tests.verification.stories.insecure_glance import ROUTES, see
from tests.verification.stories.story import IIN, Story, opening
from verification import clock
from verification.access import answers, openings
from verification.case.votes import Reviewer
from verification.core import almaty, profiles
from verification.core.lender import LenderFacts
from verification.models import Clearance
from verification.payout import clearances
from verification.review.attesting import Attestation, attest
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

LARGE = "450000.00"
"""Over 75 MCI of 2026."""
LAW = replace(
    profiles.get("KZ-2025-09"),
    id="KZ-2025-10",
    combinations=(("eds",),),
    replaced_max=2,
    cooling_off_over_mci=None,
    cooling_off_hours=None,
    stop_credit_max_age_seconds=None,
    account_owner_max_age_seconds=None,
    register_asked=None,
)
"""A law that asks for a confirmation by age and for a visit, and for nothing that is answered
elsewhere.
"""
CONFIRMED = Attestation(
    what="age_confirmation", how="in_person", comment="read the contract here and signed it again"
)


def visited(**other: Any) -> Attestation:
    said: dict[str, Any] = {
        "day": almaty.day_of(clock.now()),
        "place": "Алматы, Абай 10",
        "comment": "came with the ID",
    }
    return Attestation(what="in_person_visit", **said | other)


def verified(
    of: Lender, reference: str = "A-1", *, iin: str = IIN, amount: str = LARGE, **more: Any
) -> Story:
    """Verified by a glance for a loan of this sum."""
    name = f"verified for attesting {of.pk} {reference} {iin} {amount} {more}"
    return staged(name, lambda: _verified(of, reference, iin, amount, more), seconds=IS_OVER)


def _verified(of: Lender, reference: str, iin: str, amount: str, more: dict[str, Any]) -> Story:
    given = opening(reference, iin=iin)
    given = replace(given, loan=replace(given.loan, amount=amount), **more)
    facts = LenderFacts(id=of.pk, name=of.name, bin=of.bin, phone=of.phone)
    opened = openings.open_verification(
        lender=facts, mode="test", profile_id="KZ-2021-04", opening=given
    )
    story = Story(of, opened.verification_id, opened.token)
    answers.choose_route(verification_id=story.id, route=ROUTES[0])
    story.reply(agreed=True, version=CURRENT, language="ru")
    see(story, "clear")
    see(story, "clear")
    assert story.row().status == "verified"
    return story


def contract_of(story: Story) -> str:
    """The hash of its loan's contract."""
    return sha256(f"The contract of {story.id}.".encode()).hexdigest()


def cleared(story: Story, *, profile: str = LAW.id) -> Clearance:
    """Its newest clearance, once a worker has evaluated the gates."""
    of = {"lender_id": story.lender.pk, "mode": "test"}
    name = clearances.ask(
        **of, verification_id=story.id, profile_id=profile, contract_sha256=contract_of(story)
    )
    story.work()
    return Clearance.objects.get(pk=name)


def paid(story: Story, *, amount: str = LARGE, iin: str = IIN) -> None:
    """The money leaves, by the old law."""
    clearance = cleared(story, profile="KZ-2021-04")
    payment = clearances.Payment(amount, iin, contract_of(story), "KZ86125KZT5004100100")
    clearances.consume(
        lender_id=story.lender.pk, mode="test", clearance_id=clearance.pk, payment=payment
    )


def gates(clearance: Clearance) -> dict[str, tuple[str, str | None]]:
    """What each gate said, and whence."""
    return {gate["name"]: (gate["status"], gate["source"]) for gate in clearance.gates}


def attested(
    story: Story, word: Attestation = CONFIRMED, *, person: str = "usr_1", **other: Any
) -> None:
    """The word of one employee."""
    registered.reviewer(person, story.lender)
    reviewer = Reviewer(**{"person_id": person, "lender_id": story.lender.pk} | other)
    attest(verification_id=story.id, reviewer=reviewer, word=word)
