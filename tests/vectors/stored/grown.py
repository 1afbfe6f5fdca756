"""Stages as a later release may have them, and stored terms judged again by a stage."""

import json
from collections.abc import Collection, Mapping
from dataclasses import field, make_dataclass
from typing import Any

from tests.verification.stages.person import known_case
from verification.core import releases, stored
from verification.core.person import Case
from verification.core.results import Failed, Result
from verification.core.route import Evidence, Stage
from verification.worker.replay import Judgement, differences

LATER = "later.check"
REFUSED = "check_missing"
UNDECLARED = object()


def with_field(
    kind: type, name: str, value_type: Any, default: Any, *, before: Any = UNDECLARED
) -> type:
    """The dataclass with one field more. before: its value in all releases before, if it declares
    one.
    """
    metadata = {} if before is UNDECLARED else {stored.BEFORE: before}
    added = field(default=default, metadata=metadata, kw_only=True)
    return make_dataclass(kind.__name__, [(name, value_type, added)], bases=(kind,), frozen=True)


def with_policy_field(stage: Stage, *, before: Any = False) -> Stage:
    """The stage whose policy gained `is_strict`, true today: then each of its checks refuses."""
    earlier = stage.policy_in_use
    policy = with_field(type(earlier()), "is_strict", bool, default=True, before=before)

    def checked(name: str, facts: Any, numbers: Any) -> Result:
        return Failed(name, REFUSED) if numbers.is_strict else stage.checks[name](facts, numbers)

    return stage.differing(
        policy_in_use=lambda: policy(**vars(earlier())),
        checks={
            name: lambda facts, numbers, name=name: checked(name, facts, numbers)
            for name in stage.checks
        },
    )


def with_fact(stage: Stage) -> Stage:
    """The stage that measures one number more, which its report tells on each level."""
    facts_type = with_field(stage.facts, "counted", int | None, default=None)

    def measure(case: Case, evidence: Evidence, policy: Any) -> Any:
        return facts_type(**vars(stage.measure(case, evidence, policy)), counted=7)

    def report(
        facts: Any, policy: Any, results: tuple[Result, ...], checks: Collection[str]
    ) -> bytes:
        document = json.loads(
            stage.report(facts, policy, results, checks) if stage.report else b"{}"
        )
        rows = [{**row, "counted": facts.counted} for row in document.get("checks", ())]
        return stored.canonical_json({**document, "checks": rows, "counted": facts.counted})

    return stage.differing(
        facts=facts_type, measure=measure, report=report if stage.report else None
    )


def with_check(stage: Stage) -> Stage:
    """The stage with one check more, which refuses."""
    return stage.differing(
        checks={**stage.checks, LATER: lambda facts, policy: Failed(LATER, REFUSED)}
    )


def with_changed_check(stage: Stage, *, keeps_former: bool = True) -> Stage:
    """The stage whose first check refuses now."""
    name = next(iter(stage.checks))
    former = {name: (stage.checks[name],)} if keeps_former else {}
    changed = {name: lambda facts, policy: Failed(name, REFUSED)}
    return stage.differing(checks={**stage.checks, **changed}, former={**stage.former, **former})


def without_check(stage: Stage, *, keeps_former: bool = True) -> Stage:
    """The stage that does not have its last check any more."""
    *remaining, (name, check) = stage.checks.items()
    former = {name: (check,)} if keeps_former else {}
    return stage.differing(checks=dict(remaining), former={**stage.former, **former})


def grown(stage: Stage) -> Stage:
    """The stage with all of these changes."""
    return with_changed_check(with_check(with_fact(with_policy_field(stage))))


def judged_again(stage: Stage, terms: Mapping[str, Any]) -> list[str]:
    """What comes out otherwise of the facts in stored terms, by the release whose checks they
    list.
    """
    checks = [
        {"check": check["name"], "outcome": check["outcome"], "code": check["code"]}
        for check in terms["checks"]
    ]
    names = tuple(check["check"] for check in checks)
    matching = [
        release for release in releases.RELEASES.values() if release.checks(stage.name) == names
    ]
    assert matching, f"no release checks {names}"
    outcomes = []
    for release in matching:
        body = {"release": release.id, "checks": checks, "outcome": "passed", "code": ""}
        judgement = Judgement(body, terms, report=None, case=known_case.case(), items=None)
        outcomes.append(differences(stage, judgement))
    return min(outcomes, key=len)
