"""A signed statement: CMS SignedData with exactly one signer, read into plain values. Reading trusts nothing.

Source: RFC 5652 §5. The wrapper may have indefinite lengths, as Bouncy Castle writes it; certificates and the
SignerInfo may not, for their bytes are hashed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic

from verification.core.errors import Refused
from verification.engines.pki import der, values
from verification.engines.pki.armor import remove_armor
from verification.engines.pki.certificate import (
    X509,
    Key,
    Key_co,
    algorithm_oid,
    parse_certificate,
    parse_timestamp_certificate,
)
from verification.engines.pki.der import Element, malformed
from verification.engines.pki.keys import PublicKey, TimestampKey

DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"

_MAX_CERTIFICATES = 10
_MAX_ATTRIBUTES = 32


@dataclass(frozen=True)
class Attribute:
    """A signed or unsigned attribute: its identifier and the encoded elements of its value set."""

    oid: str
    values: tuple[Element, ...] = field(repr=False)


@dataclass(frozen=True)
class SignedData(Generic[Key_co]):
    """What a CMS says: who signed, with what, and about what. Nothing of it is verified yet.

    `encapsulated` is None for a detached signature; `signed_attributes` is the encoded [0] element or empty;
    `claimed_signing_time` is what the signer's clock said; `announced_digests` stand up front and nothing covers them.
    """

    der: bytes = field(repr=False)
    signer: X509[Key_co]
    content_type: str
    encapsulated: bytes | None = field(repr=False)
    digest_oid: str
    signature_oid: str
    signature: bytes = field(repr=False)
    attributes: tuple[Attribute, ...] = field(repr=False)
    signed_attributes: bytes = field(repr=False)
    unsigned_attributes: tuple[Attribute, ...] = field(repr=False)
    claimed_signing_time: datetime | None
    announced_digests: frozenset[str] = frozenset()


SignedStatement = SignedData[PublicKey]
SignedToken = SignedData[TimestampKey]


def parse_cms(untrusted: bytes, *, max_bytes: int) -> SignedStatement:
    """The signed statement in DER, PEM or base64, of at most `max_bytes` bytes when decoded.

    Raises `Refused`: eds_too_large, eds_malformed, eds_signer_count, eds_certificate_missing, and what
    `parse_certificate` raises for the signer's certificate.
    """
    return _parse(untrusted, max_bytes=max_bytes, read=lambda each: parse_certificate(each.raw, tree=each))


def parse_token_cms(untrusted: bytes, *, max_bytes: int) -> SignedToken:
    """`parse_cms` for time-stamp tokens: the signer's key may be of the old GOST."""
    return _parse(untrusted, max_bytes=max_bytes, read=lambda each: parse_timestamp_certificate(each.raw, tree=each))


def _parse(untrusted: bytes, *, max_bytes: int, read: Callable[[Element], X509[Key]]) -> SignedData[Key]:
    binary = remove_armor(untrusted, max_bytes=max_bytes)
    kind, wrapped = values.items(der.read_tree(binary), der.SEQUENCE, "CMS", at_least=2, at_most=2)
    if values.oid(kind, "CMS") != SIGNED_DATA:
        raise malformed("CMS: not signed data")
    (signed_data,) = values.items(wrapped, der.CONTEXT_0, "CMS", at_least=1, at_most=1)
    parts = values.items(signed_data, der.SEQUENCE, "signed data", at_least=4, at_most=6)
    values.small_integer(parts[0], "version")
    content_type, encapsulated = _parse_content(parts[2])
    announced = _announced(parts[1])
    signer = _only_signer(parts[-1])
    certificate = read(_signer_certificate(parts[3:-1], signer[1]))
    found = _assemble(binary, certificate, signer, content_type=content_type, encapsulated=encapsulated)
    return replace(found, announced_digests=announced)


def _parse_content(info: Element) -> tuple[str, bytes | None]:
    """The content's type and bytes; a constructed OCTET STRING of BER is put together from its segments."""
    parts = values.items(info, der.SEQUENCE, "content", at_least=1, at_most=2)
    if len(parts) == 1:
        return values.oid(parts[0], "content type"), None
    (content,) = values.items(parts[1], der.CONTEXT_0, "content", at_least=1, at_most=1)
    if content.tag == der.OCTET_STRING | 0x20:
        return values.oid(parts[0], "content type"), b"".join(
            values.octets(segment, "content") for segment in content.children
        )
    return values.oid(parts[0], "content type"), values.octets(content, "content")


