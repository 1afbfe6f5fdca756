"""Writes the few ASN.1 elements our own questions need, in DER: one function a type, each giving a whole element."""

from verification.engines.pki import der


def element(tag: int, *parts: bytes) -> bytes:
    """An element of that tag holding the parts one after another."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE of encoded parts."""
    return element(der.SEQUENCE, *parts)


def integer(value: int) -> bytes:
    """An INTEGER in its shortest form."""
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return element(der.INTEGER, value.to_bytes(size, "big", signed=True))


def octets(value: bytes) -> bytes:
    """An OCTET STRING."""
    return element(der.OCTET_STRING, value)


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from dotted numbers."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *rest):
        groups = range((max(arc.bit_length(), 1) + 6) // 7 - 1, -1, -1)
        content += bytes((arc >> 7 * group & 0x7F) | (0x80 if group else 0) for group in groups)
    return element(der.OID, bytes(content))


def algorithm(dotted: str) -> bytes:
    """An AlgorithmIdentifier with NULL parameters."""
    return sequence(oid(dotted), element(der.NULL))
