"""What a stage, an errand and a route are, and what passes between them and a case:
ARCHITECTURE.md, "How a stage works".
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
"""JSON that a stage remembers between turns. Sealed in the attempt; only `prompt` decides what of
it may leave.

`prepare` finds a `SEED` in it, the same whenever one preparation is tried again and another for the
next: what must not differ between two tries is derived from it. It is forgotten with the
preparation. Web has drawn it: what web must not know is derived from `Evidence.secrets` as well.
"""
SEED = "seed"
ANSWERED = "answered"
"""In the memory a fresh attempt is prepared with: how many answers the borrower gave here today in
vain.
"""
ENDED = "ended"
"""In the same memory: how many attempts here ended today, by the code they ended with."""
PARTS = "parts"
"""In a memory: how many parts of the open turn's answer are kept already, and how many it has by
its first.
"""
LOOK_AT = "look_at"
"""In the memory of a turn that is to be looked at: how the kinds of the evidence begin that a
worker needs for it.
"""
Untrusted = Mapping[str, Any]
"""One answer as the page sent it: parsed JSON or form fields, everything else about it unknown."""
FILES = "files"
"""In an answer: the bytes of the files that came with it, in their order."""
FRAMES = (".frame.", ".chain.")
"""In the kinds of what a camera sent: a full frame, and a part of a chain of thin ones. Each is a
file of its own, for it is large, and destroyed long before what came with it. Ours.
"""
ASKED_BY_PHONE: Final = "asked_by_phone"
"""In a memory and in what a page is told: the state's message to the person's phone waits for their
answer.
"""
ONCE: Final = "register."
"""How the kinds of the evidence begin that serves each later attempt of its verification, on
whichever route.
"""


class Next(StrEnum):
    """Who moves after an answer."""

    PART = "part"
    """Nobody new: the answer comes in parts, one of them was kept, and the turn is taken by the
    last.
    """
    ASK = "ask"
    LOOK = "look"
    """Us, for a moment: what came for this turn is measured, and what is asked next depends on what
    it shows.
    """
    PREPARE = "prepare"
    COLLECT = "collect"


OURS = frozenset({Next.LOOK, Next.PREPARE, Next.COLLECT})
"""Where we move, and the borrower's time does not run."""


@dataclass(frozen=True)
class Evidence:
    """What a stage may judge by.

    items: original bytes by kind, `<stage>.<what>`, of the passed stages of the route and of this
        attempt.
    at: the time of judgement. presented: the kinds of this attempt whose bytes had been presented
    before, anywhere; only pictures and the values of signatures are sought (`evidence/policy.py`,
    SOUGHT), once all is collected: before that, and where a turn is looked at, it is empty.
    attempts_left: how many attempts the borrower has, this one among them; None where none are
        counted.
    handed_over: whether the borrower went on at a phone that had scanned a code.
    services: what the consent to a look-up must allow for every route of the chosen combination;
        empty after that.
    secrets: what workers alone know of this attempt, in hex, by the newest of their keys first;
        none in a replay.
    """

    items: Mapping[str, bytes]
    at: datetime
    presented: frozenset[str] = frozenset()
    attempts_left: int | None = None
    handed_over: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    services: tuple[str, ...] = ()

    def require(self, kind: str) -> bytes:
        """The bytes of a kind. Raises `Refused` (check_missing) where there are none."""
        if (content := self.items.get(kind)) is None:
            raise Refused("check_missing", f"no evidence {kind}")
        return content

    def require_object(self, kind: str) -> Mapping[str, Any]:
        """The JSON object of a kind. Raises `Refused` (check_missing) where there is none that can
        be read.
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
    """What must stand before the borrower is asked. `notice`: a code of `core/codes.py`, told with
    the question.
    """

    memory: Memory
    evidence: Mapping[str, bytes] = field(default_factory=dict)
    notice: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture in the evidence, for reviewers. `command`: what was asked for meanwhile; empty for
    the reference.
    """

    kind: str
    command: str = ""


@dataclass(frozen=True)
class Turn:
    """What one answer gave. `notice` is a code of `core/codes.py` shown with the next question."""

    next: Next
    memory: Memory
    evidence: Mapping[str, bytes] = field(default_factory=dict)
    notice: str = ""
    seconds: int | None = None


@dataclass(frozen=True)
class Looked:
    """What one turn's answer shows.

    is_right: what was asked for; None where it could not be measured at all. additions: what joins
    the memory, for later turns are compared with it. evidence: what was measured, which the
    judgement joins and does not measure again.
    """

    is_right: bool | None
    additions: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, bytes] = field(default_factory=dict)


def is_frame(kind: str) -> bool:
    """Whether evidence of this kind came from a camera: a full frame, or a part of a chain."""
    return any(word in kind for word in FRAMES)


