"""The borrower's and the phone register's answers, compared with the case."""

from dataclasses import dataclass

from verification.core.answers import has_run_out, parse_consent, require_owner
from verification.core.errors import Refused
from verification.core.person import Case
from verification.core.results import Step, Steps
from verification.core.route import Evidence
from verification.stages.person import dialogue
from verification.stages.person.policy import PersonPolicy


@dataclass(frozen=True)
class Typed:
    """Whether the borrower's copy matches the document that the lender stated."""

    is_document_number: bool
    is_birth_date: bool


@dataclass(frozen=True)
class PersonFacts:
    """Facts of the person. `phone`: whether the number is theirs."""

    typed: Typed | Step
    phone: Step


def measure_person(case: Case, evidence: Evidence, policy: PersonPolicy) -> PersonFacts:
    """The facts of a person. An unreadable item appears as a step that refuses."""
    steps = Steps()
    with steps.step("phone") as detail:
        if dialogue.PHONE not in evidence.items:
            # Without a consent the register was not asked, which says nothing about the number.
            consent = parse_consent(evidence.require(dialogue.CONSENT))
            is_given = (
                consent.status == "valid"
                and consent.terms is not None
                and "phone" in consent.terms.services
            )
            is_missed = is_given and not has_run_out(consent, at=evidence.at)
            raise Refused(
                "phone_owner_mismatch" if is_missed else "consent_unanswered",
                "the register was not asked",
            )
        detail["owned_since"] = require_owner(evidence.items[dialogue.PHONE], case=case)
    typed: Typed | None = None
    with steps.step("typed"):
        copied = evidence.require_object(dialogue.ANSWER)
        typed = Typed(
            is_document_number=copied["document_number"]
            == dialogue.plain_number(case.person.document.number),
            is_birth_date=copied["birth_date"] == case.person.birth_date.isoformat(),
        )
    return PersonFacts(phone=steps.done["phone"], typed=typed or steps.done["typed"])
