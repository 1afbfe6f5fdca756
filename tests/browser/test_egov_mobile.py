"""Signing by eGov Mobile on the page of the statement: a QR code on a computer, a link on a phone,
no dead end.
"""

from urllib.parse import unquote

import pytest
from django.utils import timezone
from playwright.sync_api import Route

from insecure_sandbox import egov_mobile
from insecure_sandbox.credential import Credential
from insecure_sandbox.egov_mobile import Manner
from tests.browser.conftest import Issued, Launch
from tests.browser.steps import arrived, at_the_statement, press, scanned, words, worked
from tests.browser.tab import Tab
from tests.verification.stories.story import Story
from verification.access.tokens import SIGNERS
from verification.core.codes import REASONS

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("trusted"),
]

SHOW, SIGN_HERE, NEW = (
    "Show the code for my phone",
    "Sign in the app on this phone",
    "Make a new code",
)
# True of a code that is scanned and of a link that is pressed.
NOT_YOU = (
    "Was it not you who scanned the code or opened the app? Then it was somebody else: make a new"
    " code, and the other one stops working."
)


def shown(tab: Tab) -> str:
    """Which state of the app's part is shown."""
    return str(
        tab.page.evaluate("document.querySelector('[data-egov]:not([hidden])').dataset.egov")
    )


def until(tab: Tab, state: str) -> None:
    """Waits for a state; the page asks every two seconds."""
    tab.until(lambda: shown(tab) == state, f"state {state} of eGov Mobile")


def is_drawn(tab: Tab) -> bool:
    """Whether the squares of a QR code are seen, and not an empty frame or a code below a summary
    that is shut.
    """
    # Chromium may give the box of what a shut <details> hides: only its visibility says that it is
    # hidden.
    paths = [path for path in tab.page.locator("[data-qr] svg path").all() if path.is_visible()]
    boxes = [path.bounding_box() for path in paths]
    return any(box is not None and box["width"] > 150 for box in boxes)


def code(tab: Tab) -> str:
    """What the QR code says."""
    until(tab, "waiting")
    return str(tab.page.locator("[data-text]").text_content())


def signed(tab: Tab, story: Story, language: str, credential: Credential) -> None:
    """The app signs, and the page goes to the end by itself."""
    assert egov_mobile.sign(code(tab), credential)[0].status == 200
    tab.until_heading(words(language, "One moment"))
    worked(tab, story, language, "Done: it is you")


def test_on_a_computer_the_code_is_scanned_and_a_page_loaded_anew_knows_what_the_app_has(
    launch: Launch, site: str, story: Story, issued: Issued
) -> None:
    tab = at_the_statement(arrived(launch, site, story, language="ru"), story, "ru")
    here = tab.page.get_by_role("button", name=words("ru", SIGN_HERE), exact=True)
    assert not here.is_visible()
    press(tab, "ru", SHOW)
    first = code(tab)
    assert first.startswith(f"mobileSign:{site}/v/egov/")
    assert is_drawn(tab)
    assert scanned(tab) == first
    assert tab.page.evaluate("document.activeElement.dataset.egov") == "waiting"
    tab.look()
    tab.page.reload()
    until(tab, "start")  # it knows of no other code
    tab.look()
    asked = egov_mobile.get(egov_mobile.address_in(first))["document"]
    until(tab, "read")
    tab.page.reload()
    until(tab, "read")
    back = egov_mobile.signed_documents(
        egov_mobile.get(asked["uri"], token=asked["auth_token"]), issued("rsa")
    )
    assert egov_mobile.put(asked["uri"], back, token=asked["auth_token"]).status == 200
    tab.until_heading(words("ru", "One moment"))


def test_on_a_phone_the_app_is_opened_by_a_link(
    launch: Launch, site: str, story: Story, issued: Issued
) -> None:
    language = "kk"
    tab = arrived(launch, site, story, language=language, size="phone", touch=True)
    at_the_statement(tab, story, language)
    tab.look()
    press(tab, language, SIGN_HERE)
    text = code(tab)
    link = tab.page.get_by_role("link", name=words(language, "Open eGov Mobile"), exact=True)
    assert text.removeprefix("mobileSign:") in unquote(str(link.get_attribute("href")))
    assert str(link.get_attribute("href")).startswith("https://m.egov.kz/mobileSign/?link=")
    assert link.get_attribute("rel") == "noreferrer noopener"
    assert tab.page.locator("[data-scheme]").get_attribute("href") == text
    assert not is_drawn(tab)
    tab.page.locator("[data-egov=waiting] summary").first.click()
    assert is_drawn(tab)
    tab.look()
    signed(tab, story, language, issued("rsa"))


def test_whatever_goes_wrong_is_named_and_a_new_code_signs(
    launch: Launch, site: str, story: Story, issued: Issued
) -> None:
    language = "kk"
    tab = arrived(launch, site, story, language=language, size="phone", touch=True)
    at_the_statement(tab, story, language)
    press(tab, language, SIGN_HERE)
    first = code(tab)
    egov_mobile.get(egov_mobile.address_in(first))
    until(tab, "read")
    assert words(language, NOT_YOU) in tab.page.locator("[data-egov=read]").inner_text()
    tab.look()
    SIGNERS.rows.update(expires_at=timezone.now())
    until(tab, "expired")
    tab.look()
    press(tab, language, NEW)
    until(tab, "waiting")
    (refused,) = egov_mobile.sign(code(tab), issued("rsa"), Manner(alters="rows"))
    assert refused.status == 403
    until(tab, "refused")
    said = tab.page.locator("[data-egov=refused]").inner_text()
    assert words(language, REASONS["egov_document_altered"].borrower_message) in said
    tab.look()
    press(tab, language, NEW)
    signed(tab, story, language, issued("rsa"))


def test_a_code_whose_answer_was_lost_leaves_no_older_one_on_the_page(
    launch: Launch, site: str, story: Story
) -> None:
    tab = at_the_statement(arrived(launch, site, story, expected=("ERR_FAILED",)), story)
    press(tab, "en", SHOW)
    egov_mobile.get(egov_mobile.address_in(code(tab)))
    until(tab, "read")

    def lose(route: Route) -> None:
        route.fetch()  # the server makes the code, and its answer never arrives
        route.abort()

    tab.page.route("**/v/now/egov/", lose)
    press(tab, "en", NEW)
    until(tab, "failed")
    tab.look()
    with tab.page.expect_response("**/v/now/state/"):
        tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    tab.page.evaluate(
        "fetch('/v/now/state/').then((answer) => answer.text())"
    )  # by then the page has read its own
    assert shown(tab) == "failed"
    tab.page.unroute("**/v/now/egov/")
    tab.page.locator("[data-egov=failed]").get_by_role("button").click()
    assert code(tab)
