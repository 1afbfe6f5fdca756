"""What the borrower answered, as facts."""

import json
from dataclasses import dataclass

from verification.core.payout_answers import Basis
from verification.core.person import Case
from verification.core.results import Step, measured
from verification.core.route import Evidence
from verification.stages.consent import policy as texts
from verification.stages.consent.dialogue import ANSWER
from verification.stages.consent.policy import ConsentPolicy


@dataclass(frozen=True)
class ConsentFacts:
    """`agreed`: whether there is an explicit yes. `version`, `language`, `text_sha256`: to which
    text.
    """

    agreed: bool
    version: str = ""
    language: str = ""
    text_sha256: str = ""


def measure_consent(case: Case, evidence: Evidence, policy: ConsentPolicy) -> ConsentFacts:
    """The answer as it was kept; what cannot be read is no yes."""
    answer = measured(evidence.require_object, ANSWER)
    if isinstance(answer, Step):
        return ConsentFacts(agreed=False)
    version, language, text = (
        str(answer.get(name, "")) for name in ("version", "language", "text_sha256")
    )
    return ConsentFacts(
        agreed=answer.get("agreed") is True, version=version, language=language, text_sha256=text
    )


def payout_basis(answer: bytes) -> Basis | None:
    """Under what a credit bureau and a bank may be asked before the money leaves: an answer as it
    was kept.

    None unless it is a yes to a text of ours that names these questions.
    """
    try:
        said = json.loads(answer)
        version, language, text, at = (
            str(said[name]) for name in ("version", "language", "text_sha256", "at")
        )
        is_named = version in texts.NAMES_PAYOUT and texts.text_sha256(version, language) == text
        is_yes = said["agreed"] is True
    except (ValueError, KeyError, TypeError):
        return None
    return (
        Basis(version=version, language=language, text_sha256=text, at=at)
        if is_named and is_yes
        else None
    )
