"""A signed statement as CMS SignedData: parsed into plain values, then compared with our bytes and
its certificate.

Parsing implies no trust. The wrapper may have indefinite lengths, as Bouncy Castle writes it.
Certificates and the one SignerInfo may not, because their bytes are hashed.

Verification:
1. The hash and the signature are of the certificate's family.
2. The signed attributes have the content's type and its hash once each.
3. The hash is that of OUR statement.
4. A copy inside the signature equals it.
5. The attributes are in DER order.
6. The signature covers them, re-tagged SET.
7. A signing-certificate-v2 identifies the same certificate.

Source: RFC 5652 §5.1, §5.4, §5.6, §11; RFC 5035 §3.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import Generic

from verification.core.errors import Refused
from verification.engines.pki import der, keys
from verification.engines.pki.certificate import (
    EXTENSIONS,
    X509,
    Key,
    Key_co,
    algorithm_oid,
    parse_certificate,
    parse_timestamp_certificate,
)
from verification.engines.pki.der import Element, malformed
from verification.engines.pki.keys import Algorithms, PublicKey, TimestampKey

# RFC 5652 §4 and §5.1, then its attributes of §11.1 to §11.3, and that of RFC 5035.
DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"

_MAX_CERTIFICATES = 10
_MAX_ATTRIBUTES = 32
_VERSIONS = range(1 << 31)
_PEM = re.compile(rb"\s*-----BEGIN (CMS|PKCS7)-----([A-Za-z0-9+/=\s]*)-----END \1-----\s*")
_SPACE = re.compile(rb"[ \t\r\n]+")
Digests = Mapping[str, Callable[[bytes], bytes]]


@dataclass(frozen=True)
class Attribute:
    """A signed or unsigned attribute: its identifier and the encoded elements of its value set."""

    oid: str
    values: tuple[Element, ...] = field(repr=False)


@dataclass(frozen=True)
class SignedData(Generic[Key_co]):
    """The content of a CMS: signer, algorithms and subject. Not verified yet.

    `encapsulated` is None for a detached signature; `signed_attributes` is the encoded [0] element
    or empty.
    `claimed_signing_time` is the signer's clock; `announced_digests` are not covered by the
    signature.
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
    announced_digests: frozenset[str]

    def check_content(self: "SignedData[PublicKey]", *, statement: bytes) -> None:
        """Steps 1–4: return if this is about exactly `statement`, the bytes stored before the
        question.

        Raises: `Refused`: eds_algorithm_refused, eds_signed_attributes_invalid,
        eds_statement_mismatch.
        """
        # 1
        require_algorithms(self, keys.ALGORITHMS[self.signer.family])
        # 2
        kind = der.oid(single_value(self, CONTENT_TYPE), "content type")
        if kind != DATA or self.content_type != DATA:
            raise _invalid("the content is not plain data")
        claimed = der.octets(single_value(self, MESSAGE_DIGEST), "message digest")
        # 3
        if not compare_digest(claimed, keys.DIGESTS[self.digest_oid](statement)):
            raise Refused("eds_statement_mismatch", "other bytes than our statement were signed")
        # 4
        if self.encapsulated is not None and self.encapsulated != statement:
            raise Refused(
                "eds_statement_mismatch", "the copy inside the signature differs from our statement"
            )

    def check_signature(self: "SignedData[PublicKey]") -> None:
        """Steps 1 and 5–7: return if the signer's key signed the attributes. It does not verify the
        key's owner.

        Raises: `Refused`: eds_algorithm_refused, eds_signed_attributes_invalid,
        eds_signature_invalid.
        """
        # 1
        require_algorithms(self, keys.ALGORITHMS[self.signer.family])
        message = signed_message(self)
        # 6
        keys.verify(self.signer.public_key, message, signature=self.signature)
        # 7
        check_signing_certificate(self)


SignedStatement = SignedData[PublicKey]
SignedToken = SignedData[TimestampKey]


def parse_cms(untrusted: bytes, *, max_bytes: int) -> SignedStatement:
    """The signed statement in DER, PEM or bare base64, of at most `max_bytes` decoded bytes.

    Raises: `Refused`: eds_too_large, eds_malformed (also for text around the armor),
    eds_signer_count, eds_certificate_missing, and as `parse_certificate` for the signer's
    certificate.
    """
    # Text may take twice the bytes of a binary.
    if len(untrusted) > 2 * max_bytes:
        raise Refused("eds_too_large", "the signature is too large")
    binary = untrusted
    # 0x30 is `0` in ASCII: the base64 of a CMS begins with M, and PEM with a dash.
    if untrusted[:1] != bytes([der.SEQUENCE]):
        armored = _PEM.fullmatch(untrusted)
        try:
            binary = base64.b64decode(
                _SPACE.sub(b"", armored[2] if armored else untrusted), validate=True
            )
        except ValueError:
            raise malformed("the signature is neither DER, PEM nor base64") from None
    return _parse(
        binary,
        max_bytes=max_bytes,
        read=lambda element: parse_certificate(element.raw, tree=element),
    )


