"""What people are asked about a case, and what their votes come to, by its entries."""

from verification.case import dossier, stages
from verification.case.history import History
from verification.core.errors import Conflict
from verification.core.results import Outcome, decide, on_record
from verification.course import policy
from verification.course.state import REVIEW


def open_question(history: History) -> str:
    """The attempt that waits for the reviewers; empty where none does."""
    is_asked = history.state.in_review and history.state.newest(REVIEW) is not None
    return history.state.newest_name if is_asked else ""


def verdict(history: History, name: str) -> bool | None:
    """What the votes on an attempt say together; None while they do not suffice."""
    votes = [vote.passes for vote in history.state.attempts[name].votes.values()]
    if not all(votes):
        return False
    return True if len(votes) >= policy.VOTES_TO_PASS else None


def require_the_rest_passed(history: History, name: str) -> None:
    """Raises `Conflict` (not_reviewable) unless its checks, as entries have them, leave it to
    people.

    They are weighed by the rule of every judgement.
    """
    attempt = history.state.attempts[name]
    stage = stages.known(attempt.route, attempt.stage, law=history.row.profile_sha256)
    if stage is None:
        raise Conflict("there is no stage here that people could decide", code="not_reviewable")
    try:
        results = on_record(dossier.stated_checks(history, name))
        decision = decide(results, required=tuple(stage.checks))
    except KeyError:
        detail = "a check came to what this release does not know"
        raise Conflict(detail, code="not_reviewable") from None
    if decision.outcome is not Outcome.REVIEW:
        raise Conflict("not everything else has passed", code="not_reviewable")
