"""Values inside encoded elements: each function reads one type and refuses every other."""

import re
from datetime import UTC, datetime
from functools import lru_cache

from verification.engines.pki import der
from verification.engines.pki.der import Element, malformed

_TIMES = {der.UTC_TIME: re.compile(rb"\d{12}Z"), der.GENERALIZED_TIME: re.compile(rb"\d{14}Z")}
_TEXTS = {0x0C: "utf-8", 0x12: "ascii", 0x13: "ascii", 0x14: "latin-1", 0x16: "ascii", 0x1A: "ascii", 0x1E: "utf-16-be"}
_MAX_INTEGER = 1100  # bytes; an RSA modulus of 8192 bits is 1025


def expect(element: Element, tag: int, what: str) -> Element:
    """The element itself if it has the tag."""
    if element.tag != tag:
        raise malformed(f"{what}: another type")
    return element


def items(element: Element, tag: int, what: str, *, at_least: int = 0, at_most: int = 10_000) -> list[Element]:
    """The parts of a constructed element of that tag, as many as the bounds allow."""
    parts = expect(element, tag, what).children
    if not at_least <= len(parts) <= at_most:
        raise malformed(f"{what}: a wrong number of parts")
    return parts


def integer(element: Element, what: str) -> int:
    """A whole number in its shortest form."""
    content = expect(element, der.INTEGER, what).content
    padded = len(content) > 1 and (content[0], content[1] >> 7) in {(0x00, 0), (0xFF, 1)}
    if not content or padded or len(content) > _MAX_INTEGER:
        raise malformed(f"{what}: not a number")
    return int.from_bytes(content, "big", signed=True)


def small_integer(element: Element, what: str) -> int:
    """A number between 0 and 2³¹ - 1: versions, path lengths, reasons."""
    number = integer(element, what)
    if not 0 <= number < 1 << 31:
        raise malformed(f"{what}: out of range")
    return number


def boolean(element: Element, what: str) -> bool:
    """TRUE or FALSE; in DER true is 0xFF."""
    content = expect(element, der.BOOLEAN, what).content
    if content not in (b"\xff", b"\x00"):
        raise malformed(f"{what}: neither true nor false")
    return content == b"\xff"


def oid(element: Element, what: str) -> str:
    """An object identifier as dotted numbers."""
    try:
        return _dotted(expect(element, der.OID, what).content)
    except ValueError as error:
        raise malformed(f"{what}: {error}") from None


@lru_cache(maxsize=512)
def _dotted(content: bytes) -> str:
    """The few identifiers there are come again in every certificate. Raises `ValueError`."""
    if not content or content[-1] & 0x80 or len(content) > 32:
        raise ValueError("not an object identifier")
    arcs, value, fresh = [], 0, True
    for byte in content:
        if fresh and byte == 0x80:
            raise ValueError("a padded object identifier")
        value = value << 7 | byte & 0x7F
        fresh = not byte & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def octets(element: Element, what: str) -> bytes:
    """The bytes of an OCTET STRING in one piece."""
    return expect(element, der.OCTET_STRING, what).content


def whole_bits(element: Element, what: str) -> bytes:
    """The bytes of a BIT STRING that has no unused bits: signatures and keys."""
    content = expect(element, der.BIT_STRING, what).content
    if not content or content[0]:
        raise malformed(f"{what}: unused bits")
    return content[1:]


def named_bits(element: Element, what: str) -> frozenset[int]:
    """The positions of the set bits of a BIT STRING, the most significant bit of the first byte being 0."""
    content = expect(element, der.BIT_STRING, what).content
    if not content or content[0] > 7 or len(content) > 4 or (content[0] and len(content) == 1):
        raise malformed(f"{what}: not a bit string")
    bits = content[1:]
    return frozenset(8 * index + bit for index, byte in enumerate(bits) for bit in range(8) if byte << bit & 0x80)


def time(element: Element, what: str) -> datetime:
    """A UTCTime or GeneralizedTime in the one form DER allows, ending in Z. UTCTime means 1950 … 2049."""
    pattern, content = _TIMES.get(element.tag), element.content
    if pattern is None or not pattern.fullmatch(content):
        raise malformed(f"{what}: not a time")
    digits = content if element.tag == der.GENERALIZED_TIME else (b"19" if content >= b"50" else b"20") + content
    month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(4, 14, 2))
    try:
        return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise malformed(f"{what}: no such time") from None


def text(element: Element, what: str) -> str:
    """The characters of a string type used in names."""
    encoding = _TEXTS.get(element.tag)
    if encoding is None:
        raise malformed(f"{what}: not a string")
    try:
        return element.content.decode(encoding)
    except UnicodeDecodeError:
        raise malformed(f"{what}: unreadable characters") from None
