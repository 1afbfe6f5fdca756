"""A TLS certificate for loopback, with an authority that can certify nothing else, for the
sandbox's NCALayer.
"""

import ipaddress
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID_DAYS: Final = (
    390  # browsers refuse server certificates of more than 398 days (CA/B baseline requirements)
)
_RENEW_DAYS: Final = 30  # before the end
_NAMES: Final = ("localhost",)
_ADDRESSES: Final = ("127.0.0.1/32", "::1/128")


@dataclass(frozen=True, kw_only=True)
class LoopbackTls:
    """Two files: the authority to trust, and the server's key with its certificate."""

    authority: Path
    server: Path

    @property
    def spki_sha256(self) -> str:
        """Base64 of the SHA-256 of the server's public key, the form Chromium's command line
        takes.
        """
        certificate = x509.load_pem_x509_certificate(self.server.read_bytes())
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b64encode(sha256(key).digest()).decode()


def loopback_tls(directory: Path) -> LoopbackTls:
    """The certificate in this directory; made if missing or about to expire.

    The authority's key is never written: trust in the file covers this one certificate only, and
    name constraints restrict even that to this machine.
    """
    files = LoopbackTls(
        authority=directory / "ncalayer-ca.pem", server=directory / "ncalayer-server.pem"
    )
    if not _is_usable(files, at=datetime.now(UTC)):
        _mint(files, at=datetime.now(UTC))
    return files


def _is_usable(files: LoopbackTls, *, at: datetime) -> bool:
    try:
        authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
        server = x509.load_pem_x509_certificate(files.server.read_bytes())
        key = load_pem_private_key(files.server.read_bytes(), password=None)
        server.verify_directly_issued_by(authority)
    except (FileNotFoundError, ValueError, InvalidSignature):
        return False
    if key.public_key() != server.public_key():
        return False
    return server.not_valid_after_utc - at > timedelta(days=_RENEW_DAYS)


def _mint(files: LoopbackTls, *, at: datetime) -> None:
    authority_key, server_key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    issuer = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "Tulga sandbox, this machine only")]
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    issuer_key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    authority = (
        _authority(_builder(subject=issuer, issuer=issuer, key=authority_key, at=at))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, SHA256())
    )
    server = (
        _server(_builder(subject=subject, issuer=issuer, key=server_key, at=at))
        .add_extension(issuer_key_id, critical=False)
        .sign(authority_key, SHA256())
    )
    key_pem = server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files.server.parent.mkdir(parents=True, exist_ok=True)
    # The mode first, the key then: the file is never readable by others.
    files.server.touch(mode=0o600)
    files.server.chmod(0o600)
    files.server.write_bytes(server.public_bytes(Encoding.PEM) + key_pem)
    files.authority.write_bytes(authority.public_bytes(Encoding.PEM))


def _builder(
    *, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, at: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(hours=1))
        .not_valid_after(at + timedelta(days=_VALID_DAYS))
    )


def _authority(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in _NAMES]
    permitted += [x509.IPAddress(ipaddress.ip_network(address)) for address in _ADDRESSES]
    usage = x509.KeyUsage(
        False, False, False, False, False, True, False, False, False
    )  # keyCertSign alone
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.NameConstraints(permitted_subtrees=permitted, excluded_subtrees=None),
            critical=True,
        )
    )


def _server(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in _NAMES]
    names += [
        x509.IPAddress(ipaddress.ip_network(address).network_address) for address in _ADDRESSES
    ]
    return (
        builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
