"""Who the borrower is by the state's registers, asked with their consent, and by a document in their own hand."""

from verification.core.route import Stage
from verification.stages.person.checks import CHECKS
from verification.stages.person.collect import collect_person, prepare_person
from verification.stages.person.dialogue import accept_person, prompt_person
from verification.stages.person.measure import PersonFacts, measure_person
from verification.stages.person.policy import POLICY, PersonPolicy

STAGE = Stage(
    name="person",
    page="form",
    prepare=prepare_person,
    prompt=prompt_person,
    accept=accept_person,
    collect=collect_person,
    measure=measure_person,
    facts=PersonFacts,
    checks=CHECKS,
    policy_in_use=PersonPolicy,
    seconds=POLICY.person_seconds,
    attempts=POLICY.attempts,
)
