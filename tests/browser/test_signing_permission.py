"""The browser's own question before a page may reach this computer: foretold, its refusal named, a
change noticed.
"""

from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import Desk, Issued, Launch
from tests.browser.steps import arrived, at_the_statement, go_on
from tests.browser.tab import Tab
from tests.browser.test_signing import NO_SOCKET, SIGN, fails_with, way_out
from tests.verification.stories.story import Story

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]


def arrived_from_outside(
    launch: Launch, site: str, story: Story, language: str, size: str = "desk"
) -> Tab:
    """A tab for which the site is on the public network, so that the browser asks before it reaches
    loopback.
    """
    switch = f"--ip-address-space-overrides=127.0.0.1:{urlsplit(site).port}=public"
    tab = arrived(
        launch, site, story, language=language, size=size, expected=NO_SOCKET, switches=(switch,)
    )
    at_the_statement(tab, story, language)
    return tab


def permit(tab: Tab, setting: str) -> None:
    """The person changes the answer in the browser's settings: granted, denied, or prompt to be
    asked anew.
    """
    devtools = tab.page.context.new_cdp_session(tab.page)
    profile = devtools.send("Target.getTargetInfo")["targetInfo"]["browserContextId"]
    devtools.send(
        "Browser.setPermission",
        {
            "permission": {"name": "loopback-network"},
            "setting": setting,
            "origin": tab.site,
            "browserContextId": profile,
        },
    )


def visible(tab: Tab, words: str) -> bool:
    return tab.page.locator(f"[{words}]").is_visible()


def test_a_question_is_foretold_and_its_refusal_named_until_it_is_taken_back(
    launch: Launch, site: str, story: Story, desk: Desk, issued: Issued
) -> None:
    with desk.ncalayer(issued("rsa")):
        tab = arrived_from_outside(launch, site, story, "ru")
        tab.until_state("ready")
        tab.until(lambda: visible(tab, "data-asks"), "the announcement of the question")
        tab.look()
        # A headless Chromium refuses in the place of its person.
        fails_with(tab, "blocked", language="ru")
        tab.page.reload()
        tab.until_state("blocked")
        way_out(tab, "ru")
        permit(tab, "granted")
        tab.until_state("ready")
        assert not visible(tab, "data-asks")
        go_on(tab, story, "ru", SIGN, "Done: it is you")


def test_a_question_closed_without_an_answer_is_no_refusal_and_a_change_is_noticed(
    launch: Launch, site: str, story: Story, desk: Desk, issued: Issued
) -> None:
    with desk.ncalayer(issued("rsa")):
        tab = arrived_from_outside(launch, site, story, "kk", "phone")
        permit(tab, "prompt")
        fails_with(tab, "absent", language="kk")
        assert visible(tab, "data-may-ask")
        permit(tab, "denied")
        tab.until_state("blocked")
        tab.look()
        permit(tab, "prompt")
        tab.until_state("ready")
        assert visible(tab, "data-asks")
        permit(tab, "denied")
        tab.until_state("blocked")
