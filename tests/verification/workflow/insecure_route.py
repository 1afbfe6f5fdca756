"""A route of one prepared and counted stage, put in the place of `eds`; what it does is scripted by the test."""

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from verification.core.errors import ConsentPending, SourceUnavailable
from verification.core.results import Passed
from verification.core.route import Next, Prepared, Quota, Route, Stage, Turn


@dataclass(frozen=True)
class InsecurePolicy:
    """Judges by nothing."""

    version: str = "insecure"


class Script:
    """What the stage `asked` does, and what it has done."""

    def __init__(self) -> None:
        self.prepared = 0
        self.pending = 0
        self.silent = 0
        self.notice = ""
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
        return Prepared(memory=kept, evidence={f"asked.sent.{self.prepared}": b"x"}, notice=self.notice)

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
    scripted = Script()
    stage = Stage(
        name="asked",
        page="code",
        accept=accept,
        prepare=scripted.prepare,
        prompt=lambda memory: {"number": memory["number"]},
        collect=scripted.collect,
        checks={"asked.answered": lambda case, evidence, policy: Passed("asked.answered")},
        seconds=300,
        attempts=3,
        quota=Quota(purpose="asked", value=lambda case: case.person.phone.value, a_day=3, code="abandoned"),
    )
    module: Any = ModuleType("insecure_route")
    module.ROUTE = Route(name="eds", policy=InsecurePolicy(), stages=(stage,))
    monkeypatch.setitem(sys.modules, "verification.routes.eds", module)
    return scripted
