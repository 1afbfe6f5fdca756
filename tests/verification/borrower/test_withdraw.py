"""The borrower withdraws the consent on a page of the check."""

import pytest
from django.test import Client

from tests.verification.stories.story import Story, at_statement, order
from verification.access import links
from verification.borrower.browsers import SESSION
from verification.core.ids import secret_digest
from verification.models import AuditEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

WITHDRAW, NOW = "/v/now/withdraw/", "/v/now/"
TITLES = {
    "kk": ("Келісімімді кері қайтару", "Сіз келісіміңізді кері қайтардыңыз", "бұғатталған"),
    "ru": ("Отозвать моё согласие", "Вы отозвали согласие", "заблокированы"),
    "en": ("Withdraw my consent", "You withdrew your consent", "are blocked"),
}


def arrived(story: Story, *, language: str = "en") -> tuple[Client, str]:
    """A browser that has spent the link, and its session."""
    session = links.redeem(untrusted_token=story.token)
    browser = Client(raise_request_exception=False)
    browser.cookies[SESSION], browser.cookies["django_language"] = session, language
    return browser, session


def withdrawals(story: Story) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(verification_id=story.id, type="consent.withdrawn"))


@pytest.mark.parametrize("language", TITLES)
def test_the_page_says_what_a_withdrawal_does_and_then_nothing_of_the_case(language):
    story = at_statement()
    browser, session = arrived(story, language=language)
    title, done, blocked = TITLES[language]
    assert f'href="{WITHDRAW}"' in browser.get(NOW).content.decode()
    before = browser.get(WITHDRAW).content.decode()
    assert f"<h1>{title}</h1>" in before
    assert (withdrawals(story), story.row().status) == ([], "requires_input")
    after = browser.post(WITHDRAW)
    assert (after.status_code, f"<h1>{done}</h1>" in after.content.decode()) == (200, True)
    assert "150" not in after.content.decode()
    [entry] = withdrawals(story)
    assert entry.body["session"] == secret_digest(session).hex()
    assert story.row().code == "consent_withdrawn"
    for answer in (browser.get(NOW), browser.get(WITHDRAW), browser.post(WITHDRAW)):
        text = answer.content.decode()
        assert (answer.status_code, blocked in text) == (409, True)
        assert "150" not in text
    assert len(withdrawals(story)) == 1


def test_after_the_end_the_last_page_still_leads_to_the_withdrawal(issued):
    story = at_statement()
    browser, _ = arrived(story)
    story.sign_to_end(issued())
    order()
    last = browser.get(NOW).content.decode()
    assert f'href="{WITHDRAW}"' in last
    assert browser.post(WITHDRAW).status_code == 200
    assert withdrawals(story)[0].body["effect"] == "bars_payout"
    assert story.row().status == "verified"
    assert browser.get("/v/now/signed/statement/").status_code == 409


def test_without_a_session_nothing_is_withdrawn():
    story = at_statement()
    assert Client(raise_request_exception=False).post(WITHDRAW).status_code != 200
    assert withdrawals(story) == []


def test_a_page_of_consent_offers_to_decline_and_not_to_withdraw():
    story = at_statement()
    browser, _ = arrived(story)
    assert f'href="{WITHDRAW}"' in browser.get(NOW).content.decode()
