"""No row lets anybody in: what counts is the signed entry that made a link, a session or a code.

The hand has SQL of the application's role. It writes rows whose secret it knows, acts over HTTP,
and puts the rows back. Each act is refused, or it is on record and named.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from insecure_sandbox.credential import Credential
from insecure_sandbox.signing import sign_cms
from tests.responses import Response
from tests.verification.borrower.visits import NOW, browser, consent, find, text
from tests.verification.log.rows import order_all, slip_in
from tests.verification.stories.conftest import authorities, issued, trusted
from tests.verification.stories.story import IIN, Story, at_statement, begin, lender
from verification import clock, transactions
from verification.access import answers, hand_over, links, mobile_signing
from verification.access.tokens import LINKS, PHONES, SESSIONS, SIGNERS
from verification.borrower import browsers
from verification.case import moving
from verification.core.errors import NotYourTurn
from verification.core.ids import HAND_OVER, LINK, MOBILE_SIGNING, SESSION, secret_digest
from verification.log.verify import verify_log
from verification.models import Access, Attempt, AuditEntry, Verification
from verification.stages.confirmation.policy import CONSENT_CURRENT as CURRENT

__all__ = ("authorities", "issued", "trusted")

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted")]

Issued = Callable[..., Credential]
TOKEN = "a" * 43
DIGEST = secret_digest(TOKEN)
REFUSED = {409, 410}
"""Most pages say that the session is over; a script that asks for a code learns it as a
conflict.
"""


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


@pytest.mark.parametrize("stage", ["unopened", "consent", "statement", "verified"])
@pytest.mark.parametrize("forged", FORGED_SESSIONS)
def test_a_forged_session_does_nothing_at_any_of_eleven_addresses(
    issued: Issued, stage: str, forged: Callable[[Story], None]
) -> None:
    story = {"statement": at_statement, "verified": lambda: verified(issued)}.get(
        stage, at_consent
    )()
    if stage in ("consent", "statement"):
        browser(story)
    order_all()
    thief, before = Client(), AuditEntry.objects.count()
    thief.cookies[browsers.SESSION] = TOKEN
    with put_back():
        forged(story)
        for deed, answer in deeds(thief, story):
            assert answer.status_code in REFUSED, deed
            assert IIN.encode() not in answer.content
    assert AuditEntry.objects.count() == before
    assert list(verify_log("test")) == []


def test_a_poll_by_a_forged_session_says_which_page_is_open_and_no_more() -> None:
    story = at_statement()
    browser(story)
    thief = Client()
    thief.cookies[browsers.SESSION] = TOKEN
    with put_back():
        _inserted(story)
        told = thief.get(f"{NOW}state/").json()
    assert told.keys() == {"page", "turn", "notice", "egov_mobile"}


@pytest.mark.forges
def test_an_entry_that_no_key_signed_begins_no_session_and_is_named(issued: Issued) -> None:
    story = verified(issued)
    order_all()
    thief = Client()
    thief.cookies[browsers.SESSION] = TOKEN
    with put_back():
        _named_by_an_entry_without_a_key(story)
        assert statuses(thief, story) == REFUSED
    order_all()
    assert "entry_refused" in {finding.code for finding in verify_log("test")}


def test_a_session_that_an_entry_ended_is_ended_although_its_row_says_otherwise(
    issued: Issued,
) -> None:
    story = at_statement()
    first = browser(story)
    page = first.post(f"{NOW}elsewhere/", {"by": "link"})
    second = Client()
    token = find(r"/v/#([\w-]{43})", text(page)).group(1)
    assert second.post("/v/", {"token": token}).status_code == 302
    before = AuditEntry.objects.count()
    with put_back():
        old = secret_digest(first.cookies[browsers.SESSION].value)
        SESSIONS.rows.filter(verification_id=story.id).update(spent_at=timezone.now())
        SESSIONS.rows.filter(digest=old).update(spent_at=None)
        assert statuses(first, story) == REFUSED
    assert AuditEntry.objects.count() == before
    assert second.get(NOW).status_code == 200
    order_all()
    assert list(verify_log("test")) == []


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


def test_no_row_of_a_code_for_a_phone_shows_the_loan_or_stops_it() -> None:
    story = at_statement()
    desk = browser(story)
    order_all()
    before = AuditEntry.objects.count()
    with put_back():
        made_code(story, HAND_OVER, digest=DIGEST)
        assert Client().post("/v/phone/", {"token": TOKEN}).status_code == 410
        PHONES.rows.update(second_digest=DIGEST, digest=secret_digest("b" * 43))
        assert phone_page(TOKEN).status_code == 410
        for is_told in ("true", "false"):
            phone_reply(TOKEN, is_told=is_told)
        PHONES.rows.update(number="1234")
        desk.post(f"{NOW}elsewhere/number/", {"number": "1234"})
    assert AuditEntry.objects.count() == before
    assert story.row().step == ""
    assert list(verify_log("test")) == []


def test_no_row_replaces_the_phone_that_read_the_code() -> None:
    story = at_statement()
    desk = browser(story)
    code = hand_over.mint(untrusted_session=desk.cookies[browsers.SESSION].value).token
    phone = hand_over.read(untrusted_code=code, untrusted_agent="Safari on iPhone")
    hand_over.reply(untrusted_phone=phone, is_told=False)
    number = hand_over.waiting(untrusted_phone=phone).number
    before = AuditEntry.objects.count()
    with put_back():
        PHONES.rows.update(second_digest=DIGEST)
        assert phone_page(TOKEN).status_code == 410
        desk.post(f"{NOW}elsewhere/number/", {"number": number})
        PHONES.rows.update(second_digest=None)
        assert Client().post("/v/phone/", {"token": code}).status_code == 410
    assert AuditEntry.objects.count() == before
    assert desk.post(f"{NOW}elsewhere/number/", {"number": number}).status_code == 200
    order_all()
    assert list(verify_log("test")) == []


def test_no_row_of_a_code_for_the_app_shows_the_statement_or_takes_an_answer() -> None:
    story = at_statement()
    browser(story)
    turn = story.page().turn
    order_all()
    before = AuditEntry.objects.count()
    with put_back():
        made_code(story, MOBILE_SIGNING, digest=DIGEST, turn=turn)
        assert Client().get(f"/v/egov/{TOKEN}/mgovSign").status_code == 403
        SIGNERS.rows.update(second_digest=DIGEST, digest=secret_digest("b" * 43))
        answer = documents(TOKEN)
        assert answer.status_code == 403
        assert IIN.encode() not in answer.content
    assert AuditEntry.objects.count() == before
    assert list(verify_log("test")) == []


def test_no_row_replaces_the_app_that_read_the_code() -> None:
    story = at_statement()
    session = browser(story).cookies[browsers.SESSION].value
    minted = mobile_signing.mint(untrusted_session=session, turn=story.page().turn)
    assert Client().get(f"/v/egov/{minted.token}/mgovSign").status_code == 200
    before = AuditEntry.objects.count()
    with put_back():
        SIGNERS.rows.update(second_digest=DIGEST)
        assert documents(TOKEN).status_code == 403
        SIGNERS.rows.update(second_digest=None)
        assert Client().get(f"/v/egov/{minted.token}/mgovSign").status_code == 403
    assert AuditEntry.objects.count() == before
    order_all()
    assert list(verify_log("test")) == []


# What is on record


def test_an_answer_names_the_session_that_its_link_began(issued: Issued) -> None:
    story = at_consent()
    client = browser(story)
    session = secret_digest(client.cookies[browsers.SESSION].value).hex()
    assert client.post(NOW, consent(story)).status_code == 302
    begun = AuditEntry.objects.get(verification_id=story.id, type="link.spent")
    answered = AuditEntry.objects.get(verification_id=story.id, type="attempt.answered")
    assert begun.body["session"] == answered.body["session"] == session
    order_all()
    assert list(verify_log("test")) == []


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
    order_all()
    assert list(verify_log("test")) == []


def test_a_signature_by_the_app_names_the_session_of_its_code(issued: Issued) -> None:
    story = at_statement()
    session = browser(story).cookies[browsers.SESSION].value
    minted = mobile_signing.mint(untrusted_session=session, turn=story.page().turn)
    access = mobile_signing.read(untrusted_code=minted.token).access
    signature = sign_cms(issued(), story.statement(), signed_at=timezone.now())
    mobile_signing.take(untrusted_access=access, untrusted_signature=b64encode(signature).decode())
    answered = AuditEntry.objects.filter(verification_id=story.id, type="attempt.answered")
    newest = answered.latest("verification_sequence")
    assert newest.body["session"] == secret_digest(session).hex()


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


def test_what_the_borrower_downloads_is_on_record_by_their_session(issued: Issued) -> None:
    story = at_statement()
    client = browser(story)
    story.sign(issued())
    story.work()
    for file in ("statement", "signature"):
        assert client.get(f"{NOW}signed/{file}/").status_code == 200
    downloads = AuditEntry.objects.filter(type="document.downloaded").order_by("at")
    assert [entry.body["what"] for entry in downloads] == ["statement", "signature"]
    session = secret_digest(client.cookies[browsers.SESSION].value).hex()
    assert {(entry.body["verification"], entry.body["session"]) for entry in downloads} == {
        (story.id, session)
    }
    order_all()
    assert list(verify_log("test")) == []
