"""Confirmations by one answer: three stages of one shape, each with its own text.

Each has its own name and evidence kinds. `case/stages.py` adds the consent and the question to
every route.
"""

from functools import partial
from typing import Final

from verification.core.route import Stage
from verification.stages.confirmation import policy
from verification.stages.confirmation.checks import CONSENT_CHECKS, QUESTION_CHECKS, RENEWAL_CHECKS
from verification.stages.confirmation.collect import collect_renewal
from verification.stages.confirmation.dialogue import (
    CONSENT_ANSWER,
    RENEWAL_ANSWER,
    accept_agreement,
    accept_question,
    prompt_text,
)
from verification.stages.confirmation.measure import (
    ConsentFacts,
    QuestionFacts,
    RenewalFacts,
    measure_consent,
    measure_question,
    measure_renewal,
)

CONSENT: Final = Stage(
    name="consent",
    page="consent",
    prompt=partial(prompt_text, policy.CONSENT),
    accept=partial(accept_agreement, policy.CONSENT, CONSENT_ANSWER),
    measure=measure_consent,
    facts=ConsentFacts,
    checks=CONSENT_CHECKS,
    policy_in_use=lambda: policy.CONSENT_POLICY,
    seconds=policy.CONSENT_POLICY.seconds,
)
"""The consent to the processing of the borrower's data: once per verification, before all other
stages.
"""

QUESTION: Final = Stage(
    name="question",
    page="question",
    accept=accept_question,
    measure=measure_question,
    facts=QuestionFacts,
    checks=QUESTION_CHECKS,
    policy_in_use=lambda: policy.QUESTION_POLICY,
    seconds=policy.QUESTION_POLICY.seconds,
)
"""The script-breaking question before the last stage: is somebody telling you what to press?"""

RENEWAL: Final = Stage(
    name="renewal",
    page="renewal",
    prompt=partial(prompt_text, policy.RENEWAL),
    accept=partial(accept_agreement, policy.RENEWAL, RENEWAL_ANSWER),
    collect=collect_renewal,
    measure=measure_renewal,
    facts=RenewalFacts,
    checks=RENEWAL_CHECKS,
    policy_in_use=lambda: policy.RENEWAL_POLICY,
    seconds=policy.RENEWAL_POLICY.seconds,
)
"""The consent to receive the money, after the wait that follows the contract. Law: O-52."""
