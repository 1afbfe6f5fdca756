"""The way through the camera routes in a real browser, step by step, as a borrower goes it."""

import re
from collections.abc import Callable
from itertools import count

from tests.browser import scripted_camera
from tests.browser.capture_page import COMMANDS, ON
from tests.browser.steps import go_on, press, words
from tests.browser.tab import Tab
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.stories.story import Story

FACE = "Show your face to the camera"
QUESTION = "Is somebody on the phone telling you what to press?"
CODE = "Enter the code from the SMS"
PHONE = "+77011234567"
CAPTURE_SECONDS = 100.0  # five commands of seven seconds, on a machine that is busy
_TOLD = "['h1', '#order'].map((place) => document.querySelector(place)?.innerText ?? '')"

Look = Callable[[str], None]


def no_look(name: str) -> None:
    """Takes no picture."""


def chosen(tab: Tab, language: str, route: str, look: Look = no_look) -> None:
    """From the link to the consent, by way of a choice."""
    look("01-link")
    press(tab, language, "Continue")
    tab.until_heading(words(language, "How do you want to confirm?"))
    look("02-choice")
    tab.page.locator(f"input[name=route][value={route}]").check()
    press(tab, language, "Continue")
    tab.until_heading(words(language, "Your consent"))
    look("03-consent")


def asked(tab: Tab, story: Story, language: str, look: Look = no_look) -> None:
    """From the question to the page of the camera."""
    look("06-question")
    go_on(tab, story, language, "No, I want this loan myself", FACE)
    look("07-ready")


def at_the_camera(tab: Tab, story: Story, language: str, look: Look = no_look) -> None:
    """From the link to the camera's page, by the biometric route."""
    chosen(tab, language, "biometric", look)
    go_on(tab, story, language, "I agree", QUESTION)
    asked(tab, story, language, look)


def turned_on(tab: Tab, language: str, look: Look = no_look) -> None:
    """From the page of the camera to the guide that says that all is well."""
    press(tab, language, "Continue")
    tab.until_state("primer")
    look("08-primer")
    press(tab, language, ON)
    tab.until_state("live")
    tab.until(lambda: tab.page.locator("#hint.good").count() == 1, "the good hint")
    look("09-guide")


def captured(tab: Tab, story: Story | None, language: str) -> list[str]:
    """Begins, and waits until everything asked for was shown; gives the commands in their order."""
    press(tab, language, "Begin")
    return played_out(tab, story, language)


def captured_in_time(tab: Tab, story: Story, language: str, look: Look = no_look) -> list[str]:
    """A capture that a worker has judged. One that a busy machine made late is made again, as the
    page asks.
    """
    commands = captured(tab, story, language)
    look("11-wait")
    story.work()
    for seed in count(8):
        if (
            row := story.row()
        ).status != "requires_input" or row.last_failure != "liveness_command_missed":
            break
        tab.until_heading(words(language, FACE))
        scripted_camera.move_otherwise(tab.page, seed=seed)
        turned_on(tab, language)
        commands = captured(tab, story, language)
        story.work()
    return commands


def played_out(tab: Tab, story: Story | None, language: str) -> list[str]:
    """Waits until the commands still to come were shown; gives them in their order.

    story: whose frames the test itself looks at, as a worker would; None where there are workers.
    """
    names = {words(language, message): name for name, message in COMMANDS.items()}
    seen: list[str] = []

    def is_over() -> bool:
        if story is not None:
            story.look()
        heading, order = tab.page.evaluate(_TOLD)
        if heading not in ("", words(language, FACE)):
            return True
        command = names.get(order, "")
        if command and command not in seen:
            seen.append(command)
        return False

    tab.until(is_over, "the end of the capture", seconds=CAPTURE_SECONDS)
    return seen


def filled_in(
    tab: Tab, language: str, *, number: str = "012345678", born: str = "1899-01-01"
) -> None:
    """Types what stands in the document."""
    tab.page.get_by_label(words(language, "Document number")).fill(number)
    group = tab.page.get_by_role("group", name=words(language, "Date of birth"))
    for part, typed in zip(("Year", "Month", "Day"), born.split("-"), strict=True):
        group.get_by_label(words(language, part)).fill(typed)


def code_in(sandbox: SandboxProcess, phone: str = PHONE) -> str:
    """The code of the newest message to this phone."""
    newest = _messages(sandbox, phone, of_the_state=False)[-1]["text"]
    found = re.search(r"(?<!\d)\d{6}(?!\d)", newest)
    assert found, newest
    return found.group()


def say_yes_to_the_state(sandbox: SandboxProcess, phone: str = PHONE) -> None:
    """Answers the newest message of 1414."""
    newest = _messages(sandbox, phone, of_the_state=True)[-1]
    sandbox.post("/consent/answer", consent_id=newest["message_id"], status="valid")


def _messages(sandbox: SandboxProcess, phone: str, *, of_the_state: bool) -> list[dict[str, str]]:
    messages = sandbox.post("/inbox", phone=phone)["messages"]
    return [message for message in messages if (message["sender"] == "1414") == of_the_state]
