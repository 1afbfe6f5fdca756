"""A reviewer at the desk in a real browser, with a real capture before them: pictures that are
looked at, a vote by the keyboard.
"""

import pytest

from tests.browser.steps import words
from tests.browser.tab import Tab, open_context, open_tab
from tests.verification.review import desk
from tests.verification.stories import camera_story as camera
from tests.verification.stories.story import Story, lender, opening, replace
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


def see_every_picture(tab: Tab) -> None:
    """Scrolls through the pictures, which are fetched as they come into sight."""
    images = tab.page.locator(".faces img")
    for number in range(images.count()):
        images.nth(number).scroll_into_view_if_needed()
    tab.until(lambda: tab.page.evaluate(_LOADED), "every picture")


def test_who_looks_has_seen_what_the_log_says_and_votes_by_the_keyboard(case, of, launch, site):
    context = open_context(launch(), size="phone", language="kk", touch=True)
    session = desk.at_desk(of).cookies["sessionid"].value
    cookies = {"sessionid": session, "django_language": "kk"}
    context.add_cookies([{"name": name, "value": cookies[name], "url": site} for name in cookies])
    tab = open_tab(context, site=site, expected=("status of 422",))
    tab.page.goto(f"{site}/review/cases/{case.id}/")
    see_every_picture(tab)
    # What a person saw by scrolling is what the log says: every frame, and the reference.
    frames = EvidenceItem.objects.filter(verification_id=case.id, kind__contains=".frame.").count()
    seen = AuditEntry.objects.filter(type="review.viewed", body__what="picture")
    assert seen.count() == frames + 1
    tab.page.locator("td summary").first.click()
    tab.look()
    tab.page.get_by_role("button", name=words("kk", "Give my vote")).press("Enter")
    tab.until(lambda: tab.page.locator(".errorlist").count() == 2, "two mistakes")
    tab.look()
    tab.page.get_by_label(words("kk", "It is the borrower, alive and alone")).focus()
    for key in ("Space", "Tab"):
        tab.page.keyboard.press(key)
    tab.page.keyboard.type("сол адам, құлағы мен иегі бірдей")
    for key in ("Tab", "Enter"):
        tab.page.keyboard.press(key)
    tab.until(lambda: "Екінші" in tab.page.inner_text("main"), "the word that it is kept")
    tab.look()
