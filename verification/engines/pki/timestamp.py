"""A time-stamp authority's proof that a signature existed at a time, and its verification.

1. It is readable.
2. It covers this signature's value, with an accepted hash.
3. Its signer's key signed its content, and a signing-certificate names that signer.
4. The policy is an accepted one.
5. The time is not in the future and within the validity of the certificate that signed the
   statement.
6. The signer is a trusted time-stamp authority, and was not revoked.

The old GOST is accepted here.

Of 6:
a. Its key is for time-stamps only, and its certificate says so critically.
b. The certificate itself is pinned, and no status is requested.
c. Or it has a path, at the token's time, to a pinned anchor or to a pinned authority above
time-stamp authorities only.
d. Its issuer's present responder answer or list clears it, or revoked it after the token for a
reason that keeps older tokens valid.

Source: RFC 3161 §2.3, §2.4.2, §4, appendix A; RFC 5816; EN 319 102-1 V1.3.1 §5.6.3 (past
validation), without archives.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha1
from hmac import compare_digest
from itertools import pairwise
from typing import TypeGuard

from verification.core.errors import Refused
from verification.engines.pki import cms, der, keys
from verification.engines.pki.certificate import (
    EXTENDED_KEY_USAGE,
    Certificate,
    TimestampCertificate,
)
from verification.engines.pki.ocsp import RevocationStatus, State, unknown
from verification.engines.pki.path import build_timestamp_path
from verification.engines.pki.revocation import Answers, Limits, find_status
from verification.engines.pki.signatures import Signature
from verification.engines.pki.timestamp_token import (
    TST_INFO,
    TimestampToken,
    invalid,
    open_response,
    parse_token,
)

__all__ = [
    "ProvenTime",
    "Standing",
    "TimestampToken",
    "TimestampTrust",
    "askable",
    "build_request",
    "check_standing",
    "check_token",
    "open_response",
    "parse_token",
    "timestamp_path",
    "verify_answer",
    "verify_inside",
]

_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
NONCE_BITS = 64

# Hashes for a token: those of signatures, and the old one of the authority's oldest policies.
IMPRINTS: dict[str, Callable[[bytes], bytes]] = keys.TIMESTAMP_DIGESTS

TIME_STAMPING = "1.3.6.1.5.5.7.3.8"
# RFC 3161 §4: an authority that ends its service with its key intact. An absent reason, which a
# list cannot distinguish from reason 0, and every other one refuse all its tokens.
_AFFILIATION_CHANGED, _SUPERSEDED, _CESSATION_OF_OPERATION = 3, 4, 5
_KEY_INTACT = frozenset({_AFFILIATION_CHANGED, _SUPERSEDED, _CESSATION_OF_OPERATION})


@dataclass(frozen=True, kw_only=True)
class TimestampTrust:
    """Trusted signers of tokens, and the answers about them.

    pinned: time-stamp authorities that need no path, and authorities above such only.
    answers: about the token's signer. above: lists about certificates between it and the anchor.
    accepts_unknown_revocation: an unknown status does not refuse, a revocation still does.
    """

    anchors: Collection[TimestampCertificate]
    intermediates: Collection[TimestampCertificate]
    pinned: Collection[TimestampCertificate] = ()
    accepted_policies: Collection[str]
    max_bytes: int
    clock_skew: timedelta
    answers: Answers = field(default_factory=Answers)
    above: Collection[bytes] = ()
    limits: Limits
    accepts_unknown_revocation: bool = False


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A token signer's status: `word` is good, pinned, unknown, or why an older token remains
    valid.

    The status is that of the source asked, None without one or without an answer.
    """

    word: str
    status: RevocationStatus | None = None


@dataclass(frozen=True, kw_only=True)
class ProvenTime:
    """The proof of a valid token: the signature existed at its time. `standing`: of its signer."""

    time: datetime
    policy: str
    standing: Standing

    def report(self) -> dict[str, str]:
        """All of it, for a report."""
        status = self.standing.status.report() if self.standing.status else {}
        return {
            "time": self.time.isoformat(),
            "policy": self.policy,
            "authority": self.standing.word,
            **status,
        }


