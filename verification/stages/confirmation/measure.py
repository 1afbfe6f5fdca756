"""Facts of the borrower's answer and its text."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from verification.core.answers import Basis
from verification.core.person import Case
from verification.core.results import Step, measured
from verification.core.route import Evidence
from verification.stages.confirmation import policy as texts
from verification.stages.confirmation.dialogue import (
    CONSENT_ANSWER,
    QUESTION_ANSWER,
    RENEWAL_ANSWER,
    RENEWAL_SHOWN,
)
from verification.stages.confirmation.policy import ConfirmationPolicy


@dataclass(frozen=True)
class ConsentFacts:
    """agreed: whether there is an explicit yes. version, language, text_sha256: of the text."""

    agreed: bool
    version: str = ""
    language: str = ""
    text_sha256: str = ""


@dataclass(frozen=True)
class QuestionFacts:
    """is_free: whether the borrower denied that another person instructs them."""

    is_free: bool


@dataclass(frozen=True)
class RenewalFacts:
    """As of a consent. `contract`: the contract whose payout the yes permits."""

    agreed: bool
    version: str = ""
    language: str = ""
    text_sha256: str = ""
    contract: str = ""


def measure_consent(case: Case, evidence: Evidence, policy: ConfirmationPolicy) -> ConsentFacts:
    """The stored answer; an unreadable answer is not a yes."""
    answer = measured(evidence.require_object, CONSENT_ANSWER)
    if isinstance(answer, Step):
        return ConsentFacts(agreed=False)
    return ConsentFacts(**_agreement(answer))


def measure_question(case: Case, evidence: Evidence, policy: ConfirmationPolicy) -> QuestionFacts:
    """The stored answer; an unreadable answer is not an answer."""
    answer = measured(evidence.require_object, QUESTION_ANSWER)
    return QuestionFacts(
        is_free=not isinstance(answer, Step) and answer.get("somebody_tells_me") is False
    )


def measure_renewal(case: Case, evidence: Evidence, policy: ConfirmationPolicy) -> RenewalFacts:
    """The stored answer and terms. If either is unreadable, there is no yes."""
    answer = measured(evidence.require_object, RENEWAL_ANSWER)
    terms = measured(evidence.require_object, RENEWAL_SHOWN)
    if isinstance(answer, Step) or isinstance(terms, Step):
        return RenewalFacts(agreed=False)
    return RenewalFacts(**_agreement(answer), contract=str(terms.get("contract_sha256", "")))


def _agreement(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Whether an answer is an explicit yes, and to which text."""
    text = {name: str(answer.get(name, "")) for name in ("version", "language", "text_sha256")}
    return {"agreed": answer.get("agreed") is True, **text}


def payout_basis(answer: bytes) -> Basis | None:
    """The basis on which a credit bureau and a bank may be asked before payout.

    answer: a stored consent. None unless it is a yes to a text of ours that names these questions.
    """
    try:
        fields = json.loads(answer)
        version, language, text, at = (
            str(fields[name]) for name in ("version", "language", "text_sha256", "at")
        )
        names_payout = version in texts.NAMES_PAYOUT
        is_ours = names_payout and texts.CONSENT.sha256(version, language) == text
        is_yes = fields["agreed"] is True
    except (ValueError, KeyError, TypeError):
        return None
    if not is_ours or not is_yes:
        return None
    return Basis(version=version, language=language, text_sha256=text, at=at)
