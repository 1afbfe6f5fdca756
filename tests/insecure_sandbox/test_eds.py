"""The authority, NCALayer, eGov Mobile and TLS certificate of the sandbox."""

import ipaddress
import json
import ssl
import stat
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pytest_django import Settings
from websockets import Origin
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from insecure_sandbox.authority import Authority, create_authority, issue, make_crl
from insecure_sandbox.egov_mobile import AppRefused, address_in
from insecure_sandbox.install_trust import write_anchors
from insecure_sandbox.ncalayer import Manner, fetch_credential, signer_for, start
from insecure_sandbox.ncalayer_protocol import Signer, answer
from insecure_sandbox.signing import sign_cms
from insecure_sandbox.tls_certificate import LoopbackTls, loopback_tls
from tests.insecure_sandbox_process import SandboxProcess
from tests.verification.engines.pki.world import PERSON
from tests.verification.stories.conftest import authorities as authorities
from tests.verification.stories.conftest import issued as issued
from verification.core.errors import Misconfigured
from verification.engines.pki.cms import parse_cms
from verification.engines.pki.signatures import subject_iin
from verification.sources.installed import TrustSet, trust_anchors

# What the sandbox authority mints is accepted by other programs too, and survives a restart.


_AT = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module", params=["gost512", "rsa"])
def authority(request: pytest.FixtureRequest) -> Authority:
    """A fresh authority of each family."""
    return create_authority(request.param, at=_AT)


@pytest.fixture(scope="module")
def rsa_authority() -> Authority:
    """An RSA authority, which OpenSSL understands."""
    return create_authority("rsa", at=_AT)


def _pem(certificate: bytes) -> bytes:
    return x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)


def test_every_name_says_that_it_is_a_sandbox(authority: Authority) -> None:
    for each in (authority.root, authority.issuing):
        name = x509.load_der_x509_certificate(each.certificate).subject.rfc4514_string()
        assert "TULGA SANDBOX" in name


def test_openssl_verifies_our_statement_and_refuses_it_when_changed(
    rsa_authority: Authority, tmp_path: Path
) -> None:
    person = issue(rsa_authority, **PERSON, at=_AT)
    content = b"a statement"
    encoded = sign_cms(person, content, signed_at=_AT)
    (tmp_path / "root.pem").write_bytes(_pem(rsa_authority.root.certificate))
    (tmp_path / "issuing.pem").write_bytes(_pem(rsa_authority.issuing.certificate))

    def verify(untrusted: bytes) -> subprocess.CompletedProcess[bytes]:
        command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any"]
        command += [
            "-CAfile",
            str(tmp_path / "root.pem"),
            "-certfile",
            str(tmp_path / "issuing.pem"),
        ]
        return subprocess.run(command, input=untrusted, capture_output=True, check=False)

    assert verify(encoded).stdout == content
    assert verify(encoded.replace(content, b"A statement")).returncode != 0


def test_another_library_reads_and_verifies_our_list(rsa_authority: Authority) -> None:
    revoked = {1: _AT, 2**150: _AT - timedelta(days=1)}
    encoded = make_crl(
        rsa_authority,
        revoked=revoked,
        number=12,
        this_update=_AT,
        next_update=_AT + timedelta(hours=1),
        reasons={1: 6},
    )
    crl = x509.load_der_x509_crl(encoded)
    issuing = x509.load_der_x509_certificate(rsa_authority.issuing.certificate)
    assert crl.is_signature_valid(issuing.public_key())  # type: ignore[arg-type]
    assert {entry.serial_number: entry.revocation_date_utc for entry in crl} == revoked
    held = crl.get_revoked_certificate_by_serial_number(1)
    assert held is not None
    assert (
        held.extensions.get_extension_for_class(x509.CRLReason).value.reason
        == x509.ReasonFlags.certificate_hold
    )
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 12


# A page talks to the sandbox's NCALayer over a real TLS WebSocket.


IIN = "990101100010"
REQUEST: dict[str, Any] = {
    "module": "kz.gov.pki.knca.basics",
    "method": "sign",
    "args": {
        "allowedStorages": None,
        "format": "cms",
        "data": b64encode(b"statement").decode(),
        "signingParams": {"decode": True, "encapsulate": True, "digested": False, "tsaProfile": {}},
        "signerParams": {
            "extKeyUsageOids": ["1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.1"],
            "chain": [],
        },
        "locale": "ru",
    },
}


def sandbox_signer(sandbox: SandboxProcess, manner: Manner, family: str = "rsa") -> Signer:
    credential = fetch_credential(sandbox.url, iin=IIN, family=family, state="valid")
    return signer_for(credential, iin=IIN, manner=manner)


