"""Writes ASN.1 in DER: one function per type, each returning the whole encoded element."""

from datetime import UTC, datetime


def element(tag: int, *parts: bytes) -> bytes:
    """An element of that tag holding the parts one after another."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE of encoded parts."""
    return element(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    """A SET OF encoded parts in DER order."""
    return element(0x31, *sorted(parts))


def explicit(number: int, *parts: bytes) -> bytes:
    """Encoded parts inside the constructed context tag `number`."""
    return element(0xA0 | number, *parts)


def integer(value: int) -> bytes:
    """An INTEGER in its shortest form."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return element(0x02, value.to_bytes(size, "big", signed=True))


def boolean(value: bool) -> bytes:
    """TRUE or FALSE."""
    return element(0x01, b"\xff" if value else b"\x00")


def null() -> bytes:
    """NULL."""
    return element(0x05)


def octets(value: bytes) -> bytes:
    """An OCTET STRING."""
    return element(0x04, value)


def bits(value: bytes, *, unused: int = 0) -> bytes:
    """A BIT STRING whose last byte has that many unused bits."""
    return element(0x03, bytes([unused]), value)


def utf8(value: str) -> bytes:
    """A UTF8String."""
    return element(0x0C, value.encode())


def printable(value: str) -> bytes:
    """A PrintableString; the alphabet is not enforced, so that tests can break it."""
    return element(0x13, value.encode())


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from dotted numbers."""
    first, second, *arcs = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *arcs):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        content += bytes(reversed(digits))
    return element(0x06, bytes(content))


def time(value: datetime) -> bytes:
    """A UTCTime until 2049, a GeneralizedTime after it, as RFC 5280 wants. `value` must be
    aware.
    """
    utc = value.astimezone(UTC)
    if utc.year < 2050:
        return element(0x17, utc.strftime("%y%m%d%H%M%SZ").encode())
    return element(0x18, utc.strftime("%Y%m%d%H%M%SZ").encode())


def name(*attributes: tuple[str, str]) -> bytes:
    """A distinguished name of (identifier, value) pairs; country and serialNumber are
    PrintableString.
    """
    in_printable = {"2.5.4.5", "2.5.4.6"}
    return sequence(
        *(
            set_of(sequence(oid(kind), printable(value) if kind in in_printable else utf8(value)))
            for kind, value in attributes
        )
    )


def algorithm(dotted: str) -> bytes:
    """An AlgorithmIdentifier with NULL parameters."""
    return sequence(oid(dotted), null())


def extension(dotted: str, value: bytes, *, critical: bool = False) -> bytes:
    """An Extension around an encoded value."""
    return sequence(oid(dotted), *([boolean(True)] if critical else []), octets(value))
