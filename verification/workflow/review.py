"""What people decide about a verification that the checks left to them. Everything is one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from verification.core import reasons
from verification.core.decision import Outcome, decide
from verification.core.errors import BadInput, Conflict, NotFound
from verification.core.results import Failed, Inconclusive, Passed, Result
from verification.core.route import Stage
from verification.core.status import Status
from verification.models import Attempt, AuditEntry, CheckRecord, Verification
from verification.workflow import cases, dossier, policy, progress, stages, transition

REASON_KIND = "review.reason"
REFUSED = "review_refused"


@dataclass(frozen=True)
class Reviewer:
    """Somebody who may review: the id by which the log names them, and the lender they work for."""

    person_id: str
    lender_id: str


def review(*, verification_id: str, passes: bool, reviewers: Sequence[Reviewer], reason: str) -> Status:
    """The status after the common word of the reviewers: a pass counts as a passed judgement, a fail declines.

    1. There is a reason, and a pass is said by two different people, a fail by one.
    2. The verification is one of their lender and is in review, not yet too long. Its row is locked: of two reviews
       at once the second finds it decided.
    3. A pass needs that everything else had passed: the stored results are weighed again as when they were judged.
    4. The reason is sealed; the votes, the attempt and the status are written and logged, or nothing is.

    Raises `BadInput`, `NotFound` (none, or another lender's), `Conflict`; then nothing was written.
    """
    words = _words(reason)
    _require_enough(reviewers, needed=policy.REVIEWERS_TO_PASS if passes else 1)
    at = timezone.now()
    with transaction.atomic():
        verification = _in_review(verification_id, reviewers, at=at)
        attempt, stage = _open_question(verification)
        if passes:
            _require_the_rest_passed(attempt, stage)
        key = cases.key_of(verification)
        dossier.keep(attempt, {REASON_KIND: words.encode()}, key=key, at=at)
        _close(attempt, reviewers, passes=passes, at=at)
        if passes:
            progress.passed(verification, stage, key=key, at=at)
        else:
            progress.refused(verification, stage, REFUSED, key=key, at=at)
    return Status(verification.status)


def _words(reason: str) -> str:
    words = reason.strip()
    if not policy.REVIEW_REASON_MIN <= len(words) <= policy.REVIEW_REASON_MAX or not words.isprintable():
        wanted = f"{policy.REVIEW_REASON_MIN} to {policy.REVIEW_REASON_MAX} printable characters on one line"
        raise BadInput(f"a reason has {wanted}", code="reason_malformed", pointer="reason")
    return words


def _require_enough(reviewers: Sequence[Reviewer], *, needed: int) -> None:
    different = {reviewer.person_id for reviewer in reviewers}
    if len(different) != len(reviewers):
        raise BadInput("nobody votes twice", code="reviewer_repeated", pointer="reviewers")
    if len(different) < needed:
        detail = f"this needs {needed} reviewers, who are different people"
        raise BadInput(detail, code="reviewers_too_few", pointer="reviewers")


def _in_review(verification_id: str, reviewers: Sequence[Reviewer], *, at: datetime) -> Verification:
    """The locked row; raises unless it is these people's to decide, now."""
    verification = Verification.objects.select_for_update().filter(pk=verification_id).first()
    if verification is None or any(reviewer.lender_id != verification.lender_id for reviewer in reviewers):
        raise NotFound("the lender of these reviewers has no such verification")
    if verification.status != Status.IN_REVIEW:
        raise Conflict(f"the verification is {verification.status}, not in review", code="not_in_review")
    given = AuditEntry.objects.filter(verification=verification, type="verification.in_review")
    since = given.order_by("-verification_sequence").values_list("at", flat=True).first()
    # The sweep ends such a case a moment later; until then it is over all the same.
    if since is None or since <= at - timedelta(seconds=policy.REVIEW_SECONDS):
        raise Conflict("the time for this review is over", code="review_timeout")
    return verification


def _open_question(verification: Verification) -> tuple[Attempt, Stage]:
    """The attempt that waits for the reviewers, and the stage it belongs to."""
    waiting = Attempt.objects.filter(verification=verification, status=Outcome.REVIEW)
    attempt = waiting.filter(route=verification.route, stage=verification.stage).order_by("-turn").first()
    stage = stages.known(verification.route, verification.stage)
    if attempt is None or stage is None:
        raise Conflict("there is no attempt here that people could decide", code="not_reviewable")
    attempt.verification = verification
    return attempt, stage


def _require_the_rest_passed(attempt: Attempt, stage: Stage) -> None:
    """Raises unless the stored results, weighed by the rule of every judgement, are a matter for reviewers."""
    records = CheckRecord.objects.filter(attempt=attempt).order_by("position")
    try:
        decision = decide([_result(record) for record in records], required=tuple(stage.checks))
    except KeyError:
        raise Conflict("a check said what nobody knows any more", code="not_reviewable") from None
    if decision.outcome is not Outcome.REVIEW:
        raise Conflict("not everything else has passed", code="not_reviewable")


def _result(record: CheckRecord) -> Result:
    if record.outcome == dossier.OUTCOMES[Passed]:
        return Passed(record.name)
    unclear = record.outcome == dossier.OUTCOMES[Inconclusive]
    return Inconclusive(record.name, record.code) if unclear else Failed(record.name, record.code)


def _close(attempt: Attempt, reviewers: Sequence[Reviewer], *, passes: bool, at: datetime) -> None:
    """Logs each vote and ends the attempt by them; of the reason the log holds the commitment only."""
    outcome, code = (Outcome.PASSED, "") if passes else (Outcome.FAILED, REFUSED)
    burnt = not passes and reasons.require(REFUSED).burns and attempt.counted
    waiting = Attempt.objects.filter(pk=attempt.pk, status=Outcome.REVIEW)
    if waiting.update(status=outcome, code=code, burnt=burnt, closed_at=at) != 1:
        raise Conflict("the attempt was decided meanwhile", code="not_in_review")
    body = {"attempt": attempt.pk, "route": attempt.route, "stage": attempt.stage, "outcome": outcome}
    for reviewer in reviewers:
        vote = body | {"person": reviewer.person_id}
        transition.record(attempt.verification, "review.voted", at=at, body=vote)
    closed = body | {"code": code, "burnt": burnt}
    transition.record(attempt.verification, "attempt.reviewed", at=at, body=closed)
