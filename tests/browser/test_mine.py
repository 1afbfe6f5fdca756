"""A person reads what is kept about them in Chromium, signs with NCALayer, and withdraws a
consent.
"""

from pathlib import Path

import pytest

from tests.browser import every_page
from tests.browser.conftest import Desk, Issued, Launch
from tests.browser.every_page import Shown
from tests.browser.looked_over import Looks, Sit, looks, seen, sit
from tests.browser.steps import press, words
from tests.browser.tab import Tab, open_context, open_tab
from tests.verification.stories.story import IIN, OTHER_IIN, Story, at_statement, order
from tests.verification.subject import people
from verification.case import policy
from verification.core.ids import case_number
from verification.models import AuditEntry, SubjectRequest
from verification.subject import pages

__all__ = ["looks", "sit"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]

TITLE = "What is kept about me"
SIGN = "Sign with NCALayer"


def begun(launch: Launch, site: str, *, language: str, size: str = "desk", iin: str = IIN) -> Tab:
    """A tab at the text to sign."""
    context = open_context(launch(), size=size, language=language, touch=size == "phone")
    tab = open_tab(context, site=site)
    tab.page.goto(f"{site}/about?lang={language}")
    tab.page.locator(".footer").get_by_role("link", name=words(language, TITLE)).click()
    tab.until_heading(words(language, TITLE))
    tab.look()
    tab.page.get_by_label(words(language, "Your IIN")).fill(f" {iin[:6]} {iin[6:]}")
    press(tab, language, "Continue")
    tab.until_heading(words(language, "Sign your request"))
    tab.look()
    return tab


def signed(tab: Tab, language: str, heading: str) -> None:
    """Signs, lets a worker judge, and waits until the page has gone on by itself."""
    press(tab, language, SIGN)
    tab.until_heading(words(language, "One moment"))
    wanted = words(language, heading)

    def went_on() -> bool:
        people.work()
        return tab.heading() == wanted

    tab.until(went_on, wanted)
    tab.look()


@pytest.mark.parametrize(("language", "size"), [("ru", "desk"), ("kk", "phone"), ("kk", "desk")])
def test_a_person_reads_their_case_and_withdraws_the_consent(
    launch: Launch, site: str, story: Story, desk: Desk, issued: Issued, language: str, size: str
) -> None:
    with desk.ncalayer(issued("rsa")):
        tab = begun(launch, site, language=language, size=size)
        if size == "phone":
            press(tab, language, "I am on a computer")
        signed(tab, language, "What is kept about you")
    shown = tab.page.inner_text("main")
    assert story.lender.name in shown
    assert case_number(story.id) in shown
    assert IIN not in shown
    with tab.page.expect_download() as saved:
        tab.page.get_by_role("link", name=words(language, "Download it as a file")).click()
    file = Path(saved.value.path()).read_text(encoding="utf-8")
    assert saved.value.suggested_filename == pages.FILE
    assert case_number(story.id) in file
    tab.page.get_by_text(words(language, "Withdraw my consent")).first.click()
    press(tab, language, "Withdraw my consent")
    order()
    tab.page.reload()
    withdrawn = words(language, "You withdrew your consent, so this check has ended.")
    assert withdrawn in tab.page.inner_text("main")
    assert story.row().status == "canceled"
    press(tab, language, "I have read it: close")
    tab.until_heading(words(language, TITLE))
    assert not SubjectRequest.objects.exists()
    tab.page.goto(f"{site}/mine/now")
    tab.until_heading(words(language, TITLE))
    assert tab.problems == []


def test_the_language_of_the_text_follows_the_reader(launch: Launch, site: str) -> None:
    tab = begun(launch, site, language="ru")
    tab.page.locator("form.languages button[value=kk]").click()
    tab.until_heading(words("kk", "Sign your request"))
    press(tab, "kk", "Show the request in English")
    tab.until(lambda: "Менің ЖСН-ім" in tab.page.inner_text("main"), "the text in Kazakh")
    assert "Мой ИИН" not in tab.page.inner_text("main")
    assert tab.problems == []


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_a_strangers_key_reads_the_same_of_a_known_iin_and_an_unknown_one(
    launch: Launch, site: str, desk: Desk, issued: Issued, story: Story, language: str
) -> None:
    told = []
    with desk.ncalayer(issued("rsa", iin="990101900013")):
        for iin in (IIN, OTHER_IIN):
            tab = begun(launch, site, language=language, iin=iin)
            signed(tab, language, "Nothing can be shown")
            told.append(tab.page.inner_text("body"))
    assert told[0] == told[1]
    assert story.lender.name not in told[0]
    assert not AuditEntry.objects.filter(type="subject.read").exists()


def by_name(name: str) -> Shown:
    """One page of the list."""
    return next(shown for shown in every_page.EVERY if shown.name == name)


@pytest.mark.proof("pages")
def test_every_page_of_a_person(
    sit: Sit, looks: Looks, site: str, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = issued(), issued(iin=OTHER_IIN)
    at_statement().sign_to_end(own)
    monkeypatch.setattr(policy, "SUBJECT_REQUESTS", 1000)
    monkeypatch.setattr(policy, "SUBJECT_SIGNATURES", 1000)
    for language, size, shown_pages in looks(every_page.SUBJECT, pictured="phone"):
        for shown in shown_pages:
            client = people.asking(language=language)
            if shown.name in ("mine-wait", "mine-refused", "mine-bundle"):
                people.sign(client, other if shown.name == "mine-refused" else own)
            if shown.name in ("mine-refused", "mine-bundle"):
                people.work()
            cookie = client.cookies[pages.SESSION].value
            if shown.name == "mine-over":
                monkeypatch.setattr(policy, "SUBJECT_SIGN_SECONDS", -1)
                cookie = people.asking(language=language).cookies[pages.SESSION].value
                monkeypatch.undo()
            tab = sit(language=language, size=size, **{pages.SESSION: cookie})
            tab.page.goto(f"{site}{shown.path}")
            seen(tab, shown, language=language, size=size)
