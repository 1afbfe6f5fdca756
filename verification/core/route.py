"""What a route exports, and what passes between a route and the workflow. See ARCHITECTURE.md, "How a route works"."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from verification.core.person import Case
from verification.core.results import Result

Memory = dict[str, Any]
"""JSON that a stage remembers between turns. Sealed in the attempt; only `prompt` decides what of it may leave.

`prepare` finds a secret `SEED` in it, the same whenever one preparation is tried again and another for the next: what
must not differ between two tries is derived from it. It is forgotten with the preparation.
"""
SEED = "seed"
ANSWERED = "answered"
"""In the memory a fresh attempt is prepared with: how many answers the borrower gave here today in vain."""
Untrusted = Mapping[str, Any]
"""One answer as the page sent it: parsed JSON or form fields, everything else about it unknown."""


class Next(StrEnum):
    """Who moves after an answer."""

    ASK = "ask"
    PREPARE = "prepare"
    COLLECT = "collect"


@dataclass(frozen=True)
class Evidence:
    """What a stage may judge by.

    items: original bytes by kind, `<stage>.<what>`, of the passed stages of the route and of this attempt.
    at: the time of judgement. seen: the kinds of this attempt whose bytes had been presented before, anywhere.
    """

    items: Mapping[str, bytes]
    at: datetime
    seen: frozenset[str] = frozenset()

    def get(self, kind: str) -> bytes | None:
        """The bytes of a kind, or None."""
        return self.items.get(kind)


@dataclass(frozen=True)
class Prepared:
    """What must stand before the borrower is asked. `notice`: a code of `core/reasons.py`, told with the question."""

    memory: Memory
    evidence: Mapping[str, bytes] = field(default_factory=dict)
    notice: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture in the evidence, for reviewers. `command`: what was asked for meanwhile; empty for the reference."""

    kind: str
    command: str = ""


@dataclass(frozen=True)
class Turn:
    """What one answer gave. `notice` is a code of `core/reasons.py` shown with the next question."""

    next: Next
    memory: Memory
    evidence: Mapping[str, bytes] = field(default_factory=dict)
    notice: str = ""
    seconds: int | None = None


Prepare = Callable[[Case, Evidence, Memory], Prepared]
Prompt = Callable[[Memory], Mapping[str, Any]]
Accept = Callable[[Memory, Untrusted, datetime], Turn]
Collect = Callable[[Case, Evidence], Mapping[str, bytes]]
Check = Callable[[Case, Evidence, Any], Result]
Report = Callable[[Case, Evidence, Any, tuple[Result, ...]], bytes]
Hint = Callable[[bytes], str]
Pictures = Callable[[Evidence], tuple[Picture, ...]]
Show = Callable[[str, bytes], bytes]


@dataclass(frozen=True)
class Quota:
    """How often a day a stage may be prepared for the same thing, over all lenders and verifications of a mode.

    value: what it is counted by; only its keyed hash is kept. purpose: separates one quota's counts from another's.
    """

    purpose: str
    value: Callable[[Case], str]
    a_day: int
    code: str


@dataclass(frozen=True)
class Stage:
    """One dialogue and its judgement.

    page: the template that asks. seconds: time from the opening to the end of the dialogue. attempts: how many may
    fail before the verification is declined, None for a stage that counts none. timeout_code: the reason written when
    the borrower falls silent; it burns an attempt only if the reason says so. queue: the Celery queue of its judgement.
    report: makes one document of all results, kept as evidence `<stage>.report`.
    hint: one word about a camera picture that is kept nowhere. quota: limits how often it is prepared.
    pictures: what of its evidence reviewers look at. show: the bytes of a kind as a fresh JPEG without anything beside
    the picture; both raise `BadInput` or `Refused` for what cannot be shown.
    """

    name: str
    page: str
    accept: Accept
    checks: Mapping[str, Check]
    seconds: int
    prepare: Prepare | None = None
    prompt: Prompt | None = None
    collect: Collect | None = None
    report: Report | None = None
    hint: Hint | None = None
    pictures: Pictures | None = None
    show: Show | None = None
    quota: Quota | None = None
    attempts: int | None = None
    timeout_code: str = "abandoned"
    queue: str = "default"


@dataclass(frozen=True)
class Route:
    """One way to identify the borrower: its stages in order, and the numbers it judges by.

    ready: loads what its checks need and says what is in use; raises `Misconfigured` if it cannot judge.
    forget: drops what a judgement leaves in the process, such as pictures and embeddings of a face.
    """

    name: str
    policy: Any
    stages: tuple[Stage, ...]
    ready: Callable[[], Mapping[str, object]] | None = None
    forget: Callable[[], None] | None = None
