"""Revocation lists, time-stamps and installed anchors come from configured places alone."""

import socket
import ssl
import time
from hashlib import sha256
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.verification.outbound.insecure_servers import answer, insecure_server
from verification.core.errors import Misconfigured, SourceUnavailable
from verification.sources import revocation, timestamp_authority
from verification.sources.installed import TrustSet, trust_anchors
from verification.sources.revocation import (
    AUTHORITY_CRL,
    CRL,
    DELTA_CRL,
    OCSP,
    HttpRevocationSource,
    RevocationQuestion,
)
from verification.sources.timestamp_authority import HttpTimestampAuthority, TimestampQuestion

# Lists are fetched from configured addresses as they are; a list that cannot be had is a fault.


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


# A time-stamp is asked for at the configured address, by POST, within limits.


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


def test_the_operator_may_set_the_limits_of_a_time_stamp() -> None:
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


# An installed certificate is trusted by its pin alone, and never in two modes.


ROOT, ISSUER, OTHER = b"\x30root", b"\x30issuer", b"\x30other"


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def pins(*, mode: str = "test", root: bytes = ROOT, issuer: bytes = ISSUER) -> str:
    return (
        f"# what is trusted\nmode {mode}\n\n{digest(root)}  anchor  the"
        f" root\n{digest(issuer).upper()} intermediate\n"
    )


def install(directory: Path, text: str, **files: bytes) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "pins.txt").write_text(text)
    for name, content in files.items():
        (directory / f"{name}.cer").write_bytes(content)
    return directory


@pytest.fixture
def directory(tmp_path: Path, settings: Settings) -> Path:
    """The directory configured for mode `test`: one root, one issuing certificate."""
    path = install(tmp_path / "test", pins(), root=ROOT, issuer=ISSUER)
    settings.TULGA_SOURCES = {"test": {"trust_anchors": {"directory": str(path)}}, "live": {}}
    return path


def test_pinned_files_are_given_by_role(directory: Path) -> None:
    assert trust_anchors("test") == TrustSet(anchors=(ROOT,), intermediates=(ISSUER,))


def test_a_time_stamp_authority_is_pinned_apart_and_ends_no_path(directory: Path) -> None:
    install(directory, pins() + f"{digest(OTHER)} tsa\n", other=OTHER)
    found = trust_anchors("test")
    assert (found.anchors, found.intermediates, found.timestamping) == (
        (ROOT,),
        (ISSUER,),
        (OTHER,),
    )


def test_a_pem_file_is_pinned_by_its_der(directory: Path) -> None:
    (directory / "root.cer").write_text(ssl.DER_cert_to_PEM_cert(ROOT))
    assert trust_anchors("test").anchors == (ROOT,)


def test_hidden_files_are_ignored(directory: Path) -> None:
    (directory / ".gitkeep").touch()
    assert trust_anchors("test").anchors == (ROOT,)


def test_a_changed_file_refuses_and_is_named(directory: Path) -> None:
    (directory / "root.cer").write_bytes(ROOT + b"\x00")
    with pytest.raises(Misconfigured, match=r"root\.cer"):
        trust_anchors("test")


def test_a_file_without_a_pin_refuses_and_is_named(directory: Path) -> None:
    (directory / "other.cer").write_bytes(OTHER)
    with pytest.raises(Misconfigured, match=r"other\.cer"):
        trust_anchors("test")


def test_a_pin_without_a_file_refuses(directory: Path) -> None:
    (directory / "issuer.cer").unlink()
    with pytest.raises(Misconfigured, match=digest(ISSUER).upper()[:8].lower()):
        trust_anchors("test")


@pytest.mark.parametrize("name", ["big.cer", "broken.cer", "a_directory"])
def test_what_is_no_certificate_refuses_and_is_named(directory: Path, name: str) -> None:
    if name == "a_directory":
        (directory / name).mkdir()
    else:
        content = b"\x30" * 65537 if name == "big.cer" else b"-----BEGIN CERTIFICATE-----\nAAAA"
        (directory / name).write_bytes(content)
    with pytest.raises(Misconfigured, match=name):
        trust_anchors("test")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mode test\n",
        pins().replace("mode test\n", ""),
        pins(mode="live"),
        pins() + "mode test\n",
        pins() + "mode live\n",
        pins().replace(" anchor ", " root "),
        pins().replace("anchor", "intermediate"),
        pins() + "anything else\n",
        pins() + digest(OTHER)[:-1] + " anchor\n",
    ],
)
def test_a_pin_list_that_is_not_exactly_right_refuses(directory: Path, text: str) -> None:
    (directory / "pins.txt").write_text(text)
    with pytest.raises(Misconfigured):
        trust_anchors("test")


def test_a_missing_pin_list_refuses(directory: Path) -> None:
    (directory / "pins.txt").unlink()
    with pytest.raises(Misconfigured, match=r"pins\.txt"):
        trust_anchors("test")


@pytest.mark.parametrize("entry", [{}, {"directory": ""}, {"directory": 5}, {"folder": "x"}])
def test_a_mode_without_a_directory_refuses(settings: Settings, entry: dict[str, object]) -> None:
    settings.TULGA_SOURCES = {"test": {"trust_anchors": entry}}
    with pytest.raises(Misconfigured):
        trust_anchors("test")


def test_two_modes_with_sets_of_their_own_are_both_given(
    directory: Path, settings: Settings
) -> None:
    live = install(
        directory.parent / "live",
        pins(mode="live", root=OTHER, issuer=b"\x30"),
        root=OTHER,
        issuer=b"\x30",
    )
    settings.TULGA_SOURCES["live"] = {"trust_anchors": {"directory": str(live)}}
    assert trust_anchors("test").anchors == (ROOT,)
    assert trust_anchors("live").anchors == (OTHER,)


@pytest.mark.parametrize("mode", ["test", "live"])
def test_a_pin_shared_by_both_modes_refuses_in_both(
    directory: Path, settings: Settings, mode: str
) -> None:
    live = install(
        directory.parent / "live", pins(mode="live", root=OTHER), root=OTHER, issuer=ISSUER
    )
    settings.TULGA_SOURCES["live"] = {"trust_anchors": {"directory": str(live)}}
    with pytest.raises(Misconfigured, match="shares a pin"):
        trust_anchors(mode)


@pytest.mark.parametrize("where", ["", "below", ".."])
def test_one_directory_for_both_modes_refuses(
    directory: Path, settings: Settings, where: str
) -> None:
    settings.TULGA_SOURCES["live"] = {"trust_anchors": {"directory": str(directory / where)}}
    with pytest.raises(Misconfigured, match="share"):
        trust_anchors("test")
