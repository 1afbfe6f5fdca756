"""What the sandbox authority mints is accepted by other programs too, and survives a restart."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from insecure_sandbox.authority import (
    Authority,
    create_authority,
    issue,
    make_crl,
)
from insecure_sandbox.signing import sign_cms
from tests.verification.engines.pki.world import PERSON

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