def parse_token_cms(untrusted: bytes, *, max_bytes: int) -> SignedToken:
    """`parse_cms` for time-stamp tokens: the signer's key may be of the old GOST."""
    return _parse(
        untrusted,
        max_bytes=max_bytes,
        read=lambda element: parse_timestamp_certificate(element.raw, tree=element),
    )


def _parse(
    untrusted: bytes, *, max_bytes: int, read: Callable[[Element], X509[Key]]
) -> SignedData[Key]:
    if len(untrusted) > max_bytes:
        raise Refused("eds_too_large", "the signature is too large")
    outer = der.read_tree(untrusted, unopened=EXTENSIONS)
    kind, wrapped = der.items(outer, der.SEQUENCE, "CMS", at_least=2, at_most=2)
    if der.oid(kind, "CMS") != SIGNED_DATA:
        raise malformed("CMS: not signed data")
    (signed_data,) = der.items(wrapped, der.CONTEXT_0, "CMS", at_least=1, at_most=1)
    parts = der.items(signed_data, der.SEQUENCE, "signed data", at_least=4, at_most=6)
    der.integer(parts[0], "version", bounds=_VERSIONS)
    content = der.items(parts[2], der.SEQUENCE, "content", at_least=1, at_most=2)
    # RFC 5652 §5.2: without eContent the signature covers external content.
    inside = (
        der.items(content[1], der.CONTEXT_0, "content", at_least=1, at_most=1)
        if len(content) == 2
        else []
    )
    content_type = der.oid(content[0], "content type")
    encapsulated = None
    if inside:
        # X.690 §8.7: a constructed OCTET STRING of BER is the concatenation of its segments.
        segments = inside[0].children if inside[0].tag == der.OCTET_STRING | 0x20 else inside
        encapsulated = b"".join(der.octets(element, "content") for element in segments)
    announced = der.items(parts[1], der.SET, "digest algorithms", at_most=der.MAX_ELEMENTS)
    announced_digests = frozenset(algorithm_oid(element) for element in announced)
    # One signer: with several, the borrower would be ambiguous.
    signers = der.items(parts[-1], der.SET, "signers", at_most=der.MAX_ELEMENTS)
    if len(signers) != 1:
        raise Refused("eds_signer_count", "not exactly one signer", facts={"signers": len(signers)})
    if not signers[0].strict:
        raise malformed("signer: not DER")
    # RFC 5652 §5.3: version, who, hash, [0] signed attributes, algorithm, signature, [1] unsigned
    # attributes.
    info = der.items(signers[0], der.SEQUENCE, "signer", at_least=5, at_most=7)
    der.integer(info[0], "signer version", bounds=_VERSIONS)
    certificate = read(_signer_certificate(parts[3:-1], info[1]))
    return _assemble(untrusted, certificate, info, content_type, encapsulated, announced_digests)


def _signer_certificate(optional: list[Element], signer_id: Element) -> Element:
    """The one certificate whose issuer and serial number the signer names."""
    if signer_id.tag != der.SEQUENCE:
        raise Refused(
            "eds_certificate_missing", "the signer is not named by issuer and serial number"
        )
    issuer, serial = der.items(signer_id, der.SEQUENCE, "signer", at_least=2, at_most=2)
    sets = [element for element in optional if element.tag == der.CONTEXT_0]
    if len(sets) > 1 or any(
        element.tag not in (der.CONTEXT_0, der.CONTEXT_1) for element in optional
    ):
        raise malformed("signed data: unexpected parts")
    certificates = sets[0].children if sets else []
    if len(certificates) > _MAX_CERTIFICATES:
        raise malformed("signed data: too many certificates")
    signer = (issuer.raw, der.integer(serial, "serial number"))
    matching: dict[bytes, Element] = {}
    for element in certificates:
        # Of the others parse only enough to exclude them; they need not be certificates.
        body = (
            element.children[0].children if element.tag == der.SEQUENCE and element.children else []
        )
        if len(body) < 4 or body[1].tag != der.INTEGER:
            continue
        if (body[3].raw, der.integer(body[1], "serial number")) == signer:
            # By all its bytes: the same certificate sent twice is still one.
            matching[element.raw] = element
    if len(matching) != 1:
        raise Refused("eds_certificate_missing", "the signer's certificate is absent or ambiguous")
    return matching.popitem()[1]


