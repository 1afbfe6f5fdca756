"""What a page does of itself: it does not jump, its bar is low and covers nothing, nothing is wider
than a phone.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import ViewportSize

from tests.browser.capture_page import Open, opened
from tests.browser.insecure_dialogue import InsecureDialogue
from tests.browser.steps import words
from tests.browser.tab import SIZES, Tab
from tests.verification.borrower.pages import made
from tests.verification.stories.story import Story, begin

__all__ = ["opened"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_HEADINGS = {
    "consent": "Your consent",
    "question": "Is somebody on the phone telling you what to press?",
    "form": "Your document",
    "code": "Enter the code from the SMS",
    "statement": "Sign the statement",
    "commands": "Show your face to the camera",
    "wait": "One moment",
}
_LONG = {"purpose": "Пайдалану мақсаты көрсетілмеген тұтынушылық микрокредит, мерзімі ұзартылған"}
_FOCUSED = ("consent", "form", "code", "statement")
_LINE = {
    "offline": False,
    "latency": 300,
    "downloadThroughput": 60_000,
    "uploadThroughput": 60_000,
}
_NARROW: ViewportSize = {"width": 320, "height": 640}
_BAR_MAX, _SHIFT_MAX = 64, 0.1

# Sums what Chromium reports of the page, from its beginning on. The page is not touched.
_SHIFTS = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 1500);
})"""


def pages_of(tab: Tab, dialogue: InsecureDialogue, *names: str) -> Iterator[str]:
    """Opens these pages, one after another in the tab."""
    for name in names:
        dialogue.now = made(name, attempts=3, step=2, steps=4, **_LONG)
        tab.page.goto(f"{tab.site}/v/now/")
        tab.until_heading(words("kk", _HEADINGS[name]))
        yield name


@pytest.mark.parametrize(("size", "first"), [("phone", 0), ("desk", 1)])
def test_a_page_does_not_jump(opened: Open, size: str, first: int) -> None:
    tab, dialogue = opened(language="kk", size=size, touch=size == "phone")
    # A mobile line: scripts arrive after the page has been painted.
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", _LINE)
    for name in pages_of(tab, dialogue, *[*_HEADINGS][first::2]):
        assert tab.page.evaluate(_SHIFTS) <= _SHIFT_MAX, name


def test_the_first_page_does_not_jump_when_it_learns_who_asks(opened: Open, story: Story) -> None:
    tab, _ = opened(language="kk", size="phone", touch=True)
    fresh = begin(story.lender, "another")
    tab.page.goto("about:blank")
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", _LINE)
    tab.page.goto(f"{tab.site}/v/#{fresh.token}")
    tab.page.locator("#asked [data-lender]").wait_for()
    assert tab.page.evaluate(_SHIFTS) <= _SHIFT_MAX


def test_the_bar_is_low_covers_no_focus_and_nothing_is_wider_than_the_screen(opened: Open) -> None:
    tab, dialogue = opened(language="kk", size="phone", touch=True)
    for name in pages_of(tab, dialogue, *_HEADINGS):
        # 320 pixels are 640 at 200 %, and what WCAG 1.4.10 asks for.
        for size in (SIZES["phone"], _NARROW):
            tab.page.set_viewport_size(size)
            bar = tab.page.locator(".summary").bounding_box()
            assert bar is not None, name
            assert bar["height"] <= _BAR_MAX, name
            assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert name not in _FOCUSED or tab.page.evaluate(_COVERED) == [], name
    assert tab.problems == []


_COVERED = """() => {
          const bar = document.querySelector(".summary");
          const found = [...document.querySelectorAll("main :is(a, button, input, summary, h1, h2)")]
            .filter((one) => one.offsetParent !== null);
          const under = [];
          for (const one of found.reverse()) {
            scrollTo(0, document.documentElement.scrollHeight);
            document.activeElement.blur(); // what has the focus already would not be scrolled to
            if (one.matches("h1, h2")) one.scrollIntoView(); else one.focus();
            const [at, low] = [one.getBoundingClientRect().top, bar.getBoundingClientRect().bottom];
            if (at < low) under.push(one.outerHTML.slice(0, 80));
          }
          return under;
        }"""  # noqa: E501
