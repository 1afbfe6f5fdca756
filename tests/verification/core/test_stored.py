"""A policy that was kept is read back to the same value, and nothing else passes for one."""

from dataclasses import dataclass, field, replace
from datetime import date

import pytest

from verification.core import stored
from verification.core.errors import EvidenceUnreadable
from verification.stages import code, confirmation, live_capture, person, statement


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
