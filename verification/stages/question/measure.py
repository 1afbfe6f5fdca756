"""What the borrower answered, as facts."""

from dataclasses import dataclass

from verification.core.person import Case
from verification.core.results import Step, measured
from verification.core.route import Evidence
from verification.stages.question.dialogue import ANSWER
from verification.stages.question.policy import QuestionPolicy


@dataclass(frozen=True)
class QuestionFacts:
    """`is_free`: whether they said that nobody tells them what to do."""

    is_free: bool


def measure_question(case: Case, evidence: Evidence, policy: QuestionPolicy) -> QuestionFacts:
    """The answer as it was kept; what cannot be read is no answer."""
    answer = measured(evidence.require_object, ANSWER)
    return QuestionFacts(
        is_free=not isinstance(answer, Step) and answer.get("somebody_tells_me") is False
    )
