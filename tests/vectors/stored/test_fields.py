"""Each field of a policy and of facts is on the list, and each that was added has an earlier
value.
"""

from dataclasses import dataclass, field

import pytest

from tests.vectors.stored import fields, grown
from tests.vectors.stored.fields import StoredField
from verification.core import stored
from verification.core.route import Stage
from verification.stages import statement
from verification.stages.statement.measure import StatementFacts
from verification.stages.statement.policy import StatementPolicy

HINT = "give it `field(default=…, metadata={stored.BEFORE: …})`"


def listed_of(stage: Stage) -> dict[str, bool]:
    """The list when this stage is new."""
    return fields.extended({}, fields.of_stages([stage]))


def fields_of(stage: Stage) -> list[StoredField]:
    return list(fields.of_stages([stage]))


def test_earlier_judgements_can_be_read_by_todays_fields() -> None:
    assert fields.faults(fields.read_list(), fields.today()) == []


def test_the_list_is_whole() -> None:
    missing = {field.path for field in fields.today()} - fields.read_list().keys()
    assert missing == set(), "run `python -m tests.vectors.stored`, which adds them"


def test_a_stage_that_is_new_needs_no_earlier_value() -> None:
    assert fields.faults({}, fields_of(statement.STAGE)) == []
    assert not any(listed_of(statement.STAGE).values())


def test_a_policy_field_that_is_added_needs_an_earlier_value_and_no_default_is_one() -> None:
    listed = listed_of(statement.STAGE)
    bare = fields_of(grown.with_policy_field(statement.STAGE, before=grown.UNDECLARED))
    path = "statement.policy.is_strict"
    assert fields.faults(listed, bare) == [f"{path} was added and has no earlier value: {HINT}"]
    declared = fields_of(grown.with_policy_field(statement.STAGE))
    assert fields.faults(listed, declared) == []
    assert fields.extended(listed, declared) == {**listed, path: True}
    # Once it is on the list, it must keep that value.
    assert fields.faults({**listed, path: True}, bare) != []


def test_an_earlier_value_has_the_type_of_its_field() -> None:
    odd = fields_of(grown.with_policy_field(statement.STAGE, before="no"))
    with pytest.raises(Exception, match=r"statement.policy.is_strict.is_strict is no bool"):
        fields.faults(listed_of(statement.STAGE), odd)


def test_a_fact_that_is_added_needs_a_default_and_no_more() -> None:
    listed = listed_of(statement.STAGE)
    assert fields.faults(listed, fields_of(grown.with_fact(statement.STAGE))) == []

    @dataclass(frozen=True)
    class Bare(StatementFacts):
        counted: int = field(kw_only=True)

    bare = fields_of(statement.STAGE.differing(facts=Bare))
    assert fields.faults(listed, bare) == [
        f"statement.facts.counted was added and has no earlier value: {HINT}"
    ]


def test_a_field_that_is_gone_is_named() -> None:
    path = "statement.policy.mood"
    listed = {**listed_of(statement.STAGE), path: False}
    assert fields.faults(listed, fields_of(statement.STAGE)) == [
        f"{path} is gone: raise `stored.VERSION`"
    ]


@dataclass(frozen=True)
class Limits:
    most: int = 3
    least: int = field(default=2, metadata={stored.BEFORE: 0})


def test_an_added_record_has_its_first_fields_and_its_earlier_value_is_a_mapping() -> None:
    listed = listed_of(statement.STAGE)
    policy = StatementPolicy
    for before, problems in (
        (Limits(1), ["statement.policy.limits: spell its earlier value as a mapping of fields"]),
        ({"most": 1}, []),
    ):
        kind = grown.with_field(policy, "limits", Limits, Limits(), before=before)
        changed = fields_of(statement.STAGE.differing(policy_in_use=kind))
        assert fields.faults(listed, changed) == problems
        fresh = {
            path: is_added
            for path, is_added in fields.extended(listed, changed).items()
            if path not in listed
        }
        path = "statement.policy.limits"
        assert fresh == {path: True, f"{path}.most": False, f"{path}.least": False}


def test_the_earlier_value_of_a_record_takes_no_default_of_today() -> None:
    before = stored.as_record(StatementPolicy())
    kind = grown.with_field(StatementPolicy, "limits", Limits, Limits(), before={"most": 1})
    assert stored.read(before, into=kind, what="policy", is_whole=True).limits == Limits(1, 0)
    undeclared = grown.with_field(StatementPolicy, "limits", Limits, Limits(), before={"least": 1})
    with pytest.raises(Exception, match=r"policy\.limits\.most is missing"):
        stored.read(before, into=undeclared, what="policy", is_whole=True)
