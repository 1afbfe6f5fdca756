"""The pages of the camera routes that only a route's own course comes to, in other languages and sizes than its tests.

Nobody judges here. Pages that other ways show as well are seen there: test_borrower.py, test_camera.py and
test_form_and_code.py.
"""

import pytest

from tests.browser.capture_page import Open, opened
from tests.browser.insecure_dialogue import InsecureDialogue
from tests.browser.steps import words
from tests.verification.borrower.pages import made

__all__ = ["opened"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CHOICE = made("choose_route", routes=("eds", "biometric", "live_face"))
PAGES = [
    ("live-face-05-code-wrong", "Enter the code from the SMS", made("code", attempts=1, notice="otp_wrong")),
    ("biometric-11-wait-consent", "One moment", made("wait", notice="consent_pending")),
    (
        "biometric-second-attempt",
        "Show your face to the camera",
        made("commands", attempt=2, attempts=3, notice="liveness_command_missed"),
    ),
    (
        "end-biometric-declined",
        "We could not confirm that it is you",
        made("finished", status="declined", code="attempts_exhausted", notice="liveness_command_missed"),
    ),
]


@pytest.mark.parametrize(("language", "size"), [("kk", "phone"), ("ru", "desk")])
def test_every_page_is_whole_in_other_languages_and_sizes(opened: Open, site: str, language: str, size: str) -> None:
    heading = "How do you want to confirm?"
    tab, dialogue = opened(
        InsecureDialogue(CHOICE), heading=heading, language=language, size=size, touch=size == "phone"
    )
    tab.look(f"biometric-02-choice-{language}-{size}")
    for name, heading, page in PAGES:
        dialogue.now = page
        tab.page.goto(f"{site}/v/now/")
        tab.until_heading(words(language, heading))
        tab.look(f"{name}-{language}-{size}")
