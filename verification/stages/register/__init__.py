"""The register of people, asked once per verification under the person's consent through the
state's service.

Not a stage: an errand of the first proving stage of a route. `REGISTER` asks for the person's data.
`CONSENT` only obtains the consent under which the stage looks up their photo.
"""

from verification.core.route import Errand, Quota
from verification.stages.register.checks import CHECKS, CONSENT_CHECKS
from verification.stages.register.collect import collect_consent, collect_register, prepare_register
from verification.stages.register.dialogue import is_open
from verification.stages.register.measure import (
    ConsentFacts,
    RegisterFacts,
    measure_consent,
    measure_register,
)
from verification.stages.register.policy import POLICY, SERVICES, RegisterPolicy

QUOTA = Quota(
    purpose="consent",
    value=lambda case: case.person.iin.value,
    a_day=POLICY.asked_a_day,
    code="consents_exceeded",
)
REGISTER = Errand(
    name="register",
    prepare=prepare_register,
    is_open=is_open,
    collect=collect_register,
    measure=measure_register,
    facts=RegisterFacts,
    checks=CHECKS,
    policy=RegisterPolicy,
    services=SERVICES,
    quota=QUOTA,
)
CONSENT = Errand(
    name="register",
    prepare=prepare_register,
    is_open=is_open,
    collect=collect_consent,
    measure=measure_consent,
    facts=ConsentFacts,
    checks=CONSENT_CHECKS,
    policy=RegisterPolicy,
    services=(),
)
