"""Passkeys in a real browser, whose virtual authenticator answers: enrol, sign in, vote, attest."""

import pytest
from playwright.sync_api import CDPSession

from lenders.models import Lender
from people.enrolment import current_code, enrol
from people.models import SecondFactor, User
from tests.browser.conftest import Launch
from tests.browser.tab import Tab, open_context, open_tab
from tests.people.enrolled import PASSWORD
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


@pytest.fixture
def at(live_server, settings):
    """Where the pages are: at localhost, because a passkey needs a name."""
    settings.TULGA_PUBLIC_URL = live_server.url.replace("127.0.0.1", "localhost")
    return settings.TULGA_PUBLIC_URL


class Person:
    """A reviewer with a browser of their own, and an authenticator in it."""

    def __init__(
        self, launch: Launch, at: str, of: Lender, number: int, *, size: str = "desk"
    ) -> None:
        self.email, self.at = f"reviewer-{number}@lender.example", at
        _, self.credentials = enrol(
            email=self.email,
            full_name="Асель Омарова",
            role="reviewer",
            lender=of,
            password=PASSWORD,
        )
        context = open_context(launch(), size=size)
        self.tab: Tab = open_tab(context, site=at, expected=("status of 4",))
        self.page = self.tab.page
        self.device: CDPSession = context.new_cdp_session(self.page)
        self.device.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        answer = self.device.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.authenticator = answer["authenticatorId"]

    def factors(self) -> None:
        """Fills in e-mail address and password on the page of the sign-in."""
        self.page.goto(f"{self.at}/people/sign-in/")
        self.page.get_by_label("E-mail address").fill(self.email)
        self.page.get_by_label("Password").fill(PASSWORD)

    def enrols(self) -> None:
        """Signs in by code, and makes a passkey."""
        SecondFactor.objects.update(last_step=-1)
        self.factors()
        self.page.get_by_label("Code", exact=True).fill(current_code(self.credentials.factor))
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.tab.until_heading("Your account")
        self.page.goto(f"{self.at}/people/passkey/")
        self.page.get_by_role("button", name="Make a passkey").click()
        self.says("Your passkey is on record.")

    def says(self, words: str) -> None:
        """Waits for these words on the page."""
        self.tab.until(lambda: words in self.page.inner_text("main"), words)

    def votes(self, case: str) -> None:
        """Passes a case."""
        self.page.goto(f"{self.at}/review/cases/{case}/")
        self.page.get_by_label("It is the borrower, alive and alone").check()
        self.page.get_by_label("Why?").fill("the ears and the mole are the same")
        self.page.get_by_role("button", name="Give my vote").click()
        self.says("Your vote is kept")


def test_two_people_enrol_sign_in_by_passkey_and_vote(launch, at):
    story = glanced("clear", "grey", profile="KZ-2021-04")
    first, second = (
        Person(launch, at, story.lender, number, size=size)
        for number, size in ((1, "desk"), (2, "phone"))
    )
    for person in (first, second):
        person.enrols()
        person.tab.look()
        person.page.get_by_role("button", name="Sign out").click()
        person.tab.until_heading("Sign in")
        person.factors()
        person.tab.look()
        person.page.get_by_role("button", name="Sign in with your passkey").click()
        person.tab.until_heading("Your account")
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
    person = Person(launch, at, of, 1)
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
    person = Person(launch, at, story.lender, 1, size="phone")
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
