"""Golden blobs: what each stored field reads, and what it refuses."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from lenders import policy
from tests.vectors.stored import build, fields, grown
from tests.vectors.stored.build import FOLDER, numbers_of, read
from tests.vectors.stored.fields import StoredField
from verification.case import contents, stages
from verification.core import stored
from verification.core.errors import EvidenceUnreadable
from verification.core.results import Failed, Result
from verification.core.route import Stage
from verification.routes import ROUTES
from verification.stages import person, statement
from verification.stages.register import REGISTER
from verification.stages.statement.measure import StatementFacts
from verification.stages.statement.policy import StatementPolicy

# What was stored is read, and spelled again it is the same; what was judged is judged the same
# from its facts.


_ALL = (
    stages.CONSENT,
    stages.QUESTION,
    *(stage for route in ROUTES.values() for stage in route.stages),
)
STAGES = tuple({stage.name: stage for stage in reversed(_ALL)}.values())
"""Each once, as the first route has it."""
KINDS = {"case", "memory", "entry", "delivery"} | {f"terms/{stage.name}" for stage in STAGES}


BLOBS = [(kind, number) for kind in sorted(KINDS) for number in numbers_of(kind)]
"""Each blob by its kind and number. What an earlier release stored stays here."""


def test_there_is_a_blob_of_each_kind_and_no_other() -> None:
    assert {path.parent.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.json")} == KINDS
    assert {kind for kind, number in BLOBS if number == 1} == KINDS


@pytest.mark.parametrize(("kind", "number"), BLOBS)
def test_every_blob_says_its_version(kind: str, number: int) -> None:
    blob = read(kind, number)
    # A message to a lender says the version of the API.
    if kind == "delivery":
        assert blob["version"] == policy.API_VERSION
    else:
        assert blob["v"] == stored.VERSION


@pytest.mark.parametrize("number", numbers_of("case"))
def test_the_case_is_read_and_spelled_again_is_the_same(number: int) -> None:
    case = stored.read(read("case", number), into=contents.StoredCase, what="case")
    assert stored.agrees(stored.as_record(case), read("case", number))
    assert (case.lender, case.opening.person) == (build.LENDER, build.OPENING.person)


@pytest.mark.parametrize("number", numbers_of("memory"))
def test_the_memory_is_read_as_the_stage_left_it(number: int) -> None:
    memory = stored.fields_of(read("memory", number), what="memory")
    assert memory.keys() <= build.MEMORY.keys()


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: str(stage.name))
def test_the_facts_of_that_time_are_judged_by_the_policy_of_that_time_as_they_were(
    stage: Stage,
) -> None:
    for number in numbers_of(f"terms/{stage.name}"):
        terms = read(f"terms/{stage.name}", number)
        facts: Any = stored.read(terms["facts"], into=stage.facts, what="facts")
        assert stored.agrees(stored.as_record(facts), terms["facts"])
        assert grown.judged_again(stage, terms) == []


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: str(stage.name))
def test_what_was_judged_is_judged_the_same_when_its_policy_its_facts_and_its_checks_have_grown(
    stage: Stage,
) -> None:
    assert grown.judged_again(grown.grown(stage), read(f"terms/{stage.name}")) == []


def test_a_check_of_an_errand_that_changed_is_asked_as_it_was() -> None:
    def refuse(facts: object, policy: object) -> Result:
        return Failed("person.alive", "person_deceased")

    terms = read("terms/person")
    changed = replace(REGISTER, checks={**REGISTER.checks, "person.alive": refuse})
    assert grown.judged_again(changed.beside(person.STAGE), terms) != []
    keeping = replace(changed, former={"person.alive": (REGISTER.checks["person.alive"],)})
    assert grown.judged_again(keeping.beside(person.STAGE), terms) == []


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: str(stage.name))
def test_a_field_of_a_later_release_is_not_read(stage: Stage) -> None:
    for name in ("policy", "facts"):
        terms = read(f"terms/{stage.name}")
        terms[name]["mood"] = 1
        with pytest.raises(
            EvidenceUnreadable, match=rf"{name}\.mood is a field that this release does not know"
        ):
            grown.judged_again(stage, terms)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: str(stage.name))
def test_no_value_of_another_type_is_read(stage: Stage) -> None:
    for damaged in (1, None, ["x"]):
        terms = read(f"terms/{stage.name}")
        terms["policy"]["version"] = damaged
        with pytest.raises(EvidenceUnreadable, match=r"policy\.version is no str"):
            grown.judged_again(stage, terms)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: str(stage.name))
def test_a_field_that_every_release_said_is_not_left_out(stage: Stage) -> None:
    for name in ("policy", "facts"):
        terms = read(f"terms/{stage.name}")
        missing = next(iter(terms[name]))
        del terms[name][missing]
        with pytest.raises(EvidenceUnreadable):
            grown.judged_again(stage, terms)


# Each field of a policy and of facts is on the list, and each that was added has an earlier
# value.


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
