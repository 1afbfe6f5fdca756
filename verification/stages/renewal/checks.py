"""Does the borrower want the money, now that they have had time to think?"""

from verification.core.results import Result, judged
from verification.stages.renewal.measure import RenewalFacts
from verification.stages.renewal.policy import RenewalPolicy


def check_agreed(facts: RenewalFacts, policy: RenewalPolicy) -> Result:
    """Passed only by an explicit yes."""
    return judged("renewal.agreed", "" if facts.agreed else "consent_declined", detail={})


CHECKS = {"renewal.agreed": check_agreed}
