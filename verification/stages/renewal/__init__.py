"""The borrower's consent to receive the money, asked for once the wait after the contract is over.
Law: O-52.
"""

from verification.core.route import Stage
from verification.stages.renewal.checks import CHECKS
from verification.stages.renewal.collect import collect_renewal
from verification.stages.renewal.dialogue import accept_renewal, prompt_renewal
from verification.stages.renewal.measure import RenewalFacts, measure_renewal
from verification.stages.renewal.policy import POLICY, RenewalPolicy

STAGE = Stage(
    name="renewal",
    page="renewal",
    prompt=prompt_renewal,
    accept=accept_renewal,
    collect=collect_renewal,
    measure=measure_renewal,
    facts=RenewalFacts,
    checks=CHECKS,
    policy_in_use=RenewalPolicy,
    seconds=POLICY.seconds,
)
