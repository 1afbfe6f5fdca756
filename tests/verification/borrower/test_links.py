"""Links and sessions over HTTP: one cookie, no secret in an address, nothing done by a visit."""

import json
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from config import page_problems
from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import sign_cms
from tests.responses import Response
from tests.verification.borrower.visits import NOW, browser, consent, entries, find, text
from tests.verification.log.rows import order_all, slip_in
from tests.verification.stories.story import (
    IIN,
    Story,
    at_statement,
    begin,
    lender,
    opening,
    wait_until,
)
from verification import clock, transactions
from verification.access import answers, hand_over, links, mobile_signing, rates
from verification.access.tokens import LINKS, PHONES, SESSIONS, SIGNERS
from verification.borrower import browsers, views
from verification.case import moving
from verification.core.errors import NotYourTurn
from verification.core.ids import HAND_OVER, LINK, MOBILE_SIGNING, SESSION, secret_digest
from verification.log.verify import verify_log
from verification.models import Access, Attempt, AuditEntry, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

# The link


@pytest.mark.django_db
def test_opening_a_link_changes_nothing_and_looks_the_same_for_everybody(story):
    before = entries(story)
    one, other = Client().get("/v/"), Client().get("/v/")
    without_tokens = [re.sub(r'value="\w{64}"', "", text(response)) for response in (one, other)]
    assert without_tokens[0] == without_tokens[1]
    assert browsers.SESSION not in one.cookies
    assert (entries(story), LINKS.rows.get().spent_at) == (before, None)


@pytest.mark.django_db
def test_continue_spends_the_link_once_and_keeps_the_session_out_of_reach_of_scripts(story):
    client = Client()
    response = client.post("/v/", {"token": story.token})
    assert (response.status_code, response.headers["Location"]) == (302, NOW)
    kept = response.cookies[browsers.SESSION]
    assert (kept["httponly"], kept["samesite"], kept["path"], kept["secure"]) == (
        True,
        "Lax",
        "/v/",
        "",
    )
    again = Client().post("/v/", {"token": story.token}, headers={"Accept-Language": "ru"})
    assert again.status_code == 410
    assert "Этой ссылкой больше нельзя воспользоваться" in text(again)
    assert browsers.SESSION not in again.cookies


@pytest.mark.django_db
def test_back_and_continue_leads_the_browser_that_spent_the_link_to_its_open_step(story):
    client = Client()
    client.post("/v/", {"token": story.token})
    before = entries(story)
    again = client.post("/v/", {"token": story.token})
    assert (again.status_code, again.headers["Location"]) == (302, NOW)
    assert browsers.SESSION not in again.cookies
    assert client.get(NOW).status_code == 200
    assert entries(story) == before


@pytest.mark.django_db
@pytest.mark.parametrize("holds", ["nothing", "another_session", "an_ended_session", "no_session"])
def test_every_other_browser_with_a_spent_link_is_refused(story, holds):
    first, other = Client(), Client()
    first.post("/v/", {"token": story.token})
    if holds == "another_session":
        another = begin(story.lender, "another")
        other.post("/v/", {"token": another.token})
    elif holds == "an_ended_session":
        other.cookies = first.cookies
        session = first.cookies[browsers.SESSION].value
        Client().post("/v/", {"token": links.successor(untrusted_session=session).token})
    elif holds == "no_session":
        other.cookies[browsers.SESSION] = secrets.token_urlsafe(24)
    refused = other.post("/v/", {"token": story.token})
    assert refused.status_code == 410
    assert other.post("/v/", {"token": secrets.token_urlsafe(24)}).status_code == 410


@pytest.mark.django_db
def test_the_switch_of_languages_on_the_page_of_a_used_link_comes_back_to_it():
    client = Client()
    client.cookies["django_language"] = "en"
    used = client.post("/v/", {"token": "x"})
    back = find(r'name="next" value="([^"]+)"', text(used)).group(1)
    switched = client.post("/i18n/setlang/", {"next": back, "language": "ru"}, follow=True)
    assert switched.status_code == 410
    assert "Этой ссылкой больше нельзя воспользоваться" in text(switched)


