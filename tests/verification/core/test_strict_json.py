"""An object from outside is read exactly, or refused without repeating what it said."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from verification.core import stored
from verification.core.errors import BadInput, EvidenceUnreadable
from verification.core.strict_json import SpelledNumber, StrictObject, is_reference, read_object
from verification.stages import code, confirmation, live_capture, person, statement


def one(value: object) -> StrictObject:
    return StrictObject({"a": value})


def test_each_kind_of_field_is_read() -> None:
    assert one("ӘҒҚ-Ң").text("a", longest=5) == "ӘҒҚ-Ң"
    assert one("x").choice("a", ("x", "y")) == "x"
    assert one(["y", "x"]).choices("a", ("x", "y")) == ("y", "x")
    assert one("2024-02-29").day("a") == date(2024, 2, 29)
    assert one(None).day_or_none("a") is None
    assert one("2024-02-29").day_or_none("a") == date(2024, 2, 29)
    assert one("2026-11-24T15:00:00+05:00").moment("a") == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert one("2026-11-24T10:00:00Z").moment("a") == datetime(2026, 11, 24, 10, tzinfo=UTC)
    assert one("ver_abcd.1").reference("a") == "ver_abcd.1"
    assert one("0f" * 32).sha256("a") == "0f" * 32
    assert one("AAEC").octets("a", most=3) == b"\x00\x01\x02"
    assert len(one([{}, {}]).objects("a", most=2)) == 2


TEXTS = ["", "abcdef", 5, True, None, ["a"], {"a": "b"}, "a\x00b", "a\nb", "\u202ea", "\ud800"]

REFERENCES = ["short", "-abcdefgh", "a" * 129, "abcdefg h", "abcdefgә", "abcdefgh\n", "", None]

REFUSED: list[tuple[str, dict[str, Any], list[object]]] = [
    ("text", {"longest": 5}, [*TEXTS]),
    ("choice", {"choices": ("x", "y")}, ["z", "X", "", None, 1, ["x"]]),
    ("choices", {"choices": ("x", "y")}, ["x", ["z"], ["x", "x"], [1], [["x"]], None, {"x": 1}]),
    (
        "day",
        {},
        ["2023-02-29", "20240229", "2024-W09-4", "2024-2-29", "24-02-2024", "2024-02-29T", 5],
    ),
    (
        "moment",
        {},
        [
            "2026-11-24",
            "2026-11-24T10:00:00",
            "2026-11-24T25:00:00Z",
            "0001-01-01T00:00:00+05:00",
            "now",
            5,
            None,
        ],
    ),
    ("reference", {}, [*REFERENCES]),
    ("sha256", {}, ["0F" * 32, "0f" * 31, "0f" * 33, "0g" * 32, None]),
    (
        "octets",
        {"most": 3},
        ["", "A", "AAE", "AAEC\n", "AA EC", "AA-_", "AAECAw==", "AAECAAEC", None],
    ),
    ("objects", {"most": 2}, [[{}, {}, {}], [1], {}, "[]", None]),
]


@pytest.mark.parametrize(
    ("kind", "limits", "value"),
    [(kind, limits, value) for kind, limits, values in REFUSED for value in values],
)
def test_a_value_of_another_kind_is_refused(
    kind: str, limits: dict[str, Any], value: object
) -> None:
    with pytest.raises(BadInput):
        getattr(one(value), kind)("a", **limits)


def test_what_is_refused_as_an_id_is_none() -> None:
    assert not [value for value in REFERENCES if value is not None and is_reference(value)]


def test_a_field_is_missing_once_it_was_taken() -> None:
    taken = one("x")
    taken.text("a", longest=5)
    with pytest.raises(BadInput, match="missing"):
        taken.text("a", longest=5)
    taken.finish()


def test_an_unread_field_is_refused() -> None:
    with pytest.raises(BadInput, match="not part of the protocol"):
        one("x").finish()


def test_a_refusal_points_to_the_field_and_does_not_repeat_it() -> None:
    inner = StrictObject({"list": [{"name": "Akhmetov\n"}]}).objects("list", most=1)[0]
    with pytest.raises(BadInput) as caught:
        inner.text("name", longest=20)
    assert caught.value.pointer == "/list/0/name"
    assert caught.value.code == "answer_malformed"
    assert "Akhmetov" not in str(caught.value)


def test_an_object_is_read_from_bytes_of_at_most_the_limit() -> None:
    raw = '{"a": "ә"}'.encode()
    assert read_object(raw, max_bytes=len(raw)).text("a", longest=1) == "ә"
    with pytest.raises(BadInput, match="more than"):
        read_object(raw, max_bytes=len(raw) - 1)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'"a"',
        b"null",
        b'{"a": "b"',
        b'{"a": "b"} {}',
        b'{"a": "b", "a": "c"}',
        b'{"x": {"a": "b", "a": "c"}}',
        b'{"a": 1}',
        b'{"a": 1.5}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": "b"}',
        '{"a": "b"}'.encode("utf-16"),
        b'{"a":' * 60_000,
        b"[" * 100_000,
        b"<!doctype html><title>Maintenance</title>",
    ],
)
def test_what_is_not_exactly_one_object_is_refused(raw: bytes) -> None:
    with pytest.raises(BadInput):
        read_object(raw, max_bytes=1_000_000)


def test_an_object_inside_is_finished_by_itself_and_an_unread_value_is_only_taken() -> None:
    outer = StrictObject({"a": {"b": 1}, "c": [2]})
    inner = outer.object("a")
    assert inner.value_or_none("b") == 1
    assert inner.value_or_none("b") is None
    inner.finish()
    with pytest.raises(BadInput):
        outer.object("c")


@pytest.mark.parametrize("number", ["1", "-7", "999999999"])
def test_numbers_are_read_only_where_a_protocol_has_them(number: str) -> None:
    untrusted = f'{{"a": {number}}}'.encode()
    assert read_object(untrusted, max_bytes=100, numbers=True).value_or_none("a") == int(number)
    with pytest.raises(BadInput):
        read_object(untrusted, max_bytes=100)


LONG_NUMBERS = ["1.0", "1e3", "1234567890", "1732450000000", "9" * 5000]


@pytest.mark.parametrize("number", LONG_NUMBERS)
def test_a_fraction_or_a_long_number_is_kept_as_it_was_spelled_and_equals_nothing_else(
    number: str,
) -> None:
    untrusted = f'{{"a": {number}}}'.encode()
    found = read_object(untrusted, max_bytes=10_000, numbers=True).value_or_none("a")
    assert found == SpelledNumber(number)
    assert found != number
    with pytest.raises(BadInput):
        read_object(untrusted, max_bytes=10_000)


@pytest.mark.parametrize("number", ["7", *LONG_NUMBERS])
@pytest.mark.parametrize(
    "take",
    [
        lambda read: read.text("a", longest=10_000),
        lambda read: read.choice("a", ["7", *LONG_NUMBERS]),
        lambda read: read.choices("a", ["7", *LONG_NUMBERS]),
        lambda read: read.day("a"),
        lambda read: read.day_or_none("a"),
        lambda read: read.moment("a"),
        lambda read: read.reference("a"),
        lambda read: read.sha256("a"),
        lambda read: read.octets("a", most=10_000),
        lambda read: read.objects("a", most=10_000),
        lambda read: read.object("a"),
    ],
)
def test_no_number_is_read_where_anything_else_is_expected(
    take: Callable[[StrictObject], object], number: str
) -> None:
    for untrusted in (f'{{"a": {number}}}', f'{{"a": [{number}]}}'):
        with pytest.raises(BadInput):
            take(read_object(untrusted.encode(), max_bytes=10_000, numbers=True))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "01"])
def test_what_is_no_number_of_json_is_never_read(number: str) -> None:
    with pytest.raises(BadInput):
        read_object(f'{{"a": {number}}}'.encode(), max_bytes=10_000, numbers=True)


# A policy that was kept is read back to the same value, and nothing else passes for one.


@dataclass(frozen=True)
class Inner:
    share: float
    words: frozenset[str]


@dataclass(frozen=True)
class Outer:
    count: int
    asks: bool
    name: str
    pair: tuple[int, str]
    parts: tuple[Inner, ...]
    perhaps: float | None = None
    born: date = date(1899, 1, 31)


@dataclass(frozen=True)
class Other:
    code: str = ""


GIVEN = Outer(
    3, True, "x", (1, "a"), (Inner(0.1, frozenset({"b", "a"})), Inner(2.0, frozenset())), None
)

STAGES = (
    *(code.STAGE, live_capture.STAGE, person.STAGE, statement.STAGE),
    *(confirmation.CONSENT, confirmation.QUESTION, confirmation.RENEWAL),
)


def kept(policy):
    return stored.as_record(policy)


@pytest.mark.parametrize(
    "policy",
    [
        GIVEN,
        replace(GIVEN, perhaps=1e-9),
        *(stage.policy_in_use() for stage in STAGES),
    ],
    ids=lambda policy: type(policy).__name__,
)
def test_what_was_kept_is_read_back_to_the_same(policy):
    assert stored.read(kept(policy), into=type(policy), what="policy") == policy


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("count", "3", "policy.count is no int"),
        ("count", True, "policy.count is no int"),
        ("count", None, "policy.count is no int"),
        ("asks", 1, "policy.asks is no bool"),
        ("name", 1, "policy.name is no str"),
        ("pair", [1], "policy.pair has 1 items, not 2"),
        ("pair", ["a", 1], "policy.pair[0] is no int"),
        ("pair", "1a", "policy.pair is no list"),
        ("parts", [{"share": "0.1"}], "policy.parts[0].words is missing, which this release needs"),
        ("parts", [{"share": "0.10", "words": []}], "policy.parts[0].share is no fraction"),
        ("parts", [{"share": "one", "words": []}], "policy.parts[0].share is no fraction"),
        ("parts", [{"share": False, "words": []}], "policy.parts[0].share is no fraction"),
        ("parts", [["0.1", []]], "policy.parts[0] is no record of fields"),
        ("perhaps", "", "policy.perhaps is no fraction"),
        ("born", "1899-W05-2", "policy.born is no day"),
        ("born", "18990131", "policy.born is no day"),
        ("born", 1899, "policy.born is no day"),
        ("unheard_of", 1, "policy.unheard_of is a field that this release does not know"),
    ],
)
def test_another_type_or_field_is_named_and_refused(field, value, said):
    with pytest.raises(EvidenceUnreadable) as unreadable:
        stored.read(kept(GIVEN) | {field: value}, into=Outer, what="policy")
    assert (unreadable.value.code, unreadable.value.detail) == ("stored_unreadable", said)


def without(field):
    return {name: value for name, value in kept(GIVEN).items() if name != field}


def test_a_missing_field_is_named_unless_it_has_a_default():
    with pytest.raises(EvidenceUnreadable, match=r"policy\.count is missing"):
        stored.read(without("count"), into=Outer, what="policy")
    assert stored.read(without("perhaps"), into=Outer, what="policy") == GIVEN


def test_no_default_is_taken_where_all_must_have_been_said():
    with pytest.raises(EvidenceUnreadable, match=r"policy\.perhaps is missing"):
        stored.read(without("perhaps"), into=Outer, what="policy", is_whole=True)
    assert stored.read(kept(GIVEN), into=Outer, what="policy", is_whole=True) == GIVEN


@dataclass(frozen=True)
class Before:
    parts: tuple[Inner | Other, ...]


@dataclass(frozen=True)
class Later(Inner):
    least: int = field(default=9, metadata={stored.BEFORE: 0}, kw_only=True)


@dataclass(frozen=True)
class Now:
    parts: tuple[Later | Other, ...]
    asked: bool = field(default=True, metadata={stored.BEFORE: False})
    share: float = field(default=0.5, metadata={stored.BEFORE: 0.25})


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_field_that_was_added_later_has_the_value_of_the_releases_before_it(is_whole):
    before = Before((Inner(0.1, frozenset({"a"})), Other("x")))
    now = stored.read(kept(before), into=Now, what="policy", is_whole=is_whole)
    assert now == Now((Later(0.1, frozenset({"a"}), least=0), Other("x")), asked=False, share=0.25)
    today = Now((Later(0.1, frozenset({"a"})),))
    assert stored.read(kept(today), into=Now, what="policy", is_whole=is_whole) == today


@pytest.mark.parametrize(
    ("now", "before", "agrees"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, True),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ([], {}, False),
        ({}, [], False),
        (1, True, False),
        (1, 1, True),
        (None, {}, False),
    ],
)
def test_json_agrees_with_earlier_json_if_it_says_all_of_it(now, before, agrees):
    assert stored.agrees(now, before) is agrees


@pytest.mark.parametrize("version", [0, 2, "1", 1.0, True, None])
def test_a_record_of_another_version_is_not_read(version):
    with pytest.raises(EvidenceUnreadable, match="policy is of another version"):
        stored.read(kept(GIVEN) | {"v": version}, into=Outer, what="policy")
    with pytest.raises(EvidenceUnreadable, match="policy is of another version"):
        stored.read(without("v"), into=Outer, what="policy")
