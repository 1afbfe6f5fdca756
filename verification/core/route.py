"""Stage, errand and route, and their data exchange with a case: ARCHITECTURE.md, "How a stage
works".
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, make_dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final

from verification.core.errors import BadInput, Misconfigured, Refused
from verification.core.person import Case
from verification.core.releases import Release
from verification.core.results import Result

Memory = dict[str, Any]
"""JSON that a stage remembers between turns. Sealed in the attempt; only `prompt` releases parts of
it.

`prepare` finds a `SEED` in it, equal for every try of one preparation and new for the next.
Values that must not differ between two tries derive from it; it goes with the preparation.
Web draws the seed: values that web must not know also derive from `Evidence.secrets`.
"""
SEED = "seed"
ANSWERED = "answered"
"""In the memory of a fresh attempt: the borrower's failed answers here today."""
ENDED = "ended"
"""In the same memory: attempts here that ended today, by their code."""
PARTS = "parts"
"""In a memory: stored parts of the open turn's answer, and their total as its first part states it.
"""
LOOK_AT = "look_at"
"""In the memory of a turn to be looked at: prefixes of the evidence kinds that a worker needs."""
Untrusted = Mapping[str, Any]
"""One answer from the page: parsed JSON or form fields, untrusted."""
FILES = "files"
"""In an answer: the bytes of its files, in order."""
FRAMES = (".frame.", ".chain.")
"""In the kinds of camera evidence: a full frame, and a part of a chain of thin ones.

Each is a file of its own: it is large and is destroyed long before the rest. Ours.
"""
ASKED_BY_PHONE: Final = "asked_by_phone"
"""In a memory and a prompt: the state's message to the person's phone awaits their answer."""
ONCE: Final = "register."
"""Prefix of evidence that serves each later attempt of its verification, on any route."""


class Next(StrEnum):
    """The next mover after an answer."""

    PART = "part"
    """The borrower again: one part of the answer is stored; the last part takes the turn."""
    ASK = "ask"
    LOOK = "look"
    """The system, briefly: a look measures this turn, and its result determines the next question.
    """
    PREPARE = "prepare"
    COLLECT = "collect"


OURS = frozenset({Next.LOOK, Next.PREPARE, Next.COLLECT})
"""The system moves; the borrower's time stands still."""


@dataclass(frozen=True)
class Evidence:
    """Input of a stage's judgement.

    items: original bytes by kind, `<stage>.<what>`, of the route's passed stages and of this
    attempt.
    at: the time of judgement.
    presented: kinds of this attempt whose bytes were presented before, anywhere.
    Only pictures and signature values are searched (`evidence/policy.py`, SOUGHT), after all is
    collected; else it is empty.
    attempts_left: the borrower's attempts, this one included; None if not counted.
    handed_over: whether the borrower continued on a phone that scanned a code.
    services: look-ups that the consent must allow, for all routes of the combination; empty after
    that.
    secrets: this attempt's secrets, known only to workers, in hex, newest key first; empty in a
    replay.
    """

    items: Mapping[str, bytes]
    at: datetime
    presented: frozenset[str] = frozenset()
    attempts_left: int | None = None
    handed_over: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    services: tuple[str, ...] = ()

    def require(self, kind: str) -> bytes:
        """The bytes of a kind.

        Raises: `Refused` (check_missing) if absent.
        """
        if (content := self.items.get(kind)) is None:
            raise Refused("check_missing", f"no evidence {kind}")
        return content

    def require_object(self, kind: str) -> Mapping[str, Any]:
        """The JSON object of a kind.

        Raises: `Refused` (check_missing) if absent or unreadable.
        """
        try:
            content = json.loads(self.require(kind))
        except (ValueError, RecursionError) as fault:
            raise Refused("check_missing", f"{kind} cannot be read") from fault
        if not isinstance(content, dict):
            raise Refused("check_missing", f"{kind} cannot be read")
        return content


