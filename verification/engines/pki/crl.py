"""An issuer's revocation lists, complete or delta: parsed, verified and packed.

1. A list is by the certificate's issuer and for all its certificates.
2. The issuer may sign lists and did.
3. Every entry is readable.

Any doubt is `eds_revocation_unknown`: never a pass, never "revoked".

Entries are sorted arrays of bytes: a million take 28 MB, and a look-up a few steps.
A record is the serial number (21 bytes, sign-extended), the revocation time as the number
YYYYMMDDhhmmss (6) and the reason (1). Records lie in 256 arrays by the serial number's last byte,
so that sorting needs little room.
Source: RFC 5280 §5, §6.3.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from verification.core.errors import Refused
from verification.engines.pki import der, keys
from verification.engines.pki.certificate import (
    Certificate,
    Extension,
    algorithm_oid,
    parse_extensions,
)
from verification.engines.pki.der import Element, malformed
from verification.engines.pki.ocsp import unknown

CRL_NUMBER = "2.5.29.20"
# Scopes: a list of changes only; a list of part of the certificates, or for another issuer.
DELTA_INDICATOR, ISSUING_DISTRIBUTION_POINT = "2.5.29.27", "2.5.29.28"

# RFC 5280 §5.3.1, where 7 is not used.
REASONS: Final = frozenset({0, 1, 2, 3, 4, 5, 6, 8, 9, 10})
_REASON: Final = "2.5.29.21"
_SERIAL: Final = 21  # bytes: RFC 5280 §4.1.2.2 allows 20, and a leading zero
_RECORD: Final = _SERIAL + 6 + 1
_UTC_TIME: Final = 15  # bytes of an encoded UTCTime
_REASON_ALONE: Final = bytes.fromhex(
    "300c300a0603551d1504030a01"
)  # extensions with only the reason that follows


@dataclass(frozen=True)
class Entry:
    """One revoked serial number: its time and reason (RFC 5280 §5.3.1; 0 if absent)."""

    revoked_at: datetime
    reason: int


@dataclass(frozen=True, slots=True)
class Entries:
    """All entries of one list, as `read_entries` packs them."""

    arrays: tuple[bytes, ...] = field(repr=False)

    def __len__(self) -> int:
        return sum(len(array) for array in self.arrays) // _RECORD

    def find(self, serial: int) -> Entry | None:
        """The entry of this serial number, or None.

        Raises: `Refused` if the number is longer than a list may hold, or occurs twice in the list.
        """
        if not -(1 << 8 * _SERIAL - 1) <= serial < 1 << 8 * _SERIAL - 1:
            raise malformed("a serial number longer than a list may hold")
        # Signed, because lists with negative numbers exist: they must find exactly their own
        # entries.
        key = serial.to_bytes(_SERIAL, "big", signed=True)
        array = self.arrays[key[-1]]
        count = len(array) // _RECORD
        place = bisect_left(
            range(count), key, key=lambda at: array[at * _RECORD : at * _RECORD + _SERIAL]
        )
        record = array[place * _RECORD : (place + 1) * _RECORD]
        if record[:_SERIAL] != key:
            return None
        # RFC 5280 does not say which of two entries counts, so neither does.
        if array[(place + 1) * _RECORD :][:_SERIAL] == key:
            raise malformed("a serial number stands on the list twice")
        # `_read_entry` copied the usual ones' time unchecked.
        digits = f"{int.from_bytes(record[_SERIAL:-1], 'big'):014}"
        try:
            moment = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            raise malformed("list entry: no such time") from None
        return Entry(moment, record[-1])


@dataclass(frozen=True)
class RevocationList:
    """A list as parsed, unverified, with its entries unparsed.

    `next_update`, `number` and `base_number` are None if absent, the last one in every complete
    list.
    `issuer` is the encoded name; `sha256` is of `der`, in hex; `tbs_at` and `entries_at` are
    offsets in `der`.
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
    """A verified list, without its original bytes. `base_number` is None in a complete list."""

    sha256: str
    this_update: datetime
    next_update: datetime
    number: int | None
    base_number: int | None
    entries: Entries = field(repr=False)


def parse_crl(untrusted: bytes, *, max_bytes: int) -> RevocationList:
    """The version 2 list in DER bytes. Entries stay unparsed: a list may have hundreds of
    thousands.

    Raises: `Refused` (eds_revocation_unknown) for any defect: a broken list is never the signer's
    fault.
    """
    if len(untrusted) > max_bytes:
        raise unknown("the list is too large")
    try:
        # Parse the outer levels only: a list may have more entries than a tree may have elements.
        outer = list(der.split(untrusted, 0, len(untrusted)))
        is_one = len(outer) == 1 and outer[0].strict
        inside = list(der.split(untrusted, outer[0].body, outer[0].stop)) if is_one else []
        if len(inside) != 3 or not all(element.strict for element in inside):
            raise malformed("revocation list: a wrong number of parts, or not DER")
        tbs, algorithm, signature = inside
        der.items(tbs, der.SEQUENCE, "list")
        # RFC 5280 §5.1: seven parts at most. An eighth is taken to detect one too many; entries are
        # one part.
        parts = list(der.split(untrusted, tbs.body, tbs.stop))[:8]
        if (
            outer[0].tag != der.SEQUENCE
            or not 5 <= len(parts) <= 7
            or parts[1].raw != algorithm.raw
        ):
            raise malformed("revocation list: a wrong number of parts, or two different algorithms")
        return _read(untrusted, tbs, parts, signature)
    except Refused as refused:
        raise unknown(refused.detail) from refused


