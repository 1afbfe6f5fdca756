"""Does the borrower act freely?"""

from verification.core.results import Result, judged
from verification.stages.question.measure import QuestionFacts
from verification.stages.question.policy import QuestionPolicy


def check_free(facts: QuestionFacts, policy: QuestionPolicy) -> Result:
    """Passed only by an explicit no."""
    return judged("question.free", "" if facts.is_free else "coercion_reported", detail={})


CHECKS = {"question.free": check_free}
