"""The pages of a form and of a one-time code in a real browser, on a phone and on a desk."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.browser.capture_page import Open, opened
from tests.browser.conftest import Launch
from tests.browser.insecure_dialogue import InsecureDialogue
from tests.browser.steps import press, words
from tests.browser.tab import Tab
from tests.browser.whole import whole
from tests.verification.borrower.pages import DATA, made

__all__ = ["opened"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FORM, CODE = "Your document", "Enter the code from the SMS"


def code(*, resend_in: float = 3, expires_in: float = 300, **changes: object) -> InsecureDialogue:
    """A borrower who waits for an SMS; times in seconds from now."""
    now = timezone.now()
    times = {
        "resend_from": (now + timedelta(seconds=resend_in)).isoformat(),
        "expires": (now + timedelta(seconds=expires_in)).isoformat(),
    }
    return InsecureDialogue(
        made("code", attempts=1, step=2, steps=4, data=DATA["code"] | times | changes)
    )


@pytest.mark.parametrize(("language", "size"), [("ru", "desk"), whole("kk", "phone")])
def test_a_code_is_pasted_as_it_came_and_sent_by_a_press(
    opened: Open, language: str, size: str
) -> None:
    dialogue = code(resend_in=60)
    tab, _ = opened(dialogue, heading=CODE, language=language, size=size, touch=size == "phone")
    tab.fits(f"code-{language}-{size}")
    field = tab.page.locator("#field-code")
    assert field.evaluate("e => document.activeElement === e")
    field.evaluate(
        """e => { const data = new DataTransfer(); data.setData("text", "Код: 123 456");
           e.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, cancelable: true })); }"""  # noqa: E501
    )
    assert field.input_value() == "123456"
    assert dialogue.answers == []
    press(tab, language, "Confirm")
    tab.until_heading(words(language, "One moment"))
    assert dialogue.answers[0]["code"] == "123456"
    assert tab.problems == []


def test_only_six_digits_are_sent(opened: Open) -> None:
    dialogue = code()
    tab, _ = opened(dialogue, heading=CODE)
    tab.page.wait_for_load_state()  # a busy machine types before the script is there
    tab.page.locator("#field-code").press_sequentially("12a3 4")
    assert tab.page.locator("#field-code").input_value() == "1234"
    press(tab, "en", "Confirm")
    assert tab.heading() == CODE
    assert dialogue.answers == []


def test_a_new_code_can_be_asked_for_when_its_time_has_come(opened: Open) -> None:
    dialogue = code(resend_in=8)
    tab, _ = opened(dialogue, heading=CODE)
    resend = tab.page.get_by_role("button", name="Send a new code")
    assert resend.is_disabled()
    assert tab.page.locator("#countdown").inner_text().startswith("A new code can be sent in ")
    tab.until(resend.is_enabled, "the button")
    assert not tab.page.locator("#countdown").is_visible()
    resend.click()
    tab.until_heading("One moment")
    assert dialogue.answers[0]["resend"] is True


def test_a_code_that_has_run_out_says_so(opened: Open) -> None:
    tab, _ = opened(code(expires_in=8), heading=CODE, language="kk", size="phone")
    expired = tab.page.locator("[data-expired]")
    assert not expired.is_visible()
    tab.until(expired.is_visible, "the words")
    tab.look("code-expired-kk-phone")


@pytest.mark.parametrize(("language", "size"), [("ru", "phone"), whole("kk", "desk")])
def test_a_form_is_filled_and_a_mistake_in_it_is_marked(
    opened: Open, language: str, size: str
) -> None:
    dialogue = InsecureDialogue(made("form", attempts=3, step=1, steps=4), unreadable=1)
    tab, _ = opened(
        dialogue, heading=FORM, language=language, size=size, expected=("status of 422",)
    )
    tab.fits(f"form-{language}-{size}")
    press(tab, language, "Continue")
    assert dialogue.unreadable == 1  # the browser itself asks for what is missing
    tab.page.get_by_label(words(language, "Document number")).fill("01234567O")
    born = tab.page.get_by_role("group", name=words(language, "Date of birth"))
    for part, typed in (("Day", "31"), ("Month", "1"), ("Year", "1999")):
        born.get_by_label(words(language, part)).fill(typed)
    press(tab, language, "Continue")
    number = tab.page.locator("#field-document_number[aria-invalid=true]")
    tab.until(lambda: number.count() == 1, "the mark")
    assert number.input_value() == "01234567O"
    tab.look(f"form-mistake-{language}-{size}")
    number.fill("012345678")
    press(tab, language, "Continue")
    tab.until_heading(words(language, "One moment"))
    assert dialogue.answers[0]["document_number"] == "012345678"
    assert [dialogue.answers[0][f"birth_date_{part}"] for part in ("day", "month", "year")] == [
        "31",
        "1",
        "1999",
    ]


def test_a_day_that_is_none_is_marked_as_a_whole(opened: Open) -> None:
    dialogue = InsecureDialogue(
        made("form", attempts=3, step=1, steps=4), unreadable=1, unreadable_at="/birth_date"
    )
    tab, _ = opened(
        dialogue, heading=FORM, language="ru", size="phone", expected=("status of 422",)
    )
    tab.page.locator("#field-document_number").fill("012345678")
    for part, typed in (("day", "31"), ("month", "2"), ("year", "1999")):
        tab.page.locator(f"#field-birth_date_{part}").fill(typed)
    press(tab, "ru", "Continue")
    marked = tab.page.locator("fieldset [aria-invalid=true]")
    tab.until(lambda: marked.count() == 3, "the mark")
    assert marked.first.evaluate("e => document.activeElement === e")
    assert marked.nth(1).input_value() == "2"
    tab.look("form-day-ru-phone")


# What a browser on Android has; desktop Chromium has it without a way to any message.
_MESSAGES = """
  window.OTPCredential = class {};
  window.insecureAsked = [];
  navigator.credentials.get = ({ otp, signal }) => new Promise((resolve, reject) => {
    window.insecureAsked.push(otp);
    window.insecureDeliver = (code) => resolve({ code });
    signal.addEventListener("abort", () => {
      sessionStorage.setItem("insecure-aborted", "yes");
      reject(new DOMException("left", "AbortError"));
    });
  });
