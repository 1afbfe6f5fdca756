"""A proof of an authority that a signature existed at a time, and whether it may be believed.

1 it can be read · 2 it is over this signature's value, hashed with an accepted hash · 3 its
content is what its signer's key signed, and a signing-certificate names that signer · 4 the policy is an accepted one ·
5 the time is not in the future and within the validity of the certificate that signed the statement · 6 the signer is
an authority for time-stamps that we trust, and was not revoked: `timestamp_trust`. The old GOST is accepted here.
Source: RFC 3161 §2.3, §2.4.2, appendix A; RFC 5816.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha1
from hmac import compare_digest

from verification.core.errors import Refused
from verification.engines.pki import cms, der, keys
from verification.engines.pki.certificate import Certificate
from verification.engines.pki.signatures import Signature
from verification.engines.pki.timestamp_token import TST_INFO, TimestampToken, invalid, open_response, parse_token
from verification.engines.pki.timestamp_trust import Standing, TimestampTrust, check_standing, untrusted

__all__ = [
    "ProvenTime",
    "TimestampToken",
    "TimestampTrust",
    "build_request",
    "check_token",
    "open_response",
    "parse_token",
    "verify_answer",
    "verify_inside",
]

_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
NONCE_BITS = 64

# The hashes a token may be over: those of signatures, and the old one that the authority's oldest policies use.
IMPRINTS: dict[str, Callable[[bytes], bytes]] = keys.TIMESTAMP_DIGESTS


def build_request(signature: bytes, *, imprint_oid: str, nonce: int) -> bytes:
    """The DER of a question for a token over these bytes, with the authority's certificate in the answer."""
    # RFC 3161 §2.4.1: version, imprint, no policy of ours, nonce, and whether the certificate shall come along.
    imprint = der.encode(
        der.SEQUENCE, der.encode_algorithm(imprint_oid), der.encode_octets(IMPRINTS[imprint_oid](signature))
    )
    return der.encode(
        der.SEQUENCE, der.encode_integer(1), imprint, der.encode_integer(nonce), der.encode(der.BOOLEAN, b"\xff")
    )


@dataclass(frozen=True, kw_only=True)
class ProvenTime:
    """What a believed token proves: that the signature existed at its time. `standing` is that of who says so."""

    time: datetime
    policy: str
    standing: Standing

    def report(self) -> dict[str, str]:
        """All of it, for a report."""
        status = self.standing.status.report() if self.standing.status else {}
        return {"time": self.time.isoformat(), "policy": self.policy, "authority": self.standing.word, **status}


def verify_inside(untrusted: bytes, *, signed: Signature, trust: TimestampTrust, at: datetime) -> ProvenTime:
    """Steps 1–6: what the token that came with a signature proves. Raises as `check_token`."""
    token = parse_token(untrusted, max_bytes=trust.max_bytes)
    return check_token(token, signature=signed.signature, signer=signed.signer, trust=trust, at=at)


def verify_answer(
    untrusted: bytes, *, nonce: int, signed: Signature, trust: TimestampTrust, at: datetime
) -> ProvenTime:
    """What the token in an authority's answer to our question proves, after steps 2–6 and a look at our nonce.

    Raises `Refused` (eds_timestamp_unavailable, or eds_revocation_unknown): what we asked for and cannot use is never
    the signer's fault.
    """
    try:
        token = parse_token(open_response(untrusted, max_bytes=trust.max_bytes), max_bytes=trust.max_bytes)
        if token.nonce != nonce:
            raise invalid("the time-stamp does not carry our nonce")
        return check_token(token, signature=signed.signature, signer=signed.signer, trust=trust, at=at)
    except Refused as refused:
        if refused.code == "eds_revocation_unknown":
            raise
        raise Refused("eds_timestamp_unavailable", refused.detail, facts=refused.facts) from refused


def check_token(
    token: TimestampToken, *, signature: bytes, signer: Certificate, trust: TimestampTrust, at: datetime
) -> ProvenTime:
    """Steps 2–6: what `token` proves of `signature`, which the key of `signer` made.

    `at`: now. Raises `Refused`: eds_timestamp_invalid, eds_timestamp_untrusted, eds_timestamp_time, or
    eds_revocation_unknown if nobody can tell whether who signed the token is revoked.
    """
    # 2. RFC 3161, appendix A: the imprint is of the signature's value: a token says nothing of any other signature.
    digest = IMPRINTS.get(token.imprint_oid)
    if digest is None or not compare_digest(token.imprint, digest(signature)):
        raise invalid("the time-stamp is over something else")
    # 3
    try:
        _check_signed(token)
    except Refused as refused:
        raise invalid(refused.detail) from refused
    # 4
    if token.policy not in trust.accepted_policies:
        raise untrusted("the time-stamp's policy is not accepted")
    # 5. A token proves that the signature is no younger; a certificate that was not valid then never could have signed.
    if token.time > at + trust.clock_skew:
        raise Refused("eds_timestamp_time", "the time-stamp is from the future")
    if not signer.not_before <= token.time <= signer.not_after:
        raise Refused("eds_timestamp_time", "the certificate was not valid at the time of the time-stamp")
    # 6
    standing = check_standing(token, trust=trust, at=at)
    return ProvenTime(time=token.time, policy=token.policy, standing=standing)


def _check_signed(token: TimestampToken) -> None:
    """The signed attributes name the content's type and hash once each, and the signer's key signed them."""
    signed = token.signed
    # RFC 3161 §2.4.2: without the type in the signed attributes other signed content could pose as a time-stamp.
    if der.oid(cms.single_value(signed, cms.CONTENT_TYPE), "content type") != TST_INFO:
        raise invalid("the content type is not that of a time-stamp")
    claimed = der.octets(cms.single_value(signed, cms.MESSAGE_DIGEST), "message digest")
    cms.require_algorithms(signed, keys.TIMESTAMP_ALGORITHMS[signed.signer.family])
    if not compare_digest(claimed, IMPRINTS[signed.digest_oid](token.info)):
        raise invalid("other bytes than the time-stamp's content were signed")
    keys.verify_timestamp(signed.signer.public_key, cms.signed_message(signed), signature=signed.signature)
    cms.check_signing_certificate(signed, digests=IMPRINTS)
    # The first ESSCertID is the signer's. Its hash is SHA-1 by definition: it tells certificates apart, no more.
    if any(each.oid == _SIGNING_CERTIFICATE for each in signed.attributes):
        parts = [cms.single_value(signed, _SIGNING_CERTIFICATE)]
        for _ in range(3):
            parts = der.items(parts[0], der.SEQUENCE, "signing certificate", at_least=1)
        expected = sha1(signed.signer.der, usedforsecurity=False).digest()
        if der.octets(parts[0], "signing certificate") != expected:
            raise invalid("signing-certificate names another certificate")
