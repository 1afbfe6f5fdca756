"""Attackers at `/mine`: none of them reads a word about another person's cases.

An attacker has a key of their own, and what can be copied: IINs, signatures, rows.
"""

import base64
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.crypto import get_random_string

from insecure_sandbox.authority import Authority
from insecure_sandbox.credential import Credential
from tests.verification.stories.conftest import crl_of
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import IIN, OTHER_IIN, at_statement, begin, lender
from tests.verification.subject import people
from tests.verification.subject.people import FILE, NOW, START
from verification import clock
from verification.access import subjects
from verification.access.subjects import Phase
from verification.case import policy
from verification.core.ids import case_number, check_digit, secret_digest
from verification.models import AuditEntry, SubjectRequest, Verification

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("trusted")]

Issued = Callable[..., Credential]
FOREIGN = 1000
"""IINs of others that an attacker tries with their own valid key."""


def invented(number: int) -> str:
    """An IIN of test mode, one a number."""
    eleven = f"99{number % 12 + 1:02}{number % 28 + 1:02}9{number:04}"
    return eleven + check_digit(eleven)


def told(client: Client) -> str:
    """The page, without what is drawn anew for each."""
    shown = people.page(client)
    for drawn in (r'name="csrfmiddlewaretoken" value="[^"]*"', r"[0-9a-f]{32}", r"[0-9]{12}"):
        shown = re.sub(drawn, "", shown)
    return re.sub(r"data-(?:common-)?request=\"[^\"]*\"|[0-9.]{10} [0-9:]{5}|T[0-9:]{8}", "", shown)


def reads_nothing(client: Client) -> bool:
    """Whether neither page nor file tells anything."""
    shown = people.page(client)
    is_closed = client.get(FILE).headers.get("Location") == NOW
    return is_closed and "Nothing can be shown" in shown and "Case number" not in shown


@pytest.mark.long
def test_a_valid_key_opens_none_of_a_thousand_other_iins(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "SUBJECT_REQUESTS", 10 * FOREIGN)
    begin(lender(), iin=OTHER_IIN)
    own, opened = issued(), 0
    valid = [iin for number in range(2 * FOREIGN) if not (iin := invented(number)).endswith("x")]
    iins = [OTHER_IIN, *valid[: FOREIGN - 1]]
    for iin in iins:
        client = people.asking(iin)
        people.sign(client, own)
        people.work()
        opened += not reads_nothing(client)
    assert (len(set(iins)), opened) == (FOREIGN, 0)
    codes = AuditEntry.objects.filter(type="subject.refused").values_list("body__code", flat=True)
    assert set(codes) == {"eds_iin_mismatch"}
    assert not AuditEntry.objects.filter(type__in=("subject.identified", "subject.read")).exists()


def test_a_known_iin_and_an_unknown_one_are_alike_in_words_and_bytes(issued: Issued) -> None:
    begin(lender(), iin=OTHER_IIN)
    known, unknown = people.asking(OTHER_IIN), people.asking(invented(5))
    for client in (known, unknown):
        client.get("/mine")
    assert told(known) == told(unknown)
    sizes = [len(people.page(client)) for client in (known, unknown)]
    assert sizes[0] == sizes[1]
    for client in (known, unknown):
        people.sign(client, issued())
    assert told(known) == told(unknown)
    people.work()
    assert reads_nothing(known)
    assert told(known) == told(unknown)
    answers = [client.get(NOW) for client in (known, unknown)]
    assert len(answers[0].content) == len(answers[1].content)
    assert {*answers[0].headers} == {*answers[1].headers}


def test_nothing_is_looked_up_before_the_signature_holds(issued: Issued) -> None:
    """The same statements for both IINs, and none by the keyed hash of one: so no time tells."""

    def statements(iin: str) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            client = people.asking(iin)
            people.sign(client, issued())
            people.page(client)
            people.work()
            people.page(client)
        return [re.sub(r"'[^']*'|X'[^']*'|[0-9]+", "", query["sql"]) for query in captured]

    begin(lender(), iin=OTHER_IIN)
    statements(invented(6))  # what a process asks once
    known, unknown = statements(OTHER_IIN), statements(invented(7))
    verbs = [[query.split(" ", 1)[0] for query in queries] for queries in (known, unknown)]
    assert verbs[0] == verbs[1]
    assert not any("borrower_index" in query for query in known)


