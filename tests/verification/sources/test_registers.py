"""Each adapter asks its own question, needs what the law wants, and is the one the operator
configured. What it answers is kept so that it can be read again.
"""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from types import ModuleType
from typing import Any

import pytest
from pytest_django import Settings

from config.settings import TULGA_SOURCES
from tests.verification.core.answer_samples import (
    ACCOUNT,
    ACCOUNT_OWNER,
    CONSENT,
    CONSENT_ID,
    CREDITS,
    IIN,
    LENDER_BIN,
    OWNERSHIP,
    PERSON,
    PHONE,
    PHOTO,
    REFERENCE,
    REQUEST_ID,
    SMS,
    STOP_CREDIT,
    spelled,
)
from tests.verification.outbound.insecure_servers import insecure_server
from verification.core.answers import Basis, SmsAnswer
from verification.core.errors import BadInput, ConsentMissing, Misconfigured, SourceUnavailable
from verification.core.ids import Iin, Phone
from verification.sources import (
    account_owner,
    consent,
    credit_bureau,
    person_registry,
    phone_registry,
    photo_registry,
    sms,
    stop_credit,
)
from verification.sources.account_owner import AccountQuestion, HttpAccountOwner
from verification.sources.asking import Fetched, Source
from verification.sources.consent import ConsentReading, ConsentRequest, HttpConsentSource
from verification.sources.credit_bureau import CreditsQuestion, HttpCreditBureau
from verification.sources.installed import resolve
from verification.sources.person_registry import HttpPersonRegistry, PersonQuestion
from verification.sources.phone_registry import HttpPhoneRegistry, OwnershipQuestion
from verification.sources.photo_registry import HttpPhotoRegistry, PhotoQuestion
from verification.sources.sms import HttpSmsGateway, Message
from verification.sources.stop_credit import HttpStopCredit, RefusalQuestion

WANTED = ConsentRequest(
    request_id=REQUEST_ID,
    reference=REFERENCE,
    iin=Iin(IIN),
    phone=Phone(PHONE),
    lender_bin=LENDER_BIN,
    lender_name="Тест Кредит",
    purpose="online microcredit",
    services=("person", "photo"),
    text_version="2026-11",
    language="kk",
    text_sha256="ab" * 32,
    valid_seconds=3600,
)
BASIS = Basis(
    version="2026-11", language="kk", text_sha256="ab" * 32, at="2026-11-24T10:00:00+00:00"
)
UNDER = {
    "lender_bin": LENDER_BIN,
    "consent": {
        "version": "2026-11",
        "language": "kk",
        "text_sha256": "ab" * 32,
        "at": "2026-11-24T10:00:00+00:00",
    },
}
Ask = Callable[[str], Fetched[Any]]
ABOUT = {"request_id": REQUEST_ID, "iin": IIN}


LOOK_UP: dict[str, Any] = {"request_id": REQUEST_ID, "iin": Iin(IIN)}
PAID: dict[str, Any] = {**LOOK_UP, "lender_bin": LENDER_BIN, "basis": BASIS}


def ask_person(url: str, consent_id: str = CONSENT_ID) -> Fetched[Any]:
    question = PersonQuestion(consent_id=consent_id, **LOOK_UP)
    return person_registry.REGISTRY.ask(HttpPersonRegistry(url), question)


def ask_photo(url: str, consent_id: str = CONSENT_ID) -> Fetched[Any]:
    question = PhotoQuestion(consent_id=consent_id, **LOOK_UP)
    return photo_registry.REGISTRY.ask(HttpPhotoRegistry(url), question)


def ask_phone(url: str, consent_id: str = CONSENT_ID) -> Fetched[Any]:
    question = OwnershipQuestion(phone=Phone(PHONE), consent_id=consent_id, **LOOK_UP)
    return phone_registry.REGISTRY.ask(HttpPhoneRegistry(url), question)


