"""The whole way under KZ-2025-09 in a real browser: NCALayer signs, 1414 is asked once, the camera
is followed.
"""

import pytest
from pytest_django import Settings

from tests.browser import scripted_camera
from tests.browser.camera_way import QUESTION, asked, captured, say_yes_to_the_state
from tests.browser.capture_page import turned_on
from tests.browser.conftest import Desk, Issued, Launch
from tests.browser.steps import arrived, at_the_statement, press, words, worked
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.checks_on_record import passed
from tests.verification.stories import camera_story
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import begin, lender, make_due
from verification.core.events import KEEPING
from verification.core.keeping import claims
from verification.core.releases import REGISTER_CHECKS
from verification.models import AuditEntry
from verification.stages.live_capture.dialogue import NEUTRAL
from verification.stages.live_capture.policy import TURNS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("seen_once"),
]
LANGUAGE = "kk"


@pytest.fixture(autouse=True)
def _sources(
    trusted: type[InsecureRevocation], sandbox: SandboxProcess, settings: Settings
) -> None:
    camera_story.ask_for_signatures_too(sandbox, settings)


def test_the_whole_way_asks_1414_once(
    launch: Launch, site: str, desk: Desk, issued: Issued, sandbox: SandboxProcess
) -> None:
    camera_story.register(sandbox, consent="pending")
    # A lender of its own: a consent that is open to exactly the same is given back, and asks anew
    # in no test.
    story = begin(lender("ТОО «МФО 51»", number=51), profile="KZ-2025-09")
    before = camera_story.messages_of_1414(sandbox)
    tab = arrived(launch, site, story, language=LANGUAGE, size="phone", touch=True)
    at_the_statement(tab, story, LANGUAGE)
    box = tab.page.get_by_text(words(LANGUAGE, "On your phone: an SMS from 1414"), exact=True)
    assert box.is_visible()
    tab.look()
    with desk.ncalayer(issued("rsa")):
        tab.page.reload()
        tab.page.locator("[data-computer]").click()
        press(tab, LANGUAGE, "Sign with NCALayer")
        tab.until_heading(words(LANGUAGE, "One moment"))
    story.work()
    told = tab.page.get_by_role("alert").filter(has_text="1414")
    tab.until(told.is_visible, "the notice that an SMS waits")
    tab.look()
    say_yes_to_the_state(sandbox)
    make_due(story)
    worked(tab, story, LANGUAGE, QUESTION)
    scripted_camera.put(tab.page, upright=True)
    asked(tab, story, LANGUAGE)
    assert not box.is_visible()
    turned_on(tab, LANGUAGE)
    commands = captured(tab, story, LANGUAGE)
    worked(tab, story, LANGUAGE, "Done: it is you")
    assert tab.problems == []
    assert commands[0] == NEUTRAL
    assert set(TURNS) < set(commands)
    assert camera_story.messages_of_1414(sandbox) == before + 1
    # It is verified by both routes; 1414 and the register were asked once, and whether the consent
    # holds each time.
    assert (story.row().status, story.row().passed_routes) == ("verified", ["eds", "biometric"])
    kept = AuditEntry.objects.filter(verification=story.id, type__in=KEEPING)
    kinds = [claim.kind for entry in kept for claim in claims(entry.body)]
    register = [kind for kind in kinds if kind.startswith("register.")]
    assert sorted(kind for kind in register if kind != "register.consent") == [
        "register.asked",
        "register.consent_request",
        "register.person",
    ]
    assert "register.consent" in register
    # The preview is a mirror, the frames are not: each turn was judged in the person's own sense.
    assert passed(verification=story.id) >= REGISTER_CHECKS | {"face.commands"}
