"""What the borrower answered, and to what, as facts."""

from dataclasses import dataclass

from verification.core.person import Case
from verification.core.results import Step, measured
from verification.core.route import Evidence
from verification.stages.renewal.dialogue import ANSWER, SHOWN
from verification.stages.renewal.policy import RenewalPolicy


@dataclass(frozen=True)
class RenewalFacts:
    """`agreed`: whether there is an explicit yes. `version`, `language`, `text_sha256`: to which
    text; `contract`: to the money of which.
    """

    agreed: bool
    version: str = ""
    language: str = ""
    text_sha256: str = ""
    contract: str = ""


def measure_renewal(case: Case, evidence: Evidence, policy: RenewalPolicy) -> RenewalFacts:
    """The answer and the terms as they were kept; what cannot be read is no yes, nor one to no
    contract.
    """
    answer, terms = (
        measured(evidence.require_object, ANSWER),
        measured(evidence.require_object, SHOWN),
    )
    if isinstance(answer, Step) or isinstance(terms, Step):
        return RenewalFacts(agreed=False)
    version, language, text = (
        str(answer.get(name, "")) for name in ("version", "language", "text_sha256")
    )
    agreed, contract = answer.get("agreed") is True, str(terms.get("contract_sha256", ""))
    return RenewalFacts(
        agreed=agreed, version=version, language=language, text_sha256=text, contract=contract
    )
