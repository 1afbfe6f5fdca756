"""What people decided is named where fewer of them had voted so before than it takes."""

import pytest
from django.db import transaction

from tests.verification.log.looks import findings_of
from tests.verification.stories.insecure_glance import glanced, judged, one_voted, voted
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import Story
from verification import clock
from verification.case import moving
from verification.models import Attempt, Verification

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]


def codes(story: Story) -> set[str]:
    return {finding.code for finding in findings_of(story.id)}


@pytest.mark.parametrize("passes", [True, False])
def test_what_enough_people_decided_is_in_order(passes: bool) -> None:
    story = glanced("grey")
    voted(story, passes=passes)
    assert codes(story) == set()


@pytest.mark.parametrize(
    ("votes", "outcome"), [(0, "passed"), (1, "passed"), (0, "failed"), (1, "failed")]
)
def test_what_too_few_decided_is_named(votes: int, outcome: str) -> None:
    story = glanced("grey")
    for number in range(votes):
        one_voted(story, person=f"usr_{number}")
    attempt, at = judged(story), clock.now()
    body = {
        "attempt": attempt.pk,
        "route": attempt.route,
        "stage": attempt.stage,
        "outcome": outcome,
        "code": "",
    }
    with transaction.atomic():
        moving.record(story.row(), "attempt.reviewed", at=at, body=body | {"burnt": False})
    Attempt.objects.filter(pk=attempt.pk).update(status=outcome, code="", burnt=False, closed_at=at)
    Verification.objects.filter(pk=story.id).update(status="requires_input", code="")
    assert codes(story) == {"votes_missing"}