@pytest.mark.django_db
def test_an_address_without_a_path_leads_to_the_page_of_a_link():
    assert Client().get("/").headers["Location"] == "/v/"


@pytest.mark.django_db
def test_the_cookie_is_secure_where_the_pages_are(story, settings):
    settings.TULGA_PUBLIC_URL = "https://id.example"
    assert Client().post("/v/", {"token": story.token}).cookies[browsers.SESSION]["secure"] is True


@pytest.mark.django_db
@pytest.mark.parametrize(
    "token", ["", "x", "x" * 100_000, "\ufffd", "' OR 1=1 --", "../..", "\x00"]
)
def test_a_malformed_token_gets_the_page_of_a_used_link(token):
    response = Client().post("/v/", {"token": token})
    assert response.status_code == 410
    assert "can no longer be used" in text(response)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/v/", NOW, "/v/now/route/", "/v/now/resume/", "/v/now/elsewhere/"]
)
def test_a_form_of_another_site_is_refused_in_a_sentence(client, story, path):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    before = entries(story)
    response = strict.post(path, consent(story) | {"token": story.token})
    assert response.status_code == 403
    assert "could not be sent" in text(response)
    assert entries(story) == before


# The session


@pytest.mark.django_db
def test_a_browser_without_a_session_is_told_what_to_do():
    for path in (NOW, "/v/now/state/"):
        response = Client().get(path)
        assert response.status_code == 410
        assert "Nothing is open in this browser" in text(response)


@pytest.mark.django_db
def test_taking_over_elsewhere_ends_the_first_browser(story):
    first = browser(story)
    page = first.post("/v/now/elsewhere/", {"by": "link"})
    token = find(r"/v/#([\w-]{43})", text(page)).group(1)
    assert first.get(NOW).status_code == 200
    second = Client()
    assert second.post("/v/", {"token": token}).status_code == 302
    assert second.get(NOW).status_code == 200
    ended = first.get(NOW)
    assert ended.status_code == 410
    assert "Эта проверка продолжается в другом месте" in text(ended)
    assert "Sandbox Credit" in text(ended)
    assert 'href="tel:+77270000044"' in text(ended)
    with translation.override("ru"):
        assert str(page_problems._WARNING) in text(ended)


@pytest.mark.django_db
def test_a_link_for_elsewhere_is_made_by_a_post_only_and_its_code_needs_no_style(client):
    before = LINKS.rows.count()
    assert client.get("/v/now/elsewhere/").headers["Location"] == NOW
    assert LINKS.rows.count() == before
    client.post("/v/now/elsewhere/", {"by": "link"})
    assert LINKS.rows.count() == before + 1
    page = client.post("/v/now/elsewhere/")
    drawing = find(r"<svg.*?</svg>", text(page)).group(0)
    assert "style" not in drawing
    assert "150 000" in text(page).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/v/now/route/", "/v/now/resume/"])
def test_what_only_a_form_may_do_a_visit_does_not(client, story, path):
    before = entries(story)
    assert client.get(path).headers["Location"] == NOW
    assert entries(story) == before


@pytest.mark.django_db
def test_no_address_on_any_page_holds_the_verification_or_a_secret(client, story):
    session = client.cookies[browsers.SESSION].value
    bodies = [text(client.get(NOW)), text(client.post("/v/now/elsewhere/"))]
    story.to_statement()
    bodies.append(text(client.get(NOW)))
    for address in re.findall(r'(?:href|action|src)="([^"]*)"', "".join(bodies)):
        assert story.id not in address
        assert session not in address
        assert not re.search(r"[\w-]{43}", address.split("#")[0])