@contextmanager
def page(directory: Path, who: Signer, *, name: str = "127.0.0.1") -> Iterator[ClientConnection]:
    """A page's open connection, greeted; the server's certificate is verified as a browser that
    trusts it would.
    """
    tls = loopback_tls(directory)
    with start(who, tls=tls, port=0) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        trust = ssl.create_default_context(cafile=str(tls.authority))
        url = f"wss://{name}:{server.socket.getsockname()[1]}/"
        with connect(
            url, ssl=trust, origin=Origin("https://borrower.example"), proxy=None
        ) as connection:
            assert json.loads(connection.recv(5)) == {"result": {"version": "1.2"}}
            yield connection
        server.shutdown()


def answer_to(connection: ClientConnection, message: object) -> Any:
    connection.send(json.dumps(message))
    return json.loads(connection.recv(20))


@pytest.mark.parametrize("family", ["gost512", "rsa"])
def test_a_page_gets_a_signature_that_the_product_verifies(
    sandbox: SandboxProcess, tmp_path: Path, family: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with page(tmp_path, sandbox_signer(sandbox, Manner(), family), name="localhost") as connection:
        content = answer_to(connection, REQUEST)
    pem = content["body"]["result"].encode()
    der = ssl.PEM_cert_to_DER_cert(pem.decode().replace(" CMS-", " CERTIFICATE-"))
    signed = parse_cms(der, max_bytes=100_000)
    signed.check_content(statement=b"statement")
    signed.check_signature()
    assert subject_iin(signed.signer) == IIN
    assert "page 'https://borrower.example'" in capsys.readouterr().out


def test_a_message_over_the_limit_closes_the_connection(
    sandbox: SandboxProcess, tmp_path: Path
) -> None:
    with page(tmp_path, sandbox_signer(sandbox, Manner())) as connection:
        # The other side may close before all of it was sent.
        with suppress(ConnectionClosed):
            connection.send("x" * (5 * 1024 * 1024))
        with pytest.raises(ConnectionClosed) as caught:
            connection.recv(10)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009


# The conversation, without a socket: what a page sends, and what comes back.


EMAIL, INDIVIDUAL = "1.3.6.1.5.5.7.3.4", "1.2.398.3.3.4.1.1"


def label(content: bytes, attached: bool) -> bytes:
    return b"attached " + content if attached else b"detached " + content


def signer(sign: Callable[[bytes, bool], bytes] = label, *, old: bool = False) -> Signer:
    return Signer(iin=IIN, extended_key_usages=frozenset({EMAIL, INDIVIDUAL}), sign=sign, old=old)


def request(**changes: Any) -> dict[str, Any]:
    args = {
        "allowedStorages": None,
        "format": "cms",
        "data": b64encode(b"statement").decode(),
        "signingParams": {"decode": True, "encapsulate": True, "digested": False, "tsaProfile": {}},
        "signerParams": {"extKeyUsageOids": [EMAIL, INDIVIDUAL], "chain": []},
        "locale": "ru",
    }
    return {"module": "kz.gov.pki.knca.basics", "method": "sign", "args": args | changes}


def old_request(**changes: Any) -> dict[str, Any]:
    args = ["PKCS12", "SIGNATURE", b64encode(b"statement").decode(), True]
    message = {
        "module": "kz.gov.pki.knca.commonUtils",
        "method": "createCAdESFromBase64",
        "args": args,
    }
    return message | changes


def asked(message: object, *, who: Signer | None = None) -> Any:
    return json.loads(answer(json.dumps(message), signer=who or signer()))


@pytest.mark.parametrize(
    "raw", ["", "{", "[]", "5", "null", '"text"', "[" * 100_000, b"\x00binary", b"{}"]
)
def test_a_message_that_cannot_be_read_gets_an_error_answer(raw: str | bytes) -> None:
    content = json.loads(answer(raw, signer=signer()))
    assert (content["status"], content["code"]) == (False, "GENERAL_ERROR")


@pytest.mark.parametrize("old", [False, True])
def test_only_an_old_installation_lacks_basics_and_every_one_has_the_older_module(
    old: bool,
) -> None:
    content = asked(request(), who=signer(old=old))
    assert (content == {"success": False, "errorCode": "MODULE_NOT_FOUND"}) is old
    assert asked(old_request(), who=signer(old=old))["code"] == "200"


# The sandbox's app over real HTTP, honest and not, against the pages as they are served.


served = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://127.0.0.1/mgovSign", "does not begin"),
        ("mobileSign:http://127.0.0.1/sign", "mgovSign"),
        ("mobileSign:https://lender.example/mgovSign", "not on the list"),
        ("mobileSign:http://127.0.0.1@lender.example/mgovSign", "not on the list"),
    ],
)
def test_the_app_opens_no_code_that_is_none_of_ours(text, said):
    with pytest.raises(AppRefused, match=said):
        address_in(text)
    assert address_in(" mobileSign:http://127.0.0.1:8000/v/egov/x/mgovSign\n").endswith(
        "/x/mgovSign"
    )


