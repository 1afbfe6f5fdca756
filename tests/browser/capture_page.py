"""A tab on the page of the live capture, and what a test asks it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser import insecure_camera, insecure_clock, insecure_dialogue
from tests.browser.conftest import Launch
from tests.browser.insecure_dialogue import InsecureDialogue
from tests.browser.steps import arrived, press, words
from tests.browser.tab import Tab
from tests.verification.stories.story import Story
from verification.access import answers
from verification.borrower import camera

ON = "Turn on the camera"
COMMANDS = {
    "look_straight": "Look straight into the camera",
    "turn_left": "Turn your head slowly to the left and hold it",
    "turn_right": "Turn your head slowly to the right and hold it",
    "blink": "Close both eyes for two seconds, then open them",
    "open_mouth": "Open your mouth wide and hold it open",
    "come_closer": "Bring your face slowly closer to the camera",
    "nod": "Lower your head slowly, then raise it again",
}
Open = Callable[..., tuple[Tab, InsecureDialogue]]


@pytest.fixture
def opened(launch: Launch, site: str, story: Story, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens the page of the capture, with a dialogue of its own behind it."""

    def run(
        dialogue: InsecureDialogue | None = None,
        *,
        language: str = "en",
        fault: str = "",
        heading: str = "Show your face to the camera",
        real: bool = False,
        every_ms: int = 66,
        own_time: bool = False,
        script: str = "",
        **options: Any,
    ) -> tuple[Tab, InsecureDialogue]:
        dialogue = dialogue or InsecureDialogue()
        insecure_dialogue.put(monkeypatch, dialogue.page)
        monkeypatch.setattr(answers, "answer", dialogue.answer)
        monkeypatch.setattr(camera, "hint_of", dialogue.hint)
        tab = arrived(launch, site, story, language=language, **options)
        if own_time:
            insecure_clock.put(tab.page)
            # Its seconds pass faster than those of the server, by which hints are counted.
            monkeypatch.setattr(camera, "HINTS_A_SECOND", 100)
        if script:
            tab.page.add_init_script(script)
        if not real:
            # A phone's camera gives a picture as upright as the phone.
            upright = options.get("size") == "phone"
            insecure_camera.put(
                tab.page, fault=fault, upright=upright, every_ms=0 if own_time else every_ms
            )
        press(tab, language, "Continue")
        tab.until_heading(words(language, heading))
        tab.page.wait_for_load_state("load")  # a heading may be there before its style
        return tab, dialogue

    return run


def said(tab: Tab) -> str:
    """What the page tells the borrower to do now."""
    return tab.page.locator("#order").inner_text()


def keep_words(tab: Tab, place: str = "#order") -> None:
    """From now on every word of the open page's order, or of another place, is kept."""
    tab.page.evaluate(
        """(place) => {
          const said = (window.insecureWords = []);
          const order = document.querySelector(place);
          new MutationObserver(() => said.at(-1) !== order.textContent && said.push(order.textContent))
            .observe(order, { childList: true, characterData: true, subtree: true });
        }""",  # noqa: E501
        place,
    )


def kept_words(tab: Tab) -> list[str]:
    """What the page has told the borrower since, one after another."""
    return [str(each) for each in tab.page.evaluate("window.insecureWords")]


def turned_on(tab: Tab, language: str = "en") -> None:
    """Goes from get-ready to the guide."""
    press(tab, language, "Continue")
    tab.until_state("primer")
    press(tab, language, ON)
    tab.until_state("live")


def fits(tab: Tab, first: str, last: str) -> bool:
    """Whether all from one element to another is on the screen at once, below the loan that stays
    there.
    """
    loan, top, bottom = (
        tab.page.locator(place).bounding_box() for place in (".summary", first, last)
    )
    height = tab.page.evaluate("innerHeight")
    return bool(
        loan
        and top
        and bottom
        and loan["y"] + loan["height"] <= top["y"]
        and bottom["y"] + bottom["height"] <= height
    )


def until_said(tab: Tab, message: str) -> None:
    """Waits until the page says something."""
    tab.until(lambda: said(tab) == message, message)


def words_of(language: str, command: str) -> str:
    """The words of a command."""
    return words(language, COMMANDS[command])
