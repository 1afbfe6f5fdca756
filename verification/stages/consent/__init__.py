"""The borrower's consent to the processing of their data, asked for once a verification, before
anything else.
"""

from verification.core.route import Stage
from verification.stages.consent.checks import CHECKS
from verification.stages.consent.dialogue import accept_consent, prompt_consent
from verification.stages.consent.measure import ConsentFacts, measure_consent
from verification.stages.consent.policy import POLICY, ConsentPolicy

STAGE = Stage(
    name="consent",
    page="consent",
    prompt=prompt_consent,
    accept=accept_consent,
    measure=measure_consent,
    facts=ConsentFacts,
    checks=CHECKS,
    policy_in_use=ConsentPolicy,
    seconds=POLICY.seconds,
)
