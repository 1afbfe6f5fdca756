"""What people decide about a verification that the checks left to them: votes, given together or
one by one.

Each giving is one transaction under the lock of the verification's row: of two at once the second
sees the first.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from verification import clock, transactions
from verification.case import contents, dossier, moving, policy, stages, steps, votes
from verification.case.moving import History, read_sound
from verification.case.votes import Reviewer
from verification.core.errors import BadInput, Conflict, NotFound
from verification.core.results import Outcome
from verification.core.route import Stage
from verification.core.status import Status
from verification.evidence import vault
from verification.models import Attempt, ReviewVote, Verification

REASON_KIND = "review.reason"
"""Evidence of the attempt, numbered in the order of the votes: `review.reason.1`."""


def vote(*, verification_id: str, reviewer: Reviewer, passes: bool, reason: str) -> bool:
    """Whether the word of one reviewer decides: the second pass counts as a passed judgement, one
    fail refuses.

    1. There is a reason.
    2. The verification is one of their lender and is in review, not yet too long. Its row is
      locked.
    3. The reviewer has not voted on this attempt, has sent no link of the case, and did not open it
      for the lender.
    4. A pass needs that everything else had passed: the stored results are weighed again as when
      they were judged.
    5. The reason is sealed and the vote is logged. After two passes or one fail a worker ends the
      attempt.

    Raises `BadInput`, `NotFound` (none, or another lender's), `Conflict`; then nothing was written.
    """
    return _give(verification_id, (reviewer,), passes=passes, reason=reason)


def review(
    *, verification_id: str, passes: bool, reviewers: Sequence[Reviewer], reason: str
) -> None:
    """Takes the common word of the reviewers, given at once: a pass by two or more, a fail by one.
    It decides.

    Each of them is held to the steps of `vote`, which also raises the same; then none of their
    votes was written.
    """
    needed = policy.REVIEWERS_TO_PASS if passes else 1
    different = {reviewer.person_id for reviewer in reviewers}
    if len(different) != len(reviewers):
        raise BadInput("nobody votes twice", code="reviewer_repeated", pointer="reviewers")
    if len(different) < needed:
        detail = f"this needs {needed} reviewers, who are different people"
        raise BadInput(detail, code="reviewers_too_few", pointer="reviewers")
    _give(verification_id, reviewers, passes=passes, reason=reason)


def case_in_review(
    verification_id: str, lender_id: str, *, at: datetime, lock: bool = False
) -> Verification:
    """The row if it is this lender's and waits for reviewers now. Raises `NotFound`, or `Conflict`
    when it is over.
    """
    rows = Verification.objects.filter(pk=verification_id, lender_id=lender_id)
    verification = (rows.select_for_update() if lock else rows).first()
    if verification is None:
        raise NotFound("the lender of these reviewers has no such verification")
    contents.require_lender(verification)
    if verification.status != Status.IN_REVIEW:
        raise Conflict("the verification is not in review", code="not_in_review")
    # The sweep ends such a case a moment later; until then it is over all the same.
    if ends_at(verification) <= at:
        raise Conflict("the time for this review is over", code="review_timeout")
    if verification.step:
        raise Conflict(
            "the votes suffice, or it was stopped: a worker ends it", code="not_in_review"
        )
    return verification


def ends_at(verification: Verification) -> datetime:
    """Until when its reviewers may vote. A case may come to them a second time: then that one
    counts.
    """
    since = verification.in_review_since
    # Where nothing gave it to them it is over.
    return since + timedelta(seconds=policy.REVIEW_SECONDS) if since else verification.created_at


def question(verification: Verification) -> tuple[History, Attempt, Stage]:
    """The case, the attempt that waits for the reviewers, and its stage.

    Raises `Conflict` (not_reviewable) where no signed entry leaves an attempt to people.
    """
    history = read_sound(verification)
    name = votes.open_question(history)
    if history.flaw or not name:
        raise Conflict("no worker left this attempt to people", code="not_reviewable")
    attempt = history.attempt(name)
    stage = stages.find(attempt.route, attempt.stage, law=verification.profile_sha256)
    if stage is None:
        raise Conflict("there is no stage here that people could decide", code="not_reviewable")
    return history, attempt, stage


def hindrance(attempt: Attempt, reviewer: Reviewer, *, key: vault.Key) -> str:
    """By a code, why this person may not vote on this attempt; empty if they may.

    Four eyes are those of people who had no part in the case. Law: O-88.
    """
    if ReviewVote.objects.filter(attempt=attempt, person=reviewer.person_id).exists():
        return "already_voted"
    return votes.part_of(reviewer, attempt.verification, key=key)


def _give(
    verification_id: str, reviewers: Sequence[Reviewer], *, passes: bool, reason: str
) -> bool:
    # 1
    words = reason.strip()
    if (
        not policy.REVIEW_REASON_MIN <= len(words) <= policy.REVIEW_REASON_MAX
        or not words.isprintable()
    ):
        wanted = (
            f"{policy.REVIEW_REASON_MIN} to {policy.REVIEW_REASON_MAX} printable characters on one"
            " line"
        )
        raise BadInput(f"a reason has {wanted}", code="reason_malformed", pointer="reason")
    at = clock.now()
    with transactions.writing():
        # 2
        lenders = {reviewer.lender_id for reviewer in reviewers}
        if len(lenders) != 1:
            raise NotFound("the lender of these reviewers has no such verification")
        verification = case_in_review(verification_id, *lenders, at=at, lock=True)
        history, attempt, _ = question(verification)
        name, key = attempt.pk, contents.key_of(verification)
        for reviewer in reviewers:
            if code := hindrance(attempt, reviewer, key=key):  # 3
                raise Conflict("this person may not vote here", code=code)
        if passes:
            votes.require_the_rest_passed(history, name)  # 4
        # 5. Of the reason the log holds the commitment only.
        before = len(history.state.attempts[name].votes)
        with moving.moving(history):
            dossier.keep(attempt, {f"{REASON_KIND}.{before + 1}": words.encode()}, key=key, at=at)
            body = moving.place_of(name, attempt)
            body["outcome"] = Outcome.PASSED if passes else Outcome.FAILED
            for reviewer in reviewers:
                person = reviewer.person_id
                ReviewVote.objects.create(
                    attempt=attempt, person=person, passes=passes, created_at=at
                )
                moving.record(verification, "review.voted", at=at, body=body | {"person": person})
            if is_decided := votes.verdict(history, name) is not None:
                steps.schedule(verification, steps.WEIGH, due_at=at, queue=policy.ENDING_QUEUE)
    return is_decided
