"""Whether a signed statement is about our bytes and is signed by the certificate it names.

1 the hash and the signature are of the certificate's family · 2 the signed attributes name the content's type and
its hash once each · 3 the hash is that of OUR statement · 4 a copy inside the signature equals it · 5 the attributes
are in DER order · 6 the signature is over them, re-tagged SET · 7 a signing-certificate-v2 names the same certificate.
Source: RFC 5652 §5.4, §5.6, §11; RFC 5035 §3.
"""

from collections.abc import Callable, Mapping
from hmac import compare_digest

from verification.core.errors import Refused
from verification.engines.pki import algorithms, der, keys, signed_data, values
from verification.engines.pki.certificate import algorithm_oid
from verification.engines.pki.der import Element
from verification.engines.pki.signed_data import SignedStatement, SignedToken, parse_cms

Digests = Mapping[str, Callable[[bytes], bytes]]

__all__ = ["SignedStatement", "check_content", "check_signature", "parse_cms"]


def check_content(signed: SignedStatement, *, statement: bytes) -> None:
    """Steps 1–4: return if `signed` is about exactly `statement`, the bytes we stored before asking.

    Raises `Refused`: eds_algorithm_refused, eds_signed_attributes_invalid, eds_statement_mismatch.
    """
    # 1
    _require_algorithms(signed)
    # 2
    kind = values.oid(_single_value(signed, signed_data.CONTENT_TYPE), "content type")
    if kind != signed_data.DATA or signed.content_type != signed_data.DATA:
        raise _invalid("the content is not plain data")
    claimed = values.octets(_single_value(signed, signed_data.MESSAGE_DIGEST), "message digest")
    # 3
    if not compare_digest(claimed, algorithms.DIGESTS[signed.digest_oid](statement)):
        raise Refused("eds_statement_mismatch", "other bytes than our statement were signed")
    # 4
    if signed.encapsulated is not None and signed.encapsulated != statement:
        raise Refused("eds_statement_mismatch", "the copy inside the signature differs from our statement")


def check_signature(signed: SignedStatement) -> None:
    """Steps 1 and 5–7: return if the signer's key signed the attributes. Says nothing about whose key it is.

    Raises `Refused`: eds_algorithm_refused, eds_signed_attributes_invalid, eds_signature_invalid.
    """
    # 1
    _require_algorithms(signed)
    message = signed_message(signed)
    # 6
    keys.verify(signed.signer.public_key, message, signature=signed.signature)
    # 7
    check_signing_certificate(signed)


def signed_message(signed: SignedToken) -> bytes:
    """5: the bytes that the signature must be over. Raises `Refused` (eds_signed_attributes_invalid)."""
    # Whether there are attributes at all comes first: without them encoded attributes could pose as content.
    if not signed.attributes:
        raise _invalid("there are no signed attributes")
    body = der.read_tree(signed.signed_attributes)
    encodings = [attribute.raw for attribute in body.children]
    if encodings != sorted(encodings) or not body.strict:
        raise _invalid("the signed attributes are not in DER order")
    if len({each.oid for each in signed.attributes}) != len(signed.attributes):
        raise _invalid("a signed attribute occurs twice")
    return bytes([der.SET]) + signed.signed_attributes[1:]


def _invalid(detail: str) -> Refused:
    return Refused("eds_signed_attributes_invalid", detail)


def _require_algorithms(signed: SignedStatement) -> None:
    algorithms.require_statement_algorithms(
        signed.signer.family, digest_oid=signed.digest_oid, signature_oid=signed.signature_oid
    )
    require_announced(signed)


def require_announced(signed: SignedToken) -> None:
    """1, the rest of it. Raises `Refused` (eds_algorithm_refused)."""
    if signed.digest_oid not in signed.announced_digests:
        raise Refused("eds_algorithm_refused", "the digest algorithm of the signer is not among those announced")


def _single_value(signed: SignedToken, oid: str) -> Element:
    """The only value of the only signed attribute of that type."""
    found = [each for each in signed.attributes if each.oid == oid]
    if len(found) != 1 or len(found[0].values) != 1:
        raise _invalid("a required signed attribute is missing or repeated")
    return found[0].values[0]


def check_signing_certificate(signed: SignedToken, *, digests: Digests = algorithms.DIGESTS) -> None:
    """7: the first ESSCertIDv2, if there is any, is the signer's; its hash is SHA-256 unless it says otherwise.

    `digests`: the hashes that may be said. Raises `Refused` (eds_signed_attributes_invalid).
    """
    if not any(each.oid == signed_data.SIGNING_CERTIFICATE_V2 for each in signed.attributes):
        return
    outer = values.items(_single_value(signed, signed_data.SIGNING_CERTIFICATE_V2), der.SEQUENCE, "signing certificate")
    identifiers = values.items(outer[0], der.SEQUENCE, "signing certificate") if outer else []
    parts = values.items(identifiers[0], der.SEQUENCE, "signing certificate", at_most=3) if identifiers else []
    oid = algorithms.SHA256
    if parts and parts[0].tag == der.SEQUENCE:
        oid = algorithm_oid(parts.pop(0))
    digest = digests.get(oid)
    if digest is None or not parts or values.octets(parts[0], "signing certificate") != digest(signed.signer.der):
        raise _invalid("signing-certificate-v2 names another certificate")
