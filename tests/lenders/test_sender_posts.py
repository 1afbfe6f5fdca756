"""One POST: what counts as an answer, and what the other side cannot make us do."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from socket import getaddrinfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from lenders import policy, sender
from lenders.deliveries import Outcome
from tests.lenders.insecure_receiver import Receiver, listening
from tests.verification.outbound.insecure_names import answering
from verification import clock
from verification.outbound.addresses import LookUp


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    with listening(Receiver()) as receiver:
        settings.TULGA_WEBHOOK_TEST_HOSTS = [receiver.authority]
        yield receiver


def send(receiver: Receiver, *, body: bytes = b"{}") -> Outcome:
    return posted(receiver.url, body=body)


def posted(
    url: str, *, body: bytes = b"{}", mode: str = "test", look_up: LookUp = getaddrinfo
) -> Outcome:
    return asyncio.run(
        sender.post(url, mode=mode, headers={"webhook-id": "evt_1"}, body=body, look_up=look_up)
    )


def test_the_body_and_headers_arrive_as_they_were_given(receiver: Receiver) -> None:
    send(receiver, body=b'{"a":1}')
    [received] = receiver.received
    assert (received.path, received.body) == ("/hook", b'{"a":1}')
    assert received.headers["webhook-id"] == "evt_1"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == receiver.authority


@pytest.mark.parametrize(
    ("status", "success"),
    [
        (200, True),
        (204, True),
        (299, True),
        (301, False),
        (307, False),
        (400, False),
        (404, False),
        (500, False),
    ],
)
def test_only_2xx_is_success(receiver: Receiver, status: int, success: bool) -> None:
    receiver.status = status
    outcome = send(receiver)
    assert (outcome.status, outcome.is_success) == (status, success)


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 302, {"Location": f"http://{receiver.authority}/elsewhere"}
    assert send(receiver).status == 302
    assert [received.path for received in receiver.received] == ["/hook"]


@pytest.mark.parametrize("step", ["hang", "drip"])
def test_who_hangs_or_drips_is_left_at_the_deadline(
    receiver: Receiver, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "POST_SECONDS", 0.4)
    receiver.script = [step]
    started = time.monotonic()
    assert send(receiver).failure == "timeout"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("step", "failure"), [("break off", "connection_failed"), ("nonsense", "answer_malformed")]
)
def test_a_broken_answer_is_a_failure(receiver: Receiver, step: str, failure: str) -> None:
    receiver.script = [step]
    outcome = send(receiver)
    assert outcome.status is None
    assert outcome.failure in (failure, "answer_malformed")


def test_of_a_long_answer_the_beginning_is_kept(receiver: Receiver) -> None:
    receiver.status, receiver.answer = 500, b"x" * 5_000_000
    assert send(receiver).excerpt == "x" * policy.EXCERPT_BYTES


def test_an_excerpt_holds_no_control_characters_and_no_long_numbers(receiver: Receiver) -> None:
    receiver.answer, receiver.status = b"no \x1b[31mred\x00 990101100010 \xff end", 400
    assert send(receiver).excerpt == "no [31mred [number] � end"


def test_what_turns_a_line_around_is_shown_by_its_number(receiver: Receiver) -> None:
    receiver.answer, receiver.status = "pay \u202eecrof\u202c \u2066now\u2069\ufeff".encode(), 400
    assert send(receiver).excerpt == r"pay \u202eecrof\u202c \u2066now\u2069\ufeff"
    receiver.answer = "\u202e".encode() * 1000
    assert len(send(receiver).excerpt.encode()) <= policy.EXCERPT_BYTES


def test_nobody_listening_is_a_failure(settings: Settings) -> None:
    with listening(Receiver()) as gone:
        pass
    settings.TULGA_WEBHOOK_TEST_HOSTS = [gone.authority]
    assert send(gone).failure == "connection_failed"


def _certificate(folder: Path, *, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / f"{name}.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return pem


@pytest.mark.parametrize(
    ("name", "failure"), [("hooks.lender.example", ""), ("other.example", "tls_failed")]
)
def test_tls_is_checked_against_the_name_while_the_connection_goes_to_the_address(
    name: str, failure: str, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = _certificate(tmp_path, name=name)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with listening(Receiver(), certificate=certificate) as receiver:
        port = receiver.authority.partition(":")[2]
        authority = f"hooks.lender.example:{port}"
        settings.TULGA_WEBHOOK_TEST_HOSTS = [authority]
        outcome = posted(f"https://{authority}/hook", look_up=answering("127.0.0.1"))
    assert outcome.failure == failure
    assert [received.headers["host"] for received in receiver.received] == (
        [] if failure else [authority]
    )


def test_an_untrusted_certificate_is_refused(tmp_path: Path, settings: Settings) -> None:
    certificate = _certificate(tmp_path, name="hooks.lender.example")
    with listening(Receiver(), certificate=certificate) as receiver:
        authority = f"hooks.lender.example:{receiver.authority.partition(':')[2]}"
        settings.TULGA_WEBHOOK_TEST_HOSTS = [authority]
        outcome = posted(f"https://{authority}/hook", look_up=answering("127.0.0.1"))
    assert outcome.failure == "tls_failed"
    assert receiver.received == []


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        (lambda: "120", 120, 120),
        (lambda: format_datetime(clock.now() + timedelta(seconds=90), usegmt=True), 85, 91),
        (lambda: format_datetime(clock.now() - timedelta(days=1), usegmt=True), 0, 0),
        (lambda: "soon", 0, 0),
    ],
    ids=["seconds", "a date", "a date gone by", "no time"],
)
def test_a_time_to_be_left_alone_is_read_as_a_number_or_as_a_date(
    receiver: Receiver, said: Callable[[], str], least: float, most: float
) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": said()}
    assert least <= send(receiver).retry_after <= most
