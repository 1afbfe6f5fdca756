"""A statement signed as XML, the way NCALayer does it: the signature is the last child of the
document it covers.

1 the algorithms are of the certificate's family · 2 the hash is that of the document we built of
OUR statement · 3 the document around the signature is that document to the byte, in canonical form
· 4 the hash is that of the document around the signature · 5 the signature is over SignedInfo in
canonical form. Nothing is looked up by an identifier and nothing is taken out of the document: it
equals ours or is refused.
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
# NCALayer lets several people sign one document; ours are signed by one.
_MAX_SIGNATURES = 10
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})
# XML 1.0, fifth edition, [2]: all but these may stand in a text. Halves of signs are no UTF-8 in
# the first place.
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class SignedXml:
    """What one signature in a document says: who signed, with what, and about what. Nothing of it
    is verified yet.

    `covered` and `signed_info` are in canonical form; `covered` is the whole document but this
    signature and those that were added after it.
    """

    signer: Certificate
    covered: bytes = field(repr=False)
    digest_oid: str
    digest: bytes = field(repr=False)
    signature_oid: str
    signature: bytes = field(repr=False)
    signed_info: bytes = field(repr=False)
    # XAdES says the signer's time and carries a time-stamp in an Object, and there may be none:
    # whoever wants a time-stamp asks for it.
    claimed_signing_time: ClassVar[datetime | None] = None
    unsigned_attributes: ClassVar[tuple[Attribute, ...]] = ()

    def check_content(self, *, statement: bytes) -> None:
        """Steps 1–3: return if this is about exactly `statement`, the bytes we stored before
        asking.

        Raises `Refused`: eds_algorithm_refused, eds_statement_mismatch.
        """
        check_document(self, document=statement_document(statement))

    def check_signature(self) -> None:
        """Steps 1, 4 and 5: return if the signer's key signed the document. Says nothing about
        whose key it is.

        Raises `Refused`: eds_algorithm_refused, eds_statement_mismatch, eds_signature_invalid.
        """
        # 1
        _require_algorithms(self)
        # 4
        if not compare_digest(self.digest, keys.DIGESTS[self.digest_oid](self.covered)):
            raise Refused("eds_statement_mismatch", "the hash is not that of the document")
        # 5
        keys.verify(self.signer.public_key, self.signed_info, signature=self.signature)


def statement_document(statement: bytes) -> bytes:
    """The document a borrower signs, in canonical form: the statement as text, for the signer's
    program to show.

    Its marks of markup are escaped as Canonical XML §2.3 escapes them, so no text can be markup.
    Raises `Refused` (eds_statement_mismatch) for bytes that XML cannot carry as text.
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

    Raises `Refused` (eds_signer_count) for none and for several, and what `parse_signatures`
    raises.
    """
    signatures = parse_signatures(untrusted, max_bytes=max_bytes)
    if len(signatures) != 1:
        raise Refused(
            "eds_signer_count", "not exactly one signature", facts={"signers": len(signatures)}
        )
    return signatures[0]


def parse_signatures(untrusted: bytes, *, max_bytes: int) -> tuple[SignedXml, ...]:
    """Every signature of a document in the order they were added, which is that of the document.

    Each covers what was there when it was added: neither itself nor any later one.
    Raises `Refused`: eds_too_large, eds_malformed, eds_signer_count (more than ten),
    eds_algorithm_refused, eds_signed_attributes_invalid (a reference to anything but the whole
    document, or not just one), eds_certificate_missing, and what `parse_certificate` raises for a
    signer's certificate.
    """
    root = parse_document(untrusted, max_bytes=max_bytes)
    # Enveloped, as NCALayer writes it: the signature is a child of what it signs (XMLDSig §6.6.4).
    elements = [child for child in root if child.tag == f"{_DS}Signature"]
    if len(elements) > _MAX_SIGNATURES:
        raise Refused("eds_signer_count", "too many signatures", facts={"signers": len(elements)})
    # Anywhere but directly under the root a signature could hide, or hide from, what it covers.
    inside = sum(1 for signature in elements for _ in signature.iter(f"{_DS}*"))
    if sum(1 for _ in root.iter(f"{_DS}*")) != inside:
        raise malformed("XML: a part of a signature elsewhere than directly under the root")
    # The last first: each is read where it stands and then taken out, so that the one before it
    # covers what is left.
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
    """One signature as plain values. Refuses every part that NCALayer would not have written."""
    if set(attributes(node)) - {"Id"}:
        raise malformed("Signature: other attributes than expected")
    parts = only_children(node, where="Signature")
    if [part.tag for part in parts[:2]] != [f"{_DS}SignedInfo", f"{_DS}SignatureValue"]:
        raise malformed("Signature: not SignedInfo and SignatureValue first")
    # XMLDSig §4.2: SignedInfo, SignatureValue, KeyInfo, and Objects, of which none is taken.
    if len(parts) > 3:
        raise malformed("Signature: unexpected parts")
    signature_oid, digest_oid, digest = _read_signed_info(parts[0])
    signed_info = canonical_part(parts[0])
    remove(node)
    # The one certificate in KeyInfo: a bare key is nobody's, and of two certificates we would have
    # to guess.
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
    """The identifiers of the signature and of the hash, and the hash, which is over the whole
    document alone.
    """
    only_attributes(node, where="SignedInfo")
    parts = only_children(node, where="SignedInfo")
    if [part.tag for part in parts[:2]] != [
        f"{_DS}CanonicalizationMethod",
        f"{_DS}SignatureMethod",
    ]:
        raise malformed("SignedInfo: not the two methods first")
    form = _algorithm(parts[0])
    # Another form could leave comments or namespaces out of what is hashed.
    if form != xml_algorithms.CANONICAL:
        raise xml_algorithms.algorithm_refused(form, subject="CanonicalizationMethod")
    signature_oid = xml_algorithms.identify(
        _algorithm(parts[1]), xml_algorithms.SIGNATURES, subject="SignatureMethod"
    )
    _require_empty(*parts[:2])
    if len(parts) != 3 or parts[2].tag != f"{_DS}Reference":
        raise Refused("eds_signed_attributes_invalid", "not exactly one reference")
    # The empty URI is the document itself; any other points where an attacker may put something
    # (signature wrapping).
    if attributes(parts[2]) != {"URI": ""}:
        raise Refused("eds_signed_attributes_invalid", "the reference is not to the whole document")
    parts = only_children(parts[2], where="Reference")
    if [part.tag for part in parts] != [
        f"{_DS}Transforms",
        f"{_DS}DigestMethod",
        f"{_DS}DigestValue",
    ]:
        raise malformed("Reference: not the transforms, the method and the value")
    # Two transforms in one order. Any other could leave out what the borrower was not to see.
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
    """An algorithm with parameters is another algorithm: a shortened HMAC, an expression of
    XPath.
    """
    if any(len(node) or (node.text or "").strip() for node in nodes):
        raise Refused("eds_algorithm_refused", "an algorithm with parameters")
