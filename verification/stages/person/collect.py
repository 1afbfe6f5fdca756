"""This stage's errand: the phone register's answer on the number. Judges nothing."""

from collections.abc import Mapping

from verification.core.answers import held_consent_id
from verification.core.person import Case
from verification.core.route import Evidence
from verification.sources.phone_registry import REGISTRY, OwnershipQuestion
from verification.stages.person import dialogue
from verification.stages.person.policy import SERVICES


def collect_person(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
    """The register's answer under the errand's consent; without a valid consent it is not asked.

    Raises: `SourceUnavailable`.
    """
    consent, shown = evidence.items[dialogue.CONSENT], evidence.items[dialogue.SHOWN]
    consent_id = held_consent_id(consent, shown, services=SERVICES, case=case, at=evidence.at)
    if consent_id is None:
        return {}
    # A register repeats its answer to a known id, so each answer of the borrower makes a new id.
    request_id = f"{case.verification_id}:phone:{dialogue.answered_at(evidence).timestamp():.6f}"
    question = OwnershipQuestion(
        request_id=request_id,
        iin=case.person.iin,
        phone=case.person.phone,
        consent_id=consent_id,
    )
    return REGISTRY.as_evidence(dialogue.PHONE, REGISTRY.fetch(case.mode, question))
