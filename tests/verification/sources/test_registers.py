"""Each adapter asks its own question, needs what the law wants, and is the one the operator
configured.
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
from verification.core.answers import Basis
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
from verification.sources.account_owner import HttpAccountOwner
from verification.sources.consent import ConsentRequest, HttpConsentSource
from verification.sources.credit_bureau import HttpCreditBureau
from verification.sources.person_registry import HttpPersonRegistry
from verification.sources.phone_registry import HttpPhoneRegistry
from verification.sources.photo_registry import HttpPhotoRegistry
from verification.sources.sms import HttpSmsGateway
from verification.sources.stop_credit import HttpStopCredit

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
Ask = Callable[[str], bytes]
ABOUT = {"request_id": REQUEST_ID, "iin": IIN}


def ask_person(url: str, consent_id: str = CONSENT_ID) -> bytes:
    return HttpPersonRegistry(url).person(Iin(IIN), consent_id=consent_id, request_id=REQUEST_ID)


def ask_photo(url: str, consent_id: str = CONSENT_ID) -> bytes:
    return HttpPhotoRegistry(url).photo(Iin(IIN), consent_id=consent_id, request_id=REQUEST_ID)


def ask_phone(url: str, consent_id: str = CONSENT_ID) -> bytes:
    registry = HttpPhoneRegistry(url)
    return registry.ownership(
        Phone(PHONE), iin=Iin(IIN), consent_id=consent_id, request_id=REQUEST_ID
    )


def read_consent(url: str, consent_id: str = CONSENT_ID) -> bytes:
    return HttpConsentSource(url).read(consent_id, iin=Iin(IIN), request_id=REQUEST_ID)


def ask_consent(url: str) -> bytes:
    return HttpConsentSource(url).request(WANTED)


def test_a_service_that_must_be_given_a_phone_gets_the_lenders_and_no_other_does() -> None:
    for names_phone, phone in ((True, PHONE), (False, None)):
        source = HttpConsentSource("http://127.0.0.1:1", names_phone=names_phone)
        assert source.names_phone is names_phone
        with answering(CONSENT) as (url, questions):
            HttpConsentSource(url, names_phone=names_phone).request(WANTED)
        assert [question.get("phone") for _, question in questions] == [phone]


def send_sms(url: str) -> bytes:
    return HttpSmsGateway(url).send(Phone(PHONE), "Code 123456.", request_id=REQUEST_ID)


def ask_refusal(url: str) -> bytes:
    return HttpStopCredit(url).refusal(
        Iin(IIN), lender_bin=LENDER_BIN, basis=BASIS, request_id=REQUEST_ID
    )


def ask_account(url: str) -> bytes:
    bank = HttpAccountOwner(url)
    return bank.owner(
        ACCOUNT, iin=Iin(IIN), lender_bin=LENDER_BIN, basis=BASIS, request_id=REQUEST_ID
    )


def ask_credits(url: str) -> bytes:
    bureau, day = HttpCreditBureau(url), date(2026, 11, 24)
    return bureau.credits(
        [day], iin=Iin(IIN), lender_bin=LENDER_BIN, basis=BASIS, request_id=REQUEST_ID
    )


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
        assert ask(url) == spelled(sample)
        assert ask(url) == spelled(sample)
    assert questions == [(path, question)] * 2  # nothing is remembered: every question is asked


@pytest.mark.parametrize("ask", [ask_person, ask_photo, ask_phone, read_consent])
@pytest.mark.parametrize("consent_id", ["", " ", "short", "kdp 0123456789", "x" * 129, None])
def test_nobody_is_looked_up_without_a_consent(
    ask: Callable[[str, Any], bytes], consent_id: object
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
def test_a_text_that_may_not_be_sent_is_not(text: str) -> None:
    with answering(SMS) as (url, questions), pytest.raises(BadInput):
        HttpSmsGateway(url).send(Phone(PHONE), text, request_id=REQUEST_ID)
    assert questions == []


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
def test_the_test_set_asks_the_sandbox_and_the_live_set_nobody(
    module: ModuleType, settings: Settings
) -> None:
    settings.TULGA_SOURCES = {"test": TULGA_SOURCES["test"], "live": {}}
    assert type(module.in_use("test")).__name__.startswith("Http")
    with pytest.raises(Misconfigured):
        module.in_use("live")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.SOURCE)
def test_an_adapter_of_another_kind_is_a_misconfiguration(
    module: ModuleType, settings: Settings
) -> None:
    other = MODULES[MODULES.index(module) - 1]
    settings.TULGA_SOURCES = {"test": {module.SOURCE: TULGA_SOURCES["test"][other.SOURCE]}}
    with pytest.raises(Misconfigured, match="is no "):
        module.in_use("test")
