"""The documentation in a real browser: nothing is refused by its policy, nothing goes to
strangers.
"""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from lenders.docs import prose
from tests.browser import axe
from tests.browser.chromium import chromium, chromiums
from tests.verification.borrower import catalogues

__all__ = ["chromium", "chromiums"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
_WHOLE = [pytest.mark.proof("pages"), pytest.mark.whole]

# Runs before any script of the page.
_TELL_VIOLATIONS = """addEventListener("securitypolicyviolation",
    (event) => console.error("policy violated: " + event.violatedDirective + " " + event.blockedURI))"""  # noqa: E501


def visit(browser: Browser, site: str, path: str, *, width: int) -> tuple[Page, list[str]]:
    """An opened page, and what went wrong on it so far."""
    page, wrong = browser.new_page(viewport={"width": width, "height": 900}), []
    page.add_init_script(_TELL_VIOLATIONS)
    page.on(
        "console", lambda message: wrong.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((site, "data:")) else wrong.append(request.url)
        ),
    )
    page.goto(f"{site}{path}")
    return page, wrong


WIDTHS = (390, 1280)
PAGES = [
    "/docs",
    "/docs/reference",
    "/docs/problems",
    "/docs/problems/document_expired",
    "/docs/search?q=cooling_off",
    *(f"/docs/{name}" for name in prose.NAMES),
]
_LIKE_OTHERS = (
    "/docs/reference",
    *(f"/docs/{name}" for name in prose.FILES if name != "concepts"),
)
"""The reference is looked at once an operation is opened; the documents have the template of the
concepts, which have the widest table.
"""


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    catalogues.compile_changed()


def assert_whole(page: Page, *, width: int) -> None:
    """It is wider than neither window, and in this one nothing serious is wrong with it, light or
    dark.
    """
    for window in (*(another for another in WIDTHS if another != width), width):
        page.set_viewport_size({"width": window, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= window
    page.emulate_media(color_scheme="light")
    assert axe.serious(page) == []
    page.emulate_media(color_scheme="dark")
    assert axe.serious(page, axe.COLOURS) == []


# On a phone in one language; in `make prove` on a desk and in the other too.
@pytest.mark.parametrize(
    ("language", "width"),
    [
        pytest.param(
            language, width, marks=[] if (language, width) == ("en", WIDTHS[0]) else _WHOLE
        )
        for language in ("en", "ru")
        for width in WIDTHS
    ],
)
@pytest.mark.parametrize(
    "path", [pytest.param(path, marks=_WHOLE if path in _LIKE_OTHERS else ()) for path in PAGES]
)
def test_a_page_is_whole_for_everybody_and_not_wider_than_its_window(
    chromium: Browser, live_server: Any, path: str, language: str, width: int
) -> None:
    address = f"{path}{'&' if '?' in path else '?'}lang={language}"
    page, wrong = visit(chromium, live_server.url, address, width=WIDTHS[0])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    if path == "/docs/reference":
        expect(page.get_by_text("Open a verification", exact=True)).to_be_visible()
    assert_whole(page, width=width)
    assert wrong == []


def test_the_reference_is_whole_too_with_an_operation_opened(
    chromium: Browser, live_server: Any
) -> None:
    page, wrong = visit(chromium, live_server.url, "/docs/reference", width=WIDTHS[0])
    page.get_by_text("Open a verification", exact=True).click()
    expect(page.get_by_text("Idempotency-Key").first).to_be_visible()
    assert page.get_by_role("main").count() == 1
    assert_whole(page, width=WIDTHS[0])
    assert page.get_by_role("button", name="Русский").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.swagger-ui')).filter") != "none"
    assert wrong == []


def test_a_code_is_found_without_a_script_and_in_the_other_language(
    chromium: Browser, live_server: Any
) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(f"{live_server.url}/docs")
    page.get_by_role("searchbox").fill("clearance_stale")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Русский").click()
    expect(page.get_by_role("searchbox")).to_have_value("clearance_stale")
    page.get_by_role("link", name="clearance_stale", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("clearance_stale")
    expect(page.get_by_text("Отправлять ещё раз?")).to_be_visible()


def test_the_reference_shows_every_operation_under_the_strict_policy(
    chromium: Browser, live_server: Any
) -> None:
    page, wrong = visit(chromium, live_server.url, "/docs/reference", width=1280)
    summary = page.get_by_text("Open a verification", exact=True)
    expect(summary).to_be_visible()
    summary.click()
    expect(page.get_by_text("Idempotency-Key").first).to_be_visible()
    expect(page.get_by_text("client_reference").first).to_be_visible()
    operations = page.locator(".opblock-tag-section .opblock")  # the webhook stands apart from them
    page.get_by_placeholder("Any word of an operation").fill("EARLIER links")
    expect(page.get_by_text("Make a fresh link for the borrower", exact=True)).to_be_visible()
    expect(operations).to_have_count(1)
    page.get_by_placeholder("Any word of an operation").fill("no such word")
    expect(operations).to_have_count(0)
    assert wrong == []
