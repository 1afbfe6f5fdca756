"""What the replay says of a time that a review does not move, and what a changed row does not lead
to.
"""

from datetime import timedelta

import pytest

from tests.verification.log.judged import findings
from tests.verification.log.rows import order_all
from tests.verification.stories.insecure_glance import glanced, see, voted
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import swept, wait_until
from verification import clock
from verification.models import Verification

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]


def test_what_people_passed_runs_out_when_its_own_time_is_over():
    story = glanced()
    clock._state.offset += timedelta(minutes=4)
    see(story, "grey")
    voted(story)
    wait_until(story.row().expires_at)
    swept()
    swept()
    assert (story.row().status, findings()) == ("expired", [])


@pytest.mark.parametrize(
    "columns", [{"combination": []}, {"combination": ["biometric"]}, {"passed_routes": ["eds"]}]
)
def test_nobody_is_declined_by_what_a_row_says_of_routes(columns):
    story = glanced("clear")
    story.answer(somebody_tells_me=False)
    story.work()
    story.answer(sees="clear")
    Verification.objects.filter(pk=story.id).update(**columns)
    story.work()
    order_all()
    assert (story.row().route, findings()) == ("biometric", [])
