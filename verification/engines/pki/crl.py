"""Whether a certificate is on the revocation list of its issuer.

1 the list is by the certificate's issuer, complete and for all certificates · 2 the issuer may sign lists and did ·
3 the time is within thisUpdate … nextUpdate · 4 the serial number is not on it; a suspended one is.
Any doubt is `eds_revocation_unknown`: never a pass, never "revoked". Source: RFC 5280 §5, §6.3.
"""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from verification.core.errors import Refused
from verification.engines.pki import algorithms, der, extensions, keys, values
from verification.engines.pki.certificate import Certificate, algorithm_oid
from verification.engines.pki.der import Element, malformed
from verification.engines.pki.extensions import Extension

CRL_NUMBER, REASON = "2.5.29.20", "2.5.29.21"
# Scopes: a list of changes only, a list of part of the certificates, a list for another issuer.
DELTA_INDICATOR, ISSUING_DISTRIBUTION_POINT = "2.5.29.27", "2.5.29.28"
_REMOVED_FROM_LIST = 8


@dataclass(frozen=True)
class RevocationList:
    """A list as it was read; nothing of it is verified. `entries` is the encoded content of its entries.

    `next_update` and `number` are None where absent; `issuer` is the encoded name; `sha256` is of `der`, in hex.
    """

    der: bytes = field(repr=False)
    sha256: str
    issuer: bytes = field(repr=False)
    this_update: datetime
    next_update: datetime | None
    number: int | None
    partial: bool
    unknown_critical: tuple[str, ...]
    entries: bytes = field(repr=False)
    tbs: bytes = field(repr=False)
    signature_oid: str
    signature: bytes = field(repr=False)


def parse_crl(untrusted: bytes, *, max_bytes: int) -> RevocationList:
    """The version 2 list in DER bytes. Entries are not looked into: a list may have hundreds of thousands.

    Raises `Refused` (eds_revocation_unknown) whatever is wrong with it: a broken list is never the signer's fault.
    """
    if len(untrusted) > max_bytes:
        raise _unknown("the list is too large")
    try:
        return _read(untrusted)
    except Refused as refused:
        raise _unknown(refused.detail) from refused


def _read(untrusted: bytes) -> RevocationList:
    (root,) = _few(untrusted, 0, len(untrusted), exactly=1)
    tbs, algorithm, signature = _few(untrusted, root.body, root.stop, exactly=3)
    parts = list(der.split(untrusted, values.expect(tbs, der.SEQUENCE, "list").body, tbs.stop))[:8]
    if root.tag != der.SEQUENCE or not 5 <= len(parts) <= 7 or parts[1].raw != algorithm.raw:
        raise malformed("revocation list: a wrong number of parts, or two different algorithms")
    if values.integer(parts[0], "version") != 1:
        raise malformed("revocation list: not version 2")
    return _assemble(untrusted, tbs, parts, algorithm=algorithm, signature=signature)


def _few(data: bytes, start: int, stop: int, *, exactly: int) -> list[Element]:
    found = list(der.split(data, start, stop))
    if len(found) != exactly or not all(each.strict for each in found):
        raise malformed("revocation list: a wrong number of parts, or not DER")
    return found


def _assemble(
    untrusted: bytes, tbs: Element, parts: list[Element], *, algorithm: Element, signature: Element
) -> RevocationList:
    rest = parts[4:]
    next_update = None
    if rest and rest[0].tag in (der.UTC_TIME, der.GENERALIZED_TIME):
        next_update = values.time(rest.pop(0), "next update")
    entries = rest.pop(0).content if rest and rest[0].tag == der.SEQUENCE else b""
    found = _parse_extensions(rest)
    return RevocationList(
        der=untrusted,
        sha256=sha256(untrusted).hexdigest(),
        issuer=values.expect(parts[2], der.SEQUENCE, "issuer").raw,
        this_update=values.time(parts[3], "this update"),
        next_update=next_update,
        number=_number(found),
        partial=bool(found.keys() & {DELTA_INDICATOR, ISSUING_DISTRIBUTION_POINT}),
        unknown_critical=tuple(each.oid for each in found.values() if each.critical),
        entries=entries,
        tbs=tbs.raw,
        signature_oid=algorithm_oid(der.read_tree(algorithm.raw)),
        signature=values.whole_bits(signature, "signature"),
    )