@pytest.mark.django_db
def test_a_page_is_neither_cached_nor_indexed(story):
    response = browser(story).get(NOW)
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert 'name="robots" content="noindex' in text(response)
    assert "unsafe" not in response.headers["Content-Security-Policy"]


# What the first page may say before its link is spent: which lender, and what for. Nothing else,
# and to no other.


PEEK = "/v/peek/"

NOTHING = (204, b"")

_OF_THE_MOMENT = ("X-Request-Id", "Expires")


@pytest.fixture(autouse=True)
def unbounded(monkeypatch):
    """No answer is nothing only because many were asked for within a second."""
    monkeypatch.setattr(views, "PEEKS_A_SECOND", 10**9)


def peeked(token, **options):
    answer = Client(**options).post(PEEK, {"token": token})
    return answer.status_code, answer.content


@pytest.mark.django_db
def test_it_tells_the_lender_and_what_for_and_spends_nothing(story):
    before = entries(story)
    for _ in range(3):
        answer = Client().post(PEEK, {"token": story.token})
        assert answer.json() == {"lender": story.lender.name, "asks": "loan", "is_test": True}
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.cookies.keys() <= {"csrftoken"}
    assert (entries(story), LINKS.rows.get().spent_at) == (before, None)
    assert Client().post("/v/", {"token": story.token}).cookies[browsers.SESSION].value


@pytest.mark.django_db
def test_it_tells_nothing_of_the_person_or_the_loan(story):
    said = json.dumps(Client().post(PEEK, {"token": story.token}).json(), ensure_ascii=False)
    asked = opening()
    personal = (
        IIN,
        asked.person.surname,
        asked.person.name,
        "7011234567",
        asked.person.document.number,
    )
    for secret in (
        *personal,
        "150000",
        "155000",
        "46",
        asked.loan.payout_account,
        asked.client_reference,
        story.id,
    ):
        assert secret not in said


@pytest.mark.django_db
def test_wrong_tokens_are_told_nothing_and_all_alike(story):
    client = Client()
    answers = [client.post(PEEK, {"token": secrets.token_urlsafe(32)}) for _ in range(100)]
    assert {(each.status_code, each.content) for each in answers} == {NOTHING}
    told = [
        {name: value for name, value in each.headers.items() if name not in _OF_THE_MOMENT}
        for each in answers
    ]
    assert all(each == told[0] for each in told)
    assert peeked(story.token)[0] == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "token", ["", "x", "x" * 65, "x" * 900_000, "\ufffd", "' OR 1=1 --", "\x00"]
)
def test_what_is_no_token_is_told_nothing(token):
    assert peeked(token) == NOTHING
    assert Client().post(PEEK).status_code == 204


@pytest.mark.django_db
def test_a_link_that_was_spent_or_replaced_or_has_run_out_is_told_nothing():
    of = lender()
    spent, replaced, late, ended = (begin(of, f"A-{number}") for number in range(4))
    Client().post("/v/", {"token": spent.token})
    fresh = links.mint(lender_id=of.pk, mode="test", verification_id=replaced.id)
    ended.cancel()
    assert [peeked(one.token) for one in (spent, replaced, ended)] == [NOTHING] * 3
    assert peeked(fresh.token)[0] == peeked(late.token)[0] == 200
    wait_until(LINKS.rows.get(verification_id=late.id).expires_at)
    assert peeked(late.token) == NOTHING
    assert clock.now() < late.row().expires_at


@pytest.mark.django_db
def test_it_is_asked_by_our_own_page_only_and_by_a_post(story):
    assert peeked(story.token, enforce_csrf_checks=True)[0] == 403
    assert Client().get(PEEK).status_code == 405
    assert Client().post(PEEK, {"token": "x" * 1_100_000}).status_code == 413


