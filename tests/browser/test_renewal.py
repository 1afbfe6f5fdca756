"""The page that asks, after the wait, whether the borrower still wants the money: in a real
browser, on a phone.
"""

import pytest

from tests.browser.capture_page import Open, opened
from tests.browser.insecure_dialogue import InsecureDialogue
from tests.browser.steps import press, words
from tests.browser.whole import whole
from tests.verification.borrower.pages import RENEWAL, made
from verification.stages.confirmation import policy

__all__ = ["opened"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HEADING = "Do you still want this money?"


def asked() -> InsecureDialogue:
    """A borrower whose time to think is over."""
    return InsecureDialogue(made("renewal", renewal=RENEWAL, step=2, steps=5))


_ENDS = [
    ("verified", "", "Done: you agreed to receive the money"),
    ("declined", "consent_declined", "You do not want the money"),
    ("declined", "coercion_reported", "This check could not be finished"),
    ("declined", "attempts_exhausted", "We could not confirm that it is you"),
    ("expired", "verification_expired", "Your new consent is still missing"),
]


@pytest.mark.parametrize(
    ("language", "button", "agreed"),
    [("kk", "I agree to receive this money", True), ("ru", "I do not want it", False)],
)
def test_the_borrower_reads_what_they_get_and_says_yes_or_no(
    opened: Open, language: str, button: str, agreed: bool
) -> None:
    dialogue = asked()
    tab, _ = opened(dialogue, heading=HEADING, language=language, size="phone", touch=True)
    tab.fits(f"renewal-{language}-phone")
    shown = tab.page.locator("main").inner_text()
    for said in ("First Credit LLP", "KZ86 •••• 0100", "23.11.2026 11:10", "24.11.2026 11:12"):
        assert said in shown
    assert policy.RENEWAL.wordings[policy.RENEWAL.current][language] in shown
    press(tab, language, button)
    tab.until_heading(words(language, "One moment"))
    answer = dialogue.answers[0]
    assert (answer["agreed"], answer["version"], answer["language"]) == (
        agreed,
        policy.RENEWAL.current,
        language,
    )
    assert tab.problems == []


def test_on_a_desk_it_fits_too(opened: Open) -> None:
    tab, _ = opened(asked(), heading=HEADING, language="en", size="desk")
    tab.fits("renewal-en-desk")
    assert tab.problems == []


@pytest.mark.parametrize(
    ("language", "ends"),
    [("kk", _ENDS[1::2]), ("ru", _ENDS[::2]), whole("ru", _ENDS[1::2]), whole("kk", _ENDS[::2])],
)
def test_the_end_says_what_the_borrower_said(
    opened: Open, language: str, ends: list[tuple[str, str, str]]
) -> None:
    shown = [
        (made("finished", renewal=RENEWAL, status=status, code=code), status, code, heading)
        for status, code, heading in ends
    ]
    dialogue = InsecureDialogue(shown[0][0])
    tab, _ = opened(dialogue, heading=shown[0][3], language=language, size="phone")
    for page, status, code, heading in shown:
        dialogue.now = page
        tab.page.goto(f"{tab.site}/v/now/")
        tab.until_heading(words(language, heading))
        tab.fits(f"renewal-{code or status}-{language}-phone")
