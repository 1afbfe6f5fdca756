"""A statement signed as XML in NCALayer's form: the signature is the last child of the document it
covers.

1. The algorithms are of the certificate's family.
2. The hash is that of the document we built of OUR statement.
3. The document around the signature equals that document byte for byte, in canonical form.
4. The hash is that of the document around the signature.
5. The signature covers SignedInfo in canonical form.

No part is looked up by an identifier or extracted: the document equals ours or is refused.
Source: XML Signature Syntax and Processing 1.1, §3.2 and §4; the profile was measured.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from typing import ClassVar

from verification.core.errors import Refused
from verification.engines.pki import keys, xml_algorithms
from verification.engines.pki.certificate import Certificate, parse_certificate
from verification.engines.pki.cms import Attribute
from verification.engines.pki.der import malformed
from verification.engines.pki.xml_document import (
    Node,
    attributes,
    canonical,
    canonical_part,
    only_attributes,
    only_base64,
    only_children,
    parse_document,
    remove,
)

_DS = "{http://www.w3.org/2000/09/xmldsig#}"
# NCALayer lets several people sign one document; ours have one signer.
_MAX_SIGNATURES = 10
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})
# XML 1.0, fifth edition, [2]: text may contain all characters but these. Surrogates are not UTF-8.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class SignedXml:
    """One signature in a document: signer, algorithms and subject. Not verified yet.

    `covered` and `signed_info` are in canonical form; `covered` is the whole document without this
    signature and later ones.
    """

    signer: Certificate
    covered: bytes = field(repr=False)
    digest_oid: str
    digest: bytes = field(repr=False)
    signature_oid: str
    signature: bytes = field(repr=False)
    signed_info: bytes = field(repr=False)
    # XAdES puts the signer's time and a time-stamp into an Object, which is refused: request a
    # time-stamp if needed.
    claimed_signing_time: ClassVar[datetime | None] = None
    unsigned_attributes: ClassVar[tuple[Attribute, ...]] = ()

    def check_content(self, *, statement: bytes) -> None:
        """Steps 1–3: return if this is about exactly `statement`, the bytes stored before the
        question.

        Raises: `Refused`: eds_algorithm_refused, eds_statement_mismatch.
        """
        check_document(self, document=statement_document(statement))

    def check_signature(self) -> None:
        """Steps 1, 4 and 5: return if the signer's key signed the document. It does not verify the
        key's owner.

        Raises: `Refused`: eds_algorithm_refused, eds_statement_mismatch, eds_signature_invalid.
        """
        # 1
        _require_algorithms(self)
        # 4
        if not compare_digest(self.digest, keys.DIGESTS[self.digest_oid](self.covered)):
            raise Refused("eds_statement_mismatch", "the hash is not that of the document")
        # 5
        keys.verify(self.signer.public_key, self.signed_info, signature=self.signature)


def statement_document(statement: bytes) -> bytes:
    """The document a borrower signs, in canonical form: the statement as text, for display in the
    signer's program.

    Markup characters are escaped as in Canonical XML §2.3, so text cannot become markup.

    Raises: `Refused` (eds_statement_mismatch) for bytes that XML cannot carry as text.
    """
    try:
        text = statement.decode()
    except UnicodeDecodeError:
        raise Refused(
            "eds_statement_mismatch", "the statement is no text: XML cannot carry it"
        ) from None
    if _NO_TEXT.search(text):
        raise Refused(
            "eds_statement_mismatch", "the statement has characters that XML cannot carry"
        )
    return (
        b'<statement format="tulga-statement-2">'
        + text.translate(_ESCAPED).encode()
        + b"</statement>"
    )


def parse_xml(untrusted: bytes, *, max_bytes: int) -> SignedXml:
    """The only signature of a document of at most `max_bytes` bytes. A borrower signs alone.

    Raises: `Refused` (eds_signer_count) unless there is exactly one, and as `parse_signatures`.
    """
    signatures = parse_signatures(untrusted, max_bytes=max_bytes)
    if len(signatures) != 1:
        raise Refused(
            "eds_signer_count", "not exactly one signature", facts={"signers": len(signatures)}
        )
    return signatures[0]


def parse_signatures(untrusted: bytes, *, max_bytes: int) -> tuple[SignedXml, ...]:
    """Every signature of a document in the order of addition, which is document order.

    Each covers the document at its addition: neither itself nor later ones.

    Raises: `Refused`: eds_too_large, eds_malformed, eds_signer_count (more than ten),
    eds_algorithm_refused, eds_signed_attributes_invalid (not exactly one reference, to the whole
    document), eds_certificate_missing, and as `parse_certificate` for a signer's certificate.
    """
    root = parse_document(untrusted, max_bytes=max_bytes)
    # Enveloped, as NCALayer writes it: the signature is a child of the element it signs (XMLDSig
    # §6.6.4).
    elements = [child for child in root if child.tag == f"{_DS}Signature"]
    if len(elements) > _MAX_SIGNATURES:
        raise Refused("eds_signer_count", "too many signatures", facts={"signers": len(elements)})
    # Anywhere but directly under the root, a signature could hide from the content it covers.
    inside = sum(1 for signature in elements for _ in signature.iter(f"{_DS}*"))
    if sum(1 for _ in root.iter(f"{_DS}*")) != inside:
        raise malformed("XML: a part of a signature elsewhere than directly under the root")
    # The last first: each is parsed in place and then removed, so that the previous one covers the
    # rest.
    return tuple(reversed([_take_out(node, root) for node in reversed(elements)]))


def check_document(signed: SignedXml, *, document: bytes) -> None:
    """Steps 1–3 for a document of any kind, given in canonical form."""
    # 1
    _require_algorithms(signed)
    # 2
    if not compare_digest(signed.digest, keys.DIGESTS[signed.digest_oid](document)):
        raise Refused("eds_statement_mismatch", "another document than ours was signed")
    # 3
    if signed.covered != document:
        raise Refused(
            "eds_statement_mismatch", "the document around the signature differs from ours"
        )


def _require_algorithms(signed: SignedXml) -> None:
    accepted = keys.ALGORITHMS[signed.signer.family]
    keys.require_algorithms(
        accepted, digest_oid=signed.digest_oid, signature_oid=signed.signature_oid
    )


def _take_out(node: Node, root: Node) -> SignedXml:
    """One signature as plain values. Refuses every part that NCALayer does not write."""
    if set(attributes(node)) - {"Id"}:
        raise malformed("Signature: other attributes than expected")
    parts = only_children(node, where="Signature")
    if [part.tag for part in parts[:2]] != [f"{_DS}SignedInfo", f"{_DS}SignatureValue"]:
        raise malformed("Signature: not SignedInfo and SignatureValue first")
    # XMLDSig §4.2: SignedInfo, SignatureValue, KeyInfo, and Objects, which are refused.
    if len(parts) > 3:
        raise malformed("Signature: unexpected parts")
    signature_oid, digest_oid, digest = _read_signed_info(parts[0])
    signed_info = canonical_part(parts[0])
    remove(node)
    # The one certificate in KeyInfo: a bare key has no known owner, and two certificates are
    # ambiguous.
    if len(parts) < 3 or parts[2].tag != f"{_DS}KeyInfo":
        raise Refused("eds_certificate_missing", "there is no KeyInfo")
    only_attributes(parts[2], where="KeyInfo")
    inside = only_children(parts[2], where="KeyInfo")
    if [element.tag for element in inside] != [f"{_DS}X509Data"]:
        raise Refused("eds_certificate_missing", "KeyInfo is not just X509Data")
    only_attributes(inside[0], where="X509Data")
    certificates = only_children(inside[0], where="X509Data")
    if [element.tag for element in certificates] != [f"{_DS}X509Certificate"]:
        raise Refused("eds_certificate_missing", "X509Data is not exactly one certificate")
    return SignedXml(
        signer=parse_certificate(only_base64(certificates[0], where="X509Certificate")),
        covered=canonical(root),
        digest_oid=digest_oid,
        digest=digest,
        signature_oid=signature_oid,
        signature=only_base64(parts[1], where="SignatureValue"),
        signed_info=signed_info,
    )


def _read_signed_info(node: Node) -> tuple[str, str, bytes]:
    """The identifiers of the signature and of the hash, and the hash of the whole document."""
    only_attributes(node, where="SignedInfo")
    parts = only_children(node, where="SignedInfo")
    if [part.tag for part in parts[:2]] != [
        f"{_DS}CanonicalizationMethod",
        f"{_DS}SignatureMethod",
    ]:
        raise malformed("SignedInfo: not the two methods first")
    form = _algorithm(parts[0])
    # Another form could leave comments or namespaces out of the hashed bytes.
    if form != xml_algorithms.CANONICAL:
        raise xml_algorithms.algorithm_refused(form, subject="CanonicalizationMethod")
    signature_oid = xml_algorithms.identify(
        _algorithm(parts[1]), xml_algorithms.SIGNATURES, subject="SignatureMethod"
    )
    _require_empty(*parts[:2])
    if len(parts) != 3 or parts[2].tag != f"{_DS}Reference":
        raise Refused("eds_signed_attributes_invalid", "not exactly one reference")
    # The empty URI is the document itself; any other permits signature wrapping.
    if attributes(parts[2]) != {"URI": ""}:
        raise Refused("eds_signed_attributes_invalid", "the reference is not to the whole document")
    parts = only_children(parts[2], where="Reference")
    if [part.tag for part in parts] != [
        f"{_DS}Transforms",
        f"{_DS}DigestMethod",
        f"{_DS}DigestValue",
    ]:
        raise malformed("Reference: not the transforms, the method and the value")
    # Two transforms in one order. Another one could leave out content that the borrower must see.
    only_attributes(parts[0], where="Transforms")
    transforms = only_children(parts[0], where="Transforms")
    if any(transform.tag != f"{_DS}Transform" for transform in transforms):
        raise malformed("Transforms: unexpected parts")
    names = [_algorithm(transform) for transform in transforms]
    for name, expected in zip(names, xml_algorithms.TRANSFORMS, strict=False):
        if name != expected:
            raise xml_algorithms.algorithm_refused(name, subject="Transform")
    if len(names) != len(xml_algorithms.TRANSFORMS):
        raise Refused(
            "eds_algorithm_refused", "Transform: not exactly two", facts={"transforms": len(names)}
        )
    _require_empty(*transforms)
    digest_oid = xml_algorithms.identify(
        _algorithm(parts[1]), xml_algorithms.DIGESTS, subject="DigestMethod"
    )
    _require_empty(parts[1])
    return signature_oid, digest_oid, only_base64(parts[2], where="DigestValue")


def _algorithm(node: Node) -> str:
    (name,) = only_attributes(node, "Algorithm", where="algorithm")
    return name


def _require_empty(*nodes: Node) -> None:
    """An algorithm with parameters is another algorithm: a shortened HMAC, an XPath expression."""
    if any(len(node) or (node.text or "").strip() for node in nodes):
        raise Refused("eds_algorithm_refused", "an algorithm with parameters")