@pytest.mark.django_db
def test_what_is_found_is_never_too_much_and_what_is_not_is_counted(story, monkeypatch):
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)  # one second, however slow the machine
    monkeypatch.setattr(views, "PEEKS_A_SECOND", 3)
    monkeypatch.setattr(rates, "_windows", {})
    assert {peeked(story.token)[0] for _ in range(10)} == {200}
    for _ in range(3):
        assert peeked(story.token)[0] == 200
        assert peeked("x" * 43) == NOTHING
    assert peeked(story.token) == NOTHING


@pytest.mark.django_db
def test_too_many_at_once_are_told_nothing_and_the_link_works_all_the_same(story, monkeypatch):
    monkeypatch.setattr(views, "PEEKS_A_SECOND", 0)
    assert peeked(story.token) == NOTHING
    assert Client().post("/v/", {"token": story.token}).status_code == 302


# No row lets anybody in: what counts is the signed entry that made a link, a session or a code.
#
# The hand has SQL of the application's role. It writes rows whose secret it knows, acts over HTTP,
# and puts the rows back. Each act is refused, or it is on record and named.


Issued = Callable[..., Credential]

TOKEN = "a" * 43

DIGEST = secret_digest(TOKEN)

REFUSED = {409, 410}

"""Most pages say that the session is over; a script that asks for a code learns it as a
conflict.
"""


def assert_whole() -> None:
    """All that waits is ordered, and the log has no findings."""
    order_all()
    assert list(verify_log("test")) == []


@pytest.fixture
def thief() -> Client:
    """A browser whose session is the forger's."""
    browser_of_thief = Client()
    browser_of_thief.cookies[browsers.SESSION] = TOKEN
    return browser_of_thief


@contextmanager
def unlogged() -> Iterator[None]:
    """No entry is written."""
    before = AuditEntry.objects.count()
    yield
    assert AuditEntry.objects.count() == before


@contextmanager
def put_back() -> Iterator[None]:
    """All rows of ways in are at the end as they were."""
    before = list(Access.objects.order_by("pk").values())
    yield
    # Codes first, for they name a session.
    added = Access.objects.exclude(pk__in=[row["id"] for row in before])
    added.exclude(parent=None).delete()
    added.delete()
    # Of two sessions none may live for a moment: the one that has ended ends first.
    for row in sorted(before, key=lambda row: row["spent_at"] is None):
        Access.objects.filter(pk=row["id"]).update(**row)


# Sessions


def _inserted(story: Story) -> None:
    SESSIONS.rows.filter(verification_id=story.id, spent_at=None).update(spent_at=timezone.now())
    SESSIONS.rows.create(
        kind=SESSION, verification_id=story.id, digest=DIGEST, created_at=timezone.now()
    )


def _replaced(story: Story) -> None:
    SESSIONS.rows.filter(verification_id=story.id, spent_at=None).update(digest=DIGEST)


def _named_by_an_entry_without_a_key(story: Story) -> None:
    _inserted(story)
    genuine = AuditEntry.objects.filter(verification_id=story.id, type="link.spent").first()
    assert genuine is not None
    slip_in(genuine, body={**genuine.body, "session": DIGEST.hex()})


FORGED_SESSIONS = (_inserted, _replaced)


def deeds(client: Client, story: Story) -> Iterator[tuple[str, Response]]:
    """All that a borrower may do by a session, each with its answer."""
    yield "page", client.get(NOW)
    yield "turn", client.get(NOW, headers={"Accept": "application/json"})
    yield "answer", client.post(NOW, consent(story))
    yield "route", client.post(f"{NOW}route/", {"route": "eds"})
    yield "resume", client.post(f"{NOW}resume/")
    yield "link", client.post(f"{NOW}elsewhere/", {"by": "link"})
    yield "code", client.post(f"{NOW}elsewhere/")
    yield "number", client.post(f"{NOW}elsewhere/number/", {"number": "1234"})
    yield "app", client.post(f"{NOW}egov/", {"turn": story.page().turn})
    yield "statement", client.get(f"{NOW}signed/statement/")
    yield "signature", client.get(f"{NOW}signed/signature/")


