"""What the borrower answered, as facts."""

from dataclasses import dataclass

from verification.core.person import Case
from verification.core.results import Step, measured
from verification.core.route import Evidence
from verification.stages.consent.dialogue import ANSWER
from verification.stages.consent.policy import ConsentPolicy


@dataclass(frozen=True)
class ConsentFacts:
    """`agreed`: whether there is an explicit yes. `version`, `language`, `text_sha256`: to which text."""

    agreed: bool
    version: str = ""
    language: str = ""
    text_sha256: str = ""


def measure_consent(case: Case, evidence: Evidence, policy: ConsentPolicy) -> ConsentFacts:
    """The answer as it was kept; what cannot be read is no yes."""
    answer = measured(evidence.require_object, ANSWER)
    if isinstance(answer, Step):
        return ConsentFacts(agreed=False)
    version, language, text = (str(answer.get(name, "")) for name in ("version", "language", "text_sha256"))
    return ConsentFacts(agreed=answer.get("agreed") is True, version=version, language=language, text_sha256=text)
