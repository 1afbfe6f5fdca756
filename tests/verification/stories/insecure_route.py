"""A route of one prepared and counted stage, put in the place of `eds`; what it does is scripted by
the test.
"""

from dataclasses import dataclass

import pytest

from tests.verification import lawful
from verification import routes
from verification.core.errors import ConsentPending, SourceUnavailable
from verification.core.releases import REGISTER_CHECKS
from verification.core.results import Failed, Passed
from verification.core.route import Next, Prepared, Quota, Route, Stage, Turn


@dataclass(frozen=True)
class InsecurePolicy:
    """Judges by nothing."""

    version: str = "insecure"


@dataclass(frozen=True)
class NoFacts:
    """Measures nothing."""


def no_facts(case, evidence, policy):
    return NoFacts()


def insecurely_registered(stage: Stage) -> Stage:
    """The stage with the checks of the register of people, all of which pass."""
    checks = {
        name: lambda facts, policy, name=name: Passed(name) for name in sorted(REGISTER_CHECKS)
    }
    return stage.differing(checks={**checks, **stage.checks})


def install(monkeypatch: pytest.MonkeyPatch, name: str, *own: Stage) -> None:
    """The workflow finds these stages where it looks for a route of this name; where the register
    of people is to be asked, it confirms everybody.
    """
    *before, last = own
    registered = (*before, insecurely_registered(last))
    route = Route(
        name=name, title=name, label=name, explanation="", stages=own, registered=registered
    )
    for way in (own, registered):
        lawful.know_route(monkeypatch, name, way)
    monkeypatch.setitem(routes.ROUTES, name, route)


class Script:
    """What the stage `asked` does, and what it has done."""

    def __init__(self) -> None:
        self.prepared = 0
        self.pending = 0
        self.silent = 0
        self.notice = ""
        self.is_wrong = False
        self.seeds: list[object] = []
        self.answered: list[object] = []

    def prepare(self, case, evidence, memory):
        self.seeds.append(memory["seed"])
        self.answered.append(memory.get("answered"))
        if self.silent:
            self.silent -= 1
            raise SourceUnavailable("insecure", "scripted")
        self.prepared += 1
        kept = {**memory, "number": memory.get("number", 0) + 1}
        return Prepared(
            memory=kept, evidence={f"asked.sent.{self.prepared}": b"x"}, notice=self.notice
        )

    def answered_check(self, facts, policy):
        return Failed("asked.answered", "otp_wrong") if self.is_wrong else Passed("asked.answered")

    def collect(self, case, evidence):
        if self.pending:
            self.pending -= 1
            raise ConsentPending
        return {}


def accept(memory, untrusted, at):
    return Turn(next=Next.PREPARE if untrusted.get("again") else Next.COLLECT, memory=memory)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """The workflow finds the scripted route where it looks for `eds`."""
    return put_in(monkeypatch)


def put_in(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Puts the scripted route where the workflow looks for `eds`."""
    scripted = Script()
    stage = Stage(
        name="asked",
        page="code",
        accept=accept,
        prepare=scripted.prepare,
        prompt=lambda memory: {"number": memory["number"]},
        collect=scripted.collect,
        measure=no_facts,
        facts=NoFacts,
        checks={"asked.answered": scripted.answered_check},
        policy_in_use=InsecurePolicy,
        seconds=300,
        attempts=3,
        quota=Quota(
            purpose="asked",
            value=lambda case: case.person.phone.value,
            a_day=3,
            code="velocity_exceeded",
        ),
    )
    install(monkeypatch, "eds", stage)
    return scripted
