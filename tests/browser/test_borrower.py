"""The first pages of a borrower in a real browser: the link, its language, and the keyboard alone.

The whole way is gone by real processes in test_with_workers.py.
"""

import re
from typing import Any

import pytest

from tests.browser.conftest import Launch
from tests.browser.steps import arrived, press
from tests.browser.tab import open_context, open_tab
from tests.verification.stories.story import Story

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]


def test_the_language_switch_keeps_the_link_and_a_reload_too(
    launch: Launch, site: str, story: Story
) -> None:
    tab = arrived(launch, site, story, language="en")
    tab.page.reload()
    assert tab.page.url == f"{site}/v/"
    press(tab, "en", "Continue")
    tab.until_heading("Your consent")
    tab.page.locator("form.languages button[value=kk]").click()
    tab.until_heading("Сіздің келісіміңіз")
    assert tab.problems == []


def test_a_link_without_its_end_says_so(launch: Launch, site: str, story: Story) -> None:
    tab = open_tab(open_context(launch()), site=site)
    tab.page.goto(f"{site}/v/")
    assert tab.page.get_by_text("The link is incomplete").is_visible()
    tab.look()
    # The same tab takes the whole link without a load: only the fragment differs.
    tab.page.evaluate("token => { location.hash = token }", story.token)
    tab.until(lambda: tab.page.get_by_role("button", name="Continue").is_visible(), "the button")
    assert story.token not in tab.page.url


def test_the_pages_work_by_keyboard_and_without_scripts_where_they_can(
    launch: Launch, site: str, story: Story
) -> None:
    tab = arrived(launch, site, story)
    press(tab, "en", "Continue")
    tab.until_heading("Your consent")
    without = launch().new_context(java_script_enabled=False, locale="en")
    cookies: Any = tab.page.context.cookies()  # what one gives is what the other takes
    without.add_cookies(cookies)
    page = without.new_page()
    page.goto(f"{site}/v/now/")
    page.get_by_role("button", name="I agree", exact=True).press("Enter")
    assert page.get_by_role("link", name="Look again").is_visible()
    story.work()
    page.get_by_role("link", name="Look again").press("Enter")
    assert re.search("on the phone", page.locator("h1").inner_text())
