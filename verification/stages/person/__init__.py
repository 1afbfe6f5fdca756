"""The borrower types data from a document, and the state's register confirms the phone."""

from verification.core.route import Stage
from verification.stages.person.checks import CHECKS
from verification.stages.person.collect import collect_person
from verification.stages.person.dialogue import accept_person, answered_at, prompt_person
from verification.stages.person.measure import PersonFacts, measure_person
from verification.stages.person.policy import POLICY, SERVICES, PersonPolicy

STAGE = Stage(
    name="person",
    page="form",
    prompt=prompt_person,
    accept=accept_person,
    collect=collect_person,
    measure=measure_person,
    facts=PersonFacts,
    checks=CHECKS,
    policy_in_use=PersonPolicy,
    seconds=POLICY.person_seconds,
    attempts=POLICY.attempts,
    services=SERVICES,
    answered_at=answered_at,
)
