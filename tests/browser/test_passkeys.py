"""Passkeys in a real browser, whose virtual authenticator answers: enrol, sign in, vote, attest."""

import pytest

from people.models import User
from tests.browser.person import Reviewer
from tests.verification.oversight import rows
from tests.verification.stories.attesting_story import LAW, cleared, verified
from tests.verification.stories.insecure_glance import entries, glanced
from tests.verification.stories.insecure_glance import glances as glances
from verification.core import profiles
from verification.log import signatures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("glances"),
]


def test_two_people_enrol_sign_in_by_passkey_and_vote(launch, at):
    story = glanced("clear", "grey", profile="KZ-2021-04")
    first, second = (
        Reviewer(launch, at, story.lender, number, size=size)
        for number, size in ((1, "desk"), (2, "phone"))
    )
    for person in (first, second):
        person.enrols()
        person.tab.look()
        person.signs_out()
        person.tab.look()
        person.signs_in()
        person.votes(story.id)
        assert person.tab.problems == []
    story.work()
    assert story.row().status == "verified"
    cast = entries(story, "review.voted")
    assert len(cast) == 2
    assert signatures.unproven(cast) == {}
    assert all("assertion" in vote.body for vote in cast)


def test_a_person_attests_with_their_passkey(launch, at, monkeypatch):
    monkeypatch.setitem(profiles.PROFILES, LAW.id, LAW)
    of = rows.lender()
    story = verified(of)
    cleared(story)
    person = Reviewer(launch, at, of, 1)
    person.enrols()
    person.page.goto(f"{at}/review/confirm/{story.id}/")
    form = person.page.locator("#age_confirmation form")
    form.get_by_label("In person, at our office").check()
    form.get_by_label("How do you know?").fill("read the contract here and signed it again")
    form.get_by_role("button", name="Attest the confirmation").click()
    person.says("Your word is kept")
    (made,) = entries(story, "attestation.made")
    assert signatures.unproven([made]) == {}


def test_a_key_that_does_not_answer_is_told_in_words_and_nothing_is_sent(launch, at):
    story = glanced("clear", "grey", profile="KZ-2021-04")
    person = Reviewer(launch, at, story.lender, 1, size="phone")
    person.enrols()
    wrong = {"authenticatorId": person.authenticator, "isUserVerified": False}
    person.device.send("WebAuthn.setUserVerified", wrong)
    person.page.goto(f"{at}/review/cases/{story.id}/")
    person.page.get_by_label("It is the borrower, alive and alone").check()
    person.page.get_by_label("Why?").fill("the ears and the mole are the same")
    button = person.page.get_by_role("button", name="Give my vote")
    button.click()
    person.says("Your passkey did not answer")
    person.tab.until(button.is_enabled, "another try")
    person.tab.look()
    assert entries(story, "review.voted") == []
    assert len(User.objects.get(email=person.email).passkeys) == 1
