"""A policy that was kept is read back to the same value, and nothing else passes for one."""

import json
from dataclasses import dataclass, replace

import pytest
from django.utils import timezone

from verification.core.errors import EvidenceUnreadable
from verification.core.route import Evidence
from verification.routes import biometric, eds, live_face
from verification.workflow import dossier
from verification.workflow.stored_policy import read_policy


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


GIVEN = Outer(3, True, "x", (1, "a"), (Inner(0.1, frozenset({"b", "a"})), Inner(2.0, frozenset())), None)


def kept(policy):
    return json.loads(dossier.terms(Evidence(items={}, at=timezone.now()), policy))["policy"]


@pytest.mark.parametrize(
    "policy",
    [GIVEN, replace(GIVEN, perhaps=1e-9), *(each.ROUTE.policy for each in (biometric, eds, live_face))],
    ids=lambda policy: type(policy).__name__,
)
def test_what_was_kept_is_read_back_to_the_same(policy):
    assert read_policy(kept(policy), into=type(policy)) == policy


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
        ("unheard_of", 1, "policy.unheard_of is a field that this release does not know"),
    ],
)
def test_another_type_or_field_is_named_and_refused(field, value, said):
    with pytest.raises(EvidenceUnreadable) as unreadable:
        read_policy(kept(GIVEN) | {field: value}, into=Outer)
    assert (unreadable.value.code, unreadable.value.detail) == ("policy_unreadable", said)


@pytest.mark.parametrize("field", ["count", "perhaps"])
def test_a_missing_field_is_named_even_where_it_has_a_default(field):
    stored = {name: value for name, value in kept(GIVEN).items() if name != field}
    with pytest.raises(EvidenceUnreadable, match=f"policy.{field} is missing"):
        read_policy(stored, into=Outer)