def _only_signer(infos: Element) -> list[Element]:
    signers = values.expect(infos, der.SET, "signers").children
    if len(signers) != 1:
        raise Refused("eds_signer_count", "not exactly one signer", facts={"signers": len(signers)})
    if not signers[0].strict:
        raise malformed("signer: not DER")
    parts = values.items(signers[0], der.SEQUENCE, "signer", at_least=5, at_most=7)
    values.small_integer(parts[0], "signer version")
    return parts


def _announced(digests: Element) -> frozenset[str]:
    return frozenset(algorithm_oid(each) for each in values.expect(digests, der.SET, "digest algorithms").children)


def _signer_certificate(optional: list[Element], signer_id: Element) -> Element:
    """The one certificate whose issuer and serial number the signer names."""
    if signer_id.tag != der.SEQUENCE:
        raise Refused("eds_certificate_missing", "the signer is not named by issuer and serial number")
    issuer, serial = values.items(signer_id, der.SEQUENCE, "signer", at_least=2, at_most=2)
    sets = [each for each in optional if each.tag == der.CONTEXT_0]
    if len(sets) > 1 or any(each.tag not in (der.CONTEXT_0, der.CONTEXT_1) for each in optional):
        raise malformed("signed data: unexpected parts")
    certificates = sets[0].children if sets else []
    if len(certificates) > _MAX_CERTIFICATES:
        raise malformed("signed data: too many certificates")
    wanted = (issuer.raw, values.integer(serial, "serial number"))
    found = {each.raw: each for each in certificates if _issuer_and_serial(each) == wanted}
    if len(found) != 1:
        raise Refused("eds_certificate_missing", "the signer's certificate is absent or ambiguous")
    return found.popitem()[1]


def _issuer_and_serial(certificate: Element) -> tuple[bytes, int] | None:
    """Just enough of an embedded certificate to tell whether it is the signer's; None for what is no certificate."""
    body = certificate.children[0].children if certificate.tag == der.SEQUENCE and certificate.children else []
    if len(body) < 4 or body[1].tag != der.INTEGER:
        return None
    return body[3].raw, values.integer(body[1], "serial number")


def _assemble(
    binary: bytes, certificate: X509[Key], signer: list[Element], *, content_type: str, encapsulated: bytes | None
) -> SignedData[Key]:
    rest = signer[3:]
    signed = rest.pop(0) if rest[0].tag == der.CONTEXT_0 else None
    unsigned = rest.pop() if rest and rest[-1].tag == der.CONTEXT_1 else None
    if len(rest) != 2:
        raise malformed("signer: a wrong number of parts")
    attributes = _parse_attributes(signed)
    return SignedData(
        der=binary,
        signer=certificate,
        content_type=content_type,
        encapsulated=encapsulated,
        digest_oid=algorithm_oid(signer[2]),
        signature_oid=algorithm_oid(rest[0]),
        signature=values.octets(rest[1], "signature"),
        attributes=attributes,
        signed_attributes=signed.raw if signed else b"",
        unsigned_attributes=_parse_attributes(unsigned),
        claimed_signing_time=_claimed_time(attributes),
    )


def _parse_attributes(untrusted: Element | None) -> tuple[Attribute, ...]:
    if untrusted is None:
        return ()
    found = []
    for item in values.items(untrusted, untrusted.tag, "attributes", at_most=_MAX_ATTRIBUTES):
        kind, its_values = values.items(item, der.SEQUENCE, "attribute", at_least=2, at_most=2)
        elements = values.items(its_values, der.SET, "attribute")
        found.append(Attribute(values.oid(kind, "attribute"), tuple(elements)))
    return tuple(found)


def _claimed_time(attributes: tuple[Attribute, ...]) -> datetime | None:
    claims = [each.values for each in attributes if each.oid == SIGNING_TIME]
    if len(claims) != 1 or len(claims[0]) != 1:
        return None
    return values.time(claims[0][0], "signing time")
