"""Assembles and signs certificates; a template gives their content."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from insecure_sandbox import encoding as asn1
from insecure_sandbox import keys, profile
from insecure_sandbox.credential import Credential
from insecure_sandbox.keys import PrivateKey
from verification.engines.pki.certificate import parse_timestamp_certificate
from verification.engines.pki.keys import Family


@dataclass(frozen=True)
class Authority:
    """A root and its issuing authority for persons."""

    family: Family
    root: Credential
    issuing: Credential


@dataclass(frozen=True)
class Template:
    """A certificate's content without key and issuer. `subject` and `extensions` are encoded."""

    subject: bytes
    extensions: tuple[bytes, ...]
    not_before: datetime
    not_after: datetime
    serial: int


def new_serial() -> int:
    """A positive serial number of 20 bytes, like the national authority's."""
    return secrets.randbits(158) | 1 << 157


def certify(template: Template, key: PrivateKey, *, by: Credential | None) -> Credential:
    """The certificate of `key`, signed by `by`, by default by itself."""
    info = keys.public_key_info(key)
    signing_key = by.private_key if by else key
    issuer = parse_timestamp_certificate(by.certificate).subject if by else template.subject
    identifier = profile.key_identifier(info)
    above = profile.key_identifier(keys.public_key_info(signing_key))
    body = certificate_body(
        template,
        info=info,
        issuer=issuer,
        algorithm=keys.signature_algorithm(signing_key),
        key_identifiers=(profile.subject_key(identifier), profile.authority_key(above)),
    )
    certificate = seal(body, signing_key)
    return Credential(certificate, keys.family_of(key), key, by.certificate if by else certificate)


def certificate_body(
    template: Template,
    *,
    info: bytes,
    issuer: bytes,
    algorithm: bytes,
    key_identifiers: tuple[bytes, ...] = (),
) -> bytes:
    """The encoded TBSCertificate. `info` is the SubjectPublicKeyInfo, `issuer` the encoded name."""
    return asn1.sequence(
        asn1.explicit(0, asn1.integer(2)),
        asn1.integer(template.serial),
        algorithm,
        issuer,
        asn1.sequence(asn1.time(template.not_before), asn1.time(template.not_after)),
        template.subject,
        info,
        asn1.explicit(3, asn1.sequence(*template.extensions, *key_identifiers)),
    )


def seal(body: bytes, key: PrivateKey, *, signature: bytes | None = None) -> bytes:
    """A body with its algorithm and signature: a certificate or a list. A given `signature` is
    used unchanged.
    """
    return asn1.sequence(
        body, keys.signature_algorithm(key), asn1.bits(signature or keys.sign(key, body))
    )
