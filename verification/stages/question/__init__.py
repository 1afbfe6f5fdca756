"""The script-breaking question, asked before the last stage of a route: is somebody telling you
what to press?
"""

from verification.core.route import Stage
from verification.stages.question.checks import CHECKS
from verification.stages.question.dialogue import accept_question
from verification.stages.question.measure import QuestionFacts, measure_question
from verification.stages.question.policy import POLICY, QuestionPolicy

STAGE = Stage(
    name="question",
    page="question",
    accept=accept_question,
    measure=measure_question,
    facts=QuestionFacts,
    checks=CHECKS,
    policy_in_use=QuestionPolicy,
    seconds=POLICY.seconds,
)
