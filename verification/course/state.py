"""How far a verification has come, by its entries alone. Values: each entry leads to a new one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from verification.core.keeping import claims
from verification.core.profiles import Combination
from verification.core.releases import Release
from verification.core.route import ONCE, Next
from verification.course import policy
from verification.course.entry import Body, Entry, Fault, moment, replace

OPEN: Final = "open"
REVIEW: Final = "review"
CLOSED: Final = "closed"
LEFT: Final = "left"
"""The phases of an attempt; `LEFT`: the borrower took another route while it was open."""


class Vote(NamedTuple):
    """Whether a person passes an attempt, by which entry and when."""

    passes: bool
    entry: str
    at: datetime


@dataclass(frozen=True)
class Attempt:
    """One attempt at a stage.

    `opening`: the entry that opened it. `entry`: the newest entry of its dialogue.
    `is_signed`: each of its entries is, as its type asks.
    `is_lawful`: it is signed, and its checks come to the outcome that its entries state.
    """

    route: str
    stage: str
    opening: Entry
    entry: str
    turn: int = 0
    answers: int = 0
    """How many answers brought evidence."""
    closing: Entry | None = None
    """The newest entry that closed it."""
    phase: str = OPEN
    next: str = ""
    """Who moves next, of `core.route.Next`."""
    code: str = ""
    until: datetime | None = None
    """Until when it may be answered."""
    release: Release | None = None
    votes: Mapping[str, Vote] = field(default_factory=dict)
    """By person."""
    evidence: frozenset[str] = frozenset()
    """What signed entries list of it: commitments and, of what is about no person, hashes."""
    spent_at: datetime | None = None
    """When it was closed, if it counts against the borrower."""
    is_begun: bool = False
    is_left: bool = False
    """The borrower took another route while it was open."""
    void_at: datetime | None = None
    """When it was left with nothing to be closed, because it was still being prepared."""
    memory: str = ""
    """The commitment of what its dialogue remembers."""
    is_signed: bool = True
    is_lawful: bool = False
    is_passed: bool = False
    """A signed entry passes it."""

    @property
    def is_with_borrower(self) -> bool:
        """Whether it waits for the borrower, who answers next."""
        return self.next in (Next.ASK, Next.PART)

    @property
    def is_counted(self) -> bool:
        """Whether its release counts the attempts at its stage."""
        return self.release is not None and self.release.tries(self.stage) > 0


@dataclass(frozen=True)
class Closing:
    """How an attempt was closed."""

    outcome: str
    code: str


@dataclass(frozen=True)
class Clearance:
    """One clearance: its status, the fields that its entries state, and the clock it was issued by.

    `advanced`: by how much a test clock had been advanced when it was issued.
    `request`: the entry by which it was asked for. `entry`: the newest that names it.
    """

    status: str = ""
    terms: Body = field(default_factory=dict)
    advanced: timedelta = timedelta(0)
    times: Mapping[str, datetime] = field(default_factory=dict)
    """By status, when it came to it."""
    request: Entry | None = None
    entry: str = ""


WayKey = tuple[str, str]
"""The kind of a way in, and the hash of its secret."""


@dataclass(frozen=True)
class Way:
    """A way in: the values of its row, and the entry that changed them last."""

    entry: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Opening:
    """By which law a verification goes, and for how long."""

    entry: Entry | None = None
    """By which it was opened."""
    profile_sha256: str = ""
    combinations: tuple[Combination, ...] = ()
    """Those of its law that its lender allows."""
    asks_register: bool = False
    """Its law wants the register of people asked."""
    opened_at: datetime | None = None
    expires_at: datetime | None = None
    """Until when the borrower may take."""


@dataclass(frozen=True)
class Credit:
    """What is on record of the credit of a verified borrower."""

    cap: int = 0
    """The sum of the loan, tiyn; 0 until an entry states it."""
    contract: str = ""
    """The contract that was reported."""
    report: Entry | None = None
    """The entry by which it was reported."""
    release_not_before: datetime | None = None
    """Until when the money waits, by that entry."""
    waits_from: datetime | None = None
    """Since the contract was reported: from when the wait for a new consent counts."""
    clearances: Mapping[str, Clearance] = field(default_factory=dict)
    attested: frozenset[str] = frozenset()
    """What employees confirmed."""
    obligation: Mapping[str, datetime] = field(default_factory=dict)
    """When it was opened and closed, as the lender states."""
    is_disputed: bool = False
    """The borrower says that it was not them."""


@dataclass(frozen=True)
class Standing:
    """Where a case stands, of which nothing else depends."""

    turn: int = 0
    stage: str = ""
    is_ours: bool = False
    """The borrower has answered, and it is with us."""
    failure: str = ""
    """The code by which the newest attempt failed."""
    review_code: str = ""
    """Why it came to people last."""
    choices: tuple[Entry, ...] = ()
    """The entries that chose a route."""
    times: Mapping[str, datetime] = field(default_factory=dict)
    """By type of entry, the time of the newest one."""
    listings: tuple[Entry, ...] = ()
    """The entries that list evidence, kept or destroyed, or the words of a capture."""


@dataclass(frozen=True)
class State:
    """How far a verification has come."""

    length: int = 0
    """How many entries led here."""
    standing: Standing = Standing()

    # opening and routes
    opening: Opening = Opening()
    until: datetime | None = None
    """Until when the borrower may take or, in review, the reviewers."""
    route: str = ""
    release: Release | None = None
    """By which the newest attempt was opened."""
    finished_routes: tuple[str, ...] = ()
    engine: Body = field(default_factory=dict)
    """What each check states of its subject, since the sandbox plays the borrower."""
    advanced: timedelta = timedelta(0)
    """By how much a test clock was advanced."""

    # access
    senders: frozenset[str] = frozenset()
    """The people who sent the borrower a link: they have no vote."""
    ways: Mapping[WayKey, Way] = field(default_factory=dict)
    """Links, sessions and codes."""
    is_stopped: bool = False
    """At a phone the borrower reported somebody who tells them what to press."""

    # attempts
    attempts: Mapping[str, Attempt] = field(default_factory=dict)
    last: Closing | None = None
    """How the newest of the closed attempts was closed."""
    done_stages: frozenset[str] = frozenset()
    """Stages that are over since the route was entered."""
    overtaken_stages: frozenset[str] = frozenset()
    """Stages that an upgrade put before the place where the case stood: they lead to no verdict."""
    past_stages: frozenset[str] = frozenset()
    """Stages that are over on any route: the consent is asked for once a verification."""
    passes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By route and stage, the number of the entry that lawfully passed it last."""
    shared_evidence: frozenset[str] = frozenset()
    """Evidence that serves all attempts: the answers of the register and of the consent service."""
    faulted_step: str = ""
    faults: int = 0
    """The step that was tried in vain last, and how often in a row."""
    fault: str = ""
    """The cause of a fault, if the entry before states one."""

    # people
    in_review: bool = False
    is_in_vain: bool = False
    """A judgement left it to people and spent no attempt, because too few could vote."""

    # the end
    end: str = ""
    """The type of the entry that ended it."""
    ending: Entry | None = None
    """That entry."""
    ended_at: datetime | None = None
    ages_from: datetime | None = None
    """From when its verdict ages, as `time` counts."""
    decision: str = ""
    """The entry that ended it, if that is signed."""
    receipts: Mapping[str, str] = field(default_factory=dict)
    """By entry, the hash of the receipt that it names."""

    credit: Credit = Credit()

    def time(self, entry: Entry) -> datetime:
        """The time for what is due: that of the entry, and what a test clock was advanced by."""
        return entry.at + self.advanced

    def moment(self, body: Body, name: str) -> datetime | None:
        """A time that a body gives, as `time` counts; None for anything else."""
        time = moment(body, name)
        return time + self.advanced if time is not None else None

    @property
    def newest_name(self) -> str:
        """The name of the newest attempt; empty where there is no attempt."""
        return next(reversed(list(self.attempts)), "")

    def newest(self, phase: str) -> Attempt | None:
        """The newest attempt, if it is in this phase: at most one is open or in review."""
        attempt = self.attempts.get(self.newest_name)
        return attempt if attempt is not None and attempt.phase == phase else None

    def is_held(self) -> bool:
        """Whether the borrower is not asked and no step of ours judges: in review, or stopped."""
        return self.in_review or self.is_stopped

    def spent(self, stage: str, at: datetime) -> frozenset[str]:
        """The attempts at a stage, on any route, that count against the borrower at this time."""
        since = at - timedelta(seconds=policy.TRIES_SECONDS)
        return frozenset(
            name
            for name, attempt in self.attempts.items()
            if attempt.stage == stage and attempt.spent_at and attempt.spent_at >= since
        )

    def put(self, name: str, attempt: Attempt, **changes: Any) -> "State":
        """The state with this attempt under this name, and with other fields changed."""
        return replace(self, attempts={**self.attempts, name: attempt}, **changes)

    def list_evidence(self, name: str, attempt: Attempt, entry: Entry, **changes: Any) -> "State":
        """As `put`, with the evidence that a signed entry lists of the attempt."""
        if not entry.is_signed:
            return self.put(name, attempt, **changes)
        listed = list(claims(entry.body))
        digests = frozenset(claim.digest for claim in listed)
        shared = frozenset(claim.digest for claim in listed if claim.kind.startswith(ONCE))
        attempt = replace(attempt, evidence=attempt.evidence | digests)
        shared |= self.shared_evidence
        return self.put(name, attempt, **changes, shared_evidence=shared)


Step = tuple[State, list[Fault]]
"""What an entry leads to, and what is unlawful about it."""
Rule = Callable[[State, Entry], Step]
