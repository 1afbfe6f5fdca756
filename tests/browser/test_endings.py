"""The pages on which a verification ends, or that refuse a link: in a real browser, on a phone, in
every language.
"""

from contextlib import suppress

import pytest
from playwright.sync_api import Error

from tests.browser.capture_page import Open, opened
from tests.browser.insecure_dialogue import InsecureDialogue
from tests.browser.steps import words
from tests.browser.whole import whole
from tests.verification.borrower.pages import made

__all__ = ["opened"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

BACK = "https://lender.example/back"
ENDS = [
    (
        "registers",
        "We could not confirm that it is you",
        "declined",
        "attempts_exhausted",
        "registry_mismatch",
    ),
    (
        "other-key",
        "We could not confirm that it is you",
        "declined",
        "attempts_exhausted",
        "eds_iin_mismatch",
    ),
    (
        "codes",
        "We could not confirm that it is you",
        "declined",
        "attempts_exhausted",
        "otp_attempts_exhausted",
    ),
    (
        "unproven",
        "We could not confirm that it is you",
        "declined",
        "attempts_exhausted",
        "face_mismatch",
    ),
    ("too-few", "This check could not be finished", "failed", "review_unavailable", ""),
    (
        "unfinished",
        "This check could not be finished",
        "declined",
        "coercion_reported",
        "coercion_reported",
    ),
    ("expired", "The time for this check has run out", "expired", "verification_expired", ""),
    ("review", "People are looking at it", "in_review", "", ""),
]


@pytest.mark.parametrize("language", ["kk", "ru", whole("en")])
def test_an_ending_fits_on_a_phone_and_calls_the_lender(
    opened: Open, site: str, language: str
) -> None:
    verified = made("finished", status="verified", return_url=BACK)
    dialogue = InsecureDialogue(verified)
    tab, _ = opened(dialogue, heading="Done: it is you", language=language, size="phone")
    tab.fits(f"end-verified-{language}-phone")
    for name, heading, status, code, last_failure in ENDS:
        dialogue.now = made("finished", status=status, code=code, last_failure=last_failure)
        with suppress(Error):  # a page that polls may see the change, and be on its own way there
            tab.page.goto(f"{site}/v/now/")
        tab.until_heading(words(language, heading))
        tab.fits(f"end-{name}-{language}-phone")
        call = tab.page.get_by_role("link", name=words(language, "Call the lender"), exact=True)
        assert call.get_attribute("href") == "tel:+77270000044"
    assert tab.problems == []
