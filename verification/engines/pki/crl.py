"""What the revocation lists of an issuer say of a serial number: a complete list, and a list of changes to it.

1 a list is by the certificate's issuer and for all its certificates · 2 the issuer may sign lists and did · 3 every
entry can be read · 4 the time is within thisUpdate … nextUpdate · 5 of several the freshest counts; changes count if
they are to this complete list or an older one, and not older than it · 6 the last word on the serial number decides.
Any doubt is `eds_revocation_unknown`: never a pass, never "revoked". Source: RFC 5280 §5, §6.3.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock
from typing import Final

from verification.core.errors import Refused
from verification.engines.pki import der, keys
from verification.engines.pki.certificate import Certificate, Extension, algorithm_oid, parse_extensions
from verification.engines.pki.der import Element, malformed
from verification.engines.pki.revocation_status import (
    ON_HOLD,
    REMOVED_FROM_LIST,
    Entries,
    RevocationStatus,
    State,
    read_entries,
    unknown,
)

CRL_NUMBER = "2.5.29.20"
# Scopes: a list of changes only; a list of part of the certificates, or for another issuer.
DELTA_INDICATOR, ISSUING_DISTRIBUTION_POINT = "2.5.29.27", "2.5.29.28"

# Two families, each with a complete list, its changes, the roots' list, and the successor of one of them.
_CAPACITY: Final = 8


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
        # Only the outer levels are walked: a list may have more entries than a tree may have elements.
        outer = list(der.split(untrusted, 0, len(untrusted)))
        is_one = len(outer) == 1 and outer[0].strict
        inside = list(der.split(untrusted, outer[0].body, outer[0].stop)) if is_one else []
        if len(inside) != 3 or not all(each.strict for each in inside):
            raise malformed("revocation list: a wrong number of parts, or not DER")
        tbs, algorithm, signature = inside
        der.items(tbs, der.SEQUENCE, "list")
        parts = list(der.split(untrusted, tbs.body, tbs.stop))[:8]
        if outer[0].tag != der.SEQUENCE or not 5 <= len(parts) <= 7 or parts[1].raw != algorithm.raw:
            raise malformed("revocation list: a wrong number of parts, or two different algorithms")
        return _read(untrusted, tbs, parts, signature)
    except Refused as refused:
        raise unknown(refused.detail) from refused


def _read(untrusted: bytes, tbs: Element, parts: list[Element], signature: Element) -> RevocationList:
    version, algorithm, issuer, this_update, *rest = parts
    # RFC 5280 §5.1.2.1: version 2 is spelled 1. Version 1 has no extensions: it could not say what it leaves out.
    if der.integer(version, "version") != 1:
        raise malformed("revocation list: not version 2")
    next_update = None
    if rest and rest[0].tag in (der.UTC_TIME, der.GENERALIZED_TIME):
        next_update = der.time(rest.pop(0), "next update")
    entries = rest.pop(0) if rest and rest[0].tag == der.SEQUENCE else None
    if len(rest) > 1:
        raise malformed("revocation list: unexpected parts")
    found: Mapping[str, Extension] = {}
    if rest:
        # A list's extensions stand in [0], and unlike a certificate's the library does not read them for us.
        outer = der.read_tree(rest[0].raw)
        (inner,) = der.items(outer, der.CONTEXT_0, "list extensions", at_least=1, at_most=1)
        found = parse_extensions(inner)
    der.items(issuer, der.SEQUENCE, "issuer")
    as_of = der.time(this_update, "this update")
    number, base_number = (
        der.integer(der.read_tree(found[oid].value), "list number") if oid in found else None
        for oid in (CRL_NUMBER, DELTA_INDICATOR)
    )
    return RevocationList(
        der=untrusted,
        sha256=sha256(untrusted).hexdigest(),
        issuer=issuer.raw,
        this_update=as_of,
        next_update=next_update,
        number=number,
        base_number=base_number,
        is_scoped=ISSUING_DISTRIBUTION_POINT in found,
        unknown_critical=tuple(each.oid for each in found.values() if each.critical and each.oid != DELTA_INDICATOR),
        tbs_at=slice(tbs.start, tbs.end),
        entries_at=slice(entries.body, entries.stop) if entries else slice(0, 0),
        signature_oid=algorithm_oid(der.read_tree(algorithm.raw)),
        signature=der.whole_bits(signature, "signature"),
    )


def verify_crl(crl: RevocationList, *, issuer: Certificate) -> VerifiedList:
    """Steps 1–3: the list, verified and made compact. `issuer` must have passed `build_path`.

    Raises `Refused` (eds_revocation_unknown).
    """
    # 1
    if crl.issuer != issuer.subject:
        raise unknown("the list is by another issuer")
    # RFC 5280 §5.2.5: a list for some certificates only is silent of all others, and silence would read as good.
    if crl.is_scoped or crl.unknown_critical:
        raise unknown("the list is partial or has an unknown critical extension")
    # 2. RFC 5280 §4.2.1.3: a key for certificates is none for lists unless its certificate says so.
    if "crl_sign" not in issuer.key_usage:
        raise unknown("the issuer may not sign lists")
    if crl.signature_oid not in keys.ALGORITHMS[issuer.family].certificate_signatures:
        raise unknown("the list's signature is not of the issuer's family")
    try:
        keys.verify(issuer.public_key, crl.der[crl.tbs_at], signature=crl.signature, often=True)
    except Refused:
        raise unknown("the issuer's signature of the list does not fit") from None
    # 3
    try:
        entries = read_entries(crl.der, crl.entries_at.start, crl.entries_at.stop)
    except Refused as refused:
        raise unknown(refused.detail) from refused
    if crl.next_update is None:
        raise unknown("the list does not say until when it holds: as stale as can be")
    return VerifiedList(crl.sha256, crl.this_update, crl.next_update, crl.number, crl.base_number, entries)


def look_up(
    serial: int, *, complete: Sequence[VerifiedList], deltas: Sequence[VerifiedList] = (), at: datetime
) -> RevocationStatus:
    """Steps 4–6: what these lists of one issuer say of a serial number at the time `at`.

    Raises `Refused` (eds_revocation_unknown) if they leave it open.
    """
    # 4
    if not all(one.this_update <= at < one.next_update for one in (*complete, *deltas)):
        raise unknown("the list is stale or from the future")
    if not complete or any(one.base_number is not None for one in complete):
        raise unknown("the list is partial: changes without the complete list")
    # 5. RFC 5280 §5.2.4: changes apply to a complete list that is not older than the one they are counted from.
    base = max(complete, key=_freshness)
    delta = max(deltas, key=_freshness, default=base)
    if deltas and (delta.base_number is None or base.number is None or delta.base_number > base.number):
        raise unknown("the changes are to another complete list")
    # A younger complete list holds all changes. Numbers do not tell: the authority numbers the two kinds apart.
    delta = delta if delta.this_update >= base.this_update else base
    # 6. RFC 5280 §5.3.1: what the changes say comes last, and only a hold may be taken back.
    try:
        entry, change = base.entries.find(serial), delta.entries.find(serial)
    except Refused as refused:
        raise unknown(refused.detail) from refused
    if entry is not None and entry.reason == REMOVED_FROM_LIST:
        raise unknown("an entry that belongs on no complete list")
    one, said = (base, entry) if change is None else (delta, change)
    if said is not None and said.reason == REMOVED_FROM_LIST:
        if entry is not None and entry.reason != ON_HOLD:
            raise unknown("a revocation that is no hold was taken back")
        said = None
    return RevocationStatus(
        state=State.GOOD if said is None else State.REVOKED,
        source="crl" if one is base else "delta crl",
        as_of=one.this_update.astimezone(UTC),
        sha256=one.sha256,
        reason=said.reason if said else None,
        revoked_at=said.revoked_at if said else None,
    )


def _freshness(one: VerifiedList) -> tuple[datetime, int]:
    return one.this_update, one.number or 0


class VerifiedLists:
    """At most `capacity` lists by the hash of their bytes and their issuer. Threads may share it."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        """Begins with none."""
        self._capacity = capacity
        self._lists: OrderedDict[tuple[str, str], VerifiedList] = OrderedDict()
        self._lock = Lock()

    def get(self, untrusted: bytes, *, issuer: Certificate, max_bytes: int) -> VerifiedList | None:
        """The list in these bytes, verified by the key of `issuer`; None if it is by another issuer.

        `issuer` must have passed `build_path`. Raises `Refused` (eds_revocation_unknown) if it cannot be believed.
        """
        key = (sha256(untrusted).hexdigest(), issuer.sha256)
        with self._lock:
            if key in self._lists:
                self._lists.move_to_end(key)
                return self._lists[key]
        crl = parse_crl(untrusted, max_bytes=max_bytes)
        if crl.issuer != issuer.subject:
            return None
        verified = verify_crl(crl, issuer=issuer)
        with self._lock:
            self._lists[key] = verified
            while len(self._lists) > self._capacity:
                self._lists.popitem(last=False)
        return verified

    def __len__(self) -> int:
        return len(self._lists)


VERIFIED: Final = VerifiedLists()
"""The lists of this process."""
