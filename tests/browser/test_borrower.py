"""The first pages of a borrower in a real browser: the link, its language, and the keyboard alone.

The whole way is gone by real processes in test_with_workers.py.
"""

import re
from typing import Any

import pytest

from tests.browser.conftest import Launch
from tests.browser.steps import arrived, press, words
from tests.browser.tab import open_context, open_tab
from tests.verification.stories.story import Story
from verification.access.tokens import LINKS

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


_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML)"
_ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0 Mobile Safari/537.36"
# What a browser says of itself; whether it is an app's window; the app.
AGENTS = (
    (f"{_IPHONE} Version/18.1 Mobile/15E148 Safari/604.1", False, ""),
    (f"{_ANDROID}) {_CHROME.replace('Version/4.0 ', '')}", False, ""),
    (f"{_IPHONE} Mobile/15E148 Instagram 300.0", True, "Instagram"),
    (f"{_IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/400.0]", True, "Facebook"),
    (f"{_IPHONE} Mobile/15E148 Telegram-iOS/11.2", True, "Telegram"),
    (f"{_IPHONE} Mobile/15E148 WhatsApp/24.20", True, "WhatsApp"),
    (f"{_ANDROID}; wv) {_CHROME} musical_ly_2023 BytedanceWebview/d8a21c6", True, "TikTok"),
    (f"{_ANDROID}; wv) {_CHROME}", True, ""),
)


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_a_window_inside_an_app_is_told_on_the_first_page_and_the_link_is_still_unspent(
    launch: Launch, site: str, story: Story, language: str
) -> None:
    tab = arrived(launch, site, story, language=language, size="phone")
    tab.page.set_viewport_size({"width": 320, "height": 568})
    tab.page.add_init_script(
        "Object.defineProperty(navigator, 'userAgent', { get: () => localStorage.agent })"
    )
    notice = tab.page.locator("#in-app")
    for agent, is_inside, app in AGENTS:
        tab.page.evaluate("agent => { localStorage.agent = agent }", agent)
        tab.page.reload()
        tab.until(lambda: not tab.page.locator("[data-waits]").count(), "the first page's words")
        assert notice.is_visible() == is_inside, agent
        if is_inside:
            assert tab.page.locator("[data-app-named]").is_visible() == bool(app)
            assert app in notice.inner_text()
    assert tab.page.locator("#address").input_value() == f"{site}/v/#{story.token}"
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site)
    press(tab, language, "Copy the link")
    tab.until(lambda: words(language, "Copied.") in notice.inner_text(), "a copy")
    assert tab.page.evaluate("navigator.clipboard.readText()") == f"{site}/v/#{story.token}"
    tab.look()
    assert LINKS.rows.get().spent_at is None
    tab.page.goto(f"{site}/v/#short")
    tab.until(lambda: not notice.is_visible(), "no link to copy")


def test_back_then_continue_leads_to_the_open_step(launch: Launch, site: str, story: Story) -> None:
    tab = arrived(launch, site, story, language="ru")
    press(tab, "ru", "Continue")
    tab.until_heading(words("ru", "Your consent"))
    tab.page.go_back()
    tab.until_heading(words("ru", "Confirm that it is you"))
    press(tab, "ru", "Continue")
    tab.until_heading(words("ru", "Your consent"))
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
