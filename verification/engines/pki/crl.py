"""What the revocation lists of an issuer say of a serial number: a complete list, and a list of changes to it.

1 a list is by the certificate's issuer and for all its certificates · 2 the issuer may sign lists and did · 3 every
entry can be read · 4 the time is within thisUpdate … nextUpdate · 5 of several the freshest counts; changes count if
they are to this complete list or an older one, and not older than it · 6 the last word on the serial number decides.
Any doubt is `eds_revocation_unknown`: never a pass, never "revoked". Source: RFC 5280 §5, §6.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from verification.core.errors import Refused
from verification.engines.pki import algorithms, der, extensions, keys, values
from verification.engines.pki.certificate import Certificate, algorithm_oid
from verification.engines.pki.der import Element, malformed
from verification.engines.pki.extensions import Extension
from verification.engines.pki.revocation_entries import Entries, Entry, read_entries
from verification.engines.pki.revocation_status import ON_HOLD, REMOVED_FROM_LIST, RevocationStatus, State, unknown

CRL_NUMBER = "2.5.29.20"
# Scopes: a list of changes only; a list of part of the certificates, or for another issuer.
DELTA_INDICATOR, ISSUING_DISTRIBUTION_POINT = "2.5.29.27", "2.5.29.28"


@dataclass(frozen=True)
class RevocationList:
    """A list as it was read; nothing of it is verified, and its entries are not looked into.

    `next_update`, `number` and `base_number` are None where absent, the last one in every complete list; `issuer` is
    the encoded name; `sha256` is of `der`, in hex; `tbs_at` and `entries_at` are places in `der`.
    """

    der: bytes = field(repr=False)
    sha256: str
    issuer: bytes = field(repr=False)
    this_update: datetime
    next_update: datetime | None
    number: int | None
    base_number: int | None
    is_scoped: bool
    unknown_critical: tuple[str, ...]
    tbs_at: slice = field(repr=False)
    entries_at: slice = field(repr=False)
    signature_oid: str
    signature: bytes = field(repr=False)

    @property
    def tbs(self) -> bytes:
        """What the issuer signed; a copy."""
        return self.der[self.tbs_at]

    @property
    def entries(self) -> bytes:
        """The encoded entries side by side; a copy."""
        return self.der[self.entries_at]


@dataclass(frozen=True)
class VerifiedList:
    """A list whose signature fits, without the bytes it came in. `base_number` is None in a complete list."""

    sha256: str
    this_update: datetime
    next_update: datetime
    number: int | None
    base_number: int | None
    entries: Entries = field(repr=False)


def parse_crl(untrusted: bytes, *, max_bytes: int) -> RevocationList:
    """The version 2 list in DER bytes. Entries are not looked into: a list may have hundreds of thousands.

    Raises `Refused` (eds_revocation_unknown) whatever is wrong with it: a broken list is never the signer's fault.
    """
    if len(untrusted) > max_bytes:
        raise unknown("the list is too large")
    try:
        return _read(untrusted)
    except Refused as refused:
        raise unknown(refused.detail) from refused


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
    entries = rest.pop(0) if rest and rest[0].tag == der.SEQUENCE else None
    found = _parse_extensions(rest)
    return RevocationList(
        der=untrusted,
        sha256=sha256(untrusted).hexdigest(),
        issuer=values.expect(parts[2], der.SEQUENCE, "issuer").raw,
        this_update=values.time(parts[3], "this update"),
        next_update=next_update,
        number=_number(found, CRL_NUMBER),
        base_number=_number(found, DELTA_INDICATOR),
        is_scoped=ISSUING_DISTRIBUTION_POINT in found,
        unknown_critical=tuple(each.oid for each in found.values() if each.critical and each.oid != DELTA_INDICATOR),
        tbs_at=slice(tbs.start, tbs.end),
        entries_at=slice(entries.body, entries.stop) if entries else slice(0, 0),
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


def _number(found: dict[str, Extension], oid: str) -> int | None:
    return values.integer(der.read_tree(found[oid].value), "list number") if oid in found else None


def verify_crl(crl: RevocationList, *, issuer: Certificate) -> VerifiedList:
    """Steps 1–3: the list, verified and made compact. `issuer` must have passed `build_path`.

    Raises `Refused` (eds_revocation_unknown).
    """
    # 1
    if crl.issuer != issuer.subject:
        raise unknown("the list is by another issuer")
    if crl.is_scoped or crl.unknown_critical:
        raise unknown("the list is partial or has an unknown critical extension")
    # 2
    _check_signature(crl, issuer=issuer)
    # 3
    try:
        entries = read_entries(crl.der, crl.entries_at.start, crl.entries_at.stop)
    except Refused as refused:
        raise unknown(refused.detail) from refused
    if crl.next_update is None:
        raise unknown("the list does not say until when it holds: as stale as can be")
    return VerifiedList(crl.sha256, crl.this_update, crl.next_update, crl.number, crl.base_number, entries)


def _check_signature(crl: RevocationList, *, issuer: Certificate) -> None:
    if "crl_sign" not in issuer.key_usage:
        raise unknown("the issuer may not sign lists")
    if crl.signature_oid not in algorithms.ALGORITHMS[issuer.family].certificate_signatures:
        raise unknown("the list's signature is not of the issuer's family")
    try:
        keys.verify(issuer.public_key, crl.tbs, signature=crl.signature, often=True)
    except Refused:
        raise unknown("the issuer's signature of the list does not fit") from None


def look_up(
    serial: int, *, complete: Sequence[VerifiedList], deltas: Sequence[VerifiedList] = (), at: datetime
) -> RevocationStatus:
    """Steps 4–6: what these lists of one issuer say of a serial number at the time `at`.

    Raises `Refused` (eds_revocation_unknown) if they leave it open.
    """
    # 4
    for one in (*complete, *deltas):
        if not one.this_update <= at < one.next_update:
            raise unknown("the list is stale or from the future")
    if not complete or any(one.base_number is not None for one in complete):
        raise unknown("the list is partial: changes without the complete list")
    # 5
    base = max(complete, key=_freshness)
    delta = _changes_to(base, deltas)
    # 6
    try:
        entry, change = base.entries.find(serial), delta.entries.find(serial) if delta else None
    except Refused as refused:
        raise unknown(refused.detail) from refused
    if entry is not None and entry.reason == REMOVED_FROM_LIST:
        raise unknown("an entry that belongs on no complete list")
    if delta is None or change is None:
        return _status(base, entry, is_delta=False)
    if change.reason != REMOVED_FROM_LIST:
        return _status(delta, change, is_delta=True)
    if entry is not None and entry.reason != ON_HOLD:
        raise unknown("a revocation that is no hold was taken back")
    return _status(delta, None, is_delta=True)


def _freshness(one: VerifiedList) -> tuple[datetime, int]:
    return one.this_update, one.number or 0


def _changes_to(base: VerifiedList, deltas: Sequence[VerifiedList]) -> VerifiedList | None:
    """The freshest changes that apply; None if there are none or the complete list is younger and holds them all.

    The authority numbers its lists of changes apart from the complete ones, so their order is that of thisUpdate.
    """
    if not deltas:
        return None
    delta = max(deltas, key=_freshness)
    if delta.base_number is None or base.number is None or delta.base_number > base.number:
        raise unknown("the changes are to another complete list")
    return delta if delta.this_update >= base.this_update else None


def _status(one: VerifiedList, entry: Entry | None, *, is_delta: bool) -> RevocationStatus:
    return RevocationStatus(
        state=State.GOOD if entry is None else State.REVOKED,
        source="delta crl" if is_delta else "crl",
        as_of=one.this_update.astimezone(UTC),
        sha256=one.sha256,
        reason=entry.reason if entry else None,
        revoked_at=entry.revoked_at if entry else None,
    )


def check_not_revoked(certificate: Certificate, *, crl: RevocationList, issuer: Certificate, at: datetime) -> None:
    """Return if `certificate` was not on the complete list `crl` at the time `at`; for one list read by hand.

    Raises `Refused`: eds_certificate_revoked (facts: reason, RFC 5280 §5.3.1), or eds_revocation_unknown.
    """
    if certificate.issuer != issuer.subject:
        raise unknown("the list is by another issuer")
    status = look_up(certificate.serial, complete=[verify_crl(crl, issuer=issuer)], at=at)
    if status.state is not State.GOOD:
        raise Refused(
            "eds_certificate_revoked", "the serial number is on the list", facts={"reason": status.reason or 0}
        )