def statuses(client: Client, story: Story) -> set[int]:
    return {answer.status_code for _, answer in deeds(client, story)}


def at_consent() -> Story:
    return begin(lender())


def verified(issued: Issued) -> Story:
    story = at_statement()
    browser(story)
    story.sign(issued())
    story.work()
    return story


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("stage", ["unopened", "consent", "statement", "verified"])
@pytest.mark.parametrize("forged", FORGED_SESSIONS)
def test_a_forged_session_does_nothing_at_any_of_eleven_addresses(
    thief: Client, issued: Issued, stage: str, forged: Callable[[Story], None]
) -> None:
    story = {"statement": at_statement, "verified": lambda: verified(issued)}.get(
        stage, at_consent
    )()
    if stage in ("consent", "statement"):
        browser(story)
    order_all()
    with unlogged(), put_back():
        forged(story)
        for deed, answer in deeds(thief, story):
            assert answer.status_code in REFUSED, deed
            assert IIN.encode() not in answer.content
    assert list(verify_log("test")) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("signing")
def test_a_poll_by_a_forged_session_says_which_page_is_open_and_no_more(
    thief: Client, signer: Story
) -> None:
    with put_back():
        _inserted(signer)
        told = thief.get(f"{NOW}state/").json()
    assert told.keys() == {"page", "turn", "notice", "egov_mobile"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
@pytest.mark.forges
def test_an_entry_that_no_key_signed_begins_no_session_and_is_named(
    thief: Client, issued: Issued
) -> None:
    story = verified(issued)
    order_all()
    with put_back():
        _named_by_an_entry_without_a_key(story)
        assert statuses(thief, story) == REFUSED
    order_all()
    assert "entry_refused" in {finding.code for finding in verify_log("test")}


@pytest.mark.django_db(transaction=True)
def test_a_session_that_an_entry_ended_is_ended_although_its_row_says_otherwise(
    signer: Story,
    issued: Issued,
) -> None:
    first = browser(signer)
    page = first.post(f"{NOW}elsewhere/", {"by": "link"})
    second = Client()
    token = find(r"/v/#([\w-]{43})", text(page)).group(1)
    assert second.post("/v/", {"token": token}).status_code == 302
    with unlogged(), put_back():
        old = secret_digest(first.cookies[browsers.SESSION].value)
        SESSIONS.rows.filter(verification_id=signer.id).update(spent_at=timezone.now())
        SESSIONS.rows.filter(digest=old).update(spent_at=None)
        assert statuses(first, signer) == REFUSED
    assert second.get(NOW).status_code == 200
    assert_whole()


# Links


def _made(story: Story) -> str:
    times = {"created_at": timezone.now(), "expires_at": timezone.now() + timedelta(minutes=10)}
    LINKS.rows.create(kind=LINK, verification_id=story.id, digest=DIGEST, **times)
    return TOKEN


def _swapped(story: Story) -> str:
    LINKS.rows.filter(verification_id=story.id).update(digest=DIGEST, spent_at=None)
    return TOKEN


def _unspent(story: Story) -> str:
    LINKS.rows.filter(verification_id=story.id).update(spent_at=None)
    return story.token


def _superseded(story: Story) -> str:
    links.mint(lender_id=story.lender.pk, mode="test", verification_id=story.id)
    newest = timezone.now() + timedelta(minutes=10)
    LINKS.rows.filter(verification_id=story.id).update(spent_at=None, expires_at=newest)
    return story.token


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("forged", [_made, _swapped, _unspent, _superseded])
@pytest.mark.parametrize("is_open", [False, True], ids=["unopened", "open"])
def test_no_row_of_a_link_lets_anybody_in(forged: Callable[[Story], str], is_open: bool) -> None:
    story = at_consent()
    if is_open or forged is _unspent:
        browser(story)
    with put_back():
        token = forged(story)
        before = AuditEntry.objects.count()
        answer = Client().post("/v/", {"token": token})
        assert answer.status_code == 410
        assert browsers.SESSION not in answer.cookies
        assert AuditEntry.objects.count() == before


# Codes


def phone_page(token: str) -> Response:
    phone = Client()
    phone.cookies[browsers.PHONE] = token
    return phone.get("/v/phone/now/")


def phone_reply(token: str, *, is_told: str) -> Response:
    phone = Client()
    phone.cookies[browsers.PHONE] = token
    return phone.post("/v/phone/now/", {"somebody_tells_me": is_told})


def documents(access: str) -> Response:
    return Client().get("/v/egov/documents", headers={"Authorization": f"Bearer {access}"})


def made_code(story: Story, kind: str, **more: Any) -> None:
    session = SESSIONS.rows.get(verification_id=story.id, spent_at=None)
    at = timezone.now()
    Access.objects.create(
        kind=kind,
        verification_id=story.id,
        parent=session,
        created_at=at,
        expires_at=at + timedelta(minutes=2),
        **more,
    )


@pytest.mark.django_db(transaction=True)
def test_no_row_of_a_code_for_a_phone_shows_the_loan_or_stops_it(
    signing: Client, signer: Story
) -> None:
    order_all()
    with unlogged(), put_back():
        made_code(signer, HAND_OVER, digest=DIGEST)
        assert Client().post("/v/phone/", {"token": TOKEN}).status_code == 410
        PHONES.rows.update(second_digest=DIGEST, digest=secret_digest("b" * 43))
        assert phone_page(TOKEN).status_code == 410
        for is_told in ("true", "false"):
            phone_reply(TOKEN, is_told=is_told)
        PHONES.rows.update(number="1234")
        signing.post(f"{NOW}elsewhere/number/", {"number": "1234"})
    assert signer.row().step == ""
    assert list(verify_log("test")) == []


@pytest.mark.django_db(transaction=True)
def test_no_row_replaces_the_phone_that_read_the_code(signing: Client) -> None:
    code = hand_over.mint(untrusted_session=signing.cookies[browsers.SESSION].value).token
    phone = hand_over.read(untrusted_code=code, untrusted_agent="Safari on iPhone")
    hand_over.reply(untrusted_phone=phone, is_told=False)
    number = hand_over.waiting(untrusted_phone=phone).number
    with unlogged(), put_back():
        PHONES.rows.update(second_digest=DIGEST)
        assert phone_page(TOKEN).status_code == 410
        signing.post(f"{NOW}elsewhere/number/", {"number": number})
        PHONES.rows.update(second_digest=None)
        assert Client().post("/v/phone/", {"token": code}).status_code == 410
    assert signing.post(f"{NOW}elsewhere/number/", {"number": number}).status_code == 200
    assert_whole()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("signing")
def test_no_row_of_a_code_for_the_app_shows_the_statement_or_takes_an_answer(signer: Story) -> None:
    turn = signer.page().turn
    order_all()
    with unlogged(), put_back():
        made_code(signer, MOBILE_SIGNING, digest=DIGEST, turn=turn)
        assert Client().get(f"/v/egov/{TOKEN}/mgovSign").status_code == 403
        SIGNERS.rows.update(second_digest=DIGEST, digest=secret_digest("b" * 43))
        answer = documents(TOKEN)
        assert answer.status_code == 403
        assert IIN.encode() not in answer.content
    assert list(verify_log("test")) == []


@pytest.mark.django_db(transaction=True)
def test_no_row_replaces_the_app_that_read_the_code(signer: Story) -> None:
    session = browser(signer).cookies[browsers.SESSION].value
    minted = mobile_signing.mint(untrusted_session=session, turn=signer.page().turn)
    assert Client().get(f"/v/egov/{minted.token}/mgovSign").status_code == 200
    with unlogged(), put_back():
        SIGNERS.rows.update(second_digest=DIGEST)
        assert documents(TOKEN).status_code == 403
        SIGNERS.rows.update(second_digest=None)
        assert Client().get(f"/v/egov/{minted.token}/mgovSign").status_code == 403
    assert_whole()


# What is on record


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
def test_an_answer_names_the_session_that_its_link_began(issued: Issued) -> None:
    story = at_consent()
    client = browser(story)
    session = secret_digest(client.cookies[browsers.SESSION].value).hex()
    assert client.post(NOW, consent(story)).status_code == 302
    begun = AuditEntry.objects.get(verification_id=story.id, type="link.spent")
    answered = AuditEntry.objects.get(verification_id=story.id, type="attempt.answered")
    assert begun.body["session"] == answered.body["session"] == session
    assert_whole()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("is_known", [True, False])
def test_no_answer_is_taken_of_a_browser_that_another_one_follows_meanwhile(is_known: bool) -> None:
    story = at_consent()
    session = browser(story).cookies[browsers.SESSION].value
    visit = links.visit(untrusted_session=session)
    links.redeem(untrusted_token=links.successor(untrusted_session=session).token)
    agreed = {"agreed": True, "version": CURRENT, "language": "ru"}
    before = AuditEntry.objects.count()
    with pytest.raises(NotYourTurn):
        answers.answer(
            verification_id=story.id,
            turn=story.page().turn,
            untrusted=agreed,
            session=visit.session,
            visited=visit.attempt if is_known else None,
        )
    assert AuditEntry.objects.count() == before
    story.answer(**agreed)
    assert_whole()


@pytest.mark.django_db(transaction=True)
def test_a_signature_by_the_app_names_the_session_of_its_code(
    signer: Story, issued: Issued
) -> None:
    session = browser(signer).cookies[browsers.SESSION].value
    minted = mobile_signing.mint(untrusted_session=session, turn=signer.page().turn)
    access = mobile_signing.read(untrusted_code=minted.token).access
    signature = sign_cms(issued(), signer.statement(), signed_at=timezone.now())
    mobile_signing.take(untrusted_access=access, untrusted_signature=b64encode(signature).decode())
    answered = AuditEntry.objects.filter(verification_id=signer.id, type="attempt.answered")
    newest = answered.latest("verification_sequence")
    assert newest.body["session"] == secret_digest(session).hex()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("trusted")
@pytest.mark.forges
@pytest.mark.parametrize("session", [DIGEST.hex(), ""])
def test_an_answer_by_another_session_is_named(session: str) -> None:
    story = at_consent()
    browser(story)
    attempt = Attempt.objects.get(verification_id=story.id)
    place = {
        "attempt": attempt.pk,
        "route": attempt.route,
        "stage": attempt.stage,
        "turn": attempt.turn,
    }
    with transactions.writing():
        row = Verification.objects.get(pk=story.id)
        body = {**place, "session": session, "next": "collect", "evidence": []}
        moving.record(row, "attempt.answered", at=clock.now(), body=body)
    order_all()
    assert "session_unknown" in {finding.code for finding in verify_log("test")}


@pytest.mark.django_db(transaction=True)
def test_what_the_borrower_downloads_is_on_record_by_their_session(
    signer: Story, issued: Issued
) -> None:
    client = browser(signer)
    signer.sign(issued())
    signer.work()
    for file in ("statement", "signature"):
        assert client.get(f"{NOW}signed/{file}/").status_code == 200
    downloads = AuditEntry.objects.filter(type="document.downloaded").order_by("at")
    assert [entry.body["what"] for entry in downloads] == ["statement", "signature"]
    session = secret_digest(client.cookies[browsers.SESSION].value).hex()
    assert {(entry.body["verification"], entry.body["session"]) for entry in downloads} == {
        (signer.id, session)
    }
    assert_whole()
