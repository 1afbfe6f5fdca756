"""A question to the authority's responder about one certificate, and the verification of its
answer.

1. It is within our limits on size, depth and elements and is DER throughout.
2. The library parses the whole, and its refusals count.
3. It has no part that the library ignores or accepts more leniently than we do.
4. It is about our certificate: hash, issuer's name and key, serial number.
5. It carries our nonce.
6. Its signer is the issuer, or certified by the issuer for exactly this: ocspSigning, nocheck,
   valid at the time.
7. That key signed.
8. The answer is fresh and not from the future.

Any doubt is `eds_revocation_unknown`: never a pass, never "revoked".
A responder and a list give the same type of status.
Source: RFC 6960 §3.2, §4; RFC 9654.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha1, sha256
from hmac import compare_digest
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import OCSPNonce, ocsp
from cryptography.x509.ocsp import OCSPRequestBuilder

from verification.core.errors import Refused
from verification.engines.pki import der, keys
from verification.engines.pki.certificate import (
    EXTENSIONS,
    LIBRARY_REFUSES,
    Certificate,
    algorithm_oid,
    parse_known,
)
from verification.engines.pki.der import Element, malformed
from verification.engines.pki.path import verify_known

BY_NAME = der.CONTEXT_1

_MAX_CERTIFICATES = 4
NOCHECK = "1.3.6.1.5.5.7.48.1.5"
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
NONCE_BYTES = 32  # RFC 9654 §2.1: what a client sends
ON_HOLD: Final = 6  # reason certificateHold, RFC 5280 §5.3.1
REMOVED_FROM_LIST: Final = 8  # reason removeFromCRL: only a delta list may say it


class State(StrEnum):
    """The state in a verified answer. Only `GOOD` may pass."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class RevocationStatus:
    """A verified statement of the authority.

    as_of: its thisUpdate.
    sha256: of its answer or list, in hex.
    reason, revoked_at: of a revocation.
    """

    state: State
    source: Literal["ocsp", "crl", "delta crl"]
    # The caller's policy judges the age; without it a status means nothing.
    as_of: datetime
    sha256: str
    reason: int | None = None
    revoked_at: datetime | None = None

    def report(self) -> dict[str, str]:
        """Its form in a report."""
        return {"source": self.source, "as_of": self.as_of.isoformat(), "sha256": self.sha256}

    @property
    def is_hold(self) -> bool:
        """Whether the certificate is only suspended; that refuses too, but may end."""
        return self.state is State.REVOKED and self.reason == ON_HOLD


def unknown(detail: str) -> Refused:
    """The refusal for an open status: never a pass, never "revoked"."""
    return Refused("eds_revocation_unknown", detail)


@dataclass(frozen=True)
class OcspResponse:
    """An answer as parsed, unverified. `cert_id` is (hash, name hash, key hash, serial number).

    `responder` is the encoded responderID; `certificates` are the encoded certificates sent along.
    """

    sha256: str
    responder: Element = field(repr=False)
    produced_at: datetime
    cert_id: tuple[str, bytes, bytes, int] = field(repr=False)
    state: State
    reason: int | None
    revoked_at: datetime | None
    this_update: datetime
    next_update: datetime | None
    nonce: bytes | None = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    tbs: bytes = field(repr=False)
    signature_oid: str
    signature: bytes = field(repr=False)


def parse_response(untrusted: bytes, *, max_bytes: int) -> OcspResponse:
    """Steps 1–3: the answer, with exactly one certificate's status.

    Raises: `Refused` (eds_revocation_unknown) for any defect, and if the responder says to try
    later.
    """
    # 1
    if len(untrusted) > max_bytes:
        raise unknown("the responder's answer is too large")
    try:
        root = der.read_strict(untrusted, "answer", unopened=EXTENSIONS)
        parts = der.items(root, der.SEQUENCE, "answer", at_least=1, at_most=2)
        basic = None
        if len(parts) == 2:
            (body,) = der.items(parts[1], der.CONTEXT_0, "answer", at_least=1, at_most=1)
            _, content = der.items(body, der.SEQUENCE, "answer", at_least=2, at_most=2)
            basic = der.read_strict(der.octets(content, "answer"), "answer", unopened=EXTENSIONS)
        # 2. RFC 6960 §4.2.1: any other status than successful comes without bytes, and unsigned.
        answer = ocsp.load_der_ocsp_response(untrusted)
        # A busy or refusing responder signs nothing: that is silence, not an answer.
        if basic is None or answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise malformed(
                f"the responder says {answer.response_status.name.lower().replace('_', ' ')}"
            )
        # 3
        return _read(answer, basic, sha256(untrusted).hexdigest())
    except Refused as refused:
        raise unknown(refused.detail) from refused
    except LIBRARY_REFUSES:
        raise unknown("answer: not as RFC 6960 has it") from None


