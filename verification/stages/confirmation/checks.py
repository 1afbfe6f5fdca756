"""Did the borrower consent, and do they act freely?"""

from functools import partial

from verification.core.results import Result, judged
from verification.stages.confirmation.measure import ConsentFacts, QuestionFacts, RenewalFacts
from verification.stages.confirmation.policy import ConfirmationPolicy


def check_agreed(
    name: str, facts: ConsentFacts | RenewalFacts, policy: ConfirmationPolicy
) -> Result:
    """Passed only by an explicit yes."""
    return judged(name, "" if facts.agreed else "consent_declined", detail={})


def check_free(facts: QuestionFacts, policy: ConfirmationPolicy) -> Result:
    """Passed only by an explicit no."""
    return judged("question.free", "" if facts.is_free else "coercion_reported", detail={})


CONSENT_CHECKS = {"consent.agreed": partial(check_agreed, "consent.agreed")}
QUESTION_CHECKS = {"question.free": check_free}
RENEWAL_CHECKS = {"renewal.agreed": partial(check_agreed, "renewal.agreed")}
