"""The pages of people as a browser shows them: forms that post, nothing blocked, nothing too small
or cut off.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from people.enrolment import current_code
from tests.browser import axe
from tests.browser.chromium import chromium, chromiums
from tests.people.enrolled import PASSWORD, Enrolled

__all__ = ["chromium", "chromiums"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SIZES = [(390, 844), (1280, 800)]
# Everything one can press, with the words that name it, if it is smaller than a thumb. Links inside
# sentences may be.
TOO_SMALL = """[...document.querySelectorAll("button, .button, input:not([type=hidden]):not([hidden]), nav a")]
  .filter(e => e.checkVisibility() && (e.getBoundingClientRect().height < 44 || e.getBoundingClientRect().width < 44))
  .map(e => e.outerHTML)"""  # noqa: E501
TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"


def _page(chromium: Browser, *, width: int, height: int) -> tuple[Page, list[str]]:
    """A page in English, and what its console complains about."""
    context = chromium.new_context(viewport={"width": width, "height": height}, locale="en")
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def _fill_in(page: Page, person: Enrolled) -> None:
    page.fill("#id_email", person.user.email)
    page.fill("#id_password", PASSWORD)
    page.fill("#id_code", current_code(person.factor))
    page.click("form.card button")


def _assert_pleasant(page: Page, *, dark: bool = True) -> None:
    """dark: not where the same page is seen dark in another size: its colours are the same."""
    page.wait_for_load_state("load")  # the address changes before the stylesheet is there
    assert page.evaluate(TOO_SMALL) == []
    assert not page.evaluate(TOO_WIDE)
    assert axe.violations(page) == []
    if dark:
        page.emulate_media(color_scheme="dark")
        assert axe.violations(page, axe.COLOURS) == []
        page.emulate_media(color_scheme="light")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_pages_of_people_are_accessible_and_fit(
    live_server: LiveServer,
    chromium: Browser,
    add: Callable[..., Enrolled],
    width: int,
    height: int,
) -> None:
    person, dark = add("operator"), (width, height) == SIZES[0]
    page, complaints = _page(chromium, width=width, height=height)
    page.goto(f"{live_server.url}/people/password/")
    _assert_pleasant(page, dark=dark)
    _fill_in(page, person)
    assert page.url == f"{live_server.url}/people/password/"
    _assert_pleasant(page, dark=dark)
    page.goto(f"{live_server.url}/people/")
    _assert_pleasant(page, dark=dark)
    assert complaints == []


def test_the_language_switch_keeps_the_page_and_the_sign_in(
    live_server: LiveServer, chromium: Browser, add: Callable[..., Enrolled]
) -> None:
    person = add("regulator")
    page, complaints = _page(chromium, width=390, height=844)
    page.goto(f"{live_server.url}/people/sign-in/?next=/people/password/")
    page.click("button[lang=kk]")
    assert page.url == f"{live_server.url}/people/sign-in/?next=/people/password/"
    assert page.get_attribute("html", "lang") == "kk"
    assert page.get_attribute("button[lang=kk]", "aria-pressed") == "true"
    _fill_in(page, person)
    assert page.url == f"{live_server.url}/people/password/"
    page.click("button[lang=ru]")
    assert page.url == f"{live_server.url}/people/password/"
    assert page.get_attribute("html", "lang") == "ru"
    page.click(".account button")
    assert page.url == f"{live_server.url}/people/sign-in/"
    assert complaints == []


def test_a_refusal_is_announced_and_the_page_says_which_field(
    live_server: LiveServer, chromium: Browser, add: Callable[..., Enrolled]
) -> None:
    add("regulator")
    page, _ = _page(chromium, width=390, height=844)
    page.goto(f"{live_server.url}/people/sign-in/")
    page.click("form.card button")
    assert page.get_attribute("#id_code", "aria-invalid") == "true"
    assert "id_code_error" in (page.get_attribute("#id_code", "aria-describedby") or "")
    _assert_pleasant(page)
    page.fill("#id_email", "regulator@example.kz")
    page.fill("#id_password", "another-long-one-1")
    page.fill("#id_code", "000000")
    page.click("form.card button")
    assert page.locator(".notice-error[role=alert]").is_visible()
    _assert_pleasant(page)


def test_one_can_reach_everything_with_the_keyboard(
    live_server: LiveServer, chromium: Browser
) -> None:
    page, _ = _page(chromium, width=1280, height=800)
    page.goto(f"{live_server.url}/people/sign-in/")
    page.focus(".skip-link")
    reached = []
    for _step in range(7):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "[document.activeElement.lang, document.activeElement.id].join('') || 'button'"
            )
        )
    assert reached == ["kk", "ru", "en", "id_email", "id_password", "id_code", "button"]
    page.focus(".skip-link")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
