"""The desk finds a case by the number that its borrower reads out on the telephone."""

import pytest

from tests.verification.borrower.visits import text
from tests.verification.review import desk
from tests.verification.stories.insecure_glance import glanced
from tests.verification.stories.insecure_glance import glances as glances
from tests.verification.stories.story import OTHER_IIN, lender
from verification.core.ids import case_number

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("glances")]


def test_an_open_case_is_found_by_the_number_that_its_borrower_reads_out():
    story = glanced(reference="A-1")
    other = glanced(of=story.lender, reference="A-2", iin=OTHER_IIN)
    stranger = glanced(of=lender("Third", number=900), reference="A-3")
    client = desk.at_desk(story.lender)
    for typed in (case_number(other.id), case_number(other.id).replace("-", " ")):
        found = text(client.post(desk.address("open", story), {"reference": typed}))
        assert (other.id in found, story.id in found) == (True, False)
    told = text(client.post(desk.address("open", story), {"reference": case_number(stranger.id)}))
    assert "No open case has this reference" in told
