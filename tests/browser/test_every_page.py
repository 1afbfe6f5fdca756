"""Every page of a borrower and for everybody: in every language, on every size, and without
scripts.
"""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from lenders import keys
from tests.browser import every_page, insecure_dialogue, scripted_camera
from tests.browser.capture_page import COMMANDS, ON, until_said
from tests.browser.conftest import Launch
from tests.browser.drawn_face import drawn
from tests.browser.every_page import Shown
from tests.browser.insecure_dialogue import HELD, ORDER, InsecureDialogue
from tests.browser.looked_over import Looks, Sit, looks, seen, sit
from tests.browser.steps import press, scanned, words
from tests.browser.tab import SIZES
from tests.verification.borrower.test_public import OPERATOR
from tests.verification.stories.story import Story, begin
from verification.access import answers, links
from verification.access.tokens import SESSIONS
from verification.borrower import browsers, camera
from verification.stages.confirmation.policy import CONSENT_CURRENT

__all__ = ["looks", "sit"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
    pytest.mark.proof("pages"),
]

Show = Callable[[Shown], None]


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Show:
    """From now on this is what a borrower's session is shown."""

    return lambda shown: insecure_dialogue.put(monkeypatch, lambda *_, **__: shown.page)


def by_name(name: str) -> Shown:
    """One page of the list."""
    return next(shown for shown in every_page.EVERY if shown.name == name)


def test_the_pages_for_everybody(
    sit: Sit, looks: Looks, site: str, story: Story, settings: Settings
) -> None:
    keys.issue(story.lender, mode="test")
    settings.TULGA_OPERATOR = OPERATOR
    for language, size, pages in looks(every_page.PUBLIC, pictured="phone"):
        tab = sit(language=language, size=size)
        for shown in pages:
            tab.page.goto("about:blank")  # another fragment alone would load nothing
            tab.page.goto(f"{site}{shown.path.format(language=language, token=story.token)}")
            filled = tab.page.locator("main:not(:has([data-waits]))")
            filled.wait_for()  # by the page's script
            if shown.name in ("link", "phone-link"):
                assert tab.page.locator("#link-form .button").is_visible(), "a whole link"
            if shown.name == "link":
                assert story.lender.name in tab.page.locator("#asked").inner_text()
            seen(tab, shown, language=language, size=size)


def test_the_pages_of_a_borrower(
    sit: Sit, looks: Looks, site: str, story: Story, show: Show
) -> None:
    session = links.redeem(untrusted_token=story.token)
    for language, size, pages in looks(every_page.BORROWER, pictured="phone"):
        tab = sit(language=language, size=size, **{browsers.SESSION: session})
        for shown in pages:
            tab.page.goto("about:blank")  # the page that waits would go on by itself
            show(shown)
            tab.page.goto(f"{site}/v/now/")
            seen(tab, shown, language=language, size=size)


def test_without_scripts_each_page_says_what_to_do(
    launch: Launch, looks: Looks, site: str, story: Story, show: Show
) -> None:
    session = links.redeem(untrusted_token=story.token)
    every = (by_name("link"), by_name("phone-link"), *every_page.BORROWER)
    for language, _, pages in looks(every, pictured="phone"):
        context = launch().new_context(
            java_script_enabled=False, locale=language, viewport=SIZES["phone"]
        )
        given = {browsers.SESSION: session, "django_language": language}
        context.add_cookies(
            [{"name": name, "value": value, "url": site} for name, value in given.items()]
        )
        page = context.new_page()
        for shown in pages:
            if shown.page:
                show(shown)
            page.goto(f"{site}{shown.path or '/v/now/'}")
            told = page.locator("main noscript").count()
            acts = page.locator("main button:visible, main a:visible").count()
            assert told or acts, f"{shown.name} in {language}"
            assert not page.locator("main button:visible[type=button]").count(), (
                f"{shown.name} in {language}"
            )


def test_the_way_to_a_phone(sit: Sit, looks: Looks, site: str, story: Story) -> None:
    for language, size, _ in looks([by_name("elsewhere")], pictured="phone"):
        opened = begin(story.lender, f"loan-{language}-{size}")
        session = links.redeem(untrusted_token=opened.token)
        desk = sit(language=language, size=size, **{browsers.SESSION: session})
        desk.page.goto(f"{site}/v/now/")
        press(desk, language, "Continue on another device or in another browser")
        desk.until_heading(words(language, "Continue elsewhere"))
        address = scanned(desk)
        seen(desk, by_name("elsewhere"), language=language, size=size)
        phone = sit(language=language, size="phone")
        phone.page.goto(address)
        press(phone, language, "Continue")
        press(phone, language, "No, I want this loan myself")
        phone.until_heading(words(language, "Type this number in on the other screen"))
        number = phone.page.locator(".matched").inner_text()
        seen(phone, by_name("phone"), language=language, size="phone")
        desk.page.get_by_label(
            words(language, "Type in here the number that the phone shows."), exact=True
        ).fill(number)
        press(desk, language, "Continue on the phone")
        desk.until_heading(words(language, "Continue on your phone"))
        phone.until_heading(words(language, "Your consent"))
        open_now = SESSIONS.rows.filter(verification_id=opened.id, spent_at=None)
        assert open_now.count() == 1, "the desk's session is left"
        seen(desk, by_name("handed-over"), language=language, size=size)


def test_the_way_out_of_a_consent(sit: Sit, looks: Looks, site: str, story: Story) -> None:
    for language, size, _ in looks([by_name("withdraw")], pictured="phone"):
        opened = begin(story.lender, f"withdrawn-{language}-{size}")
        opened.reply(agreed=True, version=CONSENT_CURRENT, language=language)
        session = links.redeem(untrusted_token=opened.token)
        tab = sit(language=language, size=size, **{browsers.SESSION: session})
        tab.page.goto(f"{site}/v/now/")
        link = tab.page.get_by_role("link", name=words(language, "Withdraw my consent"))
        link.click()
        tab.until_heading(words(language, "Withdraw my consent"))
        seen(tab, by_name("withdraw"), language=language, size=size)
        press(tab, language, "Withdraw my consent")
        tab.until_heading(words(language, "You withdrew your consent"))
        seen(tab, by_name("withdrawn"), language=language, size=size)
        assert opened.row().code == "consent_withdrawn"


def test_a_command_before_the_camera(
    sit: Sit, looks: Looks, site: str, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, before = links.redeem(untrusted_token=story.token), by_name("commands")
    assert before.page
    for language, size, _ in looks([by_name("command")], pictured="phone"):
        dialogue = InsecureDialogue(now=before.page, limits=HELD)
        insecure_dialogue.put(monkeypatch, dialogue.page)
        monkeypatch.setattr(answers, "answer", dialogue.answer)
        monkeypatch.setattr(camera, "hint_of", dialogue.hint)
        tab = sit(language=language, size=size, **{browsers.SESSION: session})
        tab.page.add_init_script(
            "try { localStorage.setItem('camera-begins', 'by-hand') } catch {}"
        )
        pictures = {"neutral": [drawn()], ORDER[1]: [drawn(turned=0.5)]}
        scripted_camera.put(tab.page, upright=size == "phone", pictures=pictures)
        tab.page.goto(f"{site}/v/now/")
        press(tab, language, "Continue")
        tab.until_state("primer")
        press(tab, language, ON)
        tab.until_state("live")
        press(tab, language, "Begin")
        until_said(tab, words(language, COMMANDS[ORDER[1]]))
        seen(tab, by_name("command"), language=language, size=size)
