"""The camera routes in a real browser, nothing played but the borrower: real dialogues, models,
registers, verdicts.

The worker's steps are done by the test itself; `test_camera_routes_with_workers.py` has real ones.
The commands, and the same pages in other languages and sizes, are pictured in
`test_camera_route_pages.py`: there it costs no judge a frame.
"""

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.browser import scripted_camera
from tests.browser.camera_way import (
    CODE,
    QUESTION,
    asked,
    at_the_camera,
    captured_in_time,
    chosen,
    code_in,
    filled_in,
    say_yes_to_the_state,
    turned_on,
)
from tests.browser.conftest import Launch
from tests.browser.steps import arrived, go_on, words
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.checks_on_record import passed
from tests.verification.stories import camera_story
from tests.verification.stories.story import Story, begin, lender, make_due
from verification.case import attempts, contents, stages
from verification.models import Attempt
from verification.stages.live_capture.dialogue import NEUTRAL
from verification.stages.live_capture.policy import TURNS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("seen_once"),
]

LANGUAGE = "ru"
DONE = "Done: it is you"


@pytest.fixture(autouse=True)
def _sources(sandbox: SandboxProcess, settings: Settings) -> None:
    settings.TULGA_ROUTES = ["eds", "biometric", "live_face"]
    camera_story.register(sandbox)
    camera_story.ask_at(sandbox, settings)


def test_a_face_that_does_what_is_asked_is_verified(
    launch: Launch, site: str, story: Story
) -> None:
    def look(name: str) -> None:
        tab.fits(f"biometric-{name}-{LANGUAGE}-phone")

    tab = arrived(launch, site, story, language=LANGUAGE, size="phone", touch=True)
    scripted_camera.put(tab.page, upright=True)
    at_the_camera(tab, story, LANGUAGE, look)
    turned_on(tab, LANGUAGE, look)
    commands = captured_in_time(tab, story, LANGUAGE, look)
    tab.until_heading(words(LANGUAGE, DONE))
    look("12-verified")
    assert story.row().status == "verified"
    assert commands[0] == NEUTRAL
    assert set(TURNS) < set(commands)
    # The preview is a mirror, the frames are not: each turn was judged in the person's own sense.
    assert "face.commands" in passed()


def test_a_document_a_code_and_a_face_verify_together(
    launch: Launch, site: str, story: Story, sandbox: SandboxProcess
) -> None:
    def look(name: str) -> None:
        tab.fits(f"live-face-{name}-{LANGUAGE}-phone")

    tab = arrived(launch, site, story, language=LANGUAGE, size="phone", touch=True)
    chosen(tab, LANGUAGE, "live_face", look)
    go_on(tab, story, LANGUAGE, "I agree", "Your document")
    look("04-form")
    filled_in(tab, LANGUAGE)
    go_on(tab, story, LANGUAGE, "Continue", CODE)
    look("05-code")
    tab.page.locator("#field-code").fill("000000")
    go_on(tab, story, LANGUAGE, "Confirm", CODE)
    tab.until(lambda: tab.page.get_by_role("alert").filter(visible=True).count() == 1, "the notice")
    look("05-code-wrong")
    tab.page.locator("#field-code").fill(code_in(sandbox))
    go_on(tab, story, LANGUAGE, "Confirm", QUESTION)
    asked(tab, story, LANGUAGE, look)
    # The capture is that of the other route: here its frames come by themselves.
    camera_story.capture(story)
    tab.page.reload()
    tab.until_heading(words(LANGUAGE, DONE))
    look("12-verified")
    assert story.row().passed_routes == ["live_face"]


def test_an_unanswered_message_of_the_state_is_told_and_its_answer_lets_it_go_on(
    launch: Launch, site: str, sandbox: SandboxProcess
) -> None:
    camera_story.register(sandbox, consent="pending")
    # Another lender asks: a consent that is open to exactly the same is given back by the state,
    # and asks nobody.
    story = begin(lender("ТОО «МФО Второй кредит»", number=2))
    tab = arrived(launch, site, story, language=LANGUAGE, size="phone", touch=True)
    at_the_camera(tab, story, LANGUAGE)
    camera_story.capture(story)
    tab.page.reload()
    told = tab.page.get_by_role("alert").filter(has_text="1414")
    tab.until(told.is_visible, "the notice")
    tab.look(f"biometric-11-wait-consent-{LANGUAGE}-phone")
    say_yes_to_the_state(sandbox)
    make_due(story)
    story.work()
    tab.until_heading(words(LANGUAGE, DONE))


def test_the_quota_of_codes_is_told_and_nothing_is_lost(
    launch: Launch, site: str, story: Story
) -> None:
    tab = arrived(launch, site, story, language="ru", size="phone", touch=True)
    chosen(tab, "ru", "live_face")
    go_on(tab, story, "ru", "I agree", "Your document")
    code = stages.installed("live_face")["code"]
    assert code.quota is not None
    for _ in range(code.quota.a_day):
        assert attempts.take_quota(
            story.row(), code.quota, key=contents.key_of(story.row()), at=timezone.now()
        )
    filled_in(tab, "ru")
    go_on(tab, story, "ru", "Continue", "No code can be sent today")
    tab.look("live-face-05-quota-ru-phone")
    assert not Attempt.objects.filter(burnt=True).exists()
