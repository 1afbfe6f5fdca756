"""Two reviewers at the desk in a real browser: one at a computer, one with a phone, a real capture
before them.
"""

import pytest

from tests.browser.steps import press, words
from tests.browser.tab import Tab, open_context, open_tab
from tests.verification.review import desk
from tests.verification.stories import camera_story as camera
from tests.verification.stories.story import OTHER_IIN, Story, begin, lender, opening, replace
from verification.access import openings
from verification.core.lender import LenderFacts
from verification.models import AuditEntry, EvidenceItem

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_LOADED = "[...document.querySelectorAll('.faces img')].every(i => i.complete && i.naturalWidth)"


@pytest.fixture
def of(site):
    """The lender whose people sit here."""
    return lender("ТОО «МФО Первый кредит»")


@pytest.fixture
def waiting(of):
    """A case that waits for its borrower."""
    return begin(of, "loan-2026-000124", iin=OTHER_IIN)


@pytest.fixture
def case(sandbox, settings, of):
    """A case whose loan is so large that people look: a face that follows, and the register's photo
    of the same man.
    """
    settings.TULGA_ROUTES = ["biometric"]
    camera.ask_at(sandbox, settings)
    camera.register(sandbox)
    given = opening("loan-2026-000123")
    given = replace(given, loan=replace(given.loan, amount="450000.00"))
    facts = LenderFacts(id=of.pk, name=of.name, bin=of.bin, phone=of.phone)
    opened = openings.open_verification(
        lender=facts, mode="test", profile_id="KZ-2021-04", opening=given
    )
    story = Story(of, opened.verification_id, opened.token)
    camera.agree(story)
    camera.free(story)
    camera.capture(story)
    assert (story.row().status, story.row().code) == ("in_review", "liveness_review")
    return story


@pytest.fixture
def reviewers(of):
    """The sessions of two reviewers."""
    return [desk.at_desk(of, number).cookies["sessionid"].value for number in (1, 2)]


@pytest.fixture
def sit_down(reviewers, launch, site):
    """Opens a watched tab of one reviewer."""

    def opened(number: int, *, size: str, language: str) -> Tab:
        context = open_context(launch(), size=size, language=language, touch=size == "phone")
        cookies = {"sessionid": reviewers[number], "django_language": language}
        context.add_cookies(
            [{"name": name, "value": cookies[name], "url": site} for name in cookies]
        )
        return open_tab(context, site=site)

    return opened


def see_every_picture(tab: Tab) -> None:
    """Scrolls through the pictures, which are fetched as they come into sight."""
    images = tab.page.locator(".faces img")
    for number in range(images.count()):
        images.nth(number).scroll_into_view_if_needed()
    tab.until(lambda: tab.page.evaluate(_LOADED), "every picture")


def give_vote(tab: Tab, language: str, word: str, reason: str) -> None:
    """By the keyboard: the word by the space bar, the reason, and Enter on the button."""
    radio = tab.page.get_by_label(words(language, word))
    radio.focus()
    tab.page.keyboard.press("Space")
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.type(reason)
    tab.page.keyboard.press("Tab")
    tab.page.keyboard.press("Enter")


def look_at(tab: Tab, site: str, language: str, *, name: str) -> None:
    """From the queue to the case, and past every picture."""
    tab.page.goto(f"{site}/review/")
    tab.fits(f"review-queue-{name}")
    tab.page.get_by_role("link", name="loan-2026-000123").click()
    tab.until_heading(
        words(language, "Review of %(reference)s") % {"reference": "loan-2026-000123"}
    )
    see_every_picture(tab)
    tab.page.locator("td summary").first.click()
    tab.look(f"review-case-{name}")


def test_two_people_look_by_themselves_and_verify(case, sit_down, site):
    tab = sit_down(0, size="desk", language="ru")
    look_at(tab, site, "ru", name="desk-ru")
    give_vote(tab, "ru", "It is the borrower, alive and alone", "те же уши и тот же шрам")
    tab.until(
        lambda: "Второй проверяющий" in tab.page.inner_text("main"), "the word that it is kept"
    )
    tab.look("review-voted-desk-ru")
    # What a person saw by scrolling is what the log says: every frame, and the reference.
    frames = EvidenceItem.objects.filter(verification_id=case.id, kind__contains=".frame.").count()
    assert (
        AuditEntry.objects.filter(type="review.viewed", body__what="picture").count() == frames + 1
    )

    tab = sit_down(1, size="phone", language="kk")
    look_at(tab, site, "kk", name="phone-kk")
    assert "тот же шрам" not in tab.page.content()
    tab.expected = ("status of 422",)
    press(tab, "kk", "Give my vote")
    tab.until(lambda: tab.page.locator(".errorlist").count() == 2, "two mistakes")
    tab.look("review-mistake-phone-kk")
    give_vote(tab, "kk", "It is the borrower, alive and alone", "сол адам, құлағы мен иегі бірдей")
    tab.until(lambda: "екінші дауыс" in tab.page.inner_text("main"), "the word that it goes on")
    case.work()
    assert case.row().status == "verified"


def test_a_link_is_sent_once_and_shown_on_any_screen(sit_down, site, waiting):
    for size in ("desk", "phone"):
        tab = sit_down(0, size=size, language="en")
        tab.page.goto(f"{site}/review/")
        tab.look(f"review-empty-{size}")
        tab.page.get_by_role("link", name="Open cases").click()
        tab.until_heading("Open cases")
        tab.fits(f"review-open-{size}")
        tab.page.get_by_role("button", name="Make a fresh link for loan-2026-000124").click()
        tab.until_heading("A fresh link")
        tab.fits(f"review-link-{size}")
        assert tab.page.url.endswith("/link")
