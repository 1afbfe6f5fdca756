"""What a worker does where no answer moved a case: time ran out, people voted, or it was stopped.

Tick, desk and web write down that such a step is due, and decide nothing. Each step looks at the
entries whether it is due; where it is not, nothing is owed any more.
"""

from verification import clock
from verification.access import leaving
from verification.artifacts import documents, receipt
from verification.case import attempts, contents, moving, stages, votes
from verification.case.history import read
from verification.core import codes
from verification.core.results import Outcome
from verification.core.status import Status
from verification.course.state import LEFT, OPEN
from verification.models import Verification
from verification.worker import outcome, queue

REFUSED = "review_refused"


def lapse(row: Verification) -> None:
    """Ends a dialogue that the borrower let run out. It burns only if the timeout code says so."""
    at, history = clock.now(), read(row)
    with queue.finishing(history):
        attempt, name = history.state.newest(OPEN), history.state.newest_name
        is_ended = bool(history.state.end) or attempt is None or not attempt.is_with_borrower
        if is_ended or attempt is None or attempt.until is None:
            return
        if at + history.state.advanced < attempt.until:
            return
        burns = leaving.lapse(history, name, at=at)
        stage = stages.known(attempt.route, attempt.stage, law=row.profile_sha256)
        if stage and burns:
            code = stage.timeout_code
            outcome.after_failure(history, stage, code, key=contents.key_of(row), at=at)


def expire(row: Verification) -> None:
    """Ends a verification that the borrower, or its reviewers, let run out."""
    at, history = clock.now(), read(row)
    with queue.finishing(history):
        state = history.state
        is_over = state.until is not None and at + state.advanced >= state.until
        if state.end or state.standing.is_ours or not is_over:
            return
        code = "review_timeout" if state.in_review else "verification_expired"
        outcome.end(history, Status.EXPIRED, at=at, code=code)
        leaving.leave(history, at=at)


def weigh(row: Verification) -> None:
    """What the votes on an attempt lead to: two passes pass it, one fail refuses.

    A pass needs that everything else had passed.
    """
    at, history = clock.now(), read(row)
    with queue.finishing(history):
        name = votes.open_question(history)
        if not name or (passes := votes.verdict(history, name)) is None:
            return
        if passes:
            votes.require_the_rest_passed(history, name)
        attempt, key = history.state.attempts[name], contents.key_of(row)
        stage = stages.of(attempt.route, law=row.profile_sha256)[attempt.stage]
        result, code = (Outcome.PASSED, "") if passes else (Outcome.FAILED, REFUSED)
        burns = not passes and codes.require(REFUSED).burns and stage.attempts is not None
        body = {
            "attempt": name,
            "route": attempt.route,
            "stage": attempt.stage,
            "outcome": result,
            "code": code,
            "burnt": burns,
        }
        moving.record(row, "attempt.reviewed", at=at, body=body)
        documents.produce(history, name, key=key, at=at)
        if passes:
            outcome.after_pass(history, stage, key=key, at=at)
        else:
            outcome.after_failure(history, stage, REFUSED, key=key, at=at)


def stop(row: Verification) -> None:
    """Ends what the borrower went on with at a phone, and reported a caller there."""
    at, history = clock.now(), read(row)
    with queue.finishing(history):
        if not history.state.is_stopped or history.state.end:
            return
        body = {"cause": "hand_over"}
        outcome.end(history, Status.DECLINED, at=at, code=codes.COERCION_REPORTED, body=body)
        leaving.leave(history, at=at)


def turn_away(row: Verification) -> None:
    """Ends the capture that the borrower has left for another route, and begins that."""
    at, history = clock.now(), read(row)
    with queue.finishing(history):
        if history.state.newest(LEFT) is None or history.state.is_held() or history.state.end:
            return
        leaving.leave(history, at=at)
        attempts.enter_route(history, key=contents.key_of(row), at=at)


def document(row: Verification) -> None:
    """Makes the receipt of what its lender ended, and the documents of what was alive then."""
    at, history = clock.now(), read(row)
    with queue.finishing(history):
        if history.state.end:
            receipt.issue_late(history, at=at)
            for name in history.state.attempts:
                documents.produce(history, name, at=at)
