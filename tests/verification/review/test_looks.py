"""Whoever saw a person's face is on the regulator's page of the case, with how often and when."""

import pytest

from tests.verification.oversight import rows
from tests.verification.review import desk
from tests.verification.stories.document_reading import download, listed
from tests.verification.stories.insecure_capture import played
from tests.verification.stories.insecure_capture import script as script
from tests.verification.stories.insecure_glance import glanced
from tests.verification.stories.insecure_glance import glances as glances
from verification.oversight import case_file

pytestmark = pytest.mark.django_db(transaction=True)


def looks_at(story):
    file = case_file.case_file(person_id="usr_r", verification_id=story.id)
    return [(look.who, look.what, look.times) for look in file.looks]


@pytest.mark.usefixtures("glances")
def test_the_regulator_sees_which_reviewers_looked_at_what_and_how_often():
    of = glanced("grey").lender
    story, other = glanced("grey", of=of, reference="A-2"), glanced("grey", of=of, reference="A-3")
    client = desk.at_desk(of)
    assert looks_at(story) == []
    client.get(desk.address("queue", story))
    client.get(desk.address("case", other))
    client.get(desk.address("case", story))
    for kind in ("glance.photo", "glance.frame.0", "glance.photo"):
        client.get(desk.address("picture", story, kind=kind))
    person = desk.who(of).pk
    assert looks_at(story) == [(person, "case", 1), (person, "picture", 3)]
    page = (
        rows.signed_in(rows.person("regulator"))
        .get(f"/oversight/cases/{story.id}/")
        .content.decode()
    )
    assert person in page
    assert "A picture" in page


def test_the_regulator_sees_which_key_fetched_a_document(script):
    story = played()
    (view,) = listed(story)
    assert looks_at(story) == []
    assert download(story, view.attempt_id) == download(story, view.attempt_id)
    assert looks_at(story) == [("key_a", "document", 2)]
