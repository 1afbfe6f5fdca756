"""What was stored is read, and spelled again it is the same; what was judged is judged the same from its facts."""

from typing import Any

import pytest

from lenders import versions
from tests.vectors.stored import samples
from tests.vectors.stored.build import FOLDER, read
from verification.core import stored
from verification.core.route import Stage
from verification.core.stored import canonical_json
from verification.routes import ROUTES
from verification.workflow import cases, stages
from verification.workflow.moving import dossier

_ALL = (stages.CONSENT, stages.QUESTION, *(stage for one in ROUTES.values() for stage in one.stages))
STAGES = tuple({stage.name: stage for stage in reversed(_ALL)}.values())
"""Each once, as the first route has it."""
KINDS = {"case", "memory", "entry", "delivery"} | {f"terms/{stage.name}" for stage in STAGES}


def test_there_is_a_blob_of_each_kind_and_no_other() -> None:
    assert {path.parent.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("1.json")} == KINDS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_blob_says_its_version(kind: str) -> None:
    # A message to a lender says the version of the API.
    assert (read(kind)["version"] in versions.NAMES) if kind == "delivery" else (read(kind)["v"] == stored.VERSION)


def test_the_case_is_read_and_spelled_again_is_the_same() -> None:
    found = stored.read(read("case"), into=cases.StoredCase, what="case")
    assert stored.to_bytes(found) == canonical_json(read("case"))
    assert (found.lender, found.opening.person) == (samples.LENDER, samples.OPENING.person)


def test_the_memory_is_read_as_the_stage_left_it() -> None:
    kept = stored.fields_of(read("memory"), what="memory")
    assert set(kept) == set(samples.MEMORY)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: str(stage.name))
def test_the_facts_of_that_time_are_judged_by_the_policy_of_that_time_as_they_were(stage: Stage) -> None:
    terms = read(f"terms/{stage.name}")
    policy = stored.read(terms["policy"], into=type(stage.policy_in_use()), what="policy", is_whole=True)
    facts: Any = stored.read(terms["facts"], into=stage.facts, what="facts")
    assert stored.to_bytes(facts) == canonical_json(terms["facts"])
    said = dossier.checks_in({f"{stage.name}.terms": canonical_json(terms)}, stage=stage.name)
    assert [(one.name, one.outcome, one.score) for one in said] == [
        (one.check, one.outcome, one.score) for one in stage.judge(facts, policy)
    ]
    assert {one.outcome for one in said} == {"pass"}
