"""A register is asked by one POST; only a readable answer to this very question comes back."""

import errno
import json
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_django import Settings

from config.settings import TULGA_SOURCES
from config.sources import at_sandbox
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
from tests.verification.outbound.insecure_servers import answer, insecure_server, whole
from verification.core.answers import Basis, SmsAnswer, parse_person
from verification.core.errors import (
    BadInput,
    ConsentMissing,
    Misconfigured,
    SourceUnavailable,
    TokenUnreadable,
)
from verification.core.ids import Iin, Phone
from verification.outbound import Limits
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
from verification.sources.asking import (
    Fetched,
    HttpAdapter,
    Service,
    Source,
    check_address,
    exchange,
)
from verification.sources.consent import ConsentReading, ConsentRequest, HttpConsentSource
from verification.sources.credit_bureau import CreditsQuestion, HttpCreditBureau
from verification.sources.installed import adapters, resolve, written
from verification.sources.person_registry import HttpPersonRegistry, PersonQuestion
from verification.sources.phone_registry import HttpPhoneRegistry, OwnershipQuestion
from verification.sources.photo_registry import HttpPhotoRegistry, PhotoQuestion
from verification.sources.sms import HttpSmsGateway, Message
from verification.sources.sms_mobizon import MobizonGateway
from verification.sources.sms_smsc import SmscGateway
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


# A question leaves in the body of one POST; only a readable answer to this very question comes
# back.


QUESTION = {"request_id": REQUEST_ID, "iin": IIN, "consent_id": "kdp_0123456789"}

TOKEN = "secret-token-of-the-operator"


def service(
    url: str, *, token_file: str | Path = "", seconds: float = 5.0, max_bytes: int = 10_000
) -> Service:
    return Service.configured(
        "person", url=url, token_file=token_file, seconds=seconds, max_bytes=max_bytes
    )


def ask(asked: Service, question: dict[str, Any] = QUESTION) -> bytes:
    return asked.ask(question, read=parse_person).raw


