"""The pages of the camera routes that only a route's own course comes to, in other languages and
sizes than its tests.

Nobody judges here. Pages that other ways show as well are seen there: test_borrower.py,
test_camera.py and test_form_and_code.py.
"""

from contextlib import suppress

import pytest
from playwright.sync_api import Error

from tests.browser import scripted_camera
from tests.browser.camera_way import turned_on
from tests.browser.capture_page import Open, commands_shown, opened
from tests.browser.insecure_dialogue import HELD, InsecureDialogue
from tests.browser.steps import words
from tests.browser.whole import whole
from tests.verification.borrower.pages import choices, made
from verification.stages.live_capture import dialogue as live_capture
from verification.stages.live_capture import policy as capture_policy

__all__ = ["opened"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CHOICE = made("choose_route", routes=choices("eds", "biometric", "live_face"))
PAGES = [
    (
        "live-face-05-code-wrong",
        "Enter the code from the SMS",
        made("code", attempts=1, notice="otp_wrong"),
    ),
    ("biometric-11-wait-consent", "One moment", made("wait", notice="consent_pending")),
    (
        "biometric-second-attempt",
        "Show your face to the camera",
        made("commands", attempt=2, attempts=3, notice="liveness_command_missed"),
    ),
    (
        "biometric-second-attempt-pictures",  # the longest of the sentences
        "Show your face to the camera",
        made("commands", attempt=2, attempts=3, notice="liveness_frame_frozen"),
    ),
    (
        "end-biometric-declined",
        "We could not confirm that it is you",
        made(
            "finished",
            status="declined",
            code="attempts_exhausted",
            last_failure="liveness_command_missed",
        ),
    ),
]


@pytest.mark.parametrize(("language", "size"), [("kk", "phone"), whole("ru", "desk")])
def test_every_page_is_whole_in_other_languages_and_sizes(
    opened: Open, site: str, language: str, size: str
) -> None:
    heading = "How do you want to confirm?"
    tab, dialogue = opened(
        InsecureDialogue(CHOICE),
        heading=heading,
        language=language,
        size=size,
        touch=size == "phone",
    )
    tab.look(f"biometric-02-choice-{language}-{size}")
    for name, heading, page in PAGES:
        dialogue.now = page
        with suppress(Error):  # a page that polls may see the change, and be on its own way there
            tab.page.goto(f"{site}/v/now/")
        tab.until_heading(words(language, heading))
        tab.look(f"{name}-{language}-{size}")


# The routes differ by their count of steps alone, so that two commands show it for the second. The
# same pages before a drawing are in test_camera.py.
@pytest.mark.parametrize(
    ("route", "step", "steps", "shown"),
    [whole("biometric", 3, 3, None), whole("live-face", 5, 5, 2)],
)
def test_every_command_is_whole_before_a_face_that_does_it(
    opened: Open, route: str, step: int, steps: int, shown: int | None
) -> None:
    language, order = (
        "ru",
        (live_capture.NEUTRAL, *capture_policy.TURNS, *capture_policy.OTHERS)[:shown],
    )
    now = made("commands", attempts=3, step=step, steps=steps)
    dialogue = InsecureDialogue(now, order=order, limits=HELD, keeps=True)
    tab, _ = opened(dialogue, language=language, size="phone", touch=True, real=True)
    scripted_camera.put(tab.page, upright=True)
    tab.page.reload()
    turned_on(tab, language)

    def look(command: str) -> None:
        tab.look(f"{route}-10-{command}-{language}-phone")

    commands_shown(tab, dialogue, look, language=language, order=order)
