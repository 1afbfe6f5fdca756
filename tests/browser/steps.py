"""What a borrower does on the pages, step by step."""

import cv2
import numpy as np
from django.utils import translation

from tests.browser.conftest import Launch
from tests.browser.tab import Tab, open_context, open_tab
from tests.verification.stories.story import Story


def words(language: str, message: str) -> str:
    """A sentence of the page's language."""
    with translation.override(language):
        return translation.gettext(message)


def arrived(
    launch: Launch,
    site: str,
    story: Story,
    *,
    language: str = "en",
    size: str = "desk",
    expected: tuple[str, ...] = (),
    touch: bool = False,
    switches: tuple[str, ...] = (),
    by_itself: bool = False,
) -> Tab:
    """A tab that has opened the link and chosen a language by the switch.

    by_itself: a capture may begin as soon as the face fits; else the test presses the button.
    """
    context = open_context(launch(*switches), size=size, language=language, touch=touch)
    if not by_itself:
        context.add_init_script("try { localStorage.setItem('camera-begins', 'by-hand') } catch {}")
    tab = open_tab(context, site=site, expected=expected)
    tab.page.goto(f"{site}/v/#{story.token}")
    tab.page.locator(f"form.languages button[value={language}]").click()
    tab.until_heading(words(language, "Confirm that it is you"))
    return tab


def press(tab: Tab, language: str, message: str) -> None:
    """Presses the button with these words."""
    tab.page.get_by_role("button", name=words(language, message), exact=True).click()


def go_on(tab: Tab, story: Story, language: str, message: str, heading: str) -> None:
    """Presses a button, lets the worker judge, and waits until the page has gone on by itself."""
    press(tab, language, message)
    tab.until_heading(words(language, "One moment"))
    worked(tab, story, language, heading)


def worked(tab: Tab, story: Story, language: str, heading: str) -> None:
    """Lets the worker judge, and waits until the page that waits for it has gone on by itself.

    A worker looks again and again: a step that faulted on a busy machine is due once more, and
        somebody has to take it.
    """
    wanted = words(language, heading)

    def went_on() -> bool:
        story.work()
        return tab.heading() == wanted

    tab.until(went_on, wanted)


def at_the_statement(tab: Tab, story: Story, language: str = "en") -> Tab:
    """Goes from the link to the statement."""
    press(tab, language, "Continue")
    tab.until_heading(words(language, "Your consent"))
    go_on(tab, story, language, "I agree", "Is somebody on the phone telling you what to press?")
    go_on(tab, story, language, "No, I want this loan myself", "Sign the statement")
    return tab


def scanned(tab: Tab) -> str:
    """What a camera reads on the screen."""
    # The older detector of this library misses one code in fifty.
    picture = cv2.imdecode(
        np.frombuffer(tab.page.screenshot(full_page=True), np.uint8), cv2.IMREAD_GRAYSCALE
    )
    assert picture is not None
    return str(cv2.QRCodeDetectorAruco().detectAndDecode(picture)[0])