@dataclass(frozen=True)
class Prepared:
    """What must exist before the question. `notice`: a code of `core/codes.py`, shown with the
    question.
    """

    memory: Memory
    evidence: Mapping[str, bytes] = field(default_factory=dict)
    notice: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture for reviewers. `command`: the command at that time; empty for the reference."""

    kind: str
    command: str = ""


@dataclass(frozen=True)
class Turn:
    """The result of one answer. `notice`: a code of `core/codes.py` shown with the next
    question.
    """

    next: Next
    memory: Memory
    evidence: Mapping[str, bytes] = field(default_factory=dict)
    notice: str = ""
    seconds: int | None = None


@dataclass(frozen=True)
class Looked:
    """The result of a look at one turn's answer.

    is_right: whether it shows the command; None if it could not be measured.
    additions: joins the memory, for comparison with later turns.
    evidence: measurements that the judgement reuses.
    """

    is_right: bool | None
    additions: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, bytes] = field(default_factory=dict)


def is_frame(kind: str) -> bool:
    """Whether evidence of this kind came from a camera: a full frame, or a part of a chain."""
    return any(word in kind for word in FRAMES)


def take_part(memory: Memory, untrusted: Untrusted, *, most: int) -> tuple[Memory, bool]:
    """The memory with one more part counted, and whether it was the last.

    A part has `part`, its number from 0, and `parts`, their total, at most `most`. Parts come once
    and in order.

    Raises: `BadInput` otherwise; then no part is stored.
    """
    part, parts = untrusted.get("part"), untrusted.get("parts")
    # The first part states the total; a part with another total belongs to another answer.
    parts_kept, parts_stated = memory.get(PARTS) or (0, parts)
    if type(part) is not int or type(parts) is not int:  # bool is an int to isinstance
        raise BadInput(
            "a part gives its number and their total", code="bad_answer", pointer="/part"
        )
    if not 1 <= parts <= most or parts != parts_stated or part != parts_kept or part >= parts:
        raise BadInput(
            f"part {parts_kept} of at most {most} is due", code="bad_answer", pointer="/part"
        )
    # A case drops the count when the turn goes on in any other way.
    return {**memory, PARTS: [parts_kept + 1, parts]}, part == parts - 1


Words = Any
"""A string, or a lazily translated one: core knows no framework."""
Prepare = Callable[[Case, Evidence, Memory], Prepared]
Prompt = Callable[[Memory], Mapping[str, Any]]
Accept = Callable[[Memory, Untrusted, datetime], Turn]
Look = Callable[[Evidence, Memory], Looked]
GoOn = Callable[[Memory, Looked, datetime], Turn]
Collect = Callable[[Case, Evidence], Mapping[str, bytes]]
Measure = Callable[[Case, Evidence, Any], Any]
Check = Callable[[Any, Any], Result]
Report = Callable[[Any, Any, tuple[Result, ...], Collection[str]], bytes]
Hint = Callable[[bytes], str]
Pictures = Callable[[Evidence], tuple[Picture, ...]]
Show = Callable[[str, bytes], bytes]
Shows = Callable[[str], bool]


@dataclass(frozen=True)
class Again:
    """How a stage recognises material that was presented before in other bytes.

    ending: the last word of the compared evidence kinds.
    marks: keyed index values of such evidence, over all borrowers.
    searched: the marks by which similar attempts are found.
    others_max: at most so many are compared. shared_min: they share at least so many marks.
    compare: takes this evidence, the others' by attempt, whether those are all, and which are of
    this verification.
    Its result is evidence for the judgement.
    """

    ending: str
    marks: Callable[[Mapping[str, bytes]], frozenset[bytes]]
    searched: Callable[[Mapping[str, bytes]], frozenset[bytes]]
    others_max: int
    shared_min: int
    compare: Callable[
        [Mapping[str, bytes], Mapping[str, Mapping[str, bytes]], bool, Collection[str]],
        Mapping[str, bytes],
    ]


@dataclass(frozen=True)
class Quota:
    """How often a day a stage may be prepared for one value, over all lenders and verifications of
    a mode.

    value: the counted value; only its keyed hash is kept.
    purpose: separates one quota's counts from another's.
    """

    purpose: str
    value: Callable[[Case], str]
    a_day: int
    code: str


@dataclass(frozen=True)
class Stage:
    """One dialogue and its judgement.

    page: the template that asks.
    measure: turns case, evidence and policy into the stage's facts, a frozen dataclass.
    facts: that dataclass; stored facts are read with it.
    checks: predicates of facts and policy, in run and log order.
    policy_in_use: makes the frozen dataclass of all numbers, at the time of use, because some
    depend on installed files. Raises `Misconfigured` if one is missing.
    seconds: time from the opening to the end of the dialogue.
    attempts: failures before the verification is declined; None if not counted.
    timeout_code: the reason for a borrower who stops answering; the reason says whether it burns an
    attempt.
    queue: the Celery queue of its judgement.
    unburnt_max: free endings a day before no other attempt begins; None if unlimited.
    has_frames: whether it brings camera frames; most are destroyed some time after the end.
    look: measures one turn in a worker if the next question depends on it (`Next.LOOK`).
    go_on: the next question, or the end of the dialogue; pure.
    again: recognition of repeated material, also across verifications.
    report: one document of facts, policy, results and check names, kept as evidence
    `<stage>.report`.
    former: a check's earlier functions, oldest first; also of a removed check. A replay runs its
    release's functions (`core/releases.py`).
    ready: loads the engines and names them. Raises `Misconfigured` if it cannot.
    hint: one word on a camera picture, which is not stored.
    quota: limits its preparations.
    services: the look-ups of the person, of `answers.SERVICES`.
    answered_at: when the borrower finished, by the evidence; None if they did not.
    shows: whether reviewers see evidence of this kind, or `pictures` reads it; a worker lends it.
    pictures: the evidence that reviewers see.
    show: the bytes of a kind as a fresh JPEG without metadata. It and `pictures` raise `BadInput`
    or `Refused`.
    """

    name: str
    page: str
    accept: Accept
    measure: Measure
    facts: type
    checks: Mapping[str, Check]
    policy_in_use: Callable[[], Any]
    seconds: int
    prepare: Prepare | None = None
    prompt: Prompt | None = None
    look: Look | None = None
    go_on: GoOn | None = None
    collect: Collect | None = None
    again: Again | None = None
    report: Report | None = None
    former: Mapping[str, tuple[Check, ...]] = field(default_factory=dict)
    ready: Callable[[], Mapping[str, object]] | None = None
    hint: Hint | None = None
    shows: Shows | None = None
    pictures: Pictures | None = None
    show: Show | None = None
    quota: Quota | None = None
    attempts: int | None = None
    unburnt_max: int | None = None
    timeout_code: str = "abandoned"
    queue: str = "default"
    has_frames: bool = False
    services: tuple[str, ...] = ()
    answered_at: Callable[[Evidence], datetime | None] | None = None

    def differing(self, **changes: Any) -> "Stage":
        """The same stage with these parts replaced."""
        return replace(self, **changes)

    def is_shown(self, kind: str) -> bool:
        """Whether reviewers need evidence of this kind: pictures, and the terms of a judgement."""
        return self.shows is not None and (kind == f"{self.name}.terms" or self.shows(kind))

    def judge(self, facts: Any, policy: Any) -> tuple[Result, ...]:
        """The result of every check on these facts."""
        return tuple(check(facts, policy) for check in self.checks.values())

    def as_released(self, release: Release) -> "Stage":
        """The stage with a release's checks, each with its function of that time.

        Raises: `Misconfigured` if this software lacks a check, or the release lacks the stage.
        """
        checks: dict[str, Check] = {}
        for name in release.checks(self.name):
            functions = [
                *self.former.get(name, ()),
                *(check for current, check in self.checks.items() if current == name),
            ]
            if len(functions) <= release.changes(name):
                raise Misconfigured(f"{name} as release {release.id} has it is not here")
            checks[name] = functions[release.changes(name)]
        if not checks:
            raise Misconfigured(f"release {release.id} has no stage {self.name}")
        return self.differing(checks=checks)

    def report_of(self, facts: Any, policy: Any, results: tuple[Result, ...]) -> bytes | None:
        """Its report on all its checks; None if it has none."""
        return self.report(facts, policy, results, self.checks) if self.report else None


@dataclass(frozen=True)
class Errand:
    """A look-up or similar task that a stage does besides its dialogue.

    name: of its field in facts and policy.
    policy: a frozen dataclass whose defaults are in use.
    prepare: evidence that is needed before the answer, and unstored input for the stage's
    preparation.
    is_open: whether it waits for the person.
    collect: the rest after the borrower's part, at that time; None if they did not finish.
    It precedes the stage's collection, which may be costly, and may raise `ConsentPending`.
    services: the look-ups.
    quota: its preparations a day for one person, if the stage has no quota.
    former: as in a stage.
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
        """The stage with this errand. Its `policy_in_use` must be a dataclass."""
        if not isinstance(stage.policy_in_use, type):
            raise TypeError(f"the policy of {stage.name} is no class")
        own_policy = stage.policy_in_use
        facts, policy = (
            self._with_field(stage.facts, self.facts),
            self._with_field(own_policy, self.policy),
        )

        def prepare(case: Case, evidence: Evidence, memory: Memory) -> Prepared:
            questions, glimpsed = self.prepare(case, evidence, memory)
            evidence_so_far = replace(evidence, items={**evidence.items, **questions, **glimpsed})
            prepared = (
                stage.prepare(case, evidence_so_far, memory)
                if stage.prepare
                else Prepared(memory={})
            )
            memory_after = {**prepared.memory, ASKED_BY_PHONE: self.is_open(evidence_so_far)}
            return replace(
                prepared, memory=memory_after, evidence={**questions, **prepared.evidence}
            )

        def collect(case: Case, evidence: Evidence) -> Mapping[str, bytes]:
            answered_at = stage.answered_at(evidence) if stage.answered_at else None
            collected = self.collect(case, evidence, answered_at)
            evidence_so_far = replace(evidence, items={**evidence.items, **collected})
            return {**collected, **(stage.collect(case, evidence_so_far) if stage.collect else {})}

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

    def _with_field(self, record: type, kind: Any) -> type:
        """The dataclass with the errand's field added."""
        return make_dataclass(
            record.__name__, [(self.name, kind, field(kw_only=True))], bases=(record,), frozen=True
        )

    def _check(self, name: str, facts: Any, policy: Any) -> Result:
        return self._of_field(self.checks[name], facts, policy)

    def _of_field(self, check: Check, facts: Any, policy: Any) -> Result:
        return check(getattr(facts, self.name), getattr(policy, self.name))


def _prompt(stage: Stage, memory: Memory) -> Mapping[str, Any]:
    """What the page may know, and whether a phone message awaits an answer."""
    data = stage.prompt(memory) if stage.prompt else {}
    return {**data, ASKED_BY_PHONE: bool(memory.get(ASKED_BY_PHONE))}


@dataclass(frozen=True)
class Route:
    """One way to identify the borrower: its stages in order. Its words are translated on display.

    title: the name for reviewers and regulators.
    label, explanation: the borrower's choice.
    registered: its stages under a profile that requires the register of people; None if `stages`
    include it.
    """

    name: str
    title: Words
    label: Words
    explanation: Words
    stages: tuple[Stage, ...]
    registered: tuple[Stage, ...] | None = None
