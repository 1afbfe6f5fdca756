"""The whole way under KZ-2025-09 in a real browser: NCALayer signs, 1414 is asked once, the camera
is followed.
"""

import pytest
from pytest_django import Settings

from tests.browser import scripted_camera
from tests.browser.camera_way import QUESTION, asked, say_yes_to_the_state
from tests.browser.camera_way import captured_in_time as captured
from tests.browser.camera_way import turned_on as camera_on
from tests.browser.conftest import Desk, Issued, Launch
from tests.browser.steps import arrived, at_the_statement, press, words, worked
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.checks_on_record import passed
from tests.verification.stories import camera_story
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import Story, begin, lender, make_due
from verification.core.events import KEEPING
from verification.core.keeping import claims
from verification.core.releases import REGISTER_CHECKS
from verification.models import AuditEntry

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("seen_once"),
]
ON_PHONE = "On your phone: an SMS from 1414"


@pytest.fixture(autouse=True)
def _sources(
    trusted: type[InsecureRevocation], sandbox: SandboxProcess, settings: Settings
) -> None:
    camera_story.ask_for_signatures_too(sandbox, settings)


@pytest.mark.parametrize(("language", "number"), [("kk", 51), ("ru", 52)])
def test_the_whole_way_asks_1414_once(
    launch: Launch,
    site: str,
    desk: Desk,
    issued: Issued,
    sandbox: SandboxProcess,
    language: str,
    number: int,
) -> None:
    camera_story.register(sandbox, consent="pending")
    # A lender of its own: a consent that is open to exactly the same is given back, and asks anew
    # in no test.
    story = begin(lender(f"ТОО «МФО {number}»", number=number), profile="KZ-2025-09")
    before = camera_story.messages_of_1414(sandbox)
    tab = arrived(launch, site, story, language=language, size="phone", touch=True)
    at_the_statement(tab, story, language)
    box = tab.page.get_by_text(words(language, ON_PHONE), exact=True)
    assert box.is_visible()
    tab.look(f"law-of-today-statement-{language}-phone")
    with desk.ncalayer(issued("rsa")):
        tab.page.reload()
        tab.page.locator("[data-computer]").click()
        press(tab, language, "Sign with NCALayer")
        tab.until_heading(words(language, "One moment"))
    story.work()
    told = tab.page.get_by_role("alert").filter(has_text="1414")
    tab.until(told.is_visible, "the notice that an SMS waits")
    tab.look(f"law-of-today-wait-{language}-phone")
    say_yes_to_the_state(sandbox)
    make_due(story)
    worked(tab, story, language, QUESTION)
    scripted_camera.put(tab.page, upright=True)
    asked(tab, story, language)
    assert not box.is_visible()
    camera_on(tab, language)
    captured(tab, story, language)
    tab.until_heading(words(language, "Done: it is you"))
    tab.look(f"law-of-today-verified-{language}-phone")
    assert camera_story.messages_of_1414(sandbox) == before + 1
    asked_once(story)


def asked_once(story: Story) -> None:
    """It is verified by both routes; 1414 and the register were asked once, and whether the consent
    holds each time.
    """
    assert (story.row().status, story.row().passed_routes) == ("verified", ["eds", "biometric"])
    kept = AuditEntry.objects.filter(verification=story.id, type__in=KEEPING)
    kinds = [claim.kind for entry in kept for claim in claims(entry.body)]
    asked = sorted(
        kind for kind in kinds if kind.startswith("register.") and kind != "register.consent"
    )
    assert asked == ["register.asked", "register.consent_request", "register.person"]
    assert "register.consent" in kinds
    assert passed(verification=story.id) >= REGISTER_CHECKS
