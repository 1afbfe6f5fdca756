"""The reader of encodings: what fits passes, and bombs die before they cost anything."""

import time

import pytest

from verification.core.errors import Refused
from verification.engines.pki import der


def _nested(depth: int) -> bytes:
    """An empty SEQUENCE inside that many others, in definite lengths."""
    encoded = b"0\0"
    for _ in range(depth):
        size = len(encoded)
        encoded = (
            bytes([0x30, size]) if size < 128 else b"\x30\x84" + size.to_bytes(4, "big")
        ) + encoded
    return encoded


def test_a_tree_is_read_with_all_its_levels() -> None:
    root = der.read_tree(bytes.fromhex("300a020105 30050101ff0500"))
    number, inner = root.children
    assert der.integer(number, "number") == 5
    assert [child.tag for child in inner.children] == [der.BOOLEAN, 0x05]
    assert root.strict


def test_an_indefinite_length_is_read_and_marked() -> None:
    root = der.read_tree(bytes.fromhex("3080 020105 0000"))
    assert der.integer(root.children[0], "number") == 5
    assert not root.strict
    assert root.children[0].strict


def test_a_length_longer_than_needed_is_read_and_marked() -> None:
    assert der.read_tree(b"\x30\x02\x05\x00").strict
    assert not der.read_tree(b"\x30\x81\x02\x05\x00").strict
    assert not der.read_tree(b"\x30\x03\x05\x81\x00").strict


def test_what_stays_unopened_has_no_parts_and_must_say_its_length() -> None:
    encoded = bytes.fromhex("3009 a3073005 30033001 00")
    with pytest.raises(Refused, match="cut off"):
        der.read_tree(encoded)
    assert [each.children for each in der.read_tree(encoded, unopened=der.CONTEXT_3).children] == [
        []
    ]
    with pytest.raises(Refused, match="without a length"):
        der.read_tree(bytes.fromhex("3006 a380 0500 0000"), unopened=der.CONTEXT_3)


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x30",
        b"\x30\x01",  # cut off
        b"\x30\x00\x00",  # a byte behind
        b"\x30\x00\x30\x00",  # a second element
        b"\x30\x03\x02\x02\x05",  # an inner element beyond its outer one
        b"\x30\x03\x30\x02\x05\x00",  # the same, constructed
        b"\x30\x80\x05\x00",  # no end mark
        b"\x30\x80\x05\x00\x00",  # half an end mark
        b"\x30\x02\x00\x00",  # an end mark in a definite length
        b"\x04\x80\x00\x00",  # a plain element without a length
        b"\x30\x85\x01\x00\x00\x00\x00",  # a length of five bytes
        b"\x30\x84\x05\xf5\xe1\x00",  # 100 MB promised
        b"\x1f\x81\x01\x00",  # a tag above 30
    ],
)
def test_a_broken_encoding_refuses(encoded: bytes) -> None:
    with pytest.raises(Refused) as refused:
        der.read_tree(encoded)
    assert refused.value.code == "eds_malformed"


def test_thirty_levels_pass_and_thirty_two_refuse() -> None:
    assert der.read_tree(_nested(30)).strict
    with pytest.raises(Refused, match="deeply"):
        der.read_tree(_nested(32))


@pytest.mark.parametrize(("count", "passes"), [(19_999, True), (20_000, False)])
def test_twenty_thousand_elements_are_the_most(count: int, passes: bool) -> None:
    content = b"\x05\x00" * count
    encoded = b"\x30\x83" + len(content).to_bytes(3, "big") + content
    if passes:
        assert len(der.read_tree(encoded).children) == count
        return
    with pytest.raises(Refused, match="too many"):
        der.read_tree(encoded)


@pytest.mark.parametrize(
    "bomb", [b"\x30\x80" * 10_000, _nested(10_000), b"\x30\x80" + b"\x05\x00" * 200_000]
)
def test_a_bomb_dies_at_once(bomb: bytes) -> None:
    started = time.process_time()
    with pytest.raises(Refused):
        der.read_tree(bomb)
    # Of our own time, whatever else the machine does: the work is bounded by 20 000 elements.
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("encoded", "number"),
    [
        (b"\x02\x01\x00", 0),
        (b"\x02\x01\x80", -128),
        (b"\x02\x02\x00\x80", 128),
        (b"\x02\x02\xff\x7f", -129),
    ],
)
def test_an_integer_in_its_shortest_form_is_read(encoded: bytes, number: int) -> None:
    assert der.integer(der.read_tree(encoded), "number") == number


@pytest.mark.parametrize(
    "encoded", [b"\x02\x00", b"\x02\x02\x00\x7f", b"\x02\x02\xff\x80", b"\x04\x01\x05"]
)
def test_an_integer_in_another_form_refuses(encoded: bytes) -> None:
    with pytest.raises(Refused):
        der.integer(der.read_tree(encoded), "number")


@pytest.mark.parametrize(
    ("encoded", "dotted"),
    [
        ("06082a830e030a010303", "1.2.398.3.10.1.3.3"),
        ("0603550405", "2.5.4.5"),
        ("0603883703", "2.999.3"),
    ],
)
def test_an_object_identifier_is_read(encoded: str, dotted: str) -> None:
    assert der.oid(der.read_tree(bytes.fromhex(encoded)), "oid") == dotted


@pytest.mark.parametrize(
    "encoded", ["0600", "060180", "06028001", "0603558005", "062155" + "01" * 32]
)
def test_a_cut_padded_or_endless_object_identifier_refuses(encoded: str) -> None:
    with pytest.raises(Refused):
        der.oid(der.read_tree(bytes.fromhex(encoded)), "oid")


@pytest.mark.parametrize(
    ("tag", "text", "iso"),
    [
        (0x17, b"491231235959Z", "2049-12-31T23:59:59+00:00"),
        (0x17, b"500101000000Z", "1950-01-01T00:00:00+00:00"),
        (0x18, b"20500101000000Z", "2050-01-01T00:00:00+00:00"),
    ],
)
def test_a_time_is_read_in_utc(tag: int, text: bytes, iso: str) -> None:
    assert der.time(der.read_tree(bytes([tag, len(text)]) + text), "time").isoformat() == iso


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        (0x17, b"261124120000+0500"),
        (0x17, b"2611241200Z"),
        (0x17, b"261324120000Z"),
        (0x17, b"260230120000Z"),
        (0x18, b"00000101000000Z"),
        (0x18, b"20261124120000.5Z"),
        (0x04, b"261124120000Z"),
        (0x17, "٢٦١١٢٤١٢٠٠٠٠Z".encode()),
    ],
)
def test_a_time_in_another_form_refuses(tag: int, text: bytes) -> None:
    with pytest.raises(Refused):
        der.time(der.read_tree(bytes([tag, len(text)]) + text), "time")
