"""Where a webhook may never go: no spelling of a private address gets through, and nothing is
connected to.
"""

import asyncio
import socket
from typing import Any

import pytest
from pytest_django import Settings

from lenders import endpoints, sender
from lenders.deliveries import Outcome
from tests.verification.outbound.insecure_names import PRIVATE, PUBLIC, answering, refuse_connects
from verification.core.errors import BadInput
from verification.outbound.addresses import LookUp

# Spellings that some readers take for an address, and addresses that are something else than they
# seem.
REFUSED_URLS = [
    "https://xn--i-7iq.ws/hook",  # RFC 5891 has no such name
    "http://lender.example/",
    "ftp://lender.example/",
    "file:///etc/passwd",
    "https://",
    "https:///path",
    "https://localhost/",
    "https://metadata/",
    "https://2130706433/",  # 127.0.0.1 as one number
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.000.000.001/",
    "https://1.1.1.1.1/",
    "https://lender.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1/",
    "https://lender.example@127.0.0.1/",
    "https://user:secret@lender.example/",
    "https://lender.example#@127.0.0.1/",
    "https://127.0.0.1\\@lender.example/",
    "https://lender.example /",
    "https://lender.example/\r\nX-Injected: 1",
    "https://lender.example/%0d\n",
    "https://lender.example\t/",
    "https://１２７.０.０.１/",  # full-width digits
    "https://ⓛocalhost.example/",
    "https://lender.example:0/",
    "https://lender.example:22/",
    "https://lender.example:99999/",
    "https://lender.example:x/",
    "https://-lender.example/",
    "https://lender..example/",
    "https://.example/",
    "https://lender.example./",
    "https://lender_x.example/",
    "https://" + "a" * 64 + ".example/",
    "https://lender.example/990101100010",
    "https://lender.example/" + "a" * 2048,
    "",
]
ACCEPTED_URLS = [
    "https://lender.example/",
    "https://lender.example",
    "https://LENDER.example:8443/a/b?c=d%20e",
    "https://93.184.216.34/",
    "https://[2606:4700:4700::1111]/hook",
    "https://xn--80ak6aa92e.kz/",
]


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    return refuse_connects(monkeypatch)


def send(url: str, look_up: LookUp, *, mode: str = "test") -> Outcome:
    return asyncio.run(sender.post(url, mode=mode, headers={}, body=b"{}", look_up=look_up))


@pytest.mark.parametrize("literal", PRIVATE)
def test_a_name_that_leads_to_a_private_address_is_not_connected_to(
    literal: str, connects: list[Any]
) -> None:
    assert send("https://lender.example/", answering(literal)).failure == "webhook_url_refused"
    assert connects == []


@pytest.mark.parametrize("literal", PRIVATE)
def test_one_private_address_among_public_ones_refuses_all(
    literal: str, connects: list[Any]
) -> None:
    assert (
        send("https://lender.example/", answering("8.8.8.8", literal)).failure
        == "webhook_url_refused"
    )
    assert connects == []


@pytest.mark.parametrize("literal", PUBLIC)
def test_a_name_that_leads_to_a_public_address_is(literal: str, connects: list[Any]) -> None:
    assert send("https://lender.example/", answering(literal)).failure == "connection_failed"
    assert [address[:2] for address in connects] == [(literal, 443)]


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_misleading_address_is_not_even_looked_up(url: str, connects: list[Any]) -> None:
    def look_up(*_: Any, **__: Any) -> list[Any]:
        raise AssertionError("it was looked up")

    with pytest.raises(BadInput) as refused:
        endpoints.read_address(url, mode="live")
    assert refused.value.code == "webhook_url_refused"
    assert send(url, look_up).failure == "webhook_url_refused"
    assert connects == []


@pytest.mark.parametrize("url", ACCEPTED_URLS)
def test_a_plain_public_address_is_read(url: str) -> None:
    assert endpoints.read_address(url, mode="live").url.startswith("https://")


def test_an_address_is_kept_as_it_will_be_sent() -> None:
    assert (
        endpoints.read_address("https://lender.example:443/a/../b/./c?x=1", mode="live").url
        == "https://lender.example/b/c?x=1"
    )


def test_a_second_look_up_that_answers_otherwise_changes_nothing(connects: list[Any]) -> None:
    answers = iter((["8.8.8.8"], ["127.0.0.1"]))

    def rebinding(host: str, port: int, **_: Any) -> list[Any]:
        return answering(*next(answers))(host, port)

    send("https://lender.example/", rebinding)
    assert [address[:2] for address in connects] == [("8.8.8.8", 443)]


def test_a_name_without_an_address_is_a_fault_of_its_own() -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror

    assert send("https://lender.example/", unknown).failure == "name_unresolved"
    assert send("https://lender.example/", answering()).failure == "name_unresolved"


def test_a_listed_host_is_open_in_test_mode_only(settings: Settings, connects: list[Any]) -> None:
    settings.TULGA_WEBHOOK_TEST_HOSTS = ["127.0.0.1:9100"]
    assert send("http://127.0.0.1:9100/hook", answering("127.0.0.1")).failure == "connection_failed"
    assert connects == [("127.0.0.1", 9100)]
    assert (
        send("http://127.0.0.1:9100/hook", answering("127.0.0.1"), mode="live").failure
        == "webhook_url_refused"
    )
    assert (
        send("http://127.0.0.1:9101/hook", answering("127.0.0.1")).failure == "webhook_url_refused"
    )
    assert len(connects) == 1