def test_a_signature_over_another_text_opens_nothing(issued: Issued) -> None:
    """Of a loan, of another site, of another request, of nothing: each by the person's own key."""
    story, own = at_statement(), issued()
    client = people.asking()
    text = people.exact_text(client)
    site = text.replace(b"Address of this site: ", b"Address of this site: https://other.example ")
    other = people.exact_text(people.asking())
    contents = (story.statement(), site, other, text + b"\n", text[:-1], b"x", OTHER_IIN.encode())
    for content in contents:
        client = people.asking()
        people.sign(client, own, content=content)
        people.work()
        assert reads_nothing(client)
    codes = {entry.body["code"] for entry in AuditEntry.objects.filter(type="subject.refused")}
    assert codes <= {"eds_statement_mismatch", "eds_signature_invalid"}


def test_a_signature_of_a_request_identifies_no_borrower(issued: Issued) -> None:
    story, own = at_statement(), issued()
    story.sign_to_end(own, content=people.exact_text(people.asking()))
    assert story.row().status != "verified"
    assert story.row().last_failure == "eds_statement_mismatch"


def test_a_replayed_signature_opens_nothing_in_another_browser(issued: Issued) -> None:
    victim = people.asking()
    signature = people.sign(victim, issued())
    people.work()
    assert "Nothing is kept about you" in people.page(victim)
    for _ in range(20):
        attacker = people.asking()
        assert people.post(attacker, signature).status_code == 302
        people.work()
        assert reads_nothing(attacker)


def test_a_key_that_the_route_refuses_is_refused_here(
    issued: Issued, authorities: dict[str, Authority]
) -> None:
    begin(lender())
    revoked = issued()
    serial = x509.load_der_x509_certificate(revoked.certificate).serial_number
    InsecureRevocation.lists["gost512"] = (crl_of(authorities["gost512"], revoked=(serial,)),)
    refused = {
        "eds_certificate_revoked": revoked,
        "eds_certificate_expired": issued(at=datetime.now(UTC) - timedelta(days=20), days=10),
        "eds_not_individual": issued(role="legal"),
        "eds_key_usage": issued(role="auth"),
    }
    for code, credential in refused.items():
        client = people.identified(credential)
        assert reads_nothing(client)
        newest = AuditEntry.objects.filter(type="subject.refused").order_by("-id").first()
        assert newest is not None
        assert newest.body["code"] == code


@pytest.mark.forges
def test_rows_that_sql_writes_open_nothing(issued: Issued) -> None:
    """An attacker who writes rows, but holds no key of a process."""
    story = begin(lender(), iin=OTHER_IIN)
    own = people.identified(issued())
    victim = people.identified(issued(iin=OTHER_IIN), OTHER_IIN)
    mine = SubjectRequest.objects.get(digest=secret_digest(own.cookies["tulga_subject"].value))
    theirs = SubjectRequest.objects.get(digest=secret_digest(victim.cookies["tulga_subject"].value))
    begun = people.asking(OTHER_IIN)
    fresh = SubjectRequest.objects.exclude(pk__in=(mine.pk, theirs.pk)).get()
    stolen, rows = get_random_string(43), SubjectRequest.objects

    def shows(client: Client) -> bool:
        return case_number(story.id) in people.page(client)

    opened = 0
    assert shows(victim)
    # 1 the victim's row under the attacker's token
    rows.filter(pk=theirs.pk).update(digest=secret_digest(stolen))
    client = Client()
    client.cookies["tulga_subject"] = stolen
    assert client.get(NOW).headers["Location"] == START
    rows.filter(pk=theirs.pk).update(digest=theirs.digest)
    # 2 an own request for the victim's IIN, named as identified by the victim's or own entry
    for entry in (theirs.entry, mine.entry):
        rows.filter(pk=fresh.pk).update(entry=entry, sealed_signature=theirs.sealed_signature)
        opened += shows(begun)
    # 3 the own identified row with the victim's seal, and the other way round
    for sealed, entry in ((theirs.sealed, mine.entry), (theirs.sealed, theirs.entry)):
        rows.filter(pk=mine.pk).update(sealed=sealed, entry=entry)
        opened += shows(own)
    rows.filter(pk=mine.pk).update(sealed=mine.sealed, entry=mine.entry)
    # 4 a row made by hand
    made = SubjectRequest(
        digest=secret_digest(stolen),
        sealed=theirs.sealed,
        created_at=clock.now(),
        expires_at=theirs.expires_at,
        entry=theirs.entry,
    )
    made.save(force_insert=True)
    assert client.get(NOW).headers["Location"] == START
    # 5 the victim's case under the attacker's index
    index = Verification.objects.get(pk=begin(lender("Own", number=9)).id).borrower_index
    Verification.objects.filter(pk=story.id).update(borrower_index=index)
    opened += shows(own)
    assert opened == 0


