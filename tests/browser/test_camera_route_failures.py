"""What goes wrong on a camera route in a real browser, from the borrower's slip to a camera that is
not there.
"""

import pytest
from pytest_django import Settings

from insecure_sandbox.demo.processes import wait_until
from tests.browser import insecure_camera, scripted_camera
from tests.browser.camera_way import FACE, at_the_camera, captured, played_out, turned_on
from tests.browser.capture_page import ON
from tests.browser.conftest import Launch
from tests.browser.steps import arrived, press, words
from tests.browser.tab import Tab
from tests.browser.whole import whole
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.stories import camera_story
from tests.verification.stories.story import Story
from verification.core.codes import REASONS
from verification.models import Attempt

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("seen_once"),
]

LEFT_FOR_RIGHT = {"turn_left": "turn_right", "turn_right": "turn_left"}


@pytest.fixture(autouse=True)
def _sources(sandbox: SandboxProcess, settings: Settings) -> None:
    settings.TULGA_ROUTES = ["eds", "biometric"]
    camera_story.register(sandbox)
    camera_story.ask_at(sandbox, settings)


def test_a_head_turned_the_other_way_is_told(launch: Launch, site: str, story: Story) -> None:
    language = "ru"
    tab = arrived(launch, site, story, language=language, size="phone", touch=True)
    scripted_camera.put(tab.page, upright=True, plays=LEFT_FOR_RIGHT)
    at_the_camera(tab, story, language)
    turned_on(tab, language)
    captured(tab, story, language)
    story.work()
    tab.until_heading(words(language, FACE))
    missed = words(language, REASONS["liveness_command_missed"].borrower_message)
    assert missed in tab.page.get_by_role("alert").inner_text()
    assert words(language, "Attempt %(attempt)s of %(attempts)s") % {
        "attempt": 2,
        "attempts": 3,
    } in attempts_line(tab)
    tab.look(f"biometric-second-attempt-{language}-phone")


def attempts_line(tab: Tab) -> str:
    """The line of steps and attempts."""
    return tab.page.locator(".stage-line").inner_text()


def test_a_reload_in_the_middle_goes_on_with_another_command_of_the_same_attempt(
    launch: Launch, site: str, story: Story
) -> None:
    scripted_camera.paint(8)
    tab = arrived(launch, site, story, language="ru")
    scripted_camera.put(tab.page)
    at_the_camera(tab, story, "ru")
    camera_story.capture(story, camera_story.Shown("neutral"))
    tab.page.reload()
    assert "Попытка 2 из 3" in attempts_line(tab)
    tab.look("biometric-second-attempt-ru-desk")
    turned_on(tab, "ru")
    press(tab, "ru", "Begin")

    def is_second() -> bool:
        story.look()
        return bool(story.page().data.get("step") == 2)

    tab.until(is_second, "the second command")
    open_then = story.page().data["command"]
    scripted_camera.put(tab.page, seed=8)
    tab.page.reload()
    seen = played_out(tab, story, "ru")
    assert seen[0] != open_then
    story.work()
    tab.until_heading(words("ru", "Done: it is you"))
    assert Attempt.objects.filter(stage="live_capture").count() == 2
    assert tab.problems == []


@pytest.mark.parametrize(
    ("fault", "state", "language"),
    [
        ("NotFoundError", "absent", "kk"),
        whole("NotAllowedError", "denied", "ru"),
        whole("NotReadableError", "in_use", "ru"),
    ],
)
def test_whose_camera_fails_goes_another_way_in_the_middle(
    launch: Launch, site: str, story: Story, fault: str, state: str, language: str
) -> None:
    tab = arrived(launch, site, story, language=language, size="phone", touch=True)
    insecure_camera.put(tab.page, fault=fault, upright=True)
    at_the_camera(tab, story, language)
    press(tab, language, "Continue")
    press(tab, language, ON)
    tab.until_state(state)
    tab.look(f"biometric-{state}-{language}-phone")
    tab.page.locator(f"[data-state={state}] button[name=route][value=eds]").click()
    # Of a capture that had begun there is a document, which a worker signs.
    wait_until(lambda: story.row().step == "leave", what="the borrower to turn away", seconds=30)
    story.work()
    tab.until_heading(words(language, "Your consent"))
    assert (story.row().route, story.row().stage) == ("eds", "consent")
    assert not Attempt.objects.filter(burnt=True).exists()
    assert tab.problems == []
