"""The EDS route: the borrower signs a statement of ours with the national electronic signature (ЭЦП, NCA RK)."""

from verification.core.route import Route, Stage
from verification.routes.eds.checks import STATEMENT, ready, report_statement
from verification.routes.eds.collect import collect_statement, prepare_statement
from verification.routes.eds.dialogue import accept_statement, prompt_statement
from verification.routes.eds.policy import POLICY

ROUTE = Route(
    name="eds",
    policy=POLICY,
    ready=ready,
    stages=(
        Stage(
            name="statement",
            page="statement",
            prepare=prepare_statement,
            prompt=prompt_statement,
            accept=accept_statement,
            collect=collect_statement,
            checks=STATEMENT,
            report=report_statement,
            seconds=POLICY.statement_seconds,
            attempts=POLICY.attempts,
            queue="eds",
        ),
    ),
)
