"""What a page does of itself: it does not jump, its bar is low and covers nothing, nothing is wider
than a phone.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import ViewportSize

from tests.browser.capture_page import Open, opened
from tests.browser.conftest import Launch
from tests.browser.insecure_dialogue import InsecureDialogue
from tests.browser.steps import words
from tests.browser.tab import SIZES, Tab
from tests.browser.whole import whole
from tests.verification.borrower.pages import made
from verification.access.open_page import BorrowerPage

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
_NARROW: ViewportSize = {"width": 320, "height": 640}
_BAR_MAX, _SHIFT_MAX = 64, 0.1

# Sums what Chromium reports of the page, from its beginning on. Nobody touches the page.
_SHIFTS = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 1500);
})"""


def shown(name: str) -> BorrowerPage:
    return made(name, attempts=3, step=2, steps=4, **_LONG)


def page_of(opened: Open, name: str, *, size: str = "phone") -> Tab:
    dialogue = InsecureDialogue(shown(name))
    tab, _ = opened(
        dialogue, heading=_HEADINGS[name], language="kk", size=size, touch=size == "phone"
    )
    return tab


def pages_of(opened: Open, first: str, *more: str) -> Iterator[tuple[str, Tab]]:
    """These pages on a phone, one after another in one tab."""
    dialogue = InsecureDialogue(shown(first))
    tab, _ = opened(dialogue, heading=_HEADINGS[first], language="kk", size="phone", touch=True)
    yield first, tab
    for name in more:
        dialogue.now = shown(name)
        tab.page.goto(f"{tab.site}/v/now/")
        tab.until_heading(words("kk", _HEADINGS[name]))
        yield name, tab


@pytest.mark.parametrize(
    ("name", "size"),
    [
        (name, size) if (place + (size == "desk")) % 2 else whole(name, size)
        for place, name in enumerate(_HEADINGS)
        for size in ("phone", "desk")
    ],
)
def test_a_page_does_not_jump(opened: Open, name: str, size: str) -> None:
    tab = page_of(opened, name, size=size)
    # A mobile line: scripts arrive after the page has been painted.
    session = tab.page.context.new_cdp_session(tab.page)
    line = {
        "offline": False,
        "latency": 300,
        "downloadThroughput": 60_000,
        "uploadThroughput": 60_000,
    }
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", line)
    tab.page.goto(f"{tab.site}/v/now/")
    tab.until_heading(words("kk", _HEADINGS[name]))
    assert tab.page.evaluate(_SHIFTS) <= _SHIFT_MAX


def test_the_bar_is_low_and_nothing_is_wider_than_the_screen(opened: Open) -> None:
    for name, tab in pages_of(opened, *_HEADINGS):
        for size in (SIZES["phone"], _NARROW):
            tab.page.set_viewport_size(size)
            bar = tab.page.locator(".summary").bounding_box()
            assert bar is not None, name
            assert bar["height"] <= _BAR_MAX, name
            # 320 pixels are 640 at 200 %, and what WCAG 1.4.10 asks for.
            assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                name,
                size,
            )
        tab.fits(f"narrow-{name}")


def test_nothing_that_has_the_focus_is_under_the_bar(opened: Open) -> None:
    for name, tab in pages_of(opened, "consent", "form", "code", "statement"):
        tab.page.set_viewport_size(_NARROW)
        assert tab.page.evaluate(_COVERED) == [], name


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


def test_without_scripts_a_page_says_what_to_do(opened: Open, launch: Launch, site: str) -> None:
    tab, dialogue = opened(
        InsecureDialogue(shown("consent")), heading=_HEADINGS["consent"], language="ru"
    )
    without = launch().new_context(java_script_enabled=False, locale="ru", viewport=_NARROW)
    cookies: Any = tab.page.context.cookies()  # what one gives is what the other takes
    without.add_cookies(cookies)
    page = without.new_page()
    for name, heading in _HEADINGS.items():
        dialogue.now = shown(name)
        page.goto(f"{site}/v/now/")
        assert page.locator("h1").first.inner_text() == words("ru", heading)
        told = page.get_by_text(words("ru", "JavaScript is off"), exact=True)
        goes_on = page.locator("main .card :is(button, a.button), main form .answers button")
        assert told.is_visible() or goes_on.locator("visible=true").count(), name
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