@contextmanager
def recording(reply: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that answers always the same, and all that it was sent, one entry a connection."""
    received: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        connection.settimeout(0.2)
        request = b""
        try:
            while part := connection.recv(65536):
                request += part
        except TimeoutError:
            pass
        received.append(request)
        connection.sendall(reply)

    with insecure_server(behave, reads_head=False) as url:
        yield url, received


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_text(f"{TOKEN}\n")
    return path


def test_the_question_is_the_body_of_one_post_and_nothing_of_it_is_in_the_address(
    token_file: Path,
) -> None:
    with recording(whole(spelled(PERSON))) as (url, received):
        assert ask(service(f"{url}/person", token_file=token_file)) == spelled(PERSON)
    head, _, body = received[0].partition(b"\r\n\r\n")
    assert len(received) == 1
    assert head.startswith(b"POST /person HTTP/1.1\r\n")
    assert f"Authorization: Bearer {TOKEN}".encode() in head
    assert b"Content-Type: application/json" in head
    assert IIN.encode() not in head
    assert json.loads(body) == QUESTION


def test_without_a_token_file_no_credential_is_sent() -> None:
    with recording(whole(spelled(PERSON))) as (url, received):
        ask(service(url))
    assert b"authorization" not in received[0].lower()


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (whole(b""), "empty"),
        (whole(b"<!doctype html>"), "cannot be read"),
        (whole(b"[]"), "cannot be read"),
        (whole(spelled(PERSON | {"name": ""})), "cannot be read at /name"),
        (whole(spelled(PERSON) + b" " * 10_000), "longer than 10000 bytes"),
        (whole(spelled(PERSON))[:-1], "ProtocolError"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}", "status 500"),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", "status 201"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n{}", "status 404"),
        (b"HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{}", "status 409"),
        (
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
            "status 302",
        ),
        (b"", "ProtocolError"),
    ],
)
def test_anything_but_a_readable_answer_to_this_question_is_a_fault(
    reply: bytes, reason: str, token_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        recording(reply) as (url, received),
        pytest.raises(SourceUnavailable, match=reason) as caught,
    ):
        ask(service(url, token_file=token_file))
    assert caught.value.source == "person"
    assert len(received) == 1  # and it is not asked a second time by itself
    told = f"{caught.value}{caught.value.__cause__}{caplog.text}"
    for secret in (IIN, "990101100020", TOKEN, "АЙГҮЛ", "ӘБДІҒАЛИЕВА"):
        assert secret not in told


def test_a_silent_and_a_slow_service_are_faults_within_the_time() -> None:
    def silent(connection: socket.socket) -> None:
        time.sleep(3)

    def slow(connection: socket.socket) -> None:
        for byte in whole(spelled(PERSON)):
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    for behave in (silent, slow):
        with (
            insecure_server(behave) as url,
            pytest.raises(SourceUnavailable, match=r"within 0\.5 s"),
        ):
            ask(service(url, seconds=0.5))


def test_a_service_that_reads_nothing_is_a_fault_within_the_time() -> None:
    def deaf(connection: socket.socket) -> None:
        time.sleep(3)

    question = QUESTION | {"text": "x" * 20_000_000}  # more than the buffers of both sockets hold
    with (
        insecure_server(deaf, reads_head=False) as url,
        pytest.raises(SourceUnavailable, match=r"within 0\.5 s"),
    ):
        ask(service(url, seconds=0.5), question)


@pytest.mark.parametrize(
    "url", ["https://register.example/person", "http://127.0.0.1:1/", "http://[::1]:1/"]
)
def test_an_address_with_tls_or_on_this_machine_is_accepted(url: str) -> None:
    assert service(url).url == url


@pytest.mark.parametrize(
    "url", ["http://register.example/person", "http://10.0.0.1/", "ftp://127.0.0.1/", ""]
)
def test_an_address_that_would_tell_others_is_a_misconfiguration(url: str) -> None:
    with pytest.raises(Misconfigured):
        service(url)


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan")])
def test_no_time_is_a_misconfiguration(seconds: float) -> None:
    with pytest.raises(Misconfigured):
        service("http://127.0.0.1:1/", seconds=seconds)


@pytest.mark.parametrize(
    "content", ["", "short", "two words here", "two\nlines-of-it", "кириллица-токен"]
)
def test_a_malformed_token_is_a_misconfiguration_that_does_not_repeat_it(
    token_file: Path, content: str
) -> None:
    token_file.write_text(content)
    with pytest.raises(Misconfigured) as caught:
        service("http://127.0.0.1:1/", token_file=token_file)
    assert not content or content not in str(caught.value)


def test_a_token_that_others_may_read_or_that_is_unreadable_is_a_misconfiguration(
    token_file: Path,
) -> None:
    token_file.chmod(0o640)
    with pytest.raises(Misconfigured, match="chmod 600"):
        service("http://127.0.0.1:1/", token_file=token_file)
    with pytest.raises(Misconfigured, match="cannot be read"):
        service("http://127.0.0.1:1/", token_file=token_file.with_name("missing"))


def test_a_token_of_another_user_is_told_apart(
    token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(path: Path, *args: object, **options: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", forbid)
    with pytest.raises(TokenUnreadable, match="is another user's"):
        service("http://127.0.0.1:1/", token_file=token_file)


def test_printing_a_service_shows_no_token(token_file: Path) -> None:
    assert TOKEN not in repr(service("http://127.0.0.1:1/", token_file=token_file))


LIMITS = Limits(seconds=5.0, max_bytes=1000)


def test_bytes_are_fetched_and_posted_as_they_are() -> None:
    with recording(whole(b"\0list")) as (url, received):
        assert exchange(f"{url}/a?b", source="crl", limits=LIMITS) == b"\0list"
        headers = {"Content-Type": "application/x"}
        assert (
            exchange(url, source="ocsp", limits=LIMITS, content=b"\0?", headers=headers)
            == b"\0list"
        )
    got, posted = received
    assert got.startswith(b"GET /a?b HTTP/1.1\r\n")
    assert posted.startswith(b"POST / HTTP/1.1\r\n")
    assert b"content-type: application/x\r\n" in posted.lower()
    assert posted.endswith(b"\r\n\r\n\0?")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"HTTP/1.1 500 No\r\n\r\n", "crl: status 500"),
        (b"", "crl: RemoteProtocolError"),
        (whole(b""), "crl: the answer is empty"),
        (whole(b"x" * 1001), "crl: the answer is longer than 1000 bytes"),
    ],
)
def test_what_cannot_be_fetched_is_a_fault_of_the_source_that_tells_neither_path_nor_query(
    raw: bytes, reason: str
) -> None:
    with (
        insecure_server(answer(raw)) as url,
        pytest.raises(SourceUnavailable, match=reason) as caught,
    ):
        exchange(f"{url}/hidden-path?key=hidden-key", source="crl", limits=LIMITS)
    assert (caught.value.source, caught.value.code) == ("crl", "source_unavailable")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://sources.example/list.crl", "https://sources.example:8443/list.crl?a=b"]
)
def test_an_http_address_is_accepted(url: str) -> None:
    assert check_address(url).hostname == "sources.example"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://sources.example/list.crl",
        "file:///etc/passwd",
        "sources.example/list.crl",
        "http://",
        "http://user:word@sources.example/",
        "http://sources.example:99999/",
        "http://[::1/",
        "http://two words.example/",
        "http://sources.example/\r\nX: y",
        "",
    ],
)
def test_any_other_address_is_a_misconfiguration(url: str) -> None:
    with pytest.raises(Misconfigured):
        check_address(url)


# Which adapter is asked is the operator's word alone; a missing word refuses.
HERE = __name__


@dataclass
class Adapter:
    word: str
    source: str = "clock"


@dataclass
class InsecureAdapter:
    word: str
    source: str = "clock"


def entry(name: str = "Adapter", **options: str) -> dict[str, object]:
    return {"adapter": f"{HERE}.{name}", "options": options}


def test_the_adapter_of_the_mode_is_built_with_its_options(settings: Settings) -> None:
    settings.TULGA_SOURCES = {
        "test": {"clock": entry(word="test")},
        "live": {"clock": entry(word="live")},
    }
    assert resolve("test", "clock") == Adapter("test")
    assert resolve("live", "clock") == Adapter("live")


@pytest.mark.parametrize(
    "sources",
    [
        None,
        {},
        {"test": None},
        {"test": {}},
        {"live": {"clock": entry(word="x")}},
        {"test": {"other": entry(word="x")}},
        {"test": {"clock": {}}},
        {"test": {"clock": entry(word="x"), "other": "x"}},
        {"test": {"clock": {"options": {"word": "x"}}}},
        {"test": {"clock": {"adapter": f"{HERE}.Adapter", "options": ["x"]}}},
        {"test": {"clock": entry("Missing", word="x")}},
        {"test": {"clock": {"adapter": "no.such.module", "options": {}}}},
        {"test": {"clock": entry(wrong="x")}},
        {"test": {"clock": entry()}},
        {"test": {"clock": entry(word="x", source="other")}},
    ],
)
def test_anything_missing_or_wrong_is_a_misconfiguration(
    settings: Settings, sources: object
) -> None:
    settings.TULGA_SOURCES = sources
    with pytest.raises(Misconfigured):
        resolve("test", "clock")


def test_an_unset_setting_is_a_misconfiguration(settings: Settings) -> None:
    settings.TULGA_SOURCES = {}
    del settings.TULGA_SOURCES
    with pytest.raises(Misconfigured):
        resolve("test", "clock")


def test_an_insecure_adapter_works_in_test_and_never_in_live(settings: Settings) -> None:
    insecure = {"clock": entry("InsecureAdapter", word="x")}
    settings.TULGA_SOURCES = {"test": insecure, "live": insecure}
    assert resolve("test", "clock") == InsecureAdapter("x")
    with pytest.raises(Misconfigured, match="insecure"):
        resolve("live", "clock")


def test_deployment_checks_can_read_what_is_configured(settings: Settings) -> None:
    settings.TULGA_SOURCES = {
        "test": {"clock": entry(word="x"), "trust_anchors": {"directory": "d"}},
        "live": {},
    }
    assert adapters("test") == {"clock": f"{HERE}.Adapter"}
    assert adapters("live") == {}
    assert written("test")["trust_anchors"] == {"directory": "d"}
    assert "clock" in written("test")
    assert "clock" not in written("live")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("smcs", "no adapter 'smcs' of sms can be found"),
        ("HTTP", "no adapter 'HTTP' of sms can be found"),
        ("mobizon.", "no adapter 'mobizon.' of sms can be found"),
        ("../smsc", "no adapter '../smsc' of sms can be found"),
        (f"{HERE}.Missing", "http, mobizon, smsc"),
        ("verification.sources.person_registry.ADAPTER", "does not say that it asks sms"),
        ("builtins.dict", "does not say that it asks sms"),
    ],
)
def test_a_wrong_name_is_refused_with_what_may_be_named(
    settings: Settings, name: str, says: str
) -> None:
    options = {"url": "https://sms.example"} if "person" in name else {}
    settings.TULGA_SOURCES = {"live": {"sms": {"adapter": name, "options": options}}}
    with pytest.raises(Misconfigured, match=re.escape(says)) as caught:
        resolve("live", "sms")
    assert caught.value.code == "adapter_unknown"


def test_ours_are_named_by_a_short_name(settings: Settings, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch(mode=0o600)
    key.write_text("an-api-key-of-the-operator")
    for name, kind in (("smsc", SmscGateway), ("mobizon", MobizonGateway)):
        live = {"sms": {"adapter": name, "options": {"token_file": str(key)}}}
        settings.TULGA_SOURCES = {"live": live}
        assert isinstance(resolve("live", "sms"), kind)
    settings.TULGA_SOURCES = {
        "live": {"sms": {"adapter": "http", "options": {"url": "https://sms.example"}}}
    }
    assert isinstance(resolve("live", "sms"), HttpAdapter)


@pytest.mark.parametrize("name", at_sandbox("http://127.0.0.1:9"))
def test_every_source_of_the_test_set_has_its_adapter(settings: Settings, name: str) -> None:
    settings.TULGA_SOURCES = {"test": at_sandbox("http://127.0.0.1:9")}
    assert resolve("test", name).source == name
