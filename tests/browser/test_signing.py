"""The page of the statement: each failure of NCALayer is named, and has a way out."""

import time
from collections.abc import Callable

import pytest
from websockets.sync.server import ServerConnection

from insecure_sandbox.ncalayer import Manner
from insecure_sandbox.ncalayer_protocol import GREETING
from tests.browser.conftest import Desk, Issued, Launch
from tests.browser.steps import arrived, at_the_statement, go_on, press, words
from tests.browser.tab import Tab
from tests.verification.stories.story import Story

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]

NO_SOCKET = ("WebSocket connection to",)
SIGN = "Sign with NCALayer"


def way_out(tab: Tab, language: str = "en") -> None:
    """The state that is shown offers another try and another computer, and no attempt was used
    up.
    """
    for message in ("Try again", "Use another computer"):
        button = tab.page.get_by_role("button", name=words(language, message), exact=True)
        assert button.is_visible()


def fails_with(tab: Tab, state: str, *, language: str = "en") -> None:
    press(tab, language, SIGN)
    tab.until_state(state)
    way_out(tab, language)
    tab.look()


def test_an_absent_ncalayer_is_named_and_a_later_try_signs(
    launch: Launch, site: str, story: Story, desk: Desk, issued: Issued
) -> None:
    language = "kk"
    tab = arrived(launch, site, story, language=language, size="phone", expected=NO_SOCKET)
    at_the_statement(tab, story, language)
    fails_with(tab, "absent", language=language)
    turn = story.page().turn
    press(tab, language, "Try again")
    tab.until_state("absent")
    assert story.page().turn == turn
    with desk.ncalayer(issued("rsa")):
        tab.page.reload()
        go_on(tab, story, language, SIGN, "Done: it is you")


def test_what_ncalayer_says_is_shown_as_text_only(
    launch: Launch, site: str, story: Story, desk: Desk, issued: Issued
) -> None:
    error = "<img src=x onerror=alert(1)>" + "x" * 400
    tab = arrived(launch, site, story)
    with desk.ncalayer(issued("rsa"), Manner(error=error)):
        at_the_statement(tab, story)
        fails_with(tab, "refused")
    said = tab.page.locator("[data-said]").inner_text()
    assert said.startswith("<img src=x onerror=alert(1)>")
    assert len(said) == 300
    assert tab.page.locator("[data-said] *").count() == 0


def test_a_connection_that_breaks_is_named(
    launch: Launch, site: str, story: Story, desk: Desk
) -> None:
    tab = arrived(launch, site, story)

    def leave(connection: ServerConnection) -> None:
        connection.send(GREETING)
        connection.recv(5)

    with desk.impostor(leave):
        at_the_statement(tab, story)
        fails_with(tab, "lost")


STRANGE = ("hello", "{}", "[]", "null", '{"result": 5}', '{"result": {"version": 2}}')


def test_a_programme_that_is_not_ncalayer_is_named(
    launch: Launch, site: str, story: Story, desk: Desk
) -> None:
    tab, said = arrived(launch, site, story), list[str]()

    def chat(connection: ServerConnection) -> None:
        connection.send(STRANGE[len(said)])
        said.append(STRANGE[len(said)])
        time.sleep(1)

    def has_said(number: int) -> Callable[[], bool]:
        return lambda: len(said) == number

    with desk.impostor(chat):
        at_the_statement(tab, story)
        fails_with(tab, "strange")
        for number in range(2, len(STRANGE) + 1):
            press(tab, "en", "Try again")
            tab.until(has_said(number), "what the programme says")
            tab.until_state("strange")
            way_out(tab)
    assert tuple(said) == STRANGE


def test_a_wait_for_a_silent_ncalayer_can_be_stopped_and_runs_out_of_time(
    launch: Launch, site: str, story: Story, desk: Desk
) -> None:
    tab = arrived(launch, site, story)

    def be_silent(connection: ServerConnection) -> None:
        connection.send(GREETING)
        connection.recv(5)
        time.sleep(3)

    with desk.impostor(be_silent):
        at_the_statement(tab, story)
        tab.page.clock.install()
        tab.page.reload()
        press(tab, "en", SIGN)
        tab.until_state("choosing")
        tab.look()
        press(tab, "en", "Stop")
        tab.until_state("canceled")
        press(tab, "en", "Try again")
        tab.until_state("choosing")
        tab.page.clock.fast_forward(299_000)
        assert tab.state() == "choosing"
        tab.page.clock.fast_forward(2_000)
        tab.until_state("timeout")
        way_out(tab)
        tab.look()


def test_a_phone_is_told_to_use_a_computer_and_may_disagree(
    launch: Launch, site: str, story: Story
) -> None:
    language = "ru"
    tab = arrived(launch, site, story, language=language, size="phone", touch=True)
    at_the_statement(tab, story, language)
    tab.until_state("phone")
    tab.look()
    press(tab, language, "I am on a computer")
    assert tab.state() == "ready"
    tab.page.reload()
    press(tab, language, "Get a link for the computer")
    tab.until_heading(words(language, "Continue elsewhere"))
    tab.look()
