"""A time-stamp is asked for at the configured address, by POST, within limits."""

import socket

import pytest
from pytest_django import Settings

from tests.verification.outbound.insecure_servers import answer, insecure_server
from verification.core.errors import Misconfigured, SourceUnavailable
from verification.sources import timestamp_authority
from verification.sources.timestamp_authority import HttpTimestampAuthority

TOKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntoken"
ADAPTER = "verification.sources.timestamp_authority.HttpTimestampAuthority"


def test_the_question_is_posted_as_it_is_and_the_answer_given_on() -> None:
    heard: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        while b"question" not in b"".join(heard):
            heard.append(connection.recv(65536))
        connection.sendall(TOKEN)

    with insecure_server(listen, reads_head=False) as url:
        assert (
            HttpTimestampAuthority({"rsa": url}).timestamp("rsa", question=b"question") == b"token"
        )
    said = b"".join(heard)
    assert said.startswith(b"POST / ")
    assert b"application/timestamp-query" in said


def test_the_operator_may_set_the_limits() -> None:
    with insecure_server(answer(TOKEN)) as url:
        with pytest.raises(SourceUnavailable, match="longer than 4 bytes"):
            HttpTimestampAuthority({"rsa": url}, max_bytes=4).timestamp("rsa", question=b"q")
        with pytest.raises(Misconfigured):
            HttpTimestampAuthority({"rsa": url}).timestamp("gost512", question=b"q")


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http://a:b@127.0.0.1/", ["http://127.0.0.1/"]]
)
def test_an_address_that_is_none_is_a_misconfiguration_at_once(url: str) -> None:
    with pytest.raises(Misconfigured):
        HttpTimestampAuthority({"rsa": url})


def test_the_authority_in_use_is_the_configured_one(settings: Settings) -> None:
    with insecure_server(answer(TOKEN)) as url:
        entry = {"adapter": ADAPTER, "options": {"urls": {"rsa": url}}}
        settings.TULGA_SOURCES = {"test": {"timestamp_authority": entry}}
        assert timestamp_authority.in_use("test").timestamp("rsa", question=b"q") == b"token"
        settings.TULGA_SOURCES = {
            "test": {"timestamp_authority": {"adapter": "builtins.dict", "options": {}}}
        }
        with pytest.raises(Misconfigured, match="is no TimestampSource"):
            timestamp_authority.in_use("test")
