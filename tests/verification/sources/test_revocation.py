"""Lists are fetched from configured addresses as they are; a list that cannot be had is a fault."""

import socket
import time

import pytest
from pytest_django import Settings

from tests.verification.outbound.insecure_servers import answer, insecure_server
from verification.core.errors import Misconfigured, SourceUnavailable
from verification.sources import revocation
from verification.sources.revocation import (
    AUTHORITY_CRL,
    CRL,
    DELTA_CRL,
    OCSP,
    HttpRevocationSource,
    RevocationQuestion,
)

FIRST = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst"
SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"
FAULT = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


def asked(source: HttpRevocationSource, family: str, kind: str = CRL) -> tuple[bytes, ...]:
    question = RevocationQuestion(family=family, kind=kind, query=b"q")
    return tuple(fetched.parsed for fetched in source.fetch(question))


def silent(connection: socket.socket) -> None:
    time.sleep(5)


def test_every_list_of_the_family_is_given_in_the_order_configured() -> None:
    with insecure_server(answer(FIRST)) as first, insecure_server(answer(SECOND)) as second:
        source = HttpRevocationSource({"gost512": [second, first], "rsa": [first]})
        assert asked(source, "gost512") == (b"second", b"first")
        assert asked(source, "rsa") == (b"first",)


def test_one_list_of_two_missing_is_a_fault() -> None:
    with insecure_server(answer(FIRST)) as first, insecure_server(answer(FAULT)) as second:
        source = HttpRevocationSource({"gost512": [first, second]})
        with pytest.raises(SourceUnavailable, match="revocation: status 503"):
            asked(source, "gost512")


def test_a_page_instead_of_a_list_is_given_on_for_checks_to_judge() -> None:
    with insecure_server(answer(PAGE)) as url:
        assert asked(HttpRevocationSource({"rsa": [url]}), "rsa") == (b"<html></html>",)


def test_the_operator_may_set_the_limits() -> None:
    with insecure_server(answer(FIRST)) as url:
        assert asked(HttpRevocationSource({"rsa": [url]}, max_bytes=5), "rsa") == (b"first",)
        with pytest.raises(SourceUnavailable, match="longer than 4 bytes"):
            asked(HttpRevocationSource({"rsa": [url]}, max_bytes=4), "rsa")
    with insecure_server(silent) as url, pytest.raises(SourceUnavailable, match=r"within 0\.2 s"):
        asked(HttpRevocationSource({"rsa": [url]}, seconds=0.2), "rsa")


@pytest.mark.parametrize("crl_urls", [{}, {"rsa": ["http://127.0.0.1/"]}, {"gost512": []}])
def test_a_family_without_an_address_is_a_misconfiguration(crl_urls: dict[str, list[str]]) -> None:
    with pytest.raises(Misconfigured):
        asked(HttpRevocationSource(crl_urls), "gost512")


def test_the_source_in_use_is_the_configured_one(settings: Settings) -> None:
    adapter = "verification.sources.revocation.HttpRevocationSource"
    with insecure_server(answer(FIRST)) as url:
        settings.TULGA_SOURCES = {
            "test": {
                "revocation": {
                    "adapter": adapter,
                    "options": {"crl_urls": {"rsa": [url]}, "seconds": 5.0},
                }
            }
        }
        question = RevocationQuestion(family="rsa", kind=CRL)
        (fetched,) = revocation.fetch("test", question)
        assert fetched.parsed == fetched.raw == b"first"
        with pytest.raises(Misconfigured):
            revocation.fetch("live", question)


def test_changes_and_the_roots_lists_are_asked_where_they_are_configured() -> None:
    with insecure_server(answer(FIRST)) as first, insecure_server(answer(SECOND)) as second:
        source = HttpRevocationSource(
            {"rsa": [first]},
            delta_crl_urls={"rsa": [second]},
            authority_crl_urls={"rsa": [first, second]},
        )
        assert (asked(source, "rsa", DELTA_CRL), asked(source, "gost512", DELTA_CRL)) == (
            (b"second",),
            (),
        )
        assert (asked(source, "rsa", AUTHORITY_CRL), asked(source, "gost512", AUTHORITY_CRL)) == (
            (b"first", b"second"),
            (),
        )


def test_a_responder_that_fails_gives_way_to_the_next_and_the_last_failure_is_told() -> None:
    with insecure_server(answer(FAULT)) as failing, insecure_server(answer(FIRST)) as first:
        source = HttpRevocationSource({}, ocsp_urls={"rsa": [failing, first], "gost512": [failing]})
        assert asked(source, "rsa", OCSP) == (b"first",)
        with pytest.raises(SourceUnavailable, match="revocation: status 503"):
            asked(source, "gost512", OCSP)


def test_without_a_responder_there_is_no_answer() -> None:
    assert asked(HttpRevocationSource({}), "rsa", OCSP) == ()


def test_an_answer_of_a_responder_has_limits_of_its_own() -> None:
    with insecure_server(answer(FIRST)) as url:
        source = HttpRevocationSource({"rsa": [url]}, ocsp_urls={"rsa": [url]}, ocsp_max_bytes=4)
        assert asked(source, "rsa") == (b"first",)
        with pytest.raises(SourceUnavailable, match="longer than 4 bytes"):
            asked(source, "rsa", OCSP)


@pytest.mark.parametrize(
    "option", ["crl_urls", "delta_crl_urls", "authority_crl_urls", "ocsp_urls"]
)
@pytest.mark.parametrize(
    "urls", [["ftp://127.0.0.1/"], "http://127.0.0.1/", ["http://a:b@127.0.0.1/"]]
)
def test_a_malformed_address_of_any_kind_is_a_misconfiguration(option: str, urls: object) -> None:
    with pytest.raises(Misconfigured):
        HttpRevocationSource(**{"crl_urls": {}, option: {"rsa": urls}})  # type: ignore[arg-type]