def _read(answer: ocsp.OCSPResponse, basic: Element, digest: str) -> OcspResponse:
    data, algorithm, signature, *_ = basic.children
    if len(answer.certificates) > _MAX_CERTIFICATES:
        raise malformed("answer: too many certificates")
    if any(extension.critical for extension in answer.single_extensions):
        raise malformed("status: an unknown critical extension")
    cert_id = (
        answer.hash_algorithm.name,
        answer.issuer_name_hash,
        answer.issuer_key_hash,
        answer.serial_number,
    )
    reason = None
    if answer.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        # The library uses words for reasons; its text ends in the number.
        reason = (
            x509.CRLReason(answer.revocation_reason).public_bytes()[-1]
            if answer.revocation_reason
            else 0
        )
        # A responder has no changes to take back: RFC 5280 §5.3.1 has this reason in delta lists
        # only.
        if reason == REMOVED_FROM_LIST:
            raise malformed("status: no such reason")
    nonce = None
    for extension in answer.extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            nonce = extension.value.nonce
        elif extension.critical:
            raise malformed("answer: an unknown critical extension")
    # The library also accepts one without its OCTET STRING.
    if (
        nonce is not None
        and der.encode_octets(der.encode_octets(nonce)) not in data.children[-1].raw
    ):
        raise malformed("nonce: not an octet string")
    return OcspResponse(
        sha256=digest,
        responder=data.children[0],
        produced_at=answer.produced_at_utc,
        cert_id=cert_id,
        state=State[answer.certificate_status.name],
        reason=reason,
        revoked_at=answer.revocation_time_utc,
        this_update=answer.this_update_utc,
        next_update=answer.next_update_utc,
        nonce=nonce,
        certificates=tuple(
            extension.public_bytes(Encoding.DER) for extension in answer.certificates
        ),
        tbs=data.raw,
        signature_oid=algorithm_oid(algorithm),
        signature=der.whole_bits(signature, "signature"),
    )


def build_request(certificate: Certificate, *, issuer: Certificate, nonce: bytes) -> bytes:
    """The DER of an unsigned question about `certificate`, with a `nonce` of `NONCE_BYTES`
    bytes.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
    _, name_hash, key_hash, serial = _cert_id(certificate, issuer=issuer)
    question = OCSPRequestBuilder().add_certificate_by_hash(name_hash, key_hash, serial, SHA256())
    return (
        question.add_extension(OCSPNonce(nonce), critical=False).build().public_bytes(Encoding.DER)
    )


def _cert_id(certificate: Certificate, *, issuer: Certificate) -> tuple[str, bytes, bytes, int]:
    # RFC 6960 §4.1.1: of the issuer's encoded name, and of its key without tag, length and unused
    # bits.
    key_hash = sha256(issuer.key_bits).digest()
    return SHA256.name, sha256(issuer.subject).digest(), key_hash, certificate.serial


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
    """Steps 4–8: the authority's statement on `certificate`. `issuer` must have passed
    `build_path`.

    Raises: `Refused` (eds_revocation_unknown) for an invalid answer.
    """
    # 4. The serial number alone identifies nothing.
    if response.cert_id != _cert_id(certificate, issuer=issuer):
        raise unknown("the answer is about another certificate")
    # 5. RFC 9654 §2.1: an answer without our nonce may be an old one, from before the revocation.
    if not nonce or response.nonce is None or not compare_digest(response.nonce, nonce):
        raise unknown("the answer does not carry our nonce")
    # 6, 7
    _check_signature(response, issuer=issuer, at=at)
    # 8. RFC 6960 §2.4: when its content was known to be right, and when it was signed; a responder
    #    may sign ahead.
    for moment in (response.this_update, response.produced_at):
        if moment > at + clock_skew:
            raise unknown("the answer is from the future")
        if at - moment > max_age:
            raise unknown("the answer is stale")
    # RFC 6960 §4.2.2.1: past its nextUpdate an answer is unreliable; no skew is granted to it.
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
    # 6. RFC 6960 §4.2.2.2: a responder needs the issuer's own certificate for this.
    responder = _find_responder(response, issuer=issuer)
    if responder.sha256 != issuer.sha256:
        if responder.issuer != issuer.subject:
            raise unknown("the responder is of another authority")
        if responder.signature_oid not in keys.ALGORITHMS[issuer.family].certificate_signatures:
            raise unknown("the responder's certificate is not signed in the issuer's family")
        try:
            verify_known(
                issuer.public_key, responder.tbs, signature=responder.signature, often=True
            )
        except Refused:
            raise unknown("the responder is of another authority") from None
        if OCSP_SIGNING not in responder.extended_key_usage:
            raise unknown("the responder may not answer for the issuer")
        # Without it the responder's own revocation is open; the real ones have an empty value.
        if NOCHECK not in responder.extensions:
            raise unknown("whether the responder itself is revoked is open")
        if set(responder.unknown_critical) - {NOCHECK}:
            raise unknown("the responder has an unknown critical extension")
        # RFC 5280 §4.2.1.3: a key without this extension is not bound to a use.
        if responder.key_usage and not responder.key_usage & {
            "digital_signature",
            "non_repudiation",
        }:
            raise unknown("the responder's key is not for signatures")
        if not responder.not_before <= at <= responder.not_after:
            raise unknown("the responder was not valid at the time")
    # 7
    if response.signature_oid not in keys.ALGORITHMS[responder.family].certificate_signatures:
        raise unknown("the answer's signature is not of the responder's family")
    try:
        keys.verify(responder.public_key, response.tbs, signature=response.signature, often=True)
    except Refused:
        raise unknown("the responder's signature does not fit") from None


def _find_responder(response: OcspResponse, *, issuer: Certificate) -> Certificate:
    """The issuer, or the certificate sent along, that the answer names as its signer."""
    for encoded in (None, *response.certificates):
        try:
            candidate = issuer if encoded is None else parse_known(encoded)
        except Refused:
            continue
        name = candidate.subject
        if response.responder.tag != BY_NAME:
            # RFC 6960 §4.2.1 names the key by SHA-1: it locates a certificate and proves nothing.
            name = der.encode_octets(sha1(candidate.key_bits, usedforsecurity=False).digest())
        if response.responder.content == name:
            return candidate
    raise unknown("the responder's certificate is not there")
