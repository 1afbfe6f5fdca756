"""A question to a responder of the authority about one certificate, and whether its answer may be believed.

1 the responder says that it answered · 2 the answer is about our certificate: hash, issuer's name and key, serial
number · 3 it carries our nonce · 4 who signed is the issuer itself, or whom the issuer certified for just that:
ocspSigning, nocheck, valid at the time · 5 that key signed · 6 the answer is fresh and not from the future.
Any doubt is `eds_revocation_unknown`: never a pass, never "revoked". Source: RFC 6960 §3.2, §4; RFC 9654.
"""

from datetime import datetime, timedelta
from hashlib import sha1, sha256
from hmac import compare_digest

from verification.core.errors import Refused
from verification.engines.pki import algorithms, der, keys, values
from verification.engines.pki import encoding as asn1
from verification.engines.pki.certificate import Certificate, parse_known
from verification.engines.pki.der import Element
from verification.engines.pki.ocsp_response import BY_NAME, NONCE, OcspResponse, parse_response
from verification.engines.pki.path import check_issued
from verification.engines.pki.revocation_status import RevocationStatus, unknown

__all__ = ["NONCE_BYTES", "OcspResponse", "build_request", "check_response", "parse_response"]

NOCHECK = "1.3.6.1.5.5.7.48.1.5"
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
NONCE_BYTES = 32  # RFC 9654 §2.1: what a client sends


def build_request(certificate: Certificate, *, issuer: Certificate, nonce: bytes) -> bytes:
    """The DER of an unsigned question about `certificate`, with a `nonce` of `NONCE_BYTES` bytes."""
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
    _, name_hash, key_hash, serial = _cert_id(certificate, issuer=issuer)
    cert_id = asn1.sequence(
        asn1.algorithm(algorithms.SHA256), asn1.octets(name_hash), asn1.octets(key_hash), asn1.integer(serial)
    )
    extension = asn1.sequence(asn1.oid(NONCE), asn1.octets(asn1.octets(nonce)))
    return asn1.sequence(
        asn1.sequence(asn1.sequence(asn1.sequence(cert_id)), asn1.element(der.CONTEXT_2, asn1.sequence(extension)))
    )


def _cert_id(certificate: Certificate, *, issuer: Certificate) -> tuple[str, bytes, bytes, int]:
    key_hash = sha256(_public_key_bits(issuer)).digest()
    return algorithms.SHA256, sha256(issuer.subject).digest(), key_hash, certificate.serial


def _public_key_bits(certificate: Certificate) -> bytes:
    """The content of the key's BIT STRING, which is what responders hash."""
    info = der.read_tree(certificate.tbs).children[6]
    return values.whole_bits(info.children[1], "public key")


def check_response(
    response: OcspResponse,
    *,
    certificate: Certificate,
    issuer: Certificate,
    nonce: bytes,
    at: datetime,
    max_age: timedelta,
    clock_skew: timedelta,
) -> RevocationStatus:
    """Steps 2–6: what the authority says of `certificate`. `issuer` must have passed `build_path`.

    Raises `Refused` (eds_revocation_unknown) for an answer that cannot be believed.
    """
    # 2. The serial number alone identifies nothing.
    if response.cert_id != _cert_id(certificate, issuer=issuer):
        raise unknown("the answer is about another certificate")
    # 3
    if not nonce or response.nonce is None or not compare_digest(response.nonce, nonce):
        raise unknown("the answer does not carry our nonce")
    # 4, 5
    _check_signature(response, issuer=issuer, at=at)
    # 6
    for moment in (response.this_update, response.produced_at):
        if moment > at + clock_skew:
            raise unknown("the answer is from the future")
        if at - moment > max_age:
            raise unknown("the answer is stale")
    if response.next_update is not None and response.next_update <= at:
        raise unknown("the answer is stale")
    return RevocationStatus(
        state=response.state,
        source="ocsp",
        as_of=response.this_update,
        sha256=response.sha256,
        reason=response.reason,
        revoked_at=response.revoked_at,
    )


def _check_signature(response: OcspResponse, *, issuer: Certificate, at: datetime) -> None:
    responder = _find_responder(response, issuer=issuer)
    if responder.sha256 != issuer.sha256:
        _check_delegation(responder, issuer=issuer, at=at)
    if response.signature_oid not in algorithms.ALGORITHMS[responder.family].certificate_signatures:
        raise unknown("the answer's signature is not of the responder's family")
    try:
        keys.verify(responder.public_key, response.tbs, signature=response.signature, often=True)
    except Refused:
        raise unknown("the responder's signature does not fit") from None


def _find_responder(response: OcspResponse, *, issuer: Certificate) -> Certificate:
    """The issuer, or the certificate sent along, that the answer names as who signed it."""
    if _is_named(response.responder, issuer):
        return issuer
    for encoded in response.certificates:
        try:
            candidate = parse_known(encoded)
        except Refused:
            continue
        if _is_named(response.responder, candidate):
            return candidate
    raise unknown("the responder's certificate is not there")


def _is_named(responder: Element, candidate: Certificate) -> bool:
    if responder.tag == BY_NAME:
        return responder.content == candidate.subject
    # RFC 6960 §4.2.1 names the key by SHA-1: it finds a certificate and proves nothing.
    digest = sha1(_public_key_bits(candidate), usedforsecurity=False).digest()
    return responder.content == asn1.octets(digest)


def _check_delegation(responder: Certificate, *, issuer: Certificate, at: datetime) -> None:
    """Whether the issuer itself certified the responder for this, RFC 6960 §4.2.2.2."""
    if responder.issuer != issuer.subject:
        raise unknown("the responder is of another authority")
    if responder.signature_oid not in algorithms.ALGORITHMS[issuer.family].certificate_signatures:
        raise unknown("the responder's certificate is not signed in the issuer's family")
    try:
        check_issued(responder, issuer=issuer, comes_again=True)
    except Refused:
        raise unknown("the responder is of another authority") from None
    if OCSP_SIGNING not in responder.extended_key_usage:
        raise unknown("the responder may not answer for the issuer")
    # Without it the responder's own revocation would be open; its value is not looked at, real ones are empty.
    if NOCHECK not in responder.extensions:
        raise unknown("whether the responder itself is revoked is open")
    if set(responder.unknown_critical) - {NOCHECK}:
        raise unknown("the responder has an unknown critical extension")
    if responder.key_usage and not responder.key_usage & {"digital_signature", "non_repudiation"}:
        raise unknown("the responder's key is not for signatures")
    if not responder.not_before <= at <= responder.not_after:
        raise unknown("the responder was not valid at the time")
