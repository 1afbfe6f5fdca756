"""The pages for anybody on paper and by their links, and the first page before its link is
spent.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser
from pytest_django import Settings

from tests.browser.every_page import LANGUAGES
from tests.browser.steps import press, words
from tests.browser.tab import Tab, open_context, open_tab
from tests.verification.stories.story import Story
from verification.access.tokens import LINKS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TITLES = {"/protect": "Protect yourself from loan fraud", "/about": "Who runs this address"}
_LEAF = re.compile(rb"/Type\s*/Page\b(?!s)")


def test_the_sheet_is_one_page_of_a4_on_paper_in_every_language(
    launch: Callable[..., Browser], site: str, settings: Settings
) -> None:
    settings.TULGA_PUBLIC_URL = "https://identification.some-operator.example"
    tab = open_tab(open_context(launch()), site=site)
    for language in LANGUAGES:
        tab.page.goto(f"{site}/protect?lang={language}")
        assert leaves(tab) == 1
    # The search sees pages where there are more: the rules fill several.
    tab.page.goto(f"{site}/rules")
    assert leaves(tab) > 1


def leaves(tab: Tab) -> int:
    """How many pages the open one fills on paper."""
    return len(_LEAF.findall(tab.page.pdf(prefer_css_page_size=True)))


def test_a_language_is_chosen_without_a_cookie_and_kept_from_page_to_page(
    launch: Callable[..., Browser], site: str
) -> None:
    tab = open_tab(open_context(launch()), site=site)
    tab.page.goto(f"{site}/protect")
    tab.page.get_by_role("link", name="Қазақша").click()
    tab.until_heading(words("kk", TITLES["/protect"]))
    tab.page.locator(".footer").get_by_role("link", name=words("kk", TITLES["/about"])).click()
    tab.until_heading(words("kk", TITLES["/about"]))
    tab.page.locator(".footer").get_by_role("link", name=words("kk", "What the rules ask")).click()
    tab.until_heading(words("kk", "What the rules ask"))
    assert tab.page.context.cookies() == []
    assert tab.problems == []


def seen(tab: Tab) -> str:
    return tab.page.locator("#asked").inner_text()


def test_the_first_page_names_the_lender_before_its_link_is_spent(
    launch: Callable[..., Browser], story: Story, site: str
) -> None:
    tab = open_tab(open_context(launch(), size="phone", language="ru"), site=site)
    tab.page.goto(f"{site}/v/#{story.token}")
    tab.until(lambda: story.lender.name in seen(tab), "the lender")
    assert words("ru", "Test: no real loan is paid out here.") in seen(tab)
    assert "150" not in tab.page.inner_text("main")
    tab.look()
    assert LINKS.rows.get().spent_at is None
    press(tab, "ru", "Continue")
    tab.until(lambda: tab.page.url.endswith("/v/now/"), "the first step")
    assert LINKS.rows.get().spent_at is not None
    # Each step leads to the sheet in a tab of its own.
    with tab.page.context.expect_page() as opened:
        tab.page.get_by_role("link", name=words("ru", "Is this fraud? How to tell")).click()
    opened.value.wait_for_load_state()
    assert opened.value.inner_text("h1") == words("ru", TITLES["/protect"])
    assert tab.page.url.endswith("/v/now/")
    assert tab.problems == []


def test_a_link_opened_at_127_0_0_1_keeps_its_secret_on_the_way_to_localhost(
    launch: Callable[..., Browser], site: str, story: Story
) -> None:
    tab = open_tab(open_context(launch()), site=site)
    number = site.replace("localhost", "127.0.0.1")
    tab.page.goto(f"{number}/v/#{story.token}")
    tab.until(lambda: story.lender.name in seen(tab), "the lender")
    assert tab.page.url.startswith(f"{site}/v/")
    assert tab.problems == [f"foreign request: {number}/v/"]


def test_another_link_in_the_same_tab_is_asked_about_anew_and_a_spent_one_says_nothing(
    launch: Callable[..., Browser], story: Story, site: str
) -> None:
    tab = open_tab(open_context(launch()), site=site)
    tab.page.goto(f"{site}/v/#{story.token}")
    tab.until(lambda: story.lender.name in seen(tab), "the lender")
    with tab.page.expect_response("**/v/peek/") as told:
        tab.page.evaluate("location.hash = 'a'.repeat(43)")
    assert told.value.status == 204
    tab.until(lambda: seen(tab) == "", "nothing")
    assert tab.page.get_by_role("button", name="Continue").is_visible()