@pytest.mark.forges
def test_an_entry_that_web_signs_admits_nobody(issued: Issued) -> None:
    """Web's key signs no `subject.identified`: an attacker who has web makes none that counts."""
    begin(lender(), iin=OTHER_IIN)
    client = people.asking(OTHER_IIN)
    row = people.row()
    asked = subjects.unseal(row.pk, row.sealed)
    body = {"request": row.pk, "session": asked.session, "until": "2099-01-01T00:00:00+00:00"}
    body["subject"] = subjects.marks(row.pk, asked.iin)[0]
    entry = AuditEntry(log="test", type="subject.identified", at=clock.now(), body={"v": 1, **body})
    entry.save(force_insert=True)
    SubjectRequest.objects.filter(pk=row.pk).update(entry=entry.pk)
    visit = subjects.find(client.cookies["tulga_subject"].value)
    assert visit is not None
    assert visit.phase is Phase.SIGN


FUZZED = 400


def test_whatever_the_page_posts_is_an_answer_and_no_fault(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parsers of IIN, language and signature take bytes of every kind."""
    monkeypatch.setattr(policy, "SUBJECT_REQUESTS", 10 * FUZZED)
    drawn = random.Random(45)
    pieces = ["", "0", IIN, "<", "<Signature>", "-----BEGIN CMS-----", "MII", "\0", "é", "٣", "{"]
    pieces += ["]", "\n", "A" * 5000, "\u202e", "%00"]
    client = Client()
    for number in range(FUZZED):
        value = "".join(drawn.choices(pieces, k=drawn.randrange(4)))
        noise = base64.b64encode(drawn.randbytes(drawn.randrange(1, 200))).decode()
        answer = Client().post(START, {"iin": value, "language": value})
        assert answer.status_code in (302, 422)
        client = people.asking() if number % 40 == 0 else client
        for form in ({"signature": value}, {"language": value}, {value[:50] or "x": noise}):
            assert client.post(NOW, form).status_code in (302, 400, 422)
        if number % 40 == 0:
            client.post(NOW, {"signature": noise})
            people.work()
            assert "Case number" not in people.page(client)
    assert not AuditEntry.objects.filter(type="subject.identified").exists()


def test_a_network_and_a_key_ask_so_often_and_no_more(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = issued()
    for _ in range(policy.SUBJECT_SIGNATURES):
        client = people.identified(own)
        assert "Nothing is kept about you" in people.page(client)
    assert "You have asked very often" in people.page(people.identified(own))
    assert AuditEntry.objects.get(type="subject.refused").body["code"] == "subject_too_often"
    # Another key of the same person has a count of its own.
    assert "Nothing is kept about you" in people.page(people.identified(issued()))
    monkeypatch.setattr(policy, "SUBJECT_PAGES", 0)
    assert client.get(FILE).status_code == client.get(NOW).status_code == 429
    monkeypatch.setattr(policy, "SUBJECT_REQUESTS", 0)
    number = SubjectRequest.objects.count()
    assert Client().post(START, {"iin": IIN}).status_code == 429
    assert SubjectRequest.objects.count() == number


def test_no_act_touches_the_case_of_another(issued: Issued) -> None:
    story = begin(lender(), iin=OTHER_IIN)
    own, begun = people.identified(issued()), people.asking(OTHER_IIN)
    before = AuditEntry.objects.filter(verification=story.id).count()
    for client in (own, begun):
        for act in ("withdraw", "erase"):
            for case in (story.id, "", "ver_x", "' OR 1=1"):
                answer = client.post(NOW, {"act": act, "case": case})
                assert answer.headers["Location"].startswith(NOW)
    assert AuditEntry.objects.filter(verification=story.id).count() == before
