"""What was stored is read, and spelled again it is the same; what was judged is judged the same
from its facts.
"""

from dataclasses import replace
from typing import Any

import pytest

from lenders import policy
from tests.vectors.stored import samples
from tests.vectors.stored.build import FOLDER, numbers_of, read
from tests.vectors.stored.grown import grown, judged_again
from verification.case import contents, stages
from verification.core import stored
from verification.core.errors import EvidenceUnreadable
from verification.core.results import Failed, Result
from verification.core.route import Stage
from verification.routes import ROUTES
from verification.stages import person
from verification.stages.register import REGISTER

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
    assert (case.lender, case.opening.person) == (samples.LENDER, samples.OPENING.person)


@pytest.mark.parametrize("number", numbers_of("memory"))
def test_the_memory_is_read_as_the_stage_left_it(number: int) -> None:
    memory = stored.fields_of(read("memory", number), what="memory")
    assert memory.keys() <= samples.MEMORY.keys()


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: str(stage.name))
def test_the_facts_of_that_time_are_judged_by_the_policy_of_that_time_as_they_were(
    stage: Stage,
) -> None:
    for number in numbers_of(f"terms/{stage.name}"):
        terms = read(f"terms/{stage.name}", number)
        facts: Any = stored.read(terms["facts"], into=stage.facts, what="facts")
        assert stored.agrees(stored.as_record(facts), terms["facts"])
        assert judged_again(stage, terms) == []


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: str(stage.name))
def test_what_was_judged_is_judged_the_same_when_its_policy_its_facts_and_its_checks_have_grown(
    stage: Stage,
) -> None:
    assert judged_again(grown(stage), read(f"terms/{stage.name}")) == []


def test_a_check_of_an_errand_that_changed_is_asked_as_it_was() -> None:
    def refuse(facts: object, policy: object) -> Result:
        return Failed("person.alive", "person_deceased")

    terms = read("terms/person")
    changed = replace(REGISTER, checks={**REGISTER.checks, "person.alive": refuse})
    assert judged_again(changed.beside(person.STAGE), terms) != []
    keeping = replace(changed, former={"person.alive": (REGISTER.checks["person.alive"],)})
    assert judged_again(keeping.beside(person.STAGE), terms) == []


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: str(stage.name))
def test_a_field_of_a_later_release_is_not_read(stage: Stage) -> None:
    for name in ("policy", "facts"):
        terms = read(f"terms/{stage.name}")
        terms[name]["mood"] = 1
        with pytest.raises(
            EvidenceUnreadable, match=rf"{name}\.mood is a field that this release does not know"
        ):
            judged_again(stage, terms)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: str(stage.name))
def test_no_value_of_another_type_is_read(stage: Stage) -> None:
    for damaged in (1, None, ["x"]):
        terms = read(f"terms/{stage.name}")
        terms["policy"]["version"] = damaged
        with pytest.raises(EvidenceUnreadable, match=r"policy\.version is no str"):
            judged_again(stage, terms)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: str(stage.name))
def test_a_field_that_every_release_said_is_not_left_out(stage: Stage) -> None:
    for name in ("policy", "facts"):
        terms = read(f"terms/{stage.name}")
        missing = next(iter(terms[name]))
        del terms[name][missing]
        with pytest.raises(EvidenceUnreadable):
            judged_again(stage, terms)
