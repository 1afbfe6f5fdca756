"""What an authority says of certificates: of one, a value that is the same from a responder and from a list; of all
that it revoked, a list's entries as sorted arrays of bytes, of which a million take 28 MB and a look-up a few steps.

A record is the serial number (21 bytes, sign-extended), the time of revocation as the number YYYYMMDDhhmmss (6) and
the reason (1). Records lie in 256 arrays by the last byte of the serial number, so that sorting needs little room.
Source: RFC 5280 §5.1.2.6, §5.3.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Literal

from verification.core.errors import Refused
from verification.engines.pki import certificate, der
from verification.engines.pki.der import malformed

ON_HOLD: Final = 6  # reason certificateHold, RFC 5280 §5.3.1
REMOVED_FROM_LIST: Final = 8  # reason removeFromCRL: only a delta list may say it
REASONS: Final = frozenset({0, 1, 2, 3, 4, 5, 6, 8, 9, 10})

_REASON: Final = "2.5.29.21"
_SERIAL: Final = 21  # bytes: RFC 5280 §4.1.2.2 allows 20, and a leading zero
_RECORD: Final = _SERIAL + 6 + 1
_UTC_TIME: Final = 15  # bytes of an encoded UTCTime
_REASON_ALONE: Final = bytes.fromhex("300c300a0603551d1504030a01")  # extensions that say just the reason that follows


class State(StrEnum):
    """What a verified answer says. Only `GOOD` may pass."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class RevocationStatus:
    """A verified statement of the authority.

    as_of: its thisUpdate. sha256: of the answer or list it stands in, in hex. reason, revoked_at: of a revocation.
    """

    state: State
    source: Literal["ocsp", "crl", "delta crl"]
    # The age of what was said is judged by the caller's policy; without it a status says nothing.
    as_of: datetime
    sha256: str
    reason: int | None = None
    revoked_at: datetime | None = None

    def report(self) -> dict[str, str]:
        """Where it stands, for a report."""
        return {"source": self.source, "as_of": self.as_of.isoformat(), "sha256": self.sha256}

    @property
    def is_hold(self) -> bool:
        """Whether the certificate is only suspended; that refuses too, but may end."""
        return self.state is State.REVOKED and self.reason == ON_HOLD


def unknown(detail: str) -> Refused:
    """The refusal of whatever leaves the status open: never a pass, never "revoked"."""
    return Refused("eds_revocation_unknown", detail)


@dataclass(frozen=True)
class Entry:
    """One revoked serial number: since when, and why (RFC 5280 §5.3.1; 0 where nothing is said)."""

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

        Raises `Refused` if the number is longer than any list may hold, or stands on the list twice.
        """
        if not -(1 << 8 * _SERIAL - 1) <= serial < 1 << 8 * _SERIAL - 1:
            raise malformed("a serial number longer than a list may hold")
        # Signed, for lists with negative numbers exist: they must find their own entries and nobody else's.
        key = serial.to_bytes(_SERIAL, "big", signed=True)
        array = self.arrays[key[-1]]
        count = len(array) // _RECORD
        place = bisect_left(range(count), key, key=lambda at: array[at * _RECORD : at * _RECORD + _SERIAL])
        record = array[place * _RECORD : (place + 1) * _RECORD]
        if record[:_SERIAL] != key:
            return None
        # Which of two entries would count? RFC 5280 does not say, so neither does.
        if array[(place + 1) * _RECORD :][:_SERIAL] == key:
            raise malformed("a serial number stands on the list twice")
        # `_read_entry` took the usual ones' time as it stood.
        digits = f"{int.from_bytes(record[_SERIAL:-1], 'big'):014}"
        try:
            moment = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            raise malformed("list entry: no such time") from None
        return Entry(moment, record[-1])


def read_entries(data: bytes, start: int, stop: int) -> Entries:
    """The entries encoded side by side in `data[start:stop]`.

    Raises `Refused` for one that cannot be read, and for one with a critical extension: it may speak of another
    issuer's certificate, and then all that follow do too.
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

    Lists have a million of one shape: those are read by position, and any other in steps.
    """
    head = data[at : at + 4]
    if len(head) == 4 and head[0] == der.SEQUENCE and head[1] < 0x80 and head[2] == der.INTEGER:
        end, when = at + 2 + head[1], at + 4 + head[3]
        tail = when + _UTC_TIME
        time, rest = data[when:tail], data[tail:end]
        # Nothing behind the time, or extensions that say just the reason.
        is_usual = 0 < head[3] < _SERIAL and tail <= end <= stop and time[:2] == b"\x17\x0d" and time[14] == 0x5A
        if is_usual and (not rest or (len(rest) == 14 and rest.startswith(_REASON_ALONE))):
            digits, serial, reason = time[2:14], data[at + 4 : when], rest[13] if rest else 0
            if digits.isdigit() and serial[0] < 0x80 and reason in REASONS:
                number = (19 if digits >= b"50" else 20) * 10**12 + int(digits)
                return serial.rjust(_SERIAL, b"\0") + number.to_bytes(6, "big") + bytes((reason,)), end
    element = next(der.split(data, at, stop))
    parts = der.items(der.read_tree(element.raw), der.SEQUENCE, "list entry", at_least=2, at_most=3)
    signed, moment = der.integer(parts[0], "list entry"), der.time(parts[1], "list entry")
    if parts[0].stop - parts[0].body > _SERIAL:
        raise malformed("list entry: a serial number that is too long")
    number = int(moment.strftime("%Y%m%d%H%M%S"))
    encoded = signed.to_bytes(_SERIAL, "big", signed=True) + number.to_bytes(6, "big")
    found = certificate.parse_extensions(parts[2]) if len(parts) == 3 else {}
    if any(each.critical for each in found.values()):
        raise malformed("list entry: an unknown critical extension")
    value = b"\0"
    if _REASON in found:
        value = der.octets(der.read_tree(found[_REASON].value), "reason", tag=der.ENUMERATED)
        if len(value) != 1 or value[0] not in REASONS:
            raise malformed("list entry: no such reason")
    return encoded + value, element.end