def _parse_extensions(rest: list[Element]) -> dict[str, Extension]:
    if not rest:
        return {}
    if len(rest) > 1:
        raise malformed("revocation list: unexpected parts")
    outer = der.read_tree(rest[0].raw)
    (inner,) = values.items(outer, der.CONTEXT_0, "list extensions", at_least=1, at_most=1)
    return dict(extensions.parse_extensions(inner))


def _number(found: dict[str, Extension]) -> int | None:
    return values.integer(der.read_tree(found[CRL_NUMBER].value), "list number") if CRL_NUMBER in found else None


def check_not_revoked(certificate: Certificate, *, crl: RevocationList, issuer: Certificate, at: datetime) -> None:
    """Return if `certificate` was not on `crl` at the time `at`. `issuer` must have passed `build_path`.

    Raises `Refused`: eds_certificate_revoked (facts: reason, RFC 5280 §5.3.1), or eds_revocation_unknown.
    """
    # 1
    if crl.issuer != issuer.subject or certificate.issuer != issuer.subject:
        raise _unknown("the list is by another issuer")
    if crl.partial or crl.unknown_critical:
        raise _unknown("the list is partial or has an unknown critical extension")
    # 2
    _check_signature(crl, issuer=issuer)
    # 3
    if crl.next_update is None or not crl.this_update <= at < crl.next_update:
        raise _unknown("the list is stale or from the future")
    # 4
    try:
        reason = _find(crl, serial=certificate.serial)
    except Refused as refused:
        raise _unknown(refused.detail) from refused
    if reason is not None:
        raise Refused("eds_certificate_revoked", "the serial number is on the list", facts={"reason": reason})


def _unknown(detail: str) -> Refused:
    return Refused("eds_revocation_unknown", detail)


def _check_signature(crl: RevocationList, *, issuer: Certificate) -> None:
    if "crl_sign" not in issuer.key_usage:
        raise _unknown("the issuer may not sign lists")
    if crl.signature_oid not in algorithms.ALGORITHMS[issuer.family].certificate_signatures:
        raise _unknown("the list's signature is not of the issuer's family")
    try:
        keys.verify(issuer.public_key, crl.tbs, signature=crl.signature)
    except Refused:
        raise _unknown("the issuer's signature of the list does not fit") from None


def _find(crl: RevocationList, *, serial: int) -> int | None:
    """The reason beside the serial number, 0 if none is given; None if the number is not on the list."""
    size = max(1, (serial.bit_length() + 8) // 8)
    wanted = bytes([der.INTEGER, size]) + serial.to_bytes(size, "big", signed=True)
    if size > 127 or wanted not in crl.entries:
        return None
    for entry in der.split(crl.entries, 0, len(crl.entries)):
        if crl.entries.startswith(wanted, entry.body):
            return _reason(der.read_tree(entry.raw))
    return None


def _reason(entry: Element) -> int:
    parts = values.items(entry, der.SEQUENCE, "list entry", at_least=2, at_most=3)
    found = extensions.parse_extensions(parts[2]) if len(parts) == 3 else {}
    if any(each.critical for each in found.values()):
        raise _unknown("an entry has an unknown critical extension")
    if REASON not in found:
        return 0
    code = der.read_tree(found[REASON].value)
    reason = values.expect(code, der.ENUMERATED, "reason").content
    if len(reason) != 1 or reason[0] == _REMOVED_FROM_LIST:
        raise _unknown("an entry that belongs on no complete list")
    return reason[0]
