"""The regulator's pages in a real browser, on a desk and on a phone, in light and dark."""

from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize

from tests.browser import axe
from tests.browser.tab import picture
from tests.browser.whole import whole
from tests.verification.oversight import rows

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_SIZES = {
    "desk": ViewportSize(width=1280, height=900),
    "phone": ViewportSize(width=390, height=844),
}
_SCHEMES: tuple[tuple[Literal["light", "dark"], tuple[str, ...]], ...] = (
    ("light", ()),
    ("dark", axe.COLOURS),
)


@pytest.fixture
def case_id(db: None) -> str:
    """Cases to look at: one real and declined, and a year of bare ones."""
    owner = rows.lender()
    other = rows.lender("Екінші несие ЖШС", number=1)
    outcomes = [
        ("verified", ""),
        ("declined", "eds_iin_mismatch"),
        ("declined", "eds_certificate_revoked"),
    ]
    outcomes += [
        ("expired", "verification_expired"),
        ("failed", "retries_exhausted"),
        ("verified", ""),
    ]
    outcomes += [
        ("canceled", "canceled_by_lender"),
        ("declined", "attempts_exhausted"),
        ("requires_input", ""),
    ]
    for place in range(60):
        status, code = outcomes[place % len(outcomes)]
        month = rows.months_ago(place % 11 if place % 11 != 4 else 5)
        rows.bare(
            other if place % 3 else owner, created_at=month, mode="test", status=status, code=code
        )
    return rows.declined(owner)


@pytest.fixture
def session(case_id: str) -> str:
    """The session of a regulator who gave both factors."""
    return rows.signed_in(rows.person("regulator")).cookies["sessionid"].value


@pytest.fixture
def visit(chromium: Browser, live_server: Any, session: str) -> Callable[..., Page]:
    """Opens a window for the regulator, watched: `page_problems` has what was refused or went to
    strangers.
    """

    def new(*, size: str, language: str = "en") -> Page:
        context = chromium.new_context(
            viewport=_SIZES[size], locale=language, base_url=live_server.url
        )
        cookies = {"sessionid": session, "django_language": language}
        context.add_cookies(
            [{"name": name, "value": cookies[name], "url": live_server.url} for name in cookies]
        )
        page = context.new_page()
        page.on("console", lambda said: page_problems(page).extend(complaint(said)))
        page.on(
            "request", lambda asked: page_problems(page).extend(foreign(asked.url, live_server.url))
        )
        return page

    return new


def page_problems(page: Page) -> list[str]:
    """What went wrong on a page so far."""
    found: list[str] = page.__dict__.setdefault("problems", [])
    return found


def complaint(said: ConsoleMessage) -> list[str]:
    """An error the browser told its console, but for a refused form, which is none."""
    return [said.text] if said.type == "error" and "status of 422" not in said.text else []


def foreign(address: str, own: str) -> list[str]:
    """The address, if it leaves the site."""
    return [] if address.startswith((own, "data:")) else [address]


def follow(page: Page, role: Literal["button", "link"], name: str) -> None:
    """Clicks what leads to another page, and waits until that page is there."""
    with page.expect_navigation():
        page.get_by_role(role, name=name).click()


def looked_at(page: Page, name: str, *, dark: bool = True) -> None:
    """Nothing serious for people with disabilities, light or dark, nothing wider than the screen,
    nothing refused.

    dark: not where the same page is seen dark in another size: its colours are the same.
    """
    for scheme, rules in _SCHEMES if dark else _SCHEMES[:1]:
        page.emulate_media(color_scheme=scheme)
        picture(page, f"{name}-{scheme}")
        assert axe.serious(page, rules) == []
    page.emulate_media(color_scheme="light")
    fits(page)


def fits(page: Page) -> None:
    """Nothing wider than the screen, nothing refused."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page_problems(page) == []


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_regulator_finds_a_case_reads_it_and_counts(
    visit: Callable[..., Page], case_id: str, size: str
) -> None:
    page, dark = visit(size=size), size == "desk"
    page.goto("/oversight/")
    looked_at(page, f"search-{size}", dark=dark)
    page.get_by_label("IIN").fill(rows.IIN)
    page.get_by_label("Log").select_option("test")
    follow(page, "button", "Search")
    assert rows.IIN not in page.url
    assert page.get_by_role("link", name="ver_").count() == 50
    looked_at(page, f"results-{size}", dark=dark)
    follow(page, "button", "Next page")
    assert page.get_by_role("link", name="ver_").count() == 11
    assert rows.IIN not in page.url
    page.goto(f"/oversight/cases/{case_id}/")
    page.get_by_text("What the log holds").first.click()
    looked_at(page, f"case-{size}", dark=dark)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the proof").click()
    assert download.value.suggested_filename == f"{case_id}.tlog-proof"
    follow(page, "link", "Monthly counts")
    page.get_by_label("Log").select_option("test")
    follow(page, "button", "Show")
    assert page.get_by_role("img", name="By outcome").is_visible()
    looked_at(page, f"counts-{size}", dark=dark)
    follow(page, "link", "My readings")
    page.get_by_label("Log").select_option("test")
    follow(page, "button", "Show")
    looked_at(page, f"readings-{size}", dark=dark)
    done = page.locator("tbody td[data-label=What]").all_inner_texts()
    assert done == [
        "Counted",
        "Viewed: The proof of a decision",
        "Viewed: A case",
        "Searched",
        "Searched",
    ]


@pytest.mark.parametrize("language", ["kk", whole("ru")])
def test_the_pages_fit_a_phone_in_every_language(
    visit: Callable[..., Page], case_id: str, language: str
) -> None:
    page = visit(size="phone", language=language)
    for name, address in (
        ("search", "/oversight/"),
        ("case", f"/oversight/cases/{case_id}/"),
        ("counts", "/oversight/counts/?mode=test"),
        ("readings", "/oversight/readings/?mode=test"),
    ):
        page.goto(address)
        picture(page, f"{name}-phone-{language}")
        fits(page)


def test_a_mistake_is_told_and_the_form_keeps_what_was_typed(visit: Callable[..., Page]) -> None:
    page = visit(size="phone")
    page.goto("/oversight/")
    page.get_by_label("IIN").fill("990101100011")
    with page.expect_response("**/oversight/") as answer:
        follow(page, "button", "Search")
    assert answer.value.status == 422
    assert page.get_by_role("alert").get_by_text("iin_malformed").is_visible()
    assert page.get_by_label("IIN").input_value() == "990101100011"
    looked_at(page, "mistake-phone")
