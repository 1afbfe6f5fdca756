"""A strict reader of ASN.1 encodings that hostile bytes cannot exhaust: no recursion, bounded depth and size.

`read_tree` walks everything at once and is for small structures; `split` walks one level and is for long lists.
Source: ITU-T X.690 §8.1 (BER) and §10 (DER).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from verification.core.errors import Refused

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, ENUMERATED = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A
UTC_TIME, GENERALIZED_TIME, SEQUENCE, SET = 0x17, 0x18, 0x30, 0x31
CONTEXT_0, CONTEXT_1, CONTEXT_2, CONTEXT_3 = 0xA0, 0xA1, 0xA2, 0xA3
PRIMITIVE_CONTEXT_0 = 0x80

_CONSTRUCTED = 0x20
_INDEFINITE = 0x80
# Limits of a whole structure. A certificate of the national authority is 9 levels deep and has 150 elements.
_MAX_DEPTH = 32
_MAX_ELEMENTS = 20_000


@dataclass(slots=True)
class Element:
    """One encoded element inside `data`: its header begins at `start`, its content is `body` … `stop`.

    `strict`: it and everything below it has definite lengths in their shortest form, as DER wants.
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
        """The element with its header, exactly as it was found."""
        return self.data[self.start : self.end]

    @property
    def content(self) -> bytes:
        """The bytes between the header and the end."""
        return self.data[self.body : self.stop]


def malformed(detail: str) -> Refused:
    """The refusal of bytes that do not follow their format."""
    return Refused("eds_malformed", detail)


def _read_header(data: bytes, at: int, limit: int) -> tuple[int, int, int | None, bool]:
    """Tag, start of the content, its length (None: until the end mark), and whether the length is the shortest."""
    if limit - at < 2:
        raise malformed("an element is cut off")
    tag, first = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise malformed("a tag above 30")
    if first < _INDEFINITE:
        return tag, at + 2, first, True
    size = first - _INDEFINITE
    if not size:
        return tag, at + 2, None, False
    # Four bytes of length are 4 GiB: nothing we accept comes near.
    if size > 4 or limit - at - 2 < size:
        raise malformed("a length of a wrong size")
    length = int.from_bytes(data[at + 2 : at + 2 + size], "big")
    return tag, at + 2 + size, length, length >= 0x80 and length >> 8 * (size - 1) > 0


def split(data: bytes, start: int, stop: int) -> Iterator[Element]:
    """The elements side by side in `data[start:stop]`, without looking into them. Definite lengths only."""
    at = start
    while at < stop:
        tag, body, length, strict = _read_header(data, at, stop)
        if length is None or length > stop - body:
            raise malformed("an element is longer than what holds it")
        at_next = body + length
        yield Element(data, tag, at, body, at_next, at_next, strict)
        at = at_next


def _close(open_elements: list[Element], end: int) -> None:
    """End the innermost open element and hand it to the one around it."""
    element = open_elements.pop()
    element.end = end
    parent = open_elements[-1]
    parent.children.append(element)
    parent.strict = parent.strict and element.strict


def _close_finished(open_elements: list[Element], at: int) -> None:
    while len(open_elements) > 1 and open_elements[-1].stop == at:
        _close(open_elements, at)


def _open(open_elements: list[Element], data: bytes, at: int, limit: int) -> int:
    """Read one header at `at` below the innermost open element; gives where reading goes on."""
    tag, body, length, strict = _read_header(data, at, limit)
    if length is not None and length > limit - body:
        raise malformed("an element is longer than what holds it")
    if length is None and not tag & _CONSTRUCTED:
        raise malformed("a plain element without a length")
    stop = -1 if length is None else body + length
    # While an element is open, its `end` is the bound for what it holds.
    element = Element(data, tag, at, body, stop, limit if length is None else stop, strict)
    if tag & _CONSTRUCTED:
        open_elements.append(element)
        if len(open_elements) > _MAX_DEPTH:
            raise malformed("nested too deeply")
        return body
    parent = open_elements[-1]
    parent.children.append(element)
    parent.strict = parent.strict and strict
    return stop


def read_tree(data: bytes) -> Element:
    """The one element that fills `data`, with all that is in it. Raises `Refused` for anything before or behind it.

    Indefinite lengths are read and marked as not `strict`; the caller says where they may be.
    """
    root = Element(data, 0, 0, 0, len(data), len(data), True)
    open_elements, at, seen = [root], 0, 0
    while True:
        _close_finished(open_elements, at)
        inner = open_elements[-1]
        if inner is root and at == len(data):
            break
        limit = inner.end
        seen += 1
        if seen > _MAX_ELEMENTS:
            raise malformed("too many elements")
        if data[at : at + 2] == b"\0\0":
            if inner.stop >= 0 or limit - at < 2:
                raise malformed("an end mark without a beginning")
            inner.stop = at
            at += 2
            _close(open_elements, at)
            continue
        at = _open(open_elements, data, at, limit)
    if len(root.children) != 1:
        raise malformed("not exactly one element")
    return root.children[0]
