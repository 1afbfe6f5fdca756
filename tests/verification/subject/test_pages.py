"""A person reads what is kept about them, after a signature with their own key."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from insecure_sandbox.credential import Credential
from tests.verification.stories.insecure_revocation import InsecureRevocation
from tests.verification.stories.story import IIN, OTHER_IIN, at_statement, begin, lender, order
from tests.verification.subject import people
from tests.verification.subject.people import FILE, NOW, START, STATE
from verification import clock, transactions
from verification.case import policy
from verification.core.errors import FenceLost
from verification.core.ids import case_number
from verification.log import entries, log
from verification.models import AuditEntry, SubjectRequest
from verification.oversight import case_file
from verification.worker import identifying, sweep

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("trusted")]

Issued = Callable[..., Credential]


def of_type(*types: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(type__in=types).order_by("at", "id"))


@pytest.mark.parametrize("family", ["gost512", "rsa"])
def test_a_person_signs_and_reads_each_case_at_each_lender(issued: Issued, family: str) -> None:
    story = at_statement()
    story.sign_to_end(issued())
    second = begin(lender("Second Credit", number=7), "B-1")
    stranger = begin(lender("Third Credit", number=8), "C-1", iin=OTHER_IIN)
    client = people.identified(issued(family))
    shown = people.page(client)
    assert "It was confirmed that you yourself asked for this loan." in shown
    assert "The check waits for you." in shown
    for told in (story, second):
        assert told.lender.name in shown
        assert case_number(told.id) in shown
    assert stranger.lender.name not in shown
    assert case_number(stranger.id) not in shown
    assert "What you signed, the signature and your certificate" in shown
    # Each reading of a case is on record, with the entry that admitted it.
    [admitted] = of_type("subject.identified")
    readings = of_type("subject.read")
    assert {entry.body["verification"] for entry in readings} == {story.id, second.id}
    assert {entry.body["request"] for entry in readings} == {admitted.pk}
    looks = [look for look in entries.looks_at(story.row()) if look.type == "subject.read"]
    assert [(look.what, look.times) for look in looks] == [("subject", 1)]
    assert "You, as on this page" in people.page(client)
    assert IIN not in str([entry.body for entry in AuditEntry.objects.all()])


def test_who_looked_is_told_by_role(issued: Issued) -> None:
    story = at_statement()
    story.sign_to_end(issued())
    for entry_type, body in (
        ("document.read", {"key": "key_a"}),
        ("review.viewed", {"person": "usr_a", "what": "case"}),
        ("oversight.viewed", {"person": "usr_b", "what": "case"}),
        ("replay.read", {}),
    ):
        with transactions.writing():
            log.append(log="test", type=entry_type, body=body | {"verification": story.id})
    shown = people.page(people.identified(issued()))
    for role in ("computer system", "An employee of the lender", "regulator", "The operator"):
        assert role in shown
    assert "usr_" not in shown
    assert "key_a" not in shown


def test_a_person_without_a_case_is_told_that_nothing_is_kept(issued: Issued) -> None:
    begin(lender(), iin=OTHER_IIN)
    shown = people.page(people.identified(issued()))
    assert "Nothing is kept about you" in shown
    [reading] = of_type("subject.read")
    assert "verification" not in reading.body


def test_the_file_holds_every_case_of_several_pages(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "SUBJECT_CASES", 2)
    owner = lender()
    numbers = {case_number(begin(owner, f"A-{number}").id) for number in range(3)}
    client = people.identified(issued())
    first = people.page(client)
    assert 'href="?page=2"' in first
    assert client.get(f"{NOW}?page=3").headers["Location"] == NOW
    on_pages = first + people.page(client, f"{NOW}?page=2")
    answer = client.get(FILE)
    for shown in (on_pages, answer.content.decode()):
        assert set(re.findall(r"[0-9]{4}-[0-9]{3}-[0-9]{3}-[0-9]{3}", shown)) == numbers
    assert answer.headers["Content-Disposition"] == 'attachment; filename="tulga.html"'
    assert "script" not in answer.content.decode()


@pytest.mark.parametrize("untrusted", ["0", "-1", "²", "99999999999", "x", ""])
def test_a_page_that_is_no_number_is_the_first_or_an_empty_one(
    issued: Issued, untrusted: str
) -> None:
    client = people.identified(issued())
    assert client.get(NOW, {"page": untrusted}).status_code == 200


def test_the_text_names_the_site_the_iin_and_a_number_drawn_anew(settings: Settings) -> None:
    texts = [people.exact_text(people.asking(language="ru")).decode() for _ in range(2)]
    for text in texts:
        assert f"Адрес этого сайта: {settings.TULGA_PUBLIC_URL}\n" in text
        assert f"Мой ИИН: {IIN}\n" in text
        assert "\ntulga.subject.v1\n" in text
    numbers = [re.findall(r"Случайное число: ([0-9a-f]{32})\n", text) for text in texts]
    assert all(numbers)
    assert numbers[0] != numbers[1]


def test_the_language_of_the_text_is_changed_until_it_is_signed(issued: Issued) -> None:
    client = people.asking(language="en")
    for _ in range(policy.SUBJECT_REWRITES):
        assert client.post(NOW, {"language": "kk"}).status_code == 302
    assert b"tulga.subject.v1" in (text := people.exact_text(client))
    assert "Өз деректерім туралы сұрау" in text.decode()
    assert client.post(NOW, {"language": "ru"}).status_code == 422
    assert client.post(NOW, {"language": "xx"}).status_code == 422
    people.sign(client, issued())
    people.work()
    assert client.get(STATE).json()["page"] == "identified"


def test_a_waiting_page_polls_and_goes_on(issued: Issued) -> None:
    client = people.asking()
    people.sign(client, issued())
    assert client.get(STATE).json() == {"page": "wait", "notice": ""}
    assert 'data-page="wait"' in people.page(client)
    people.work()
    assert client.get(STATE).json() == {"page": "identified", "notice": ""}
    assert Client().get(STATE).status_code == 404


def test_a_silent_authority_is_asked_again_and_then_said_to_be_silent(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "BACKOFF_SECONDS", (0,))
    InsecureRevocation.faults = 2
    client = people.identified(issued())
    assert "Nothing is kept about you" in people.page(client)
    InsecureRevocation.faults = policy.FAULTS_MAX
    client = people.identified(issued())
    assert "a state service did not answer" in people.page(client)
    assert [entry.body["code"] for entry in of_type("subject.refused")] == ["retries_exhausted"]


def test_a_request_whose_worker_died_is_judged_by_another(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = people.asking()
    people.sign(client, issued())
    [request_id] = identifying.reserve(limit=8, at=clock.now())
    dead = identifying.claim(request_id)
    assert dead is not None
    assert not people.work()
    late = clock.now() + timedelta(seconds=policy.LEASE_SECONDS + 1)
    monkeypatch.setattr(clock, "now", lambda: late)
    assert people.work() == 1
    assert "Nothing is kept about you" in people.page(client)
    with pytest.raises(FenceLost):
        identifying.judge(dead)


def test_a_request_is_erased_after_its_hour_and_at_once_when_it_is_closed(issued: Issued) -> None:
    client = people.identified(issued())
    assert client.post(NOW, {"leave": "1"}).headers["Location"] == START
    assert not SubjectRequest.objects.exists()
    assert client.get(NOW).headers["Location"] == START
    people.asking()
    SubjectRequest.objects.update(expires_at=clock.now())
    sweep.run_round()
    assert not SubjectRequest.objects.exists()


def test_reading_ends_after_half_an_hour_and_signing_after_a_quarter(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, unsigned = people.identified(issued()), people.asking()
    late = clock.now() + timedelta(seconds=policy.SUBJECT_READ_SECONDS + 1)
    monkeypatch.setattr(clock, "now", lambda: late)
    for over in (client, unsigned):
        assert "The time is over" in people.page(over)
        assert over.get(FILE).headers["Location"] == NOW
    assert people.post(unsigned, b"late").status_code == 302
    assert not people.work()


def test_the_regulator_sees_that_the_person_read_their_case(issued: Issued) -> None:
    story = begin(lender())
    people.page(people.identified(issued()))
    order()
    file = case_file.case_file(person_id="usr_regulator", verification_id=story.id)
    [look] = file.looks
    assert (look.who, look.what) == (people.row().digest.hex(), "subject")


def test_the_person_withdraws_the_consent_and_asks_for_the_erasure(issued: Issued) -> None:
    begun, verified = begin(lender()), at_statement(lender("Second Credit", number=7), "B-1")
    verified.sign_to_end(issued())
    client = people.identified(issued())
    assert people.page(client).count('value="withdraw"') == 2
    assert people.page(client).count('value="erase"') == 1
    for act, story in (("withdraw", begun), ("erase", verified)):
        answer = client.post(NOW, {"act": act, "case": story.id})
        assert answer.headers["Location"] == NOW
    order()
    # Each names the worker's entry which shows that the person asked.
    [admitted] = of_type("subject.identified")
    acts = of_type("consent.withdrawn", "verification.redaction_requested")
    assert [entry.body["request"] for entry in acts] == [admitted.pk] * 2
    assert begun.row().status == "canceled"
    assert verified.row().redaction_requested_at is not None
    shown = people.page(client)
    assert "You withdrew your consent, so this check has ended." in shown
    assert shown.count("<dt>Blocked</dt>") == 2
    assert shown.count("<dt>An answer is due by</dt>") == 2
    assert shown.count('value="withdraw"') == 1
    # Twice is once; too early is said.
    assert client.post(NOW, {"act": "erase", "case": verified.id}).headers["Location"] == NOW
    opened = begin(lender("Third Credit", number=8), "C-1")
    answer = client.post(NOW, {"act": "erase", "case": opened.id})
    assert "It was done already" in people.page(client, answer.headers["Location"])