def build_request(signature: bytes, *, imprint_oid: str, nonce: int) -> bytes:
    """The DER of a question for a token over these bytes, with the authority's certificate in
    the answer.
    """
    # RFC 3161 §2.4.1: version, imprint, no policy of ours, nonce, and a request for the
    # certificate.
    algorithm = der.encode(der.SEQUENCE, der.encode_oid(imprint_oid), der.encode(der.NULL))
    imprint = der.encode(
        der.SEQUENCE, algorithm, der.encode_octets(IMPRINTS[imprint_oid](signature))
    )
    return der.encode(
        der.SEQUENCE,
        der.encode_integer(1),
        imprint,
        der.encode_integer(nonce),
        der.encode(der.BOOLEAN, b"\xff"),
    )


def verify_inside(
    untrusted: bytes, *, signed: Signature, trust: TimestampTrust, at: datetime
) -> ProvenTime:
    """Steps 1–6: the proof of a token inside a signature.

    Raises: as `check_token`.
    """
    token = parse_token(untrusted, max_bytes=trust.max_bytes)
    return check_token(token, signature=signed.signature, signer=signed.signer, trust=trust, at=at)


def verify_answer(
    untrusted: bytes, *, nonce: int, signed: Signature, trust: TimestampTrust, at: datetime
) -> ProvenTime:
    """The proof of a token in an authority's answer to our question, after steps 2–6 and a check of
    our nonce.

    Raises: `Refused` (eds_timestamp_unavailable, or eds_revocation_unknown): a defect of a
    requested token is never the signer's fault.
    """
    try:
        token = parse_token(
            open_response(untrusted, max_bytes=trust.max_bytes), max_bytes=trust.max_bytes
        )
        if token.nonce != nonce:
            raise invalid("the time-stamp does not carry our nonce")
        return check_token(
            token, signature=signed.signature, signer=signed.signer, trust=trust, at=at
        )
    except Refused as refused:
        if refused.code == "eds_revocation_unknown":
            raise
        raise Refused("eds_timestamp_unavailable", refused.detail, facts=refused.facts) from refused


def check_token(
    token: TimestampToken,
    *,
    signature: bytes,
    signer: Certificate,
    trust: TimestampTrust,
    at: datetime,
) -> ProvenTime:
    """Steps 2–6: the proof of `token` for `signature`, which the key of `signer` made. `at`: now.

    Raises: `Refused`: eds_timestamp_invalid, eds_timestamp_untrusted, eds_timestamp_time, or
    eds_revocation_unknown if the revocation of the token's signer is unknown.
    """
    # 2. RFC 3161, appendix A: the imprint covers the signature's value and no other signature.
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
    # 5. The token proves a minimum age; a certificate that was not valid then could not have
    #    signed.
    if token.time > at + trust.clock_skew:
        raise Refused("eds_timestamp_time", "the time-stamp is from the future")
    if not signer.not_before <= token.time <= signer.not_after:
        raise Refused(
            "eds_timestamp_time", "the certificate was not valid at the time of the time-stamp"
        )
    # 6
    standing = check_standing(token, trust=trust, at=at)
    return ProvenTime(time=token.time, policy=token.policy, standing=standing)


def _check_signed(token: TimestampToken) -> None:
    """The signed attributes have the content's type and hash once each, and the signer's key
    signed them.
    """
    signed = token.signed
    # RFC 3161 §2.4.2: without the type in the signed attributes other signed content could pose as
    # a time-stamp.
    if der.oid(cms.single_value(signed, cms.CONTENT_TYPE), "content type") != TST_INFO:
        raise invalid("the content type is not that of a time-stamp")
    claimed = der.octets(cms.single_value(signed, cms.MESSAGE_DIGEST), "message digest")
    cms.require_algorithms(signed, keys.TIMESTAMP_ALGORITHMS[signed.signer.family])
    if not compare_digest(claimed, IMPRINTS[signed.digest_oid](token.info)):
        raise invalid("other bytes than the time-stamp's content were signed")
    keys.verify_timestamp(
        signed.signer.public_key, cms.signed_message(signed), signature=signed.signature
    )
    cms.check_signing_certificate(signed, digests=IMPRINTS)
    # The first ESSCertID is the signer's. Its hash is SHA-1 by definition: it only identifies the
    # certificate.
    if any(attribute.oid == _SIGNING_CERTIFICATE for attribute in signed.attributes):
        # RFC 2634 §5.4: the attribute, its list of ESSCertIDs, the first of them; the hash comes
        # first in it.
        parts = [cms.single_value(signed, _SIGNING_CERTIFICATE)]
        for _ in range(3):
            parts = der.items(parts[0], der.SEQUENCE, "signing certificate", at_least=1)
        expected = sha1(signed.signer.der, usedforsecurity=False).digest()
        if der.octets(parts[0], "signing certificate") != expected:
            raise invalid("signing-certificate names another certificate")


