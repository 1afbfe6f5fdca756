"""The pages of a form and of a one-time code in a real browser: what scripts and the browser itself
do there.
"""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.browser.capture_page import Open, opened
from tests.browser.insecure_dialogue import InsecureDialogue
from tests.browser.steps import press, words
from tests.browser.tab import Tab
from tests.verification.borrower.pages import DATA, made

__all__ = ["opened"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FORM, CODE = "Your document", "Enter the code from the SMS"


def code(*, resend_in: float, expires_in: float = 300) -> InsecureDialogue:
    """A borrower who waits for an SMS; times in seconds from now."""
    now = timezone.now()
    times = {
        "resend_from": (now + timedelta(seconds=resend_in)).isoformat(),
        "expires": (now + timedelta(seconds=expires_in)).isoformat(),
    }
    return InsecureDialogue(made("code", attempts=1, step=2, steps=4, data=DATA["code"] | times))


def test_a_code_is_typed_or_pasted_as_it_came_and_six_digits_are_sent_by_a_press(
    opened: Open,
) -> None:
    dialogue = code(resend_in=60)
    tab, _ = opened(dialogue, heading=CODE, language="ru")
    field = tab.page.locator("#field-code")
    assert field.evaluate("e => document.activeElement === e")
    field.press_sequentially("12a3 4")
    assert field.input_value() == "1234"
    press(tab, "ru", "Confirm")
    assert tab.heading() == words("ru", CODE)
    field.evaluate(
        """e => { const data = new DataTransfer(); data.setData("text", "Код: 123 456");
           e.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, cancelable: true })); }"""  # noqa: E501
    )
    assert field.input_value() == "123456"
    assert dialogue.answers == []
    press(tab, "ru", "Confirm")
    tab.until_heading(words("ru", "One moment"))
    assert dialogue.answers[0]["code"] == "123456"
    assert tab.problems == []


def test_a_new_code_can_be_asked_for_when_its_time_has_come_and_one_that_ran_out_says_so(
    opened: Open,
) -> None:
    dialogue = code(resend_in=6, expires_in=9)
    tab, _ = opened(dialogue, heading=CODE, language="kk", size="phone")
    resend = tab.page.get_by_role("button", name=words("kk", "Send a new code"))
    countdown, expired = tab.page.locator("#countdown"), tab.page.locator("[data-expired]")
    assert resend.is_disabled()
    assert re.search(r"\d", countdown.inner_text())
    assert not expired.is_visible()
    tab.until(resend.is_enabled, "the button")
    assert not countdown.is_visible()
    tab.until(expired.is_visible, "the words")
    tab.look()
    resend.click()
    tab.until_heading(words("kk", "One moment"))
    assert dialogue.answers[0]["resend"] is True


def test_a_form_is_filled_and_a_mistake_in_it_is_marked(opened: Open) -> None:
    dialogue = InsecureDialogue(
        made("form", attempts=3, step=1, steps=4), unreadable=2, unreadable_at="/birth_date"
    )
    tab, _ = opened(
        dialogue, heading=FORM, language="ru", size="phone", expected=("status of 422",)
    )
    press(tab, "ru", "Continue")
    assert dialogue.unreadable == 2  # the browser itself asks for what is missing
    tab.page.get_by_label(words("ru", "Document number")).fill("01234567O")
    born = tab.page.get_by_role("group", name=words("ru", "Date of birth"))
    for part, typed in (("Day", "31"), ("Month", "2"), ("Year", "1999")):
        born.get_by_label(words("ru", part)).fill(typed)
    press(tab, "ru", "Continue")
    # A day that does not exist is marked as a whole.
    day = tab.page.locator("fieldset [aria-invalid=true]")
    tab.until(lambda: day.count() == 3, "the mark")
    assert day.first.evaluate("e => document.activeElement === e")
    assert day.nth(1).input_value() == "2"
    tab.look()
    dialogue.unreadable_at = "/document_number"
    press(tab, "ru", "Continue")
    number = tab.page.locator("#field-document_number[aria-invalid=true]")
    tab.until(lambda: number.count() == 1, "the mark")
    assert number.input_value() == "01234567O"
    tab.look()
    number.fill("012345678")
    press(tab, "ru", "Continue")
    tab.until_heading(words("ru", "One moment"))
    assert dialogue.answers[0]["document_number"] == "012345678"
    parts = [dialogue.answers[0][f"birth_date_{part}"] for part in ("day", "month", "year")]
    assert parts == ["31", "2", "1999"]


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


def test_the_code_is_offered_out_of_the_message_while_the_page_is_open_and_never_sent_by_itself(
    opened: Open,
) -> None:
    dialogue = code(resend_in=60)
    tab, _ = opened(dialogue, heading=CODE, size="phone", script=_MESSAGES)
    tab.until(lambda: tab.page.evaluate("window.insecureAsked.length") == 1, "the question")
    assert tab.page.evaluate("window.insecureAsked") == [{"transport": ["sms"]}]
    tab.page.reload()
    ended = "sessionStorage.getItem('insecure-aborted') === 'yes' && insecureAsked.length === 1"
    tab.until(lambda: bool(tab.page.evaluate(ended)), "the end of the question, and another")
    tab.page.evaluate("window.insecureDeliver('123456')")
    field = tab.page.locator("#field-code")
    tab.until(lambda: field.input_value() == "123456", "the code")
    assert field.evaluate("e => document.activeElement === e")
    assert dialogue.answers == []
    press(tab, "en", "Confirm")
    tab.until_heading("One moment")
    assert dialogue.answers[0]["code"] == "123456"
    assert tab.problems == []


def test_a_page_that_comes_by_itself_has_the_focus_on_its_heading(opened: Open) -> None:
    dialogue = InsecureDialogue(made("wait", attempts=3, step=1, steps=4))
    tab, _ = opened(dialogue, heading="One moment", language="kk", size="phone")
    assert focused(tab) != "H1"  # it came by a press
    tab.page.keyboard.press("Tab")
    # Come by a press, this page puts the focus into its field.
    dialogue.now = made("code", attempts=3, step=2, steps=4)
    tab.until(lambda: focused(tab) == "H1", "the focus")
    assert tab.heading() == words("kk", CODE)
    assert tab.page.evaluate("document.activeElement.getBoundingClientRect().top") > 0
    tab.page.reload()
    tab.page.wait_for_load_state()
    assert focused(tab) != "H1"  # once


def focused(tab: Tab) -> str:
    """The tag of what has the focus."""
    return str(tab.page.evaluate("document.activeElement.tagName"))