def read_consent(url: str, consent_id: str = CONSENT_ID) -> Fetched[Any]:
    question = ConsentReading(consent_id=consent_id, **LOOK_UP)
    return consent.ask(HttpConsentSource(url), question)


def ask_consent(url: str) -> Fetched[Any]:
    return consent.ask(HttpConsentSource(url), WANTED)


def test_a_service_that_must_be_given_a_phone_gets_the_lenders_and_no_other_does() -> None:
    for names_phone, phone in ((True, PHONE), (False, None)):
        source = HttpConsentSource("http://127.0.0.1:1", names_phone=names_phone)
        assert source.names_phone is names_phone
        with answering(CONSENT) as (url, questions):
            HttpConsentSource(url, names_phone=names_phone).fetch(WANTED)
        assert [question.get("phone") for _, question in questions] == [phone]


def send_sms(url: str) -> Fetched[Any]:
    message = Message(request_id=REQUEST_ID, phone=Phone(PHONE), text="Code 123456.")
    return sms.GATEWAY.ask(HttpSmsGateway(url), message)


def ask_refusal(url: str) -> Fetched[Any]:
    return stop_credit.BUREAU.ask(HttpStopCredit(url), RefusalQuestion(**PAID))


def ask_account(url: str) -> Fetched[Any]:
    return account_owner.BANK.ask(HttpAccountOwner(url), AccountQuestion(account=ACCOUNT, **PAID))


def ask_credits(url: str) -> Fetched[Any]:
    question = CreditsQuestion(days=(date(2026, 11, 24),), **PAID)
    fetched = credit_bureau.BUREAU.ask(HttpCreditBureau(url), question)
    credit_bureau.most_lent(question, fetched)
    return fetched


