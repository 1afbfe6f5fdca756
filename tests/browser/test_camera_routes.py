"""The camera routes in a real browser with real dialogues and registers: a code beside the face,
and a camera that is not there.

The biometric route is gone by real processes in test_with_workers.py, and after a signature in
test_law_of_today.py.
"""

import pytest
from pytest_django import Settings

from insecure_sandbox.demo.processes import wait_until
from tests.browser import insecure_camera
from tests.browser.camera_way import CODE, QUESTION, asked, chosen, code_in, filled_in
from tests.browser.capture_page import ON
from tests.browser.conftest import Launch
from tests.browser.steps import arrived, go_on, press, words
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.stories import camera_story
from tests.verification.stories.story import Story
from verification.models import Attempt

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("seen_once"),
]


@pytest.fixture(autouse=True)
def _sources(sandbox: SandboxProcess, settings: Settings) -> None:
    settings.TULGA_ROUTES = ["eds", "biometric", "live_face"]
    camera_story.register(sandbox)
    camera_story.ask_at(sandbox, settings)


def test_a_document_a_code_and_a_face_verify_together(
    launch: Launch, site: str, story: Story, sandbox: SandboxProcess
) -> None:
    tab = arrived(launch, site, story, language="ru", size="phone", touch=True)
    chosen(tab, "ru", "live_face")
    go_on(tab, story, "ru", "I agree", "Your document")
    filled_in(tab, "ru")
    go_on(tab, story, "ru", "Continue", CODE)
    tab.page.locator("#field-code").fill("000000")
    go_on(tab, story, "ru", "Confirm", CODE)
    tab.until(lambda: tab.page.get_by_role("alert").filter(visible=True).count() == 1, "the notice")
    tab.look()
    tab.page.locator("#field-code").fill(code_in(sandbox))
    go_on(tab, story, "ru", "Confirm", QUESTION)
    asked(tab, story, "ru")
    # The capture is that of the other route: here its frames come by themselves.
    camera_story.capture(story)
    tab.page.reload()
    tab.until_heading(words("ru", "Done: it is you"))
    assert story.row().passed_routes == ["live_face"]
    assert tab.problems == []


def test_whose_camera_fails_goes_another_way_in_the_middle(
    launch: Launch, site: str, story: Story
) -> None:
    tab = arrived(launch, site, story, language="kk", size="phone", touch=True)
    insecure_camera.put(tab.page, fault="NotFoundError", upright=True)
    chosen(tab, "kk", "biometric")
    go_on(tab, story, "kk", "I agree", QUESTION)
    asked(tab, story, "kk")
    press(tab, "kk", "Continue")
    press(tab, "kk", ON)
    tab.until_state("absent")
    tab.look()
    others = tab.page.locator("[data-state=absent] button[name=route]")
    assert others.evaluate_all("all => all.map(e => e.value)") == ["eds"]
    others.click()
    # Of a capture that had begun there is a document, which a worker signs.
    wait_until(lambda: story.row().step == "leave", what="the borrower to turn away", seconds=30)
    story.work()
    tab.until_heading(words("kk", "Your consent"))
    assert (story.row().route, story.row().stage) == ("eds", "consent")
    assert not Attempt.objects.filter(burnt=True).exists()
    assert tab.problems == []
