"""One watched tab of a real browser: whatever it refuses, breaks or fetches from elsewhere is a
failure.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Request,
    ViewportSize,
)

from tests.browser import axe

SIZES: dict[str, ViewportSize] = {
    "desk": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 844},
}
KEEP = bool(os.environ.get("KEEP_PICTURES"))
LOOKS = Path(__file__).resolve().parents[2] / "var" / "looks"
"""Where the pictures of single looks are kept, beside those of every page."""
_SECONDS = 45.0  # a step that is done again after its lease of 30 s comes in time too
_OFTEN_SECONDS, _OFTEN_MS, _SELDOM_MS = (
    1.0,
    50,
    200,
)  # each question costs the machine as much as 0.1 s of a camera

# Runs before any script of the page, in a world the page's policy does not reach.
_TELL_VIOLATIONS = """addEventListener("securitypolicyviolation",
    (event) => console.error("policy violated: " + event.violatedDirective + " " + event.blockedURI))"""  # noqa: E501

# The page that waits for a worker asks after a second, then ever less often. Here it asks eight
# times as often: tests come through it some two hundred times, and the worker's step, done by the
# test itself, is over at once.
_ASK_OFTEN = """{
  const later = setTimeout;
  window.setTimeout = (call, ms, ...given) => later(call, document.querySelector("#waiting") ? ms / 8 : ms, ...given);
}"""  # noqa: E501


@dataclass
class Tab:
    """A tab and what went wrong in it. `expected` are words of console errors that a test provokes
    on purpose.
    """

    page: Page
    site: str
    expected: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """An error in the console is a problem, unless the test is about it."""
        if message.type == "error" and not any(word in message.text for word in self.expected):
            self.problems.append(message.text)

    def meet(self, request: Request) -> None:
        """A request that leaves the site is a problem."""
        if not request.url.startswith((self.site, "data:", "wss://127.0.0.1:")):
            self.problems.append(f"foreign request: {request.url}")

    def until(self, holds: Callable[[], bool], what: str, *, seconds: float = _SECONDS) -> None:
        """Waits until something holds; polls, because the page's policy forbids Playwright's own
        way.
        """
        began = time.monotonic()
        while not _holds(holds):
            passed = time.monotonic() - began
            assert passed < seconds, (
                f"{what} did not come; the page is\n{self.page.inner_text('main')}"
            )
            self.page.wait_for_timeout(_OFTEN_MS if passed < _OFTEN_SECONDS else _SELDOM_MS)

    def until_heading(self, words: str, *, seconds: float = _SECONDS) -> None:
        """Waits for a page with this first heading."""
        self.until(lambda: self.heading() == words, words, seconds=seconds)

    def heading(self) -> str:
        """The visible first heading, or nothing while a page is loading."""
        return str(self.page.evaluate("document.querySelector('h1')?.innerText ?? ''"))

    def state(self) -> str:
        """Which state of the signing is shown."""
        shown = self.page.evaluate(
            "[...document.querySelectorAll('[data-state]')].filter(e => !e.hidden).map(e =>"
            " e.dataset.state)"
        )
        return shown[0] if len(shown) == 1 else str(shown)

    def until_state(self, name: str) -> None:
        """Waits for a state of the signing."""
        self.until(lambda: self.state() == name, f"state {name}")

    def look(self, name: str = "") -> None:
        """Nothing serious for people with disabilities, nothing wider than the screen, no problem.

        name: of the picture, which is kept where pictures are wanted.
        For what no page of every_page.py shows: those are looked at there, once each, and in every
        language and size in `make prove`.
        """
        self.page.wait_for_load_state("load")  # a heading may be there before its colours
        if name and KEEP:
            self.page.screenshot(path=LOOKS / f"{name}.png", full_page=True)
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        wrong = axe.serious(self.page)
        assert not wrong, wrong
        assert self.problems == []


def _holds(question: Callable[[], bool]) -> bool:
    try:
        return question()
    except Error:
        # A page that is being left answers nothing.
        return False


def open_tab(context: BrowserContext, *, site: str, expected: tuple[str, ...] = ()) -> Tab:
    """A watched tab of a context."""
    page = context.new_page()
    page.add_init_script(_TELL_VIOLATIONS)
    tab = Tab(page=page, site=site, expected=expected)
    page.on("console", tab.hear)
    page.on("pageerror", lambda error: tab.problems.append(str(error)))
    page.on("request", tab.meet)
    return tab


def open_context(
    browser: Browser, *, size: str = "desk", language: str = "en", touch: bool = False
) -> BrowserContext:
    """A fresh browser profile of a size and language; `touch` makes it a phone.

    Its person has asked for less motion, for a picture that moves is drawn sixty times a second;
    who wants to see what moves takes that back.
    """
    context = browser.new_context(
        viewport=SIZES[size],
        locale=language,
        has_touch=touch,
        is_mobile=touch,
        reduced_motion="reduce",
    )
    context.add_init_script(_ASK_OFTEN)
    return context
