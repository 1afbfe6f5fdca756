"""What a worker does where no answer moved a verification: its time ran out, people voted, or it was stopped.

Tick, desk and web write down that such a step is due, and decide nothing. Each step looks again whether it is due
indeed, for whoever can write rows may have made it so; then nothing is owed any more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from verification import clock, transactions
from verification.audit import signatures
from verification.audit.compare_rows import Held, require_as_said
from verification.core import reasons
from verification.core.errors import Conflict
from verification.core.results import Outcome, decide, on_record
from verification.core.route import Stage
from verification.core.status import TERMINAL, Move, Status
from verification.models import Attempt, AuditEntry, HandOver, ReviewVote, Verification
from verification.workflow import cases, policy, stages
from verification.workflow.moving import attempts, documents, dossier, leaving, onward, queue, transition
from verification.workflow.moving.hand_over import Ended

REFUSED, COERCED = "review_refused", "coercion_reported"


def lapse(verification: Verification) -> None:
    """Ends a dialogue the borrower let run out. It burns an attempt only if the stage's timeout code says so."""
    at = clock.now()
    with _held(verification) as held:
        own = held.attempts.values()
        silent = next((one for one in own if one.status == attempts.OPEN and one.expires_at <= at), None)
        if silent is None:
            return
        silent.verification = verification
        if not leaving.lapse(silent, at=at):
            return
        stage = stages.known(silent.route, silent.stage, law=verification.profile_sha256)
        if stage and silent.burnt and verification.status == Status.REQUIRES_INPUT:
            onward.after_failure(verification, stage, silent.code, key=cases.key_of(verification), at=at)
        else:
            transition.write(verification, last_failure=silent.code)


def expire(verification: Verification) -> None:
    """Ends a verification that the borrower, or its reviewers, let run out."""
    at = clock.now()
    with _held(verification):
        until = {Status.REQUIRES_INPUT: verification.expires_at, Status.IN_REVIEW: ends_at(verification)}
        if (over := until.get(Status(verification.status))) is None or over > at:
            return
        code = "review_timeout" if verification.status == Status.IN_REVIEW else "verification_expired"
        onward.end(verification, Move.EXPIRE, at=at, code=code)
        leaving.leave(verification, at=at)


def weigh(verification: Verification) -> None:
    """What the votes on an attempt lead to: two passes count as a passed judgement, one fail refuses.

    A pass needs that everything else had passed: the stored results are weighed again as when they were judged.
    """
    at = clock.now()
    with _held(verification):
        if verification.status != Status.IN_REVIEW:
            return
        attempt, stage = open_question(verification)
        if (passes := verdict(attempt)) is None:
            return
        if passes:
            require_the_rest_passed(attempt, stage)
        key = cases.key_of(verification)
        outcome, code = (Outcome.PASSED, "") if passes else (Outcome.FAILED, REFUSED)
        burns = not passes and reasons.require(REFUSED).burns and stage.attempts is not None
        if not attempts.close(attempt, outcome=outcome, code=code, burns=burns, at=at, among=(Outcome.REVIEW,)):
            raise Conflict("the attempt was decided meanwhile", code="not_in_review")
        body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, "outcome": outcome, "code": code}
        transition.record(verification, "attempt.reviewed", at=at, body=body | {"burnt": attempt.burnt})
        documents.produce(attempt, key=key, at=at)
        if passes:
            onward.after_pass(verification, stage, key=key, at=at)
        else:
            onward.after_failure(verification, stage, REFUSED, key=key, at=at)


def stop(verification: Verification) -> None:
    """Ends what the borrower went on with at a phone, and said there that somebody tells them what to press."""
    with _held(verification):
        at = clock.now()
        said = AuditEntry.objects.filter(verification=verification, type="hand_over.stopped")
        is_stopped = HandOver.objects.filter(verification=verification, outcome=Ended.STOPPED).exists()
        if is_stopped and signatures.sound(said):
            onward.end(verification, Move.DECLINE, at=at, code=COERCED, body={"cause": "hand_over"})
            leaving.leave(verification, at=at)