@contextmanager
def answering(fields: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """A server that gives this answer, and the path and body of every question it got."""
    questions: list[tuple[str, dict[str, Any]]] = []
    body = spelled(fields)

    def behave(connection: socket.socket) -> None:
        connection.settimeout(5)
        with suppress(OSError):
            head, _, content = _read(connection)
            questions.append((head.split()[1].decode(), json.loads(content)))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with insecure_server(behave, reads_head=False) as url:
        yield url, questions


def _read(connection: socket.socket) -> tuple[bytes, bytes, bytes]:
    raw = b""
    while b"\r\n\r\n" not in raw or not raw.endswith(b"}"):
        raw += connection.recv(65536)
    return raw.partition(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("ask", "sample", "path", "question"),
    [
        (ask_person, PERSON, "/", ABOUT | {"consent_id": CONSENT_ID}),
        (ask_photo, PHOTO, "/", ABOUT | {"consent_id": CONSENT_ID}),
        (ask_phone, OWNERSHIP, "/", ABOUT | {"consent_id": CONSENT_ID, "phone": PHONE}),
        (read_consent, CONSENT, "/read", ABOUT | {"consent_id": CONSENT_ID}),
        (ask_refusal, STOP_CREDIT, "/", ABOUT | UNDER),
        (ask_account, ACCOUNT_OWNER, "/", ABOUT | UNDER | {"account": ACCOUNT}),
        (ask_credits, CREDITS, "/", ABOUT | UNDER | {"days": ["2026-11-24"]}),
        (send_sms, SMS, "/", {"request_id": REQUEST_ID, "phone": PHONE, "text": "Code 123456."}),
        (
            ask_consent,
            CONSENT,
            "/request",
            ABOUT
            | {
                "reference": REFERENCE,
                "lender_bin": LENDER_BIN,
                "lender_name": "Тест Кредит",
                "purpose": "online microcredit",
                "services": ["person", "photo"],
                "text_version": "2026-11",
                "language": "kk",
                "text_sha256": "ab" * 32,
                "valid_seconds": 3600,
            },
        ),
    ],
)
def test_the_question_is_asked_and_the_answer_given_as_it_came(
    ask: Ask, sample: dict[str, Any], path: str, question: dict[str, Any]
) -> None:
    with answering(sample) as (url, questions):
        assert ask(url).raw == spelled(sample)
        assert ask(url).raw == spelled(sample)
    assert questions == [(path, question)] * 2  # nothing is remembered: every question is asked


@pytest.mark.parametrize("ask", [ask_person, ask_photo, ask_phone, read_consent])
@pytest.mark.parametrize("consent_id", ["", " ", "short", "kdp 0123456789", "x" * 129, None])
def test_no_person_is_looked_up_without_a_consent(
    ask: Callable[[str, Any], Fetched[Any]], consent_id: object
) -> None:
    with answering(PERSON) as (url, questions), pytest.raises(ConsentMissing):
        ask(url, consent_id)
    assert questions == []


@pytest.mark.parametrize(
    ("ask", "sample", "changes"),
    [
        (ask_person, PERSON, {"iin": "990101100020"}),
        (ask_photo, PHOTO, {"iin": "990101100020"}),
        (ask_photo, PHOTO, {"source": "BORROWER"}),
        (ask_phone, OWNERSHIP, {"iin": "990101100020"}),
        (ask_phone, OWNERSHIP, {"phone": "+77010000020"}),
        (ask_consent, CONSENT, {"iin": "990101100020"}),
        (ask_consent, CONSENT, {"reference": "ver_bbbbbbbbbbbbbbbbbbbbbbbbbb"}),
        (ask_consent, CONSENT, {"lender_bin": "120340000014"}),
        (read_consent, CONSENT, {"consent_id": "kdp_another_one"}),
        (send_sms, SMS, {"request_id": "ver_test.code.2"}),
        (ask_refusal, STOP_CREDIT, {"request_id": "clr_test.another"}),
        (ask_refusal, STOP_CREDIT, {"iin": "990101100020"}),
        (ask_refusal, STOP_CREDIT, {"status": "consent_refused"}),
        (ask_account, ACCOUNT_OWNER, {"iin": "990101100020"}),
        (ask_account, ACCOUNT_OWNER, {"account": "KZ75125KZT1001300335"}),
        (ask_account, ACCOUNT_OWNER, {"status": "consent_refused"}),
        (ask_credits, CREDITS, {"iin": "990101100020"}),
        (ask_credits, CREDITS, {"credits": {"2026-11-23": "0"}}),
        (ask_credits, CREDITS, {"credits": {"2026-11-23": "0", "2026-11-24": "0"}}),
        (ask_credits, CREDITS, {"credits": {"2026-11-24": "1.5"}}),
        (ask_credits, {**ABOUT, "status": "consent_refused"}, {}),
    ],
)
def test_an_answer_about_something_else_is_a_fault(
    ask: Ask, sample: dict[str, Any], changes: dict[str, Any]
) -> None:
    with answering(sample | changes) as (url, _), pytest.raises(SourceUnavailable):
        ask(url)


@pytest.mark.parametrize("text", ["", "see zaim.kz", "x" * 202, "two\nlines"])
def test_a_text_that_may_not_be_sent_is_no_message(text: str) -> None:
    with pytest.raises(BadInput):
        Message(request_id=REQUEST_ID, phone=Phone(PHONE), text=text)


@pytest.mark.parametrize("request_id", ["", "short", "has a blank", "x" * 129, IIN + "\n"])
def test_a_question_without_an_id_is_not_asked(request_id: str) -> None:
    question = PersonQuestion(request_id=request_id, iin=Iin(IIN), consent_id=CONSENT_ID)
    with answering(PERSON) as (url, questions), pytest.raises(BadInput):
        person_registry.REGISTRY.ask(HttpPersonRegistry(url), question)
    assert questions == []


SPELLED: list[tuple[Source[Any, Any], dict[str, Any]]] = [
    (person_registry.REGISTRY, PERSON),
    (person_registry.REGISTRY, ABOUT | {"status": "not_found"}),
    (photo_registry.REGISTRY, PHOTO),
    (photo_registry.REGISTRY, ABOUT | {"status": "no_photo"}),
    (phone_registry.REGISTRY, OWNERSHIP),
    (phone_registry.REGISTRY, OWNERSHIP | {"owned_since": None}),
    (phone_registry.REGISTRY, ABOUT | {"phone": PHONE, "status": "not_found"}),
    (consent.SERVICE, CONSENT),
    (consent.SERVICE, ABOUT | {"status": "error"}),
    (sms.GATEWAY, SMS),
    (sms.GATEWAY, {"request_id": REQUEST_ID, "status": "refused"}),
    (stop_credit.BUREAU, STOP_CREDIT),
    (account_owner.BANK, ACCOUNT_OWNER),
    (credit_bureau.BUREAU, CREDITS),
    (credit_bureau.BUREAU, ABOUT | {"status": "consent_refused"}),
]


@pytest.mark.parametrize(("source", "sample"), SPELLED)
def test_what_came_in_another_spelling_is_kept_in_ours_and_as_it_came(
    source: Source[Any, Any], sample: dict[str, Any]
) -> None:
    answer = source.read(spelled(sample))
    kept = source.as_evidence("stage.answer.2", Fetched(raw=b"<xml/>", parsed=answer))
    assert set(kept) == {"stage.answer.2", "stage.answer_raw.2"}
    assert source.read(kept["stage.answer.2"]) == answer
    assert kept["stage.answer_raw.2"] == b"<xml/>"
    ours = Fetched(raw=spelled(sample), parsed=answer)
    assert source.as_evidence("stage.answer", ours) == {"stage.answer": spelled(sample)}


def test_a_value_that_our_spelling_cannot_say_is_a_fault() -> None:
    answer = SmsAnswer(request_id=REQUEST_ID, status="accepted", message_id="short")
    with pytest.raises(SourceUnavailable, match="not within our protocol"):
        sms.GATEWAY.as_evidence("code.sent", Fetched(raw=b"x", parsed=answer))


@pytest.mark.parametrize("fetched", [Fetched(raw=b"x", parsed="x"), Fetched(raw=b"", parsed=None)])
def test_an_adapter_that_gives_no_answer_of_its_source_is_a_fault(fetched: Fetched[Any]) -> None:
    class Wrong:
        source = "sms"

        def fetch(self, question: Message) -> Fetched[Any]:
            return fetched

    message = Message(request_id=REQUEST_ID, phone=Phone(PHONE), text="Code 123456.")
    with pytest.raises(SourceUnavailable, match="no answer of this source"):
        sms.GATEWAY.ask(Wrong(), message)


MODULES = [
    person_registry,
    photo_registry,
    phone_registry,
    consent,
    sms,
    stop_credit,
    account_owner,
    credit_bureau,
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.SOURCE)
def test_the_test_set_asks_the_sandbox_and_an_empty_live_set_is_a_misconfiguration(
    module: ModuleType, settings: Settings
) -> None:
    settings.TULGA_SOURCES = {"test": TULGA_SOURCES["test"], "live": {}}
    assert resolve("test", module.SOURCE).source == module.SOURCE
    with pytest.raises(Misconfigured):
        resolve("live", module.SOURCE)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.SOURCE)
def test_an_adapter_of_another_kind_is_a_misconfiguration(
    module: ModuleType, settings: Settings
) -> None:
    other = MODULES[MODULES.index(module) - 1]
    entry = TULGA_SOURCES["test"][other.SOURCE]
    path = f"verification.sources.{other.SOURCE}.ADAPTER"
    settings.TULGA_SOURCES = {"test": {module.SOURCE: entry | {"adapter": path}}}
    with pytest.raises(Misconfigured, match=f"does not say that it asks {module.SOURCE}") as caught:
        resolve("test", module.SOURCE)
    assert caught.value.code == "adapter_unknown"
