"""Did the borrower consent?"""

from verification.core.results import Result, judged
from verification.stages.consent.measure import ConsentFacts
from verification.stages.consent.policy import ConsentPolicy


def check_agreed(facts: ConsentFacts, policy: ConsentPolicy) -> Result:
    """Passed only by an explicit yes."""
    return judged("consent.agreed", "" if facts.agreed else "consent_declined", detail={})


CHECKS = {"consent.agreed": check_agreed}