"""


def test_the_browser_offers_the_code_out_of_the_message_and_nothing_is_sent_by_itself(
    opened: Open,
) -> None:
    dialogue = code(resend_in=60)
    tab, _ = opened(dialogue, heading=CODE, size="phone", script=_MESSAGES)
    tab.until(lambda: tab.page.evaluate("window.insecureAsked.length") == 1, "the question")
    assert tab.page.evaluate("window.insecureAsked") == [{"transport": ["sms"]}]
    tab.page.evaluate("window.insecureDeliver('123456')")
    field = tab.page.locator("#field-code")
    tab.until(lambda: field.input_value() == "123456", "the code")
    assert field.evaluate("e => document.activeElement === e")
    assert dialogue.answers == []
    press(tab, "en", "Confirm")
    tab.until_heading("One moment")
    assert dialogue.answers[0]["code"] == "123456"
    assert tab.problems == []


def test_the_question_for_a_message_ends_with_the_page(opened: Open) -> None:
    tab, _ = opened(code(resend_in=60), heading=CODE, script=_MESSAGES)
    tab.until(lambda: tab.page.evaluate("window.insecureAsked.length") == 1, "the question")
    tab.page.reload()
    tab.until(
        lambda: tab.page.evaluate("sessionStorage.getItem('insecure-aborted')") == "yes",
        "the end of it",
    )
    assert tab.problems == []


@pytest.mark.parametrize("page", ["form", "code", "question"])
def test_a_page_that_comes_by_itself_has_the_focus_on_its_heading(opened: Open, page: str) -> None:
    dialogue = InsecureDialogue(made("wait", attempts=3, step=1, steps=4))
    tab, _ = opened(dialogue, heading="One moment", language="kk", size="phone")
    assert focused(tab) != "H1"  # it came by a press
    tab.page.keyboard.press("Tab")
    dialogue.now = made(page, attempts=3, step=2, steps=4)
    tab.until(lambda: focused(tab) == "H1", "the focus")
    assert tab.heading() != words("kk", "One moment")
    assert tab.page.evaluate("document.activeElement.getBoundingClientRect().top") > 0
    tab.page.reload()
    tab.page.wait_for_load_state()
    assert focused(tab) != "H1"  # once


def focused(tab: Tab) -> str:
    """The tag of what has the focus."""
    return str(tab.page.evaluate("document.activeElement.tagName"))


def test_a_borrower_without_scripts_can_still_send_the_code(
    opened: Open, launch: Launch, site: str
) -> None:
    dialogue = code(resend_in=60)
    tab, _ = opened(dialogue, heading=CODE)
    without = launch().new_context(java_script_enabled=False, locale="en")
    cookies: Any = tab.page.context.cookies()  # what one gives is what the other takes
    without.add_cookies(cookies)
    page = without.new_page()
    page.goto(f"{site}/v/now/")
    page.get_by_label("Code from the SMS").fill("654321")
    page.get_by_role("button", name="Confirm").click()
    assert dialogue.answers[0]["code"] == "654321"
