"""An errand: what a worker asks and checks beside a stage's dialogue. The borrower has no turn in
it.

`beside` joins one to a stage. The stage's facts and policy get one field more, named as the errand
is, and the errand's
checks come first: their code explains a refusal before what the borrower did does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, make_dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from verification.core.person import Case
from verification.core.results import Result
from verification.core.route import Check, Evidence, Measure, Memory, Prepared, Quota, Stage

ASKED_BY_PHONE: Final = "asked_by_phone"
"""In a memory and in what a page is told: the state's message to the person's phone waits for their
answer.
"""
ONCE: Final = "register."
"""How the kinds of the evidence begin that serves each later attempt of its verification, on
whichever route.
"""


@dataclass(frozen=True)
class Errand:
    """name: of its field in facts and policy. policy: a frozen dataclass whose defaults are in use.

    prepare: what is asked before the borrower answers, as evidence, and what the stage's own
    preparation sees besides and is not kept. is_open: whether that waits for the person.
    collect: the rest, once the borrower did their part at the given time; None where they did not.
    It comes before the stage's own, which may be costly, and may raise `ConsentPending`. services:
    what registers are asked. quota: how often a day it is prepared for the same person, where the
    stage has no quota of its own. former: as of a stage.
    """

    name: str
    prepare: Callable[[Case, Evidence, Memory], tuple[Mapping[str, bytes], Mapping[str, bytes]]]
    is_open: Callable[[Evidence], bool]
    collect: Callable[[Case, Evidence, datetime | None], Mapping[str, bytes]]
    measure: Measure
    facts: type
    checks: Mapping[str, Check]
    policy: type
    services: tuple[str, ...]
    quota: Quota | None = None
    former: Mapping[str, tuple[Check, ...]] = field(default_factory=dict)

    def beside(self, stage: Stage) -> Stage:
        """The stage with this errand. Its `policy_in_use` must be a dataclass, as it stands in its
        module.
        """
        if not isinstance(stage.policy_in_use, type):
            raise TypeError(f"the policy of {stage.name} is no class")
        own_policy = stage.policy_in_use
        facts, policy = (
            self._with_field(stage.facts, self.facts),
            self._with_field(own_policy, self.policy),
        )

        def prepare(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
            asked, seen = self.prepare(case, evidence, memory)
            known = replace(evidence, items={**evidence.items, **asked, **seen})
            prepared = stage.prepare(case, known, memory) if stage.prepare else Prepared(memory={})
            memory_after = {**prepared.memory, ASKED_BY_PHONE: self.is_open(known)}
            return replace(prepared, memory=memory_after, evidence={**asked, **prepared.evidence})

        def collect(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
            answered_at = stage.answered_at(evidence) if stage.answered_at else None
            asked = self.collect(case, evidence, answered_at)
            known = replace(evidence, items={**evidence.items, **asked})
            return {**asked, **(stage.collect(case, known) if stage.collect else {})}

        def measure(case: Case, evidence: Evidence, numbers: Any) -> Any:
            measured = self.measure(case, evidence, getattr(numbers, self.name))
            return facts(**vars(stage.measure(case, evidence, numbers)), **{self.name: measured})

        def policy_in_use() -> Any:
            return policy(**vars(own_policy()), **{self.name: self.policy()})

        return stage.differing(
            prepare=prepare,
            prompt=partial(_prompt, stage),
            collect=collect,
            measure=measure,
            facts=facts,
            checks={**{name: partial(self._check, name) for name in self.checks}, **stage.checks},
            former={
                **{
                    name: tuple(partial(self._of_field, check) for check in checks)
                    for name, checks in self.former.items()
                },
                **stage.former,
            },
            policy_in_use=policy_in_use,
            services=tuple(dict.fromkeys((*self.services, *stage.services))),
            quota=stage.quota or self.quota,
        )

    def _with_field(self, of: type, kind: Any) -> type:
        """The same dataclass with the errand's field."""
        return make_dataclass(
            of.__name__, [(self.name, kind, field(kw_only=True))], bases=(of,), frozen=True
        )

    def _check(self, name: str, facts: Any, policy: Any) -> Result:
        return self._of_field(self.checks[name], facts, policy)

    def _of_field(self, check: Check, facts: Any, policy: Any) -> Result:
        return check(getattr(facts, self.name), getattr(policy, self.name))


def _prompt(stage: Stage, memory: Memory) -> Mapping[str, Any]:
    """What the page may know, and whether the person is asked by phone."""
    data = stage.prompt(memory) if stage.prompt else {}
    return {**data, ASKED_BY_PHONE: bool(memory.get(ASKED_BY_PHONE))}
