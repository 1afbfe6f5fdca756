"""The last page gives the borrower what they signed, while the session lives; the statement's page
shows its words.
"""

import base64
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from insecure_sandbox.credential import Credential
from tests.verification.borrower.visits import NOW, browser, find, text
from tests.verification.stories.conftest import authorities, issued, trusted
from tests.verification.stories.story import OTHER_IIN, Story, at_statement, wait_until
from verification.access import hand_over, links, open_page
from verification.artifacts import reading as artifacts
from verification.borrower import browsers
from verification.case import policy
from verification.core.errors import LinkUnusable, NotFound
from verification.core.statement_text import read
from verification.evidence import vault
from verification.models import AuditEntry, EvidenceItem

__all__ = ("authorities", "issued", "trusted")

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

Issued = Callable[..., Credential]
FILES = ("statement", "signature")


@pytest.fixture
def story() -> Story:
    return at_statement()


def place(file: str) -> str:
    return f"{NOW}signed/{file}/"


def test_who_is_verified_downloads_the_statement_and_the_signature_as_judged(
    story: Story, issued: Issued
) -> None:
    client, statement = browser(story), story.statement()
    story.sign(issued())
    story.work()
    assert [client.get(place(file)).status_code for file in FILES] == [200, 200]
    shown = text(client.get(NOW))
    for file, suffix, kind in (
        ("statement", "txt", "text/plain"),
        ("signature", "cms", "application/octet-stream"),
    ):
        assert f'href="{place(file)}"' in shown
        answer = client.get(place(file))
        assert answer.headers["Content-Type"].partition(";")[0] == kind
        assert (
            answer.headers["Content-Disposition"]
            == f'attachment; filename="{story.id}.{file}.{suffix}"'
        )
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"]
    assert client.get(place("statement")).content == statement
    assert base64.b64decode(client.get(place("signature")).content)[:1] == b"\x30"
    # Their own word, in their own hands: nobody looked at them.
    assert not AuditEntry.objects.filter(type="document.read").exists()


def test_who_was_declined_after_signing_has_what_was_judged_last(
    story: Story, issued: Issued
) -> None:
    client = browser(story)
    for _ in range(3):
        last = story.statement()
        story.sign(issued(iin=OTHER_IIN))
        story.work()
    assert story.row().status == "declined"
    assert place("signature") in text(client.get(NOW))
    assert client.get(place("statement")).content == last


def test_before_the_end_and_after_none_was_signed_there_is_nothing(
    story: Story, issued: Issued
) -> None:
    client = browser(story)
    assert [client.get(place(file)).status_code for file in FILES] == [404, 404]
    story.sign(issued(iin=OTHER_IIN))
    story.work()
    assert story.row().status == "requires_input"
    assert client.get(place("signature")).status_code == 404


def test_an_end_without_a_signature_offers_no_file(story: Story) -> None:
    client = browser(story)
    story.cancel()
    assert place("statement") not in text(client.get(NOW))
    assert client.get(place("statement")).status_code == 404


def test_another_browser_gets_no_file_and_there_are_only_two(story: Story, issued: Issued) -> None:
    client = browser(story)
    story.sign(issued())
    story.work()
    assert client.get(place("report")).status_code == 404
    assert client.post(place("statement")).status_code == 405
    without = Client()
    assert [without.get(place(file)).status_code for file in FILES] == [410, 410]
    vault.destroy(verification_id=story.id, at=story.row().finished_at or story.row().created_at)
    assert client.get(place("statement")).status_code != 200


def test_the_page_shows_the_words_that_are_signed_and_offers_its_own_language(story: Story) -> None:
    client = browser(story)
    shown = text(client.get(NOW))
    assert "Я лично прошу этот заём" in shown
    assert 'name="language" value="kk"' not in find("<main.*</main>", shown)[0]
    client.cookies["django_language"] = "kk"
    kazakh = text(client.get(NOW))
    assert '<div lang="ru">' in kazakh
    assert "Я лично прошу этот заём" in kazakh
    assert 'name="language" value="kk">Мәлімдемені қазақша' in kazakh
    turn = story.page().turn
    assert client.post(NOW, {"turn": turn, "language": "kk"}).status_code == 302
    story.work()
    again = text(client.get(NOW))
    assert '<div lang="kk">' in again
    assert "Осы қарызды осы шарттармен өзім сұраймын" in again
    assert read(story.statement())["language"] == "kk"
    kinds = EvidenceItem.objects.filter(verification_id=story.id, kind__startswith="statement.text")
    assert {item.kind for item in kinds} == {"statement.text", "statement.text.1"}


def test_a_copied_cookie_opens_the_last_page_and_the_files_for_a_day_and_never_again(
    story: Story, issued: Issued
) -> None:
    client = browser(story)
    story.sign(issued())
    story.work()
    thief = Client()
    thief.cookies[browsers.SESSION] = client.cookies[browsers.SESSION].value
    finished_at = story.row().finished_at
    assert finished_at is not None
    over_at = finished_at + timedelta(seconds=policy.SESSION_AFTER_END_SECONDS)
    addresses = (NOW, f"{NOW}state/", *map(place, FILES))
    wait_until(over_at - timedelta(seconds=30))
    assert [thief.get(address).status_code for address in addresses] == [200] * 4
    wait_until(over_at)
    answers = [thief.get(address) for address in addresses]
    assert [answer.status_code for answer in answers] == [410] * 4
    assert not any(b"990101100010" in answer.content for answer in answers)
    # Nor by a way that had let somebody in before.
    with pytest.raises(NotFound):
        artifacts.read_for_borrower(
            verification_id=story.id, file="statement", session=story.session()
        )
    assert not open_page.borrower_page(verification_id=story.id).offers_signed


def test_an_open_verification_is_seen_until_nothing_can_wait_any_more(story: Story) -> None:
    client = browser(story)
    session = client.cookies[browsers.SESSION].value
    ends_at = story.row().expires_at + timedelta(
        seconds=policy.REVIEW_SECONDS + policy.SESSION_AFTER_END_SECONDS
    )
    wait_until(ends_at - timedelta(seconds=30))
    assert links.verification_of(untrusted_session=session) == story.id
    wait_until(ends_at)
    with pytest.raises(LinkUnusable):
        links.verification_of(untrusted_session=session)


def test_a_phone_that_is_not_let_in_is_offered_no_file(story: Story, issued: Issued) -> None:
    client, phone = browser(story), Client()
    story.sign(issued(iin=OTHER_IIN))
    story.work()
    code = hand_over.mint(untrusted_session=client.cookies[browsers.SESSION].value).token
    assert phone.post("/v/phone/", {"token": code}).status_code == 302
    phone.post("/v/phone/now/", {"somebody_tells_me": "true"})
    story.work()
    assert story.row().status == "declined"
    assert place("statement") in text(client.get(NOW))
    stopped = phone.get("/v/phone/now/")
    assert stopped.status_code == 200
    assert "/signed/" not in text(stopped)
