"""A strict ASN.1 parser that hostile bytes cannot exhaust: no recursion, bounded depth and size.

`read_tree` parses everything at once and is for small structures; `split` parses one level and is
for long lists.
Each function named for a type reads its value and refuses every other; `encode…` write the few that
our questions need.
Source: ITU-T X.690 §8.1 (BER) and §10 (DER).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count

from verification.core.errors import Refused

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, ENUMERATED = (
    0x01,
    0x02,
    0x03,
    0x04,
    0x05,
    0x06,
    0x0A,
)
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31
CONTEXT_0, CONTEXT_1, CONTEXT_2, CONTEXT_3 = 0xA0, 0xA1, 0xA2, 0xA3

_CONSTRUCTED = 0x20
_INDEFINITE = 0x80
# Limits of a whole structure. A certificate of the national authority is 9 levels deep and has 150
# elements.
_MAX_DEPTH = 32
MAX_ELEMENTS = 20_000
# X.690 §11.7 and §11.8: in DER a time has its seconds and ends in Z. DER allows a GeneralizedTime a
# fraction, which a certificate may not have (RFC 5280 §4.1.2.5.2).
_TIMES = {UTC_TIME: re.compile(rb"\d{12}Z"), GENERALIZED_TIME: re.compile(rb"\d{14}Z")}
# By the universal tags of X.680: UTF8String, NumericString, PrintableString, TeletexString,
# IA5String, VisibleString,
# BMPString. A TeletexString is read as Latin-1, as issuers write it, not as T.61.
_TEXTS = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1E: "utf-16-be",
}
_MAX_INTEGER = 1100  # bytes; an RSA modulus of 8192 bits is 1025


@dataclass(slots=True)
class Element:
    """One encoded element inside `data`: its header begins at `start`, its content is `body` …
    `stop`.

    strict: it and everything below it has definite lengths in their shortest form, as DER requires.
    """

    data: bytes = field(repr=False)
    tag: int
    start: int
    body: int
    stop: int
    end: int
    strict: bool
    children: list["Element"] = field(default_factory=list, repr=False)

    @property
    def raw(self) -> bytes:
        """The element with its header, unchanged."""
        return self.data[self.start : self.end]

    @property
    def content(self) -> bytes:
        """The bytes between the header and the end."""
        return self.data[self.body : self.stop]


def malformed(detail: str) -> Refused:
    """The refusal of malformed bytes."""
    return Refused("eds_malformed", detail)


def _read_header(data: bytes, at: int, limit: int) -> tuple[int, int, int | None, bool]:
    """Tag, start of the content, its length (None: until the end mark), and whether the length
    is the shortest.
    """
    if limit - at < 2:
        raise malformed("an element is cut off")
    tag, length, body, strict = data[at], data[at + 1], at + 2, True
    # X.690 §8.1.2.4 lets such a tag have any length.
    if tag & 0x1F == 0x1F:
        raise malformed("a tag above 30")
    # X.690 §8.1.3.5: with the top bit set, the other seven give the number of length bytes; 0 is
    # the indefinite form.
    if length >= _INDEFINITE:
        size = length - _INDEFINITE
        if not size:
            return tag, body, None, False
        # Four bytes of length are 4 GiB, far above any accepted element.
        if size > 4 or limit - body < size:
            raise malformed("a length of a wrong size")
        length = int.from_bytes(data[body : body + size], "big")
        body, strict = body + size, length >= 0x80 and length >> 8 * (size - 1) > 0
    if length > limit - body:
        raise malformed("an element is longer than what holds it")
    return tag, body, length, strict


def split(data: bytes, start: int, stop: int) -> Iterator[Element]:
    """The adjacent elements in `data[start:stop]`, unparsed. Definite lengths only."""
    at = start
    while at < stop:
        tag, body, length, strict = _read_header(data, at, stop)
        if length is None:
            raise malformed("an element is longer than what holds it")
        at_next = body + length
        yield Element(data, tag, at, body, at_next, at_next, strict)
        at = at_next


def read_tree(data: bytes, *, unopened: int | None = None) -> Element:
    """The one element that fills `data`, with its contents.

    Indefinite lengths are accepted and marked as not `strict`; the caller decides where they may
    occur.
    The contents of an element with the tag `unopened` are not parsed: another parser reads them, to
    its format's depth only.

    Raises: `Refused` for bytes around it.
    """
    root = Element(data, 0, 0, 0, len(data), len(data), True)
    open_elements, at = [root], 0
    for elements in count(1):
        while (inner := open_elements[-1]).end == at and inner.stop >= 0 and inner is not root:
            open_elements.pop()
            open_elements[-1].strict &= inner.strict
        if inner is root and at == len(data):
            break
        if elements > MAX_ELEMENTS:
            raise malformed("too many elements")
        if data[at : at + 2] == b"\0\0":
            if inner.stop >= 0 or inner.end - at < 2:
                raise malformed("an end mark without a beginning")
            inner.stop, inner.end, at = at, at + 2, at + 2
            continue
        tag, body, length, strict = _read_header(data, at, inner.end)
        is_opened = tag & _CONSTRUCTED and tag != unopened
        # X.690 §8.1.3.2: a primitive element has a definite length. An unopened one needs it too,
        # to find its end.
        if length is None and not is_opened:
            raise malformed("a plain element without a length")
        # Without a length `stop` is open, and `end` bounds the contents until the mark is found.
        stop = -1 if length is None else body + length
        end = inner.end if length is None else stop
        inner.children.append(Element(data, tag, at, body, stop, end, strict))
        inner.strict &= strict
        if is_opened:
            open_elements.append(inner.children[-1])
            if len(open_elements) > _MAX_DEPTH:
                raise malformed("nested too deeply")
        at = body if is_opened else stop
    if len(root.children) != 1:
        raise malformed("not exactly one element")
    return root.children[0]


def read_strict(data: bytes, subject: str, *, unopened: int | None = None) -> Element:
    """`read_tree` for DER."""
    element = read_tree(data, unopened=unopened)
    if not element.strict:
        raise malformed(f"{subject}: not DER")
    return element


def items(
    element: Element, tag: int, subject: str, *, at_least: int = 0, at_most: int = 10_000
) -> list[Element]:
    """The parts of a constructed element of that tag, within the bounds on their number."""
    if element.tag != tag:
        raise malformed(f"{subject}: another type")
    parts = element.children
    if not at_least <= len(parts) <= at_most:
        raise malformed(f"{subject}: a wrong number of parts")
    return parts


def octets(element: Element, subject: str, *, tag: int = OCTET_STRING) -> bytes:
    """The bytes of an OCTET STRING in one piece, or those of an element of another type by its
    tag.
    """
    if element.tag != tag:
        raise malformed(f"{subject}: another type")
    return element.data[element.body : element.stop]


def integer(element: Element, subject: str, *, bounds: range | None = None) -> int:
    """A whole number in its shortest form, in this range."""
    content = octets(element, subject, tag=INTEGER)
    # X.690 §8.3.2: the first nine bits are never all equal, or a number would have several
    # spellings.
    padded = len(content) > 1 and (content[0], content[1] >> 7) in {(0x00, 0), (0xFF, 1)}
    if not content or padded or len(content) > _MAX_INTEGER:
        raise malformed(f"{subject}: not a number")
    number = int.from_bytes(content, "big", signed=True)
    if bounds is not None and number not in bounds:
        raise malformed(f"{subject}: out of range")
    return number


def boolean(element: Element, subject: str) -> bool:
    """TRUE or FALSE; in DER true is 0xFF."""
    content = octets(element, subject, tag=BOOLEAN)
    if content not in (b"\xff", b"\x00"):
        raise malformed(f"{subject}: neither true nor false")
    return content == b"\xff"


def oid(element: Element, subject: str) -> str:
    """An object identifier as dotted numbers."""
    try:
        return _dotted(octets(element, subject, tag=OID))
    except ValueError as error:
        raise malformed(f"{subject}: {error}") from None


@lru_cache(maxsize=512)
def _dotted(content: bytes) -> str:
    """Cached, because the same few identifiers recur in every certificate.

    Raises: `ValueError`.
    """
    if not content or content[-1] & 0x80 or len(content) > 32:
        raise ValueError("not an object identifier")
    # X.690 §8.19: base 128, where the top bit continues; a leading 0x80 would spell the same number
    # twice.
    arcs, value, fresh = [], 0, True
    for byte in content:
        if fresh and byte == 0x80:
            raise ValueError("a padded object identifier")
        value = value << 7 | byte & 0x7F
        fresh = not byte & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    # §8.19.4: the first two arcs share a number, 40 times the first and the second; under 2 the
    # second has no bound.
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


def whole_bits(element: Element, subject: str) -> bytes:
    """The bytes of a BIT STRING without unused bits: signatures and keys."""
    content = octets(element, subject, tag=BIT_STRING)
    # X.690 §8.6.2.2: the first byte is the number of unused bits in the last one.
    if not content or content[0]:
        raise malformed(f"{subject}: unused bits")
    return content[1:]


def time(element: Element, subject: str) -> datetime:
    """A UTCTime or GeneralizedTime in the one form DER allows, ending in Z. UTCTime means 1950 …
    2049.
    """
    pattern, content = _TIMES.get(element.tag), element.content
    if pattern is None or not pattern.fullmatch(content):
        raise malformed(f"{subject}: not a time")
    # RFC 5280 §4.1.2.5.1: two digits of a year from 50 on are 19xx, all below are 20xx.
    digits = (
        content
        if element.tag == GENERALIZED_TIME
        else (b"19" if content >= b"50" else b"20") + content
    )
    month, day, hour, minute, second = (int(digits[at : at + 2]) for at in range(4, 14, 2))
    try:
        # A leap second, :60, is refused like impossible dates: Python has none.
        return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise malformed(f"{subject}: no such time") from None


def text(element: Element, subject: str) -> str:
    """The characters of a string type used in names."""
    encoding = _TEXTS.get(element.tag)
    if encoding is None:
        raise malformed(f"{subject}: not a string")
    try:
        return element.content.decode(encoding)
    except UnicodeDecodeError:
        raise malformed(f"{subject}: unreadable characters") from None


def encode(tag: int, *parts: bytes) -> bytes:
    """An element of that tag holding the parts one after another."""
    content = b"".join(parts)
    # X.690 §10.1: DER encodes a length in as few bytes as possible.
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def encode_integer(value: int) -> bytes:
    """An INTEGER in its shortest form."""
    # Two's complement (X.690 §8.3.3) needs a bit for the sign: 127 has one byte, 128 two, -128 one.
    size = (value if value >= 0 else ~value).bit_length() // 8 + 1
    return encode(INTEGER, value.to_bytes(size, "big", signed=True))


def encode_octets(value: bytes) -> bytes:
    """An OCTET STRING."""
    return encode(OCTET_STRING, value)


def encode_oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from dotted numbers."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (40 * first + second, *rest):
        groups = range((max(arc.bit_length(), 1) + 6) // 7 - 1, -1, -1)
        content += bytes((arc >> 7 * group & 0x7F) | (0x80 if group else 0) for group in groups)
    return encode(OID, bytes(content))
