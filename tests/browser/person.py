"""People in browsers of their own, each with a virtual authenticator that answers for them."""

from typing import Any

from playwright.sync_api import CDPSession

from people.enrolment import current_code, enrol
from people.models import SecondFactor
from tests.browser.conftest import Launch
from tests.browser.tab import Tab, open_context, open_tab
from tests.people.enrolled import PASSWORD


class Person:
    """A person at a browser, by their e-mail address; whether they are on record is not asked."""

    def __init__(
        self, launch: Launch, at: str, email: str, *, size: str = "desk", language: str = "en"
    ) -> None:
        self.email, self.at, self.size = email, at, size
        context = open_context(launch(), size=size, language=language)
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

    def signs_in(self) -> None:
        """Signs in by passkey."""
        self.factors()
        self.page.get_by_role("button", name="Sign in with your passkey").click()
        self.tab.until_heading("Your account")

    def signs_out(self) -> None:
        """Signs out."""
        self.page.goto(f"{self.at}/people/")
        self.page.get_by_role("button", name="Sign out").click()
        self.tab.until_heading("Sign in")

    def opens_invitation(self, code: str) -> None:
        """Fills in the page of the invitation."""
        self.page.goto(f"{self.at}/people/invitation/")
        self.page.get_by_label("E-mail address").fill(self.email)
        self.page.get_by_label("Code of the invitation").fill(code)
        self.page.get_by_label("New password").fill(PASSWORD)

    def accepts(self, code: str) -> None:
        """Opens the invitation, and makes a passkey."""
        self.opens_invitation(code)
        self.page.get_by_role("button", name="Make a passkey").click()
        self.tab.until_heading("Your account")

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


class Reviewer(Person):
    """A reviewer with a password and the code of an app."""

    def __init__(
        self, launch: Launch, at: str, of: Any, number: int, *, size: str = "desk"
    ) -> None:
        super().__init__(launch, at, f"reviewer-{number}@lender.example", size=size)
        _, self.credentials = enrol(
            email=self.email,
            full_name="Асель Омарова",
            role="reviewer",
            lender=of,
            password=PASSWORD,
        )

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
