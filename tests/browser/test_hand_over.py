"""The hand-over to a phone in two real browsers: the code is read off the screen, the number typed
in.
"""

from contextlib import suppress

import pytest
from playwright.sync_api import Error

from tests.browser.conftest import Launch
from tests.browser.steps import arrived, press, scanned, words
from tests.browser.tab import open_context, open_tab
from tests.browser.whole import whole
from tests.verification.stories.story import Story
from verification.access.tokens import PHONES, SESSIONS
from verification.case import policy

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]

ELSEWHERE = "Continue on another device or in another browser"
QUESTION = "Is somebody on the phone telling you what to press?"
GONE = ("status of 410",)


@pytest.mark.parametrize("language", ["kk", whole("ru")])
def test_a_code_is_scanned_and_its_number_typed_in(
    launch: Launch, site: str, story: Story, language: str
) -> None:
    desk = arrived(launch, site, story, language=language, expected=GONE)
    press(desk, language, "Continue")
    press(desk, language, ELSEWHERE)
    desk.until_heading(words(language, "Continue elsewhere"))
    desk.fits(f"hand-over-{language}-desk")
    phone = open_tab(open_context(launch(), size="phone", language=language, touch=True), site=site)
    phone.page.goto(scanned(desk))
    phone.page.locator(f"form.languages button[value={language}]").click()
    phone.fits(f"hand-over-link-{language}-phone")
    press(phone, language, "Continue")
    phone.until_heading(words(language, QUESTION))
    phone.fits(f"hand-over-question-{language}-phone")
    press(phone, language, "No, I want this loan myself")
    phone.until_heading(words(language, "Type this number in on the other screen"))
    phone.fits(f"hand-over-number-{language}-phone")
    number = phone.page.locator(".matched").inner_text()
    desk.page.get_by_label(
        words(language, "Type in here the number that the phone shows."), exact=True
    ).fill(number)
    press(desk, language, "Continue on the phone")
    desk.until_heading(words(language, "Continue on your phone"))
    desk.fits(f"handed-over-{language}-desk")
    phone.until_heading(words(language, "Your consent"))
    assert SESSIONS.rows.filter(spent_at=None).count() == 1


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
    desk.look("hand-over-refused-en-desk")
    phone.until_heading("This code can no longer be used")
    phone.look("hand-over-gone-en-phone")
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
    desk.look("hand-over-run-out-en-desk")
    assert desk.page.get_by_label(
        "Type in here the number that the phone shows.", exact=True
    ).is_visible()


def test_who_is_told_what_to_press_is_stopped_on_both_screens(
    launch: Launch, site: str, story: Story
) -> None:
    desk = arrived(launch, site, story, language="ru")
    press(desk, "ru", "Continue")
    press(desk, "ru", ELSEWHERE)
    desk.until_heading(words("ru", "Continue elsewhere"))
    phone = open_tab(open_context(launch(), size="phone", language="ru"), site=site)
    phone.page.goto(scanned(desk))
    press(phone, "ru", "Continue")
    press(phone, "ru", "Yes, somebody tells me what to do")
    phone.until_heading(words("ru", "One moment"))
    story.work()
    phone.until_heading(words("ru", "This check could not be finished"))
    phone.fits("hand-over-stopped-ru-phone")
    with suppress(Error):  # it may be on its way there by itself
        desk.page.goto(f"{site}/v/now/")
    desk.until_heading(words("ru", "This check could not be finished"))
