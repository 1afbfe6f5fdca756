"""The public page of the rules on a phone and on a desk, in each language."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.browser.tab import SIZES, open_context, open_tab

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("language", "heading"),
    [
        ("kk", "Ережелер нені талап етеді"),
        ("ru", "Чего требуют правила"),
        ("en", "What the rules ask"),
    ],
)
def test_the_rules_are_read_in_every_language(
    launch: Callable[..., Browser], site: str, language: str, heading: str
) -> None:
    tab = open_tab(open_context(launch(), language=language), site=site)
    tab.page.goto(f"{site}/rules")
    assert tab.heading() == heading
    for size, window in SIZES.items():
        tab.page.set_viewport_size(window)
        if (
            language == "kk"
        ):  # for people with disabilities one page is as another, whatever its words
            tab.look(f"rules-{size}-{language}", strictly=True)
        else:
            tab.fits(f"rules-{size}-{language}")
    tab.page.goto(f"{site}/rules#KZ-2025-09")
    assert tab.page.locator("#KZ-2025-09").is_visible()
