"""The hand-over to a phone in two real browsers where it goes wrong: another number, and a code
that has run out.

How it goes well is seen in test_every_page.py.
"""

import pytest

from tests.browser.conftest import Launch
from tests.browser.steps import arrived, press, scanned
from tests.browser.tab import open_context, open_tab
from tests.verification.stories.story import Story
from verification.access.tokens import PHONES
from verification.case import policy

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]

ELSEWHERE = "Continue on another device or in another browser"
GONE = ("status of 410",)


def test_another_number_lets_nobody_in_and_the_phone_says_so(
    launch: Launch, site: str, story: Story
) -> None:
    desk = arrived(launch, site, story)
    press(desk, "en", "Continue")
    press(desk, "en", ELSEWHERE)
    desk.until_heading("Continue elsewhere")
    phone = open_tab(open_context(launch(), size="phone"), site=site, expected=GONE)
    phone.page.goto(scanned(desk))
    phone.page.locator("form.languages button[value=en]").click()
    press(phone, "en", "Continue")
    press(phone, "en", "No, I want this loan myself")
    phone.until_heading("Type this number in on the other screen")
    number = PHONES.rows.get().number
    desk.page.get_by_label("Type in here the number that the phone shows.", exact=True).fill(
        str(int(number) % 8_999 + 1_001)
    )
    press(desk, "en", "Continue on the phone")
    desk.until_heading("That was another number")
    desk.look()
    phone.until_heading("This code can no longer be used")
    phone.look()
    press(desk, "en", "Make a new code")
    desk.until_heading("Continue elsewhere")


def test_a_code_that_has_run_out_is_taken_off_the_screen(
    launch: Launch, site: str, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "HAND_OVER_CODE_SECONDS", 2)
    desk = arrived(launch, site, story)
    press(desk, "en", "Continue")
    press(desk, "en", ELSEWHERE)
    desk.until_heading("Continue elsewhere")
    desk.until(lambda: not desk.page.locator(".qr").is_visible(), "no code")
    desk.look()
    assert desk.page.get_by_label(
        "Type in here the number that the phone shows.", exact=True
    ).is_visible()
