"""The borrower signs a statement of ours with the national electronic signature (ЭЦП, NCA RK)."""

from verification.core.route import Stage
from verification.stages.statement.checks import CHECKS, report_statement
from verification.stages.statement.collect import collect_statement, prepare_statement
from verification.stages.statement.dialogue import accept_statement, answered_at, prompt_statement
from verification.stages.statement.measure import StatementFacts, measure_statement, ready
from verification.stages.statement.policy import POLICY, StatementPolicy

STAGE = Stage(
    name="statement",
    page="statement",
    prepare=prepare_statement,
    prompt=prompt_statement,
    accept=accept_statement,
    collect=collect_statement,
    measure=measure_statement,
    facts=StatementFacts,
    checks=CHECKS,
    policy_in_use=StatementPolicy,
    report=report_statement,
    ready=ready,
    seconds=POLICY.statement_seconds,
    attempts=POLICY.attempts,
    queue="eds",
    answered_at=answered_at,
)