def untrusted(detail: str) -> Refused:
    """The refusal of a token whose signer is not trusted for it."""
    return Refused("eds_timestamp_untrusted", detail)


def timestamp_path(
    token: TimestampToken, *, trust: TimestampTrust
) -> tuple[TimestampCertificate, ...]:
    """Steps 6a–6c: the signer, then the certificates above; only the first if it is pinned itself.

    Raises: `Refused` (eds_timestamp_untrusted).
    """
    authority = token.signed.signer
    # a RFC 3161 §2.3: a token signer's certificate has this purpose only, and says so critically.
    if not authority.extensions.get(EXTENDED_KEY_USAGE) or authority.extended_key_usage != {
        TIME_STAMPING
    }:
        raise untrusted("the key is not for time-stamps alone, or does not say so critically")
    if authority.key_usage and not authority.key_usage & {"digital_signature", "non_repudiation"}:
        raise untrusted("the key is not for signatures")
    # b
    if authority.sha256 in {certificate.sha256 for certificate in trust.pinned}:
        if (
            not authority.not_before <= token.time <= authority.not_after
            or authority.unknown_critical
        ):
            raise untrusted("the authority was not valid at the time")
        return (authority,)
    # c
    anchors = [*trust.anchors, *(certificate for certificate in trust.pinned if certificate.is_ca)]
    try:
        return build_timestamp_path(
            authority, anchors=anchors, intermediates=trust.intermediates, at=token.time
        )
    except Refused as refused:
        raise untrusted(refused.detail) from refused


def askable(path: tuple[TimestampCertificate, ...]) -> tuple[Certificate, Certificate] | None:
    """The signer of a `timestamp_path` and its issuer, whose status can be requested; None if it
    cannot.

    A pinned signer needs no status. For old algorithms neither lists nor answers are accepted.
    """
    if len(path) > 1 and _is_current(path[0]) and _is_current(path[1]):
        return path[0], path[1]
    return None


def check_standing(token: TimestampToken, *, trust: TimestampTrust, at: datetime) -> Standing:
    """Step 6: the status of the token's signer `at` this time, now.

    Raises: `Refused`: eds_timestamp_untrusted, or eds_revocation_unknown if an unknown status is
    not accepted.
    """
    path = timestamp_path(token, trust=trust)
    if len(path) == 1:
        return Standing(word="pinned")
    # d
    try:
        links = askable(path)
        if links:
            authority, issuer = links
            status = find_status(
                authority, issuer=issuer, answers=trust.answers, limits=trust.limits, at=at
            )
            standing = Standing(word=_judge(status, time=token.time), status=status)
        elif trust.accepts_unknown_revocation:
            standing = Standing(word="unknown")
        else:
            # Lists and answers signed with the old algorithms are never accepted: waiting is
            # useless.
            raise untrusted(
                "nobody can tell whether an authority of the old algorithms is revoked: it must be"
                " pinned"
            )
        # Certificates between the signer and the anchor need the same, by their issuers' lists.
        lists = Answers(crls=tuple(trust.above))
        for below, above in pairwise(path[1:]) if trust.above else ():
            if _is_current(below) and _is_current(above):
                status = find_status(below, issuer=above, answers=lists, limits=trust.limits, at=at)
                _judge(status, time=token.time)
    except Refused as refused:
        if refused.code != "eds_revocation_unknown":
            raise
        if not trust.accepts_unknown_revocation:
            raise unknown(f"of the time-stamp authority: {refused.detail}") from refused
        return Standing(word="unknown")
    return standing


def _judge(status: RevocationStatus, *, time: datetime) -> str:
    if status.state is State.UNKNOWN:
        raise unknown("the responder does not know the time-stamp authority")
    if status.state is State.GOOD:
        return "good"
    if status.reason in _KEY_INTACT and status.revoked_at is not None and status.revoked_at > time:
        return "revoked after the time-stamp"
    when = status.revoked_at.isoformat() if status.revoked_at else ""
    facts: dict[str, str | int] = {"reason": status.reason or 0, "revoked_at": when}
    raise Refused("eds_timestamp_untrusted", "the time-stamp authority is revoked", facts=facts)


def _is_current(certificate: TimestampCertificate) -> TypeGuard[Certificate]:
    return certificate.family != "gost2004"