def _assemble(
    untrusted: bytes,
    certificate: X509[Key],
    info: list[Element],
    content_type: str,
    encapsulated: bytes | None,
    announced_digests: frozenset[str],
) -> SignedData[Key]:
    rest = info[3:]
    signed = rest.pop(0) if rest[0].tag == der.CONTEXT_0 else None
    unsigned = rest.pop() if rest and rest[-1].tag == der.CONTEXT_1 else None
    if len(rest) != 2:
        raise malformed("signer: a wrong number of parts")
    attributes = _parse_attributes(signed)
    # Of two claims, or two values in one, neither counts.
    claims = [attribute.values for attribute in attributes if attribute.oid == SIGNING_TIME]
    claimed = claims[0] if len(claims) == 1 else ()
    return SignedData(
        der=untrusted,
        signer=certificate,
        content_type=content_type,
        encapsulated=encapsulated,
        digest_oid=algorithm_oid(info[2]),
        signature_oid=algorithm_oid(rest[0]),
        signature=der.octets(rest[1], "signature"),
        attributes=attributes,
        signed_attributes=signed.raw if signed else b"",
        unsigned_attributes=_parse_attributes(unsigned),
        claimed_signing_time=der.time(claimed[0], "signing time") if len(claimed) == 1 else None,
        announced_digests=announced_digests,
    )


def _parse_attributes(untrusted: Element | None) -> tuple[Attribute, ...]:
    if untrusted is None:
        return ()
    parsed = []
    for item in der.items(untrusted, untrusted.tag, "attributes", at_most=_MAX_ATTRIBUTES):
        kind, its_values = der.items(item, der.SEQUENCE, "attribute", at_least=2, at_most=2)
        elements = der.items(its_values, der.SET, "attribute")
        parsed.append(Attribute(der.oid(kind, "attribute"), tuple(elements)))
    return tuple(parsed)


def signed_message(signed: SignedToken) -> bytes:
    """5: the bytes that the signature must cover.

    Raises: `Refused` (eds_signed_attributes_invalid).
    """
    # Require attributes first: without them encoded attributes could pose as content.
    if not signed.attributes:
        raise _invalid("there are no signed attributes")
    body = der.read_tree(signed.signed_attributes)
    encodings = [attribute.raw for attribute in body.children]
    # X.690 §11.6: DER has the parts of a SET OF in the order of their encodings.
    if encodings != sorted(encodings) or not body.strict:
        raise _invalid("the signed attributes are not in DER order")
    if len({attribute.oid for attribute in signed.attributes}) != len(signed.attributes):
        raise _invalid("a signed attribute occurs twice")
    # RFC 5652 §5.4: the signed bytes begin with the tag of SET OF, not with the message's [0].
    return bytes([der.SET]) + signed.signed_attributes[1:]


def _invalid(detail: str) -> Refused:
    return Refused("eds_signed_attributes_invalid", detail)


def require_algorithms(signed: SignedToken, accepted: Algorithms) -> None:
    """1: return if the hash and the signature are of the key's family, and the hash was announced.

    Raises: `Refused` (eds_algorithm_refused).
    """
    keys.require_algorithms(
        accepted, digest_oid=signed.digest_oid, signature_oid=signed.signature_oid
    )
    if signed.digest_oid not in signed.announced_digests:
        raise Refused(
            "eds_algorithm_refused",
            "the digest algorithm of the signer is not among those announced",
        )


def single_value(signed: SignedToken, oid: str) -> Element:
    """The only value of the only signed attribute of that type."""
    attributes = [attribute for attribute in signed.attributes if attribute.oid == oid]
    if len(attributes) != 1 or len(attributes[0].values) != 1:
        raise _invalid("a required signed attribute is missing or repeated")
    return attributes[0].values[0]


def check_signing_certificate(signed: SignedToken, *, digests: Digests = keys.DIGESTS) -> None:
    """7: the first ESSCertIDv2, if any, is the signer's; its hash is SHA-256 by default.

    digests: the permitted hashes.

    Raises: `Refused` (eds_signed_attributes_invalid).
    """
    if not any(attribute.oid == SIGNING_CERTIFICATE_V2 for attribute in signed.attributes):
        return
    outer = der.items(
        single_value(signed, SIGNING_CERTIFICATE_V2), der.SEQUENCE, "signing certificate"
    )
    identifiers = der.items(outer[0], der.SEQUENCE, "signing certificate") if outer else []
    parts = (
        der.items(identifiers[0], der.SEQUENCE, "signing certificate", at_most=3)
        if identifiers
        else []
    )
    oid = keys.SHA256
    if parts and parts[0].tag == der.SEQUENCE:
        oid = algorithm_oid(parts.pop(0))
    digest = digests.get(oid)
    if (
        digest is None
        or not parts
        or der.octets(parts[0], "signing certificate") != digest(signed.signer.der)
    ):
        raise _invalid("signing-certificate-v2 names another certificate")
