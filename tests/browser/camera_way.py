"""The way through the camera routes in a real browser, step by step, as a borrower goes it."""

import re

from tests.browser.capture_page import COMMANDS
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


def chosen(tab: Tab, language: str, route: str) -> None:
    """From the link to the consent, by way of a choice."""
    press(tab, language, "Continue")
    tab.until_heading(words(language, "How do you want to confirm?"))
    tab.page.locator(f"input[name=route][value={route}]").check()
    press(tab, language, "Continue")
    tab.until_heading(words(language, "Your consent"))


def asked(tab: Tab, story: Story, language: str) -> None:
    """From the question to the page of the camera."""
    go_on(tab, story, language, "No, I want this loan myself", FACE)


def captured(tab: Tab, story: Story | None, language: str) -> list[str]:
    """Begins once the face fits, and waits until everything asked for was shown; gives the commands
    in their order.

    story: whose frames the test itself looks at, as a worker would; None where there are workers.
    """
    tab.until(lambda: tab.page.locator("#hint.good").count() == 1, "the good hint")
    press(tab, language, "Begin")
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


def filled_in(tab: Tab, language: str) -> None:
    """Types what stands in the document."""
    tab.page.get_by_label(words(language, "Document number")).fill("012345678")
    group = tab.page.get_by_role("group", name=words(language, "Date of birth"))
    for part, typed in (("Year", "1899"), ("Month", "01"), ("Day", "01")):
        group.get_by_label(words(language, part)).fill(typed)


def code_in(sandbox: SandboxProcess) -> str:
    """The code of the newest message to the borrower's phone."""
    newest = _messages(sandbox, of_the_state=False)[-1]["text"]
    found = re.search(r"(?<!\d)\d{6}(?!\d)", newest)
    assert found, newest
    return found.group()


def say_yes_to_the_state(sandbox: SandboxProcess) -> None:
    """Answers the newest message of 1414."""
    newest = _messages(sandbox, of_the_state=True)[-1]
    sandbox.post("/consent/answer", consent_id=newest["message_id"], status="valid")


def _messages(sandbox: SandboxProcess, *, of_the_state: bool) -> list[dict[str, str]]:
    messages = sandbox.post("/inbox", phone=PHONE)["messages"]
    return [message for message in messages if (message["sender"] == "1414") == of_the_state]
