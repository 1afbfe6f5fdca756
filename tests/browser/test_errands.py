"""Five errands, as somebody would run them who sees these pages for the first time, in each
language.

Everything that is read on the way is written down, page by page, in var/errands/: what a person
sees, or for the one who listens what a screen reader is given. Readers judge the words; the tests
hold that no errand ends without a way on.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from insecure_sandbox.authority import Authority
from tests.browser.camera_way import FACE, at_the_camera
from tests.browser.conftest import Desk, Issued, Launch
from tests.browser.every_page import LANGUAGES, ROOT
from tests.browser.looked_over import Sit, sit
from tests.browser.steps import arrived, at_the_statement, go_on, press, words, worked
from tests.browser.tab import Tab
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.stories import camera_story
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import Story

__all__ = ["sit"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.proof("pages"),
]

WRITTEN = ROOT / "var" / "errands"
_QUESTION = "Is somebody on the phone telling you what to press?"
Read = Callable[[Tab], None]


def in_languages(usual: str) -> pytest.MarkDecorator:
    """In this one, and in `make prove` in all."""
    others = (pytest.param(each, marks=pytest.mark.whole) for each in LANGUAGES if each != usual)
    return pytest.mark.parametrize("language", [usual, *others])


@pytest.fixture
def read(request: pytest.FixtureRequest, language: str) -> Iterator[Read]:
    """Writes down the page that is open; at the end the last of them must lead on."""
    listens = "listens" in request.node.name
    pages: list[str] = []
    tabs: list[Tab] = []

    def page_read(tab: Tab) -> None:
        tabs.append(tab)
        body = tab.page.locator("body")
        pages.append(
            body.aria_snapshot() if listens else f"[{tab.page.title()}]\n{body.inner_text()}"
        )

    yield page_read
    WRITTEN.mkdir(parents=True, exist_ok=True)
    name = request.node.originalname.removeprefix("test_")
    Path(WRITTEN / f"{name}.{language}.txt").write_text(
        "\n\n-----\n\n".join(pages), encoding="utf-8"
    )
    assert tabs[-1].page.locator("main a:visible, main button:visible").count(), "no way on"
    assert tabs[-1].page.locator("main a[href^='tel:']").count(), "nobody to call"


@pytest.fixture
def camera_routes(sandbox: SandboxProcess, settings: Settings) -> None:
    """The borrower may choose the camera, and the register has their photo."""
    settings.TULGA_ROUTES = ["eds", "biometric"]
    camera_story.register(sandbox)
    camera_story.ask_at(sandbox, settings)


@in_languages("ru")
@pytest.mark.usefixtures("trusted")
def test_a_used_link(
    launch: Launch, site: str, story: Story, sit: Sit, read: Read, language: str
) -> None:
    tab = arrived(launch, site, story, language=language, size="phone", touch=True)
    read(tab)
    press(tab, language, "Continue")
    tab.until_heading(words(language, "Your consent"))
    other = sit(language=language, size="phone")
    other.page.goto(f"{site}/v/#{story.token}")
    read(other)
    with other.page.expect_navigation():
        press(other, language, "Continue")
    read(other)


@in_languages("kk")
def test_a_face_that_fails_twice(
    camera_routes: None, launch: Launch, site: str, story: Story, read: Read, language: str
) -> None:
    tab = arrived(launch, site, story, language=language, size="phone", touch=True)
    read(tab)
    at_the_camera(tab, story, language, look=lambda _: read(tab))
    for _ in range(2):
        camera_story.capture(story, camera_story.Shown("neutral"))
        tab.page.reload()
        tab.until_heading(words(language, FACE))
        read(tab)
    camera_story.capture(story, camera_story.Shown("neutral"))
    tab.page.reload()
    assert story.row().status == "declined"
    read(tab)


@in_languages("ru")
def test_a_revoked_key(
    launch: Launch,
    site: str,
    story: Story,
    desk: Desk,
    issued: Issued,
    trusted: type[InsecureRevocation],
    authorities: dict[str, Authority],
    read: Read,
    language: str,
) -> None:
    trusted.lists["gost512"] = (crl_of(authorities["gost512"], revoked=(4711,)),)
    tab = arrived(launch, site, story, language=language)
    read(tab)
    with desk.ncalayer(issued(serial=4711)):
        at_the_statement(tab, story, language)
        for _ in range(3):
            read(tab)
            press(tab, language, "Sign with NCALayer")
            tab.until_heading(words(language, "One moment"))
            story.work()
            tab.until(lambda: tab.heading() != words(language, "One moment"), "what follows")
    read(tab)
    assert story.row().status == "declined"


def to_the_question(tab: Tab, story: Story, read: Read, language: str) -> None:
    """From the link to the question about a caller, every page read."""
    read(tab)
    press(tab, language, "Continue")
    tab.until_heading(words(language, "Your consent"))
    read(tab)
    go_on(tab, story, language, "I agree", _QUESTION)
    read(tab)


@in_languages("kk")
@pytest.mark.usefixtures("trusted")
def test_led_by_a_caller(
    launch: Launch, site: str, story: Story, read: Read, language: str
) -> None:
    tab = arrived(launch, site, story, language=language, size="phone", touch=True)
    to_the_question(tab, story, read, language)
    go_on(
        tab,
        story,
        language,
        "Yes, somebody tells me what to do",
        "This check could not be finished",
    )
    assert story.row().status == "declined"
    read(tab)


@in_languages("en")
@pytest.mark.usefixtures("trusted")
def test_who_listens_to_the_page(
    launch: Launch, site: str, story: Story, desk: Desk, issued: Issued, read: Read, language: str
) -> None:
    with desk.ncalayer(issued("rsa")):
        tab = arrived(launch, site, story, language=language)
        to_the_question(tab, story, read, language)
        go_on(tab, story, language, "No, I want this loan myself", "Sign the statement")
        read(tab)
        press(tab, language, "Sign with NCALayer")
        worked(tab, story, language, "Done: it is you")
    read(tab)
