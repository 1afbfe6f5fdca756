"""How often a borrower may try: a stage counts its failed attempts of a day, in whichever route and
verification.
"""

import pytest

from tests.verification.stories.insecure_glance import ROUTES, glanced, see, voted
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import make_due
from verification.access import answers
from verification.models import Attempt
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]


def test_another_route_with_the_same_stage_gives_no_new_tries():
    story = glanced("wrong", "wrong", profile="KZ-2021-04")
    assert story.page().attempt == 3
    answers.choose_route(verification_id=story.id, route=ROUTES[1])
    assert story.row().route == ROUTES[1]
    story.answer(agreed=True, version=CURRENT, language="ru")
    story.work()
    assert (story.page().page, story.page().attempt) == ("code", 3)
    see(story, "wrong")
    assert (story.row().status, story.row().code) == ("declined", "attempts_exhausted")
    assert Attempt.objects.filter(verification_id=story.id, stage="glance", burnt=True).count() == 3


def test_who_is_nearly_the_same_is_asked_once_more_and_then_goes_to_people():
    story = glanced("near")
    first = Attempt.objects.get(verification_id=story.id, burnt=True)
    assert (first.stage, first.status, first.code) == ("glance", "failed", "face_again")
    assert (story.row().status, story.page().attempt) == ("requires_input", 2)
    see(story, "near")
    assert story.row().status == "in_review"


def test_who_has_failed_already_is_not_asked_once_more():
    story = glanced("wrong", "near")
    assert story.row().status == "in_review"
    assert not Attempt.objects.filter(verification_id=story.id, code="face_again").exists()


@pytest.mark.parametrize("passes", [True, False])
def test_what_people_look_at_is_a_try_spent_until_they_pass_it(passes):
    story = glanced("grey")
    assert story.row().status == "in_review"
    beside = glanced(of=story.lender, reference="A-2")
    assert (beside.page().page, beside.page().attempt) == ("code", 2)
    voted(story, passes=passes)
    assert Attempt.objects.get(verification_id=story.id, stage="glance").burnt is not passes


@pytest.mark.parametrize("passes", [True, False])
def test_who_has_no_try_left_but_for_what_people_look_at_waits_for_them(passes):
    story = glanced("wrong", "wrong", "grey", profile="KZ-2021-04")
    assert story.row().status == "in_review"
    beside = glanced(of=story.lender, reference="A-2", profile="KZ-2021-04")
    row = beside.row()
    assert (row.status, row.last_failure, row.step) == ("requires_input", "borrower_busy", "open")
    voted(story, passes=passes)
    make_due(beside)
    beside.work()
    ended = ("requires_input", "") if passes else ("declined", "attempts_exhausted")
    assert (beside.row().status, beside.row().code) == ended