def turn_away(verification: Verification) -> None:
    """Ends the capture that the borrower has left for another route, and begins that."""
    at = clock.now()
    with _held(verification):
        chosen = AuditEntry.objects.filter(verification=verification, type="route.chosen")
        signed = signatures.sound(chosen.order_by("verification_sequence"))
        route = signed[-1].body["route"] if signed else ""
        found = {one[0]: one for one in onward.combinations(verification)}.get(str(route))
        if found is None or verification.status != Status.PROCESSING or verification.passed_routes:
            return
        leaving.leave(verification, at=at)
        transition.write(verification, combination=list(found))
        onward.ask(verification, at=at)
        attempts.enter_route(verification, found[0], key=cases.key_of(verification), at=at)


def document(verification: Verification) -> None:
    """Makes the receipt of what its lender ended, and the documents of what was alive then."""
    at = clock.now()
    with _held(verification):
        if verification.status in TERMINAL:
            onward.issue_late(verification, at=at)
            for attempt in Attempt.objects.filter(verification=verification).order_by("turn"):
                attempt.verification = verification
                documents.produce(attempt, at=at)


def verdict(attempt: Attempt) -> bool | None:
    """What the votes on an attempt say together; None while they do not suffice. Each is a row and a signed entry."""
    voted = AuditEntry.objects.filter(verification_id=attempt.verification_id, type="review.voted")
    said = [entry.body for entry in signatures.sound(voted.filter(body__attempt=attempt.pk))]
    on_record = {(str(body["person"]), body["outcome"] == Outcome.PASSED) for body in said}
    given = ReviewVote.objects.filter(attempt=attempt).values_list("person", "passes")
    votes = [passes for person, passes in given if (person, passes) in on_record]
    if not all(votes):
        return False
    return True if len(votes) >= policy.REVIEWERS_TO_PASS else None


def ends_at(verification: Verification) -> datetime:
    """Until when its reviewers may vote. A case may come to them a second time: then that one counts."""
    since = verification.in_review_since
    # Where nobody gave it to them it is over.
    return since + timedelta(seconds=policy.REVIEW_SECONDS) if since else verification.created_at


def open_question(verification: Verification) -> tuple[Attempt, Stage]:
    """The attempt that waits for the reviewers, and the stage it belongs to.

    Raises `Conflict` if there is none that a worker judged and, by its signature, left to people.
    """
    waiting = Attempt.objects.filter(verification=verification, status=Outcome.REVIEW)
    attempt = waiting.filter(route=verification.route, stage=verification.stage).order_by("-turn").first()
    stage = stages.known(verification.route, verification.stage, law=verification.profile_sha256)
    if attempt is None or stage is None:
        raise Conflict("there is no attempt here that people could decide", code="not_reviewable")
    entries = AuditEntry.objects.filter(verification=verification, log=verification.mode, type="attempt.judged")
    judged = list(entries.filter(body__attempt=attempt.pk))
    said = [(entry.body["outcome"], entry.body["route"], entry.body["stage"]) for entry in judged]
    if said != [(Outcome.REVIEW, attempt.route, attempt.stage)] or signatures.sound(judged) != judged:
        raise Conflict("no worker left this attempt to people", code="not_reviewable")
    attempt.verification = verification
    return attempt, stage


def require_the_rest_passed(attempt: Attempt, stage: Stage) -> None:
    """Raises `Conflict` unless its checks, as logged and weighed by the rule of every judgement, are for reviewers."""
    try:
        results = on_record(dossier.logged_checks(attempt))
        decision = decide(results, required=tuple(stage.checks))
    except KeyError:
        raise Conflict("a check said what nobody knows any more", code="not_reviewable") from None
    if decision.outcome is not Outcome.REVIEW:
        raise Conflict("not everything else has passed", code="not_reviewable")


@contextmanager
def _held(verification: Verification) -> Iterator[Held]:
    """The transaction of such a step: its fence first, then all that the log says of it; and what happens to the row is
    written at the end. Raises as `require_as_said`."""
    with transactions.writing():
        queue.require_fence(verification)
        held = require_as_said(verification)
        with transition.holding(verification):
            yield held