# A certificate that a browser may trust without risk: for this machine only, with no key left
# behind.


def certificates(files: LoopbackTls) -> tuple[x509.Certificate, x509.Certificate]:
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    return authority, x509.load_pem_x509_certificate(files.server.read_bytes())


def names() -> list[x509.IPAddress | x509.DNSName]:
    return [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]


def test_the_server_is_this_machine_and_no_other(tmp_path: Path) -> None:
    _, server = certificates(loopback_tls(tmp_path))
    subjects = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names()) <= set(subjects)
    assert {str(address) for address in subjects.get_values_for_type(x509.IPAddress)} == {
        "127.0.0.1",
        "::1",
    }
    assert subjects.get_values_for_type(x509.DNSName) == ["localhost"]


def test_the_authority_is_constrained_to_this_machine(tmp_path: Path) -> None:
    authority, server = certificates(loopback_tls(tmp_path))
    server.verify_directly_issued_by(authority)
    constraints = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert {str(name.value) for name in constraints.value.permitted_subtrees or []} == {
        "localhost",
        "127.0.0.1/32",
        "::1/128",
    }


def test_only_the_servers_key_is_kept_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    files = loopback_tls(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ncalayer-ca.pem",
        "ncalayer-server.pem",
    ]
    assert b"PRIVATE KEY" not in files.authority.read_bytes()
    assert stat.S_IMODE(files.server.stat().st_mode) == 0o600


# What is written for the test set is what the product reads back; nothing of anybody else's is
# overwritten.


def entry(der: bytes, role: str = "anchor", **changes: str) -> dict[str, str]:
    fields = {
        "role": role,
        "sha256": sha256(der).hexdigest(),
        "certificate": b64encode(der).decode(),
        "comment": "x",
    }
    return fields | changes


def listed(*entries: dict[str, str], mode: str = "test") -> dict[str, Any]:
    return {"mode": mode, "certificates": list(entries)}


LISTED = listed(entry(b"\x30root"), entry(b"\x30issuing", "intermediate"))


def read(settings: Settings, directory: Path, mode: str = "test") -> TrustSet:
    settings.TULGA_SOURCES = {mode: {"trust_anchors": {"directory": directory}}}
    return trust_anchors(mode)


def test_the_product_reads_back_what_was_written(settings: Settings, tmp_path: Path) -> None:
    write_anchors(LISTED, tmp_path / "anchors" / "test")
    expected = TrustSet(anchors=(b"\x30root",), intermediates=(b"\x30issuing",))
    assert read(settings, tmp_path / "anchors" / "test") == expected


def test_the_live_set_refuses_what_was_written(settings: Settings, tmp_path: Path) -> None:
    write_anchors(LISTED, tmp_path / "test")
    with pytest.raises(Misconfigured, match="mode live"):
        read(settings, tmp_path / "test", mode="live")


def test_anchors_of_another_sandbox_replace_the_former(settings: Settings, tmp_path: Path) -> None:
    write_anchors(LISTED, tmp_path / "test")
    write_anchors(listed(entry(b"\x30other")), tmp_path / "test")
    assert read(settings, tmp_path / "test") == TrustSet(anchors=(b"\x30other",), intermediates=())
    assert [path.name for path in tmp_path.iterdir()] == ["test"]


@pytest.mark.parametrize("name", ["pins.txt", "letter.txt", "below"])
def test_files_of_another_owner_are_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir() if name == "below" else (tmp_path / name).write_text("mode test\n")
    with pytest.raises(ValueError, match="from another source"):
        write_anchors(LISTED, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "content",
    [
        listed(entry(b"\x30root"), mode="live"),
        {"certificates": [entry(b"\x30root")]},
        listed(entry(b"\x30root", sha256="0" * 64)),
        listed(entry(b"\x30root", role="root")),
        listed(entry(b"\x30root", comment="two\nlines")),
        listed(entry(b"\x30root", certificate="not base64!")),
    ],
)
def test_an_inconsistent_list_writes_nothing(tmp_path: Path, content: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        write_anchors(content, tmp_path / "test")
    assert not (tmp_path / "test").exists()
