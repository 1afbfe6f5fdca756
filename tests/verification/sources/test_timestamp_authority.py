"""A time-stamp is asked for at the configured address, by POST, within limits."""

import socket

import pytest
from pytest_django import Settings

from tests.verification.outbound.insecure_servers import answer, insecure_server
from verification.core.errors import Misconfigured, SourceUnavailable
from verification.sources import timestamp_authority
from verification.sources.timestamp_authority import HttpTimestampAuthority, TimestampQuestion

TOKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntoken"
ADAPTER = "verification.sources.timestamp_authority.HttpTimestampAuthority"


def test_the_question_is_posted_as_it_is_and_the_answer_given_on() -> None:
    heard: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        while b"question" not in b"".join(heard):
            heard.append(connection.recv(65536))
        connection.sendall(TOKEN)

    with insecure_server(listen, reads_head=False) as url:
        question = TimestampQuestion(family="rsa", query=b"question")
        assert HttpTimestampAuthority({"rsa": url}).fetch(question).raw == b"token"
    request = b"".join(heard)
    assert request.startswith(b"POST / ")
    assert b"application/timestamp-query" in request


def test_the_operator_may_set_the_limits() -> None:
    with insecure_server(answer(TOKEN)) as url:
        with pytest.raises(SourceUnavailable, match="longer than 4 bytes"):
            HttpTimestampAuthority({"rsa": url}, max_bytes=4).fetch(
                TimestampQuestion(family="rsa", query=b"q")
            )
        with pytest.raises(Misconfigured):
            HttpTimestampAuthority({"rsa": url}).fetch(
                TimestampQuestion(family="gost512", query=b"q")
            )


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http://a:b@127.0.0.1/", ["http://127.0.0.1/"]]
)
def test_a_malformed_address_is_a_misconfiguration_at_once(url: str) -> None:
    with pytest.raises(Misconfigured):
        HttpTimestampAuthority({"rsa": url})


def test_the_authority_in_use_is_the_configured_one(settings: Settings) -> None:
    question = TimestampQuestion(family="rsa", query=b"q")
    with insecure_server(answer(TOKEN)) as url:
        entry = {"adapter": ADAPTER, "options": {"urls": {"rsa": url}}}
        settings.TULGA_SOURCES = {"test": {"timestamp_authority": entry}}
        assert timestamp_authority.fetch("test", question).parsed == b"token"
        settings.TULGA_SOURCES = {
            "test": {"timestamp_authority": {"adapter": "builtins.dict", "options": {}}}
        }
        with pytest.raises(Misconfigured, match="does not say that it asks timestamp_authority"):
            timestamp_authority.fetch("test", question)
