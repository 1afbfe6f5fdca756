"""A review skips no check that people may not decide, and of whatever happens at once one thing
takes effect.
"""

import threading

import pytest

from tests.verification.checks_on_record import take_away, write_over
from tests.verification.stories.insecure_glance import entries, glanced, judged, voted
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import decisions, in_parallel, lender
from verification.access import openings
from verification.core.errors import Conflict
from verification.models import Attempt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]


# Nothing is skipped


def test_a_failed_check_beside_a_grey_one_never_comes_to_a_review():
    story = glanced("wrong")
    assert story.row().status == "requires_input"
    assert judged(story).status == "open"


CHANGES: dict[str, dict[str, dict[str, str] | None]] = {
    "a check failed": {"glance.told": {"outcome": "fail", "code": "bad_answer"}},
    "a check is missing": {"glance.told": None},
    "another was unclear": {
        "glance.told": {"outcome": "inconclusive", "code": "eds_revocation_unknown"}
    },
    "another needs a better picture": {
        "glance.told": {"outcome": "inconclusive", "code": "face_quality"}
    },
    "nothing is left to decide": {"glance.match": {"outcome": "pass", "code": ""}},
    "a code nobody knows": {"glance.match": {"code": "no_such_code"}},
    "an outcome nobody knows": {"glance.told": {"outcome": "error"}},
    "no check at all": {"glance.told": None, "glance.match": None},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.forges
def test_no_vote_is_taken_unless_everything_else_had_passed(change):
    story = glanced("grey")
    attempt = judged(story)
    for name, written in CHANGES[change].items():
        if written is None:
            take_away(attempt, name)
        else:
            write_over(attempt, name, **written)
    with pytest.raises(Conflict) as caught:
        voted(story)
    assert (caught.value.code, story.row().status, judged(story).status) == (
        "not_reviewable",
        "in_review",
        "review",
    )
    with pytest.raises(Conflict) as caught:
        voted(story, passes=False)
    assert caught.value.code == "not_reviewable"


@pytest.mark.parametrize("status", ["passed", "failed", "judging"])
def test_what_the_row_of_an_attempt_says_keeps_no_reviewer_from_it(status):
    story = glanced("grey")
    Attempt.objects.filter(verification_id=story.id, stage="glance").update(status=status)
    assert voted(story) == "requires_input"
    assert Attempt.objects.get(verification_id=story.id, stage="glance").status == "passed"


def test_a_route_that_is_gone_cannot_be_reviewed(settings):
    story = glanced("grey")
    settings.TULGA_ROUTES = ["biometric"]
    with pytest.raises(Conflict, match="cannot decide this stage"):
        voted(story)


# At the same time


@pytest.mark.service
def test_of_two_reviews_at_once_one_takes_effect():
    for number in range(5):
        story = glanced("clear", "grey", of=lender(number=number * 20 + 1), profile="KZ-2021-04")
        barrier = threading.Barrier(2)

        def vote(which, story=story, barrier=barrier):
            barrier.wait()
            try:
                return voted(story, passes=bool(which))
            except Conflict as error:
                return error.code

        said = in_parallel(vote, 2)
        assert said.count("not_in_review") == 1
        assert {*said} - {"not_in_review"} == {story.row().status}
        assert (decisions(story), len(entries(story, "attempt.reviewed"))) == (1, 1)
        assert len(entries(story, "review.voted")) == 2


@pytest.mark.service
def test_a_review_and_a_cancel_at_once_leave_one_decision():
    story = glanced("clear", "grey", profile="KZ-2021-04")
    barrier = threading.Barrier(2)

    def act(which):
        barrier.wait()
        try:
            if which:
                return voted(story)
            return openings.cancel(lender_id=story.lender.pk, mode="test", verification_id=story.id)
        except Conflict as error:
            return error.code

    in_parallel(act, 2)
    assert decisions(story) == 1
    is_verified = story.row().status == "verified"
    # A cancel may come between the votes and the worker that weighs them.
    assert story.row().status in ("verified", "canceled")
    assert bool(entries(story, "attempt.reviewed")) == is_verified
