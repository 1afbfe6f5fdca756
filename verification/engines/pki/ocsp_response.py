"""The answer of a responder, read into plain values. Reading trusts nothing; every doubt is `eds_revocation_unknown`.

Source: RFC 6960 §4.2.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from verification.core.errors import Refused
from verification.engines.pki import der, extensions, values
from verification.engines.pki.certificate import algorithm_oid
from verification.engines.pki.der import Element, malformed
from verification.engines.pki.extensions import Extension
from verification.engines.pki.revocation_status import REASONS, REMOVED_FROM_LIST, State, unknown

BASIC_RESPONSE, NONCE = "1.3.6.1.5.5.7.48.1.1", "1.3.6.1.5.5.7.48.1.2"
BY_NAME, BY_KEY = der.CONTEXT_1, der.CONTEXT_2

_RESPONSE_STATUS = {1: "malformedRequest", 2: "internalError", 3: "tryLater", 5: "sigRequired", 6: "unauthorized"}
_MAX_CERTIFICATES = 4
_GOOD, _REVOKED, _UNKNOWN = 0x80, 0xA1, 0x82  # the tags of certStatus


@dataclass(frozen=True)
class OcspResponse:
    """An answer as it was read; nothing of it is verified. `cert_id` is (hash, name hash, key hash, serial number).

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
    """Step 1 and the whole answer read, exactly one certificate's status in it.

    Raises `Refused` (eds_revocation_unknown) whatever is wrong with it, and if the responder says to try later.
    """
    if len(untrusted) > max_bytes:
        raise unknown("the responder's answer is too large")
    try:
        return _read(untrusted)
    except Refused as refused:
        raise unknown(refused.detail) from refused


def _read(untrusted: bytes) -> OcspResponse:
    parts = values.items(_strict(untrusted), der.SEQUENCE, "answer", at_least=1, at_most=2)
    status = values.expect(parts[0], der.ENUMERATED, "answer").content
    if status != b"\0":
        said = _RESPONSE_STATUS.get(status[0], "an unknown status") if len(status) == 1 else "an unknown status"
        raise unknown(f"the responder says {said}")
    if len(parts) != 2:
        raise malformed("answer: nothing in it")
    (body,) = values.items(parts[1], der.CONTEXT_0, "answer", at_least=1, at_most=1)
    kind, content = values.items(body, der.SEQUENCE, "answer", at_least=2, at_most=2)
    if values.oid(kind, "answer") != BASIC_RESPONSE:
        raise malformed("answer: not a basic response")
    return _read_basic(values.octets(content, "answer"), sha256(untrusted).hexdigest())


def _strict(untrusted: bytes) -> Element:
    element = der.read_tree(untrusted)
    if not element.strict:
        raise malformed("answer: not DER")
    return element


def _read_basic(untrusted: bytes, digest: str) -> OcspResponse:
    parts = values.items(_strict(untrusted), der.SEQUENCE, "answer", at_least=3, at_most=4)
    data = list(values.items(parts[0], der.SEQUENCE, "answer's data", at_least=3, at_most=5))
    if data[0].tag == der.CONTEXT_0:
        (version,) = values.items(data.pop(0), der.CONTEXT_0, "version", at_least=1, at_most=1)
        if values.integer(version, "version") != 0:
            raise malformed("answer: not version 1")
    if not 3 <= len(data) <= 4 or data[0].tag not in (BY_NAME, BY_KEY):
        raise malformed("answer: a wrong number of parts")
    (single,) = values.items(data[2], der.SEQUENCE, "answer's statuses", at_least=1, at_most=1)
    found = _extensions(data[3], der.CONTEXT_1) if len(data) == 4 else {}
    if any(each.critical and each.oid != NONCE for each in found.values()):
        raise malformed("answer: an unknown critical extension")
    return _assemble(parts, data, single, digest=digest, nonce=_nonce(found))


def _extensions(wrapper: Element, tag: int) -> Mapping[str, Extension]:
    (inner,) = values.items(wrapper, tag, "answer's extensions", at_least=1, at_most=1)
    return extensions.parse_extensions(inner)


def _nonce(found: Mapping[str, Extension]) -> bytes | None:
    return values.octets(der.read_tree(found[NONCE].value), "nonce") if NONCE in found else None


def _assemble(
    parts: Sequence[Element], data: Sequence[Element], single: Element, *, digest: str, nonce: bytes | None
) -> OcspResponse:
    about, status, this_update, *rest = values.items(single, der.SEQUENCE, "status", at_least=3, at_most=5)
    hashed, name_hash, key_hash, serial = values.items(about, der.SEQUENCE, "certificate id", at_least=4, at_most=4)
    state, reason, revoked_at = _read_status(status)
    return OcspResponse(
        sha256=digest,
        responder=data[0],
        produced_at=_time(data[1]),
        cert_id=(
            algorithm_oid(hashed),
            values.octets(name_hash, "certificate id"),
            values.octets(key_hash, "certificate id"),
            values.integer(serial, "certificate id"),
        ),
        state=state,
        reason=reason,
        revoked_at=revoked_at,
        this_update=_time(this_update),
        next_update=_next_update(rest),
        nonce=nonce,
        certificates=_certificates(parts),
        tbs=parts[0].raw,
        signature_oid=algorithm_oid(parts[1]),
        signature=values.whole_bits(parts[2], "signature"),
    )


def _time(element: Element) -> datetime:
    return values.time(values.expect(element, der.GENERALIZED_TIME, "answer"), "answer")


def _read_status(status: Element) -> tuple[State, int | None, datetime | None]:
    if status.tag in (_GOOD, _UNKNOWN) and not status.content:
        return (State.GOOD if status.tag == _GOOD else State.UNKNOWN), None, None
    parts = values.items(status, _REVOKED, "status", at_least=1, at_most=2)
    reason = 0
    if len(parts) == 2:
        (code,) = values.items(parts[1], der.CONTEXT_0, "reason", at_least=1, at_most=1)
        content = values.expect(code, der.ENUMERATED, "reason").content
        if len(content) != 1 or content[0] not in REASONS - {REMOVED_FROM_LIST}:
            raise malformed("status: no such reason")
        reason = content[0]
    return State.REVOKED, reason, _time(parts[0])


def _next_update(rest: list[Element]) -> datetime | None:
    """nextUpdate of what follows thisUpdate; a critical extension of the single status refuses the answer."""
    next_update = None
    if rest and rest[0].tag == der.CONTEXT_0:
        (inner,) = values.items(rest.pop(0), der.CONTEXT_0, "next update", at_least=1, at_most=1)
        next_update = _time(inner)
    if len(rest) > 1 or (rest and any(each.critical for each in _extensions(rest[0], der.CONTEXT_1).values())):
        raise malformed("status: parts that are not understood")
    return next_update


def _certificates(parts: Sequence[Element]) -> tuple[bytes, ...]:
    if len(parts) == 3:
        return ()
    (inner,) = values.items(parts[3], der.CONTEXT_0, "certificates", at_least=1, at_most=1)
    return tuple(each.raw for each in values.items(inner, der.SEQUENCE, "certificates", at_most=_MAX_CERTIFICATES))
