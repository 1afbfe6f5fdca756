"""A code sent to the person's phone and typed in on the page."""

from verification.core.route import Quota, Stage
from verification.stages.code.checks import CHECKS
from verification.stages.code.collect import collect_code, prepare_code
from verification.stages.code.dialogue import accept_code, go_on_code, prompt_code
from verification.stages.code.measure import CodeFacts, look_code, measure_code
from verification.stages.code.policy import POLICY, SECONDS, SERVICES, CodePolicy

STAGE = Stage(
    name="code",
    page="code",
    prepare=prepare_code,
    prompt=prompt_code,
    accept=accept_code,
    look=look_code,
    go_on=go_on_code,
    collect=collect_code,
    measure=measure_code,
    facts=CodeFacts,
    checks=CHECKS,
    policy_in_use=CodePolicy,
    seconds=SECONDS,
    attempts=POLICY.attempts,
    services=SERVICES,
    quota=Quota(
        purpose="code",
        value=lambda case: case.person.phone.value,
        a_day=POLICY.codes_a_day,
        code="velocity_exceeded",
    ),
)
