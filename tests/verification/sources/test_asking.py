"""A question leaves in the body of one POST; only a readable answer to this very question comes
back.
"""

import errno
import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.verification.core.answer_samples import IIN, PERSON, REQUEST_ID, spelled
from tests.verification.outbound.insecure_servers import answer, insecure_server, whole
from verification.core.answers import parse_person
from verification.core.errors import Misconfigured, SourceUnavailable, TokenUnreadable
from verification.outbound import Limits
from verification.sources.asking import Service, check_address, exchange

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
