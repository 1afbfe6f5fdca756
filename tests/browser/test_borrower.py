"""The borrower's pages in a real browser, with a sandbox NCALayer over a real TLS WebSocket.

The worker's steps are done by the test itself; `test_borrower_with_workers.py` has real ones.
"""

import re
from typing import Any

import pytest

from tests.browser.conftest import Desk, Issued, Launch
from tests.browser.steps import arrived, at_the_statement, go_on, press, words
from tests.browser.tab import open_context, open_tab
from tests.browser.whole import whole
from tests.verification.stories.story import Story
from verification.access.tokens import LINKS, SESSIONS
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]

GONE = ("status of 410",)


@pytest.mark.parametrize(
    ("language", "size"),
    [
        ("kk", "phone"),
        ("ru", "desk"),
        whole("ru", "phone"),
        whole("en", "desk"),
    ],
)
def test_the_whole_way_to_verified(
    launch: Launch, site: str, story: Story, desk: Desk, issued: Issued, language: str, size: str
) -> None:
    def look(name: str) -> None:
        tab.fits(f"{name}-{language}-{size}")

    tab = arrived(launch, site, story, language=language, size=size)
    assert story.token not in tab.page.url
    look("1-link")
    with desk.ncalayer(issued("gost512")):
        press(tab, language, "Continue")
        tab.until_heading(words(language, "Your consent"))
        look("2-consent")
        press(tab, language, "I agree")
        tab.until_heading(words(language, "One moment"))
        look("3-wait")
        story.work()
        tab.until_heading(words(language, "Is somebody on the phone telling you what to press?"))
        look("4-question")
        go_on(tab, story, language, "No, I want this loan myself", "Sign the statement")
        look("5-statement")
        go_on(tab, story, language, "Sign with NCALayer", "Done: it is you")
        look("6-verified")
    assert story.row().status == "verified"
    assert story.token not in tab.page.content()


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
    tab.look("link-not-whole")
    # The same tab takes the whole link without a load: only the fragment differs.
    tab.page.evaluate("token => { location.hash = token }", story.token)
    tab.until(lambda: tab.page.get_by_role("button", name="Continue").is_visible(), "the button")
    assert story.token not in tab.page.url


def test_a_used_link_is_named_with_a_way_out(launch: Launch, site: str, story: Story) -> None:
    browser = launch()
    first = open_tab(open_context(browser), site=site)
    first.page.goto(f"{site}/v/#{story.token}")
    press(first, "en", "Continue")
    first.until(lambda: first.page.url.endswith("/v/now/"), "the first page")
    second = open_tab(open_context(browser, language="ru"), site=site, expected=GONE)
    second.page.goto(f"{site}/v/#{story.token}")
    press(second, "ru", "Continue")
    second.until_heading("Этой ссылкой больше нельзя воспользоваться")
    second.fits("problem-used-link-ru")
    second.page.locator("form.languages button[value=kk]").click()
    second.until_heading("Бұл сілтемені енді пайдалануға болмайды")
    second.page.locator("form.languages button[value=ru]").click()
    second.until_heading("Этой ссылкой больше нельзя воспользоваться")
    second.page.goto(f"{site}/v/now/")
    second.fits("problem-no-session-ru")


def test_going_on_elsewhere_ends_the_first_browser(launch: Launch, site: str, story: Story) -> None:
    browser = launch()
    first = open_tab(open_context(browser), site=site, expected=GONE)
    first.page.goto(f"{site}/v/#{story.token}")
    press(first, "en", "Continue")
    first.page.locator("form.languages button[value=en]").click()
    press(first, "en", "Continue on another device or in another browser")
    first.until_heading("Continue elsewhere")
    press(first, "en", "In another browser instead: get a link")
    first.until(lambda: first.page.get_by_label("Your link", exact=True).is_visible(), "the link")
    first.fits("elsewhere-en-desk")
    address = first.page.get_by_label("Your link", exact=True).input_value()
    second = open_tab(open_context(browser, size="phone"), site=site)
    second.page.goto(address)
    press(second, "en", "Continue")
    second.until(lambda: second.page.url.endswith("/v/now/"), "the page")
    first.page.goto(f"{site}/v/now/")
    first.until_heading("This check goes on elsewhere")
    first.look("problem-elsewhere-en")
    assert SESSIONS.rows.filter(spent_at=None).count() == 1


def test_declining_ends_it(launch: Launch, site: str, story: Story) -> None:
    tab = arrived(launch, site, story, language="kk", size="phone")
    press(tab, "kk", "Continue")
    tab.page.get_by_text(words("kk", "I do not agree"), exact=True).click()
    tab.fits("2-consent-decline-kk-phone")
    go_on(tab, story, "kk", "I do not agree, end the request", "You did not agree")
    tab.fits("end-consent-declined-kk-phone")


def test_a_reported_caller_ends_it_and_the_page_gives_nothing_away(
    launch: Launch, site: str, story: Story
) -> None:
    tab = arrived(launch, site, story, language="ru", size="phone")
    press(tab, "ru", "Continue")
    go_on(tab, story, "ru", "I agree", "Is somebody on the phone telling you what to press?")
    go_on(tab, story, "ru", "Yes, somebody tells me what to do", "This check could not be finished")
    tab.fits("end-coercion-ru-phone")
    assert story.row().code == "coercion_reported"


def test_another_persons_key_is_named_and_the_next_attempt_may_pass(
    launch: Launch, site: str, story: Story, desk: Desk, issued: Issued
) -> None:
    tab = arrived(launch, site, story)
    with desk.ncalayer(issued("rsa", iin="990101100020")):
        at_the_statement(tab, story)
        press(tab, "en", "Sign with NCALayer")
        tab.until_heading("One moment")
        story.work()
        tab.until_heading("Sign the statement")
    assert (
        tab.page.get_by_role("alert")
        .inner_text()
        .endswith("Only the person who asked for the loan may sign.")
    )
    assert "Attempt 2 of 3" in tab.page.inner_text("main")
    tab.look("5-statement-second-attempt-en-desk")
    with desk.ncalayer(issued("rsa")):
        tab.page.reload()
        go_on(tab, story, "en", "Sign with NCALayer", "Done: it is you")


def test_the_end_of_all_attempts_says_why(
    launch: Launch, site: str, story: Story, desk: Desk, issued: Issued
) -> None:
    tab = arrived(launch, site, story, language="ru")
    with desk.ncalayer(issued("rsa", iin="990101100020")):
        at_the_statement(tab, story, "ru")
        for heading in (
            "Sign the statement",
            "Sign the statement",
            "We could not confirm that it is you",
        ):
            go_on(tab, story, "ru", "Sign with NCALayer", heading)
    tab.fits("end-declined-ru-desk")


def test_a_page_that_shows_a_step_already_answered_is_told_so(
    launch: Launch, site: str, story: Story
) -> None:
    tab = arrived(launch, site, story, expected=("status of 409",))
    press(tab, "en", "Continue")
    tab.until_heading("Your consent")
    story.answer(agreed=True, version=CURRENT, language="en")
    story.work()
    press(tab, "en", "I agree")
    tab.until_heading("Is somebody on the phone telling you what to press?")
    assert "already answered" in tab.page.get_by_role("alert").inner_text()


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


def test_a_visit_of_a_scanner_spends_nothing(launch: Launch, site: str, story: Story) -> None:
    tab = open_tab(open_context(launch()), site=site)
    tab.page.goto(f"{site}/v/#{story.token}")
    tab.page.wait_for_timeout(500)
    assert LINKS.rows.get().spent_at is None