def take_part(memory: Memory, untrusted: Untrusted, *, most: int) -> tuple[Memory, bool]:
    """The memory with one more part of a turn's answer counted, and whether it was the last.

    A part says `part`, its number from 0, and `parts`, how many there are, at most `most`. They
    come in order, each once. Raises `BadInput` for anything else; then nothing was kept.
    """
    part, parts = untrusted.get("part"), untrusted.get("parts")
    # The first part says how many there will be; a later one that says otherwise is of another
    # answer.
    parts_kept, parts_stated = memory.get(PARTS) or (0, parts)
    if type(part) is not int or type(parts) is not int:  # a truth value is an int to isinstance
        raise BadInput(
            "a part says its number, and of how many", code="bad_answer", pointer="/part"
        )
    if not 1 <= parts <= most or parts != parts_stated or part != parts_kept or part >= parts:
        raise BadInput(
            f"part {parts_kept} of at most {most} is due", code="bad_answer", pointer="/part"
        )
    # A case forgets the count as soon as the turn goes on in any other way.
    return {**memory, PARTS: [parts_kept + 1, parts]}, part == parts - 1


Words = Any
"""A string, or one that is translated when it is shown: core knows no framework."""
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


@dataclass(frozen=True)
class Again:
    """How a stage knows what was presented before though its bytes differ.

    ending: the last word of the kinds of evidence that are compared. marks: of such evidence, what
    an index of all borrowers may hold under a key. searched: by which marks others are found that
    it may show again. others_max, shared_min: how many of them are compared, at most, and how many
    marks each shares, at least.
    compare: this evidence with that of the others, by attempt, whether these are all who share
    enough, and which of them are attempts of the same verification; what it finds is evidence, by
    which it is judged.
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
    """How often a day a stage may be prepared for the same thing, over all lenders and
    verifications of a mode.

    value: what it is counted by; only its keyed hash is kept. purpose: separates one quota's counts
        from another's.
    """

    purpose: str
    value: Callable[[Case], str]
    a_day: int
    code: str


@dataclass(frozen=True)
class Stage:
    """One dialogue and its judgement.

    page: the template that asks. measure: turns case, evidence and policy into the stage's facts, a
        frozen dataclass.
    facts: that dataclass, by which kept facts are read back. checks: predicates of facts and
    policy, in the order they are run and logged. policy_in_use: makes every number they judge by, a
    frozen dataclass; asked when it is needed, for some of the numbers depend on what the operator
    has installed, and raises `Misconfigured` where that is missing.
    seconds: time from the opening to the end of the dialogue. attempts: how many may fail before
    the verification is declined, None for a stage that counts none. timeout_code: the reason
    written when the borrower falls silent; it burns an attempt only if the reason says so. queue:
    the Celery queue of its judgement. unburnt_max: how many of a day may end without costing an
    attempt before no other begins; None for a stage that limits none.
    has_frames: whether it brings a camera's frames, most of which are destroyed some time after the
        end.
    look: measures what came for one turn, in a worker, where what is asked next depends on it
        (`Next.LOOK`).
    go_on: what is asked then, or that the dialogue is over; pure.
    again: how what it is shown is known when it comes again, also in another verification.
    report: makes one document of facts, policy, results and the names of all checks, kept as
        evidence `<stage>.report`.
    former: the functions that a check had before, oldest first; also of a check that is gone. A
    replay runs those that the release had which judged (`core/releases.py`).
    ready: loads what measures and says what is in use; raises `Misconfigured` if it cannot.
    hint: one word about a camera picture that is kept nowhere. quota: limits how often it is
        prepared.
    services: what registers are asked of the person, out of `answers.SERVICES`.
    answered_at: when the borrower did their part, by the evidence; None where they did not.
    pictures: what of its evidence reviewers look at. show: the bytes of a kind as a fresh JPEG
    without anything beside the picture; both raise `BadInput` or `Refused` for what cannot be
    shown.
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
        """The same stage but for these of its parts."""
        return replace(self, **changes)

    def judge(self, facts: Any, policy: Any) -> tuple[Result, ...]:
        """What every check says of these facts."""
        return tuple(check(facts, policy) for check in self.checks.values())

    def as_released(self, release: Release) -> "Stage":
        """The same stage with the checks of a release, each by the function that it had then.

        Raises: `Misconfigured` if this software lacks one of them, or the release has no such
            stage.
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
        """Its report on all its checks; None for a stage that writes none."""
        return self.report(facts, policy, results, self.checks) if self.report else None


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
        """The same dataclass with the errand's field."""
        return make_dataclass(
            record.__name__, [(self.name, kind, field(kw_only=True))], bases=(record,), frozen=True
        )

    def _check(self, name: str, facts: Any, policy: Any) -> Result:
        return self._of_field(self.checks[name], facts, policy)

    def _of_field(self, check: Check, facts: Any, policy: Any) -> Result:
        return check(getattr(facts, self.name), getattr(policy, self.name))


def _prompt(stage: Stage, memory: Memory) -> Mapping[str, Any]:
    """What the page may know, and whether the person is asked by phone."""
    data = stage.prompt(memory) if stage.prompt else {}
    return {**data, ASKED_BY_PHONE: bool(memory.get(ASKED_BY_PHONE))}


@dataclass(frozen=True)
class Route:
    """One way to identify the borrower: its stages in order. Its words are translated when they are
    shown.

    title: what reviewers and regulators call it. label, explanation: what a borrower chooses it by.
    registered: its stages under a profile that asks the register of people; None where `stages` ask
    it anyway.
    """

    name: str
    title: Words
    label: Words
    explanation: Words
    stages: tuple[Stage, ...]
    registered: tuple[Stage, ...] | None = None
