"""Whom the Python client trusts, how it shows who it is, and over which transport: real TLS on
loopback.
"""

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tulga import AsyncClient, Certificate, Client, Options, calls, errors

KEY = "tlg_test_sesame"
QUICK = Options(tries=3, first=0.001)
PASSWORD = "of the file"


@dataclass
class Authority:
    """A certificate authority of this test, and where its PEM files are."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def __post_init__(self) -> None:
        self.subject = _named(self.name)
        self.pem = self.folder / f"{self.name}.pem"
        certificate = _certificate(self.subject, self.key.public_key(), self, is_authority=True)
        self.pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *, password: str = "", address: str = "127.0.0.1") -> Certificate:
        """A certificate for a server or a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        chain, file = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        signed = _certificate(_named(name), key.public_key(), self, address=address)
        chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(password.encode())
                if password
                else serialization.NoEncryption(),
            )
        )
        return Certificate(chain=chain, private_key=file, password=password)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer: Authority,
    *,
    is_authority: bool = False,
    address: str = "127.0.0.1",
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
            critical=False,
        )
    )
    if is_authority:
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    else:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


@dataclass
class Server:
    """A server over TLS: its address, and the names of the clients whose requests came."""

    url: str
    clients: list[str | None] = field(default_factory=list)


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.context, self.kept = context, Server(f"https://127.0.0.1:{self.server_port}")

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answers over TLS, in the thread of this connection."""
        with self.context.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Is silent about clients that hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: _Http

    def do_GET(self) -> None:
        shown = self.connection.getpeercert() or {}
        names = dict(part[0] for part in shown.get("subject", ()))
        self.server.kept.clients.append(names.get("commonName"))
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"note")

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


def _serving(context: ssl.SSLContext) -> Iterator[Server]:
    http = _Http(context)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield http.kept
    finally:
        http.shutdown()
        http.server_close()


def _context_of(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.private_key)
    return context


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    """A server with a certificate of the authority."""
    yield from _serving(_context_of(authority.issue("server")))


@pytest.fixture
def mutual_server(authority: Authority) -> Iterator[Server]:
    """A server that asks clients for a certificate of the authority."""
    context = _context_of(authority.issue("server"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.pem)
    yield from _serving(context)


Ask = Callable[..., str]


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Sends one call to a server, by a client with these arguments."""

    def by_thread(server: Server, **terms: Any) -> str:
        with Client(server.url, KEY, QUICK, **terms) as client:
            return client.send(calls.get_checkpoint())

    def by_loop(server: Server, **terms: Any) -> str:
        async def answer() -> str:
            async with AsyncClient(server.url, KEY, QUICK, **terms) as client:
                return await client.send(calls.get_checkpoint())

        return asyncio.run(answer())

    return by_thread if request.param == "sync" else by_loop


def test_a_server_of_the_given_authority_is_trusted(
    ask: Ask, server: Server, authority: Authority
) -> None:
    assert ask(server, ca=authority.pem) == "note"
    assert ask(server, ca=str(authority.pem)) == "note"
    assert ask(server, ca=ssl.create_default_context(cafile=authority.pem)) == "note"


def test_a_server_of_an_unknown_authority_gets_nothing(
    ask: Ask, server: Server, tmp_path: Path
) -> None:
    for terms in ({}, {"ca": Authority(tmp_path, "another").pem}):
        with pytest.raises(errors.Untrusted, match="ConnectError at try 1") as refused:
            ask(server, **terms)
        assert not refused.value.may_be_done
    assert server.clients == []


def test_a_certificate_for_another_address_gets_nothing(ask: Ask, authority: Authority) -> None:
    for server in _serving(_context_of(authority.issue("elsewhere", address="127.0.0.2"))):
        with pytest.raises(errors.Untrusted):
            ask(server, ca=authority.pem)
        assert server.clients == []


@pytest.mark.parametrize("password", ["", PASSWORD])
def test_a_client_shows_its_certificate(
    ask: Ask, mutual_server: Server, authority: Authority, password: str
) -> None:
    certificate = authority.issue("lender", password=password)
    assert ask(mutual_server, ca=authority.pem, certificate=certificate) == "note"
    assert mutual_server.clients == ["lender"]
    assert PASSWORD not in repr(certificate)


def test_a_client_without_its_certificate_is_refused(
    ask: Ask, mutual_server: Server, authority: Authority
) -> None:
    with pytest.raises(errors.Unreachable):
        ask(mutual_server, ca=authority.pem)
    assert mutual_server.clients == []


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_an_encrypted_key_without_its_password_is_refused_without_a_question(
    kind: Any, authority: Authority
) -> None:
    encrypted = authority.issue("lender", password=PASSWORD)
    bare = Certificate(chain=encrypted.chain, private_key=encrypted.private_key)
    with pytest.raises(OSError):
        kind("https://tulga.example", KEY, certificate=bare)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_context_that_trusts_any_server_is_refused(kind: Any, authority: Authority) -> None:
    any_name, any_server = ssl.create_default_context(), ssl.create_default_context()
    any_name.check_hostname = any_server.check_hostname = False
    any_server.verify_mode = ssl.CERT_NONE
    for context in (any_name, any_server):
        with pytest.raises(ValueError, match="any server"):
            kind("https://tulga.example", KEY, ca=context)
    certificate, context = authority.issue("lender"), ssl.create_default_context()
    with pytest.raises(ValueError, match="into the context"):
        kind("https://tulga.example", KEY, ca=context, certificate=certificate)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_transport_does_its_own_tls(kind: Any, authority: Authority) -> None:
    transport = httpx.HTTPTransport() if kind is Client else httpx.AsyncHTTPTransport()
    for terms in ({"ca": authority.pem}, {"certificate": authority.issue("lender")}):
        with pytest.raises(ValueError, match="its own TLS"):
            kind("https://tulga.example", KEY, transport=transport, **terms)


class Counting(httpx.HTTPTransport):
    """The network, with a count of requests."""

    count = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the network."""
        self.count += 1
        return super().handle_request(request)


class CountingInALoop(httpx.AsyncHTTPTransport):
    """The same in a loop."""

    count = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the network."""
        self.count += 1
        return await super().handle_async_request(request)


def test_requests_take_the_given_transport(server: Server, authority: Authority) -> None:
    context = ssl.create_default_context(cafile=authority.pem)
    transport = Counting(verify=context)
    with Client(server.url, KEY, QUICK, transport=transport) as client:
        assert client.send(calls.get_checkpoint()) == "note"

    async def in_a_loop() -> int:
        other = CountingInALoop(verify=context)
        async with AsyncClient(server.url, KEY, QUICK, transport=other) as client:
            assert await client.send(calls.get_checkpoint()) == "note"
        return other.count

    assert (transport.count, asyncio.run(in_a_loop())) == (1, 1)


def test_a_proxy_of_the_environment_does_not_get_an_unencrypted_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Plain)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    with Client(f"http://127.0.0.1:{http.server_port}", KEY, QUICK) as client:
        assert client.send(calls.get_checkpoint()) == "note"
    http.shutdown()
    http.server_close()


class _Plain(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"note")

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing."""
