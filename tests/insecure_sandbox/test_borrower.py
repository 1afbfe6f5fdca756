"""The demo's browser asks as the real waiting page does, so that what is measured with it is what a
page costs.
"""

import re
from pathlib import Path
from typing import cast

import pytest

from insecure_sandbox import borrower
from insecure_sandbox.borrower import Browser
from insecure_sandbox.manners import MANNERS
from insecure_sandbox.playing import Borrower

_WAIT = Path(__file__).resolve().parents[2] / "static" / "borrower" / "wait.js"


def test_the_demos_browser_waits_as_the_waiting_page_does() -> None:
    said = dict(
        re.findall(
            r"^const ([A-Z_]+) = ([0-9_.]+);", _WAIT.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
    )
    pauses = (
        float(said["FIRST_MS"]) / 1000,
        float(said["SLOWEST_MS"]) / 1000,
        float(said["SLOWER"]),
    )
    assert pauses == (borrower.FIRST_SECONDS, borrower.SLOWEST_SECONDS, borrower.SLOWER)


class SlowPages:
    """A browser of somebody who looks so seldom that the page they would leave is over when they
    do.
    """

    def __init__(self, *pages: str) -> None:
        self.pages, self.pressed = list(pages), list[str]()

    def wait_for_judgement(self, *, seconds: float) -> str:
        """The next page."""
        return self.pages.pop(0)

    def consent(self, *, agreed: bool) -> None:
        """They agreed."""
        self.pressed.append("consent")

    def press(self, action: str, **fields: str) -> None:
        """They pressed a button."""
        self.pressed.append(action)


def borrowing(browser: SlowPages) -> str:
    """Where they are when they have gone away."""
    hands = Borrower(
        subject={},
        certify=lambda _, key: pytest.fail(key),
        messages=list,
        manner=MANNERS["abandoned"],
    )
    return hands.play(cast("Browser", browser))


def test_who_goes_away_does_not_come_back_when_the_page_is_over_before_they_see_it() -> None:
    browser = SlowPages("consent", "resume", "statement")
    assert (borrowing(browser), browser.pressed) == ("resume", ["consent"])


def test_who_is_played_anew_comes_back() -> None:
    browser = SlowPages("resume", "statement")
    assert (borrowing(browser), browser.pressed) == ("statement", ["/v/now/resume/"])