def _read(
    untrusted: bytes, tbs: Element, parts: list[Element], signature: Element
) -> RevocationList:
    version, algorithm, issuer, this_update, *rest = parts
    # RFC 5280 §5.1.2.1: version 2 is encoded as 1. Version 1 has no extensions, so it cannot state
    # its scope.
    if der.integer(version, "version") != 1:
        raise malformed("revocation list: not version 2")
    next_update = None
    if rest and rest[0].tag in (der.UTC_TIME, der.GENERALIZED_TIME):
        next_update = der.time(rest.pop(0), "next update")
    entries = rest.pop(0) if rest and rest[0].tag == der.SEQUENCE else None
    if len(rest) > 1:
        raise malformed("revocation list: unexpected parts")
    extensions_by_oid: Mapping[str, Extension] = {}
    if rest:
        # A list's extensions are in [0], and unlike a certificate's the library does not parse
        # them.
        outer = der.read_tree(rest[0].raw)
        (inner,) = der.items(outer, der.CONTEXT_0, "list extensions", at_least=1, at_most=1)
        extensions_by_oid = parse_extensions(inner)
    der.items(issuer, der.SEQUENCE, "issuer")
    as_of = der.time(this_update, "this update")
    number, base_number = (
        der.integer(der.read_tree(extensions_by_oid[oid].value), "list number")
        if oid in extensions_by_oid
        else None
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
        is_scoped=ISSUING_DISTRIBUTION_POINT in extensions_by_oid,
        unknown_critical=tuple(
            extension.oid
            for extension in extensions_by_oid.values()
            if extension.critical and extension.oid != DELTA_INDICATOR
        ),
        tbs_at=slice(tbs.start, tbs.end),
        entries_at=slice(entries.body, entries.stop) if entries else slice(0, 0),
        signature_oid=algorithm_oid(der.read_tree(algorithm.raw)),
        signature=der.whole_bits(signature, "signature"),
    )


def verify_crl(crl: RevocationList, *, issuer: Certificate) -> VerifiedList:
    """Steps 1–3: the list, verified and packed. `issuer` must have passed `build_path`.

    Raises: `Refused` (eds_revocation_unknown).
    """
    # 1
    if crl.issuer != issuer.subject:
        raise unknown("the list is by another issuer")
    # RFC 5280 §5.2.5: a partial list is silent about all other certificates, and silence would read
    # as good.
    if crl.is_scoped or crl.unknown_critical:
        raise unknown("the list is partial or has an unknown critical extension")
    # 2. RFC 5280 §4.2.1.3: a certificate key may sign lists only if its certificate says so.
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
    return VerifiedList(
        crl.sha256, crl.this_update, crl.next_update, crl.number, crl.base_number, entries
    )


def read_entries(data: bytes, start: int, stop: int) -> Entries:
    """The entries encoded side by side in `data[start:stop]`.

    Raises: `Refused` for an unreadable one, and for a critical extension: it may concern another
    issuer's certificate, and then so do all later ones.
    """
    arrays = [bytearray() for _ in range(256)]
    at = start
    while at < stop:
        record, at = _read_entry(data, at, stop)
        arrays[record[_SERIAL - 1]] += record
    # Sorting copies: one array at a time needs room for a 256th of a list.
    packed = []
    for array in arrays:
        records = [bytes(array[at : at + _RECORD]) for at in range(0, len(array), _RECORD)]
        packed.append(b"".join(sorted(records)))
    return Entries(tuple(packed))


def _read_entry(data: bytes, at: int, stop: int) -> tuple[bytes, int]:
    """A record, and where the next begins.

    A list may have a million entries of one form: those are parsed by position, and any other in
    steps.
    """
    head = data[at : at + 4]
    if len(head) == 4 and head[0] == der.SEQUENCE and head[1] < 0x80 and head[2] == der.INTEGER:
        end, when = at + 2 + head[1], at + 4 + head[3]
        tail = when + _UTC_TIME
        time, rest = data[when:tail], data[tail:end]
        # Nothing after the time, or extensions with only the reason. A UTCTime of 13 characters,
        # the last of them Z.
        is_usual = (
            0 < head[3] < _SERIAL
            and tail <= end <= stop
            and time[:2] == b"\x17\x0d"
            and time[14] == 0x5A
        )
        if is_usual and (not rest or (len(rest) == 14 and rest.startswith(_REASON_ALONE))):
            digits, serial, reason = time[2:14], data[at + 4 : when], rest[13] if rest else 0
            # Only non-negative numbers may be padded with zeros.
            if digits.isdigit() and serial[0] < 0x80 and reason in REASONS:
                number = (19 if digits >= b"50" else 20) * 10**12 + int(digits)
                return serial.rjust(_SERIAL, b"\0") + number.to_bytes(6, "big") + bytes(
                    (reason,)
                ), end
    element = next(der.split(data, at, stop))
    parts = der.items(der.read_tree(element.raw), der.SEQUENCE, "list entry", at_least=2, at_most=3)
    signed, moment = der.integer(parts[0], "list entry"), der.time(parts[1], "list entry")
    if parts[0].stop - parts[0].body > _SERIAL:
        raise malformed("list entry: a serial number that is too long")
    number = int(moment.strftime("%Y%m%d%H%M%S"))
    encoded = signed.to_bytes(_SERIAL, "big", signed=True) + number.to_bytes(6, "big")
    extensions_by_oid = parse_extensions(parts[2]) if len(parts) == 3 else {}
    if any(extension.critical for extension in extensions_by_oid.values()):
        raise malformed("list entry: an unknown critical extension")
    value = b"\0"
    if _REASON in extensions_by_oid:
        value = der.octets(
            der.read_tree(extensions_by_oid[_REASON].value), "reason", tag=der.ENUMERATED
        )
        if len(value) != 1 or value[0] not in REASONS:
            raise malformed("list entry: no such reason")
    return encoded + value, element.end
