"""The state of a verification, from its entries alone. Immutable values: each entry gives a new
one.
"""

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
    """A person's vote on an attempt, its entry and time."""

    passes: bool
    entry: str
    at: datetime


@dataclass(frozen=True)
class Attempt:
    """One attempt at a stage.

    opening: the entry that opened it. entry: the newest entry of its dialogue.
    is_signed: each of its entries has the signature that its type requires.
    is_lawful: it is signed, and its checks give the outcome that its entries state.
    """

    route: str
    stage: str
    opening: Entry
    entry: str
    turn: int = 0
    answers: int = 0
    """Answers that brought evidence."""
    closing: Entry | None = None
    """The newest entry that closed it."""
    phase: str = OPEN
    next: str = ""
    """The next mover, of `core.route.Next`."""
    code: str = ""
    until: datetime | None = None
    """The end of its time to answer."""
    release: Release | None = None
    votes: Mapping[str, Vote] = field(default_factory=dict)
    """By person."""
    evidence: frozenset[str] = frozenset()
    """Evidence in signed entries: commitments, or hashes for evidence about no person."""
    spent_at: datetime | None = None
    """When it closed, if it counts against the borrower."""
    is_begun: bool = False
    is_left: bool = False
    """The borrower took another route while it was open."""
    void_at: datetime | None = None
    """When it was left during preparation, so that no entry closes it."""
    memory: str = ""
    """The commitment of its dialogue's memory."""
    is_signed: bool = True
    is_lawful: bool = False
    is_passed: bool = False
    """A signed entry passes it."""

    @property
    def is_with_borrower(self) -> bool:
        """Whether it waits for the borrower's answer."""
        return self.next in (Next.ASK, Next.PART)

    @property
    def is_counted(self) -> bool:
        """Whether its release counts the attempts at its stage."""
        return self.release is not None and self.release.tries(self.stage) > 0


@dataclass(frozen=True)
class Closing:
    """The closing of an attempt."""

    outcome: str
    code: str


@dataclass(frozen=True)
class Clearance:
    """One clearance: its status, the fields in its entries, and the test clock at its issue.

    advanced: the test clock's advance at its issue.
    request: the entry of its request. entry: the newest entry that names it.
    """

    status: str = ""
    terms: Body = field(default_factory=dict)
    advanced: timedelta = timedelta(0)
    times: Mapping[str, datetime] = field(default_factory=dict)
    """The time of each status."""
    request: Entry | None = None
    entry: str = ""


WayKey = tuple[str, str]
"""The kind of an access, and the hash of its secret."""


@dataclass(frozen=True)
class Way:
    """An access: the values of its row, and the entry that changed them last."""

    entry: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Opening:
    """The law of a verification, and its time limit."""

    entry: Entry | None = None
    """The entry that opened it."""
    profile_sha256: str = ""
    combinations: tuple[Combination, ...] = ()
    """The law's combinations that its lender allows."""
    asks_register: bool = False
    """Its law requires the register of people."""
    opened_at: datetime | None = None
    expires_at: datetime | None = None
    """The end of the borrower's time."""


@dataclass(frozen=True)
class Credit:
    """The recorded facts on the credit of a verified borrower."""

    cap: int = 0
    """The loan's sum, tiyn; 0 until an entry states it."""
    contract: str = ""
    """The reported contract."""
    report: Entry | None = None
    """The entry of the report."""
    release_not_before: datetime | None = None
    """The end of the wait before payout, from that entry."""
    waits_from: datetime | None = None
    """Since the contract was reported: the start of the wait for a renewed consent."""
    clearances: Mapping[str, Clearance] = field(default_factory=dict)
    attested: frozenset[str] = frozenset()
    """Facts that employees attested."""
    obligation: Mapping[str, datetime] = field(default_factory=dict)
    """When it was opened and closed, as the lender states."""
    is_disputed: bool = False
    """The borrower denies the verification."""


@dataclass(frozen=True)
class Standing:
    """The position of a case, on which nothing else depends."""

    turn: int = 0
    stage: str = ""
    is_ours: bool = False
    """The borrower has answered, and the next step is the system's."""
    failure: str = ""
    """The code of the newest attempt's failure."""
    review_code: str = ""
    """The reason of the last referral to people."""
    choices: tuple[Entry, ...] = ()
    """Entries that chose a route."""
    times: Mapping[str, datetime] = field(default_factory=dict)
    """For each entry type, the time of the newest entry."""
    listings: tuple[Entry, ...] = ()
    """Entries that list evidence, kept or destroyed, or the words of a capture."""


@dataclass(frozen=True)
class State:
    """The state of a verification."""

    length: int = 0
    """The number of its entries."""
    standing: Standing = Standing()

    # opening and routes
    opening: Opening = Opening()
    until: datetime | None = None
    """The end of the borrower's time or, in review, of the reviewers'."""
    route: str = ""
    release: Release | None = None
    """The release of the newest attempt."""
    finished_routes: tuple[str, ...] = ()
    engine: Body = field(default_factory=dict)
    """What each check states of its engine while the sandbox plays the borrower."""
    advanced: timedelta = timedelta(0)
    """The advance of its test clock."""

    # access
    senders: frozenset[str] = frozenset()
    """People who sent the borrower a link: they have no vote."""
    ways: Mapping[WayKey, Way] = field(default_factory=dict)
    """Links, sessions and codes."""
    is_stopped: bool = False
    """The borrower reported, on a phone, a person who instructs them."""

    # attempts
    attempts: Mapping[str, Attempt] = field(default_factory=dict)
    last: Closing | None = None
    """The closing of the attempt that closed last."""
    done_stages: frozenset[str] = frozenset()
    """Stages that are over since the route was entered."""
    overtaken_stages: frozenset[str] = frozenset()
    """Stages that an upgrade put before the case's position: they support no verdict."""
    past_stages: frozenset[str] = frozenset()
    """Stages that are over on any route: the consent is requested once per verification."""
    passes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By route and stage, the number of the entry that lawfully passed it last."""
    shared_evidence: frozenset[str] = frozenset()
    """Evidence for all attempts: the answers of the register and of the consent service."""
    faulted_step: str = ""
    faults: int = 0
    """The step that failed last, and its failures in a row."""
    fault: str = ""
    """A fault's cause, if the entry before states one."""

    # people
    in_review: bool = False
    is_in_vain: bool = False
    """A judgement left it to people and spent no attempt, because too few may vote."""

    # the end
    end: str = ""
    """The type of the entry that ended it."""
    ending: Entry | None = None
    """That entry."""
    ended_at: datetime | None = None
    ages_from: datetime | None = None
    """The start of its verdict's age, as `time` counts."""
    decision: str = ""
    """The entry that ended it, if it is signed."""
    receipts: Mapping[str, str] = field(default_factory=dict)
    """By entry, the hash of its receipt."""

    credit: Credit = Credit()
    blocks: tuple[Entry, ...] = ()
    """Requests for erasure, and the withdrawal of the consent; empty once erased."""

    def time(self, entry: Entry) -> datetime:
        """The clock for due times: the entry's time plus the test clock's advance."""
        return entry.at + self.advanced

    def moment(self, body: Body, name: str) -> datetime | None:
        """A time in a body, as `time` counts; None if malformed."""
        time = moment(body, name)
        return time + self.advanced if time is not None else None

    @property
    def newest_name(self) -> str:
        """The name of the newest attempt; empty without one."""
        return next(reversed(list(self.attempts)), "")

    def newest(self, phase: str) -> Attempt | None:
        """The newest attempt, if in this phase: at most one is open or in review."""
        attempt = self.attempts.get(self.newest_name)
        return attempt if attempt is not None and attempt.phase == phase else None

    def is_held(self) -> bool:
        """Whether neither the borrower nor a judging step moves: in review, or stopped."""
        return self.in_review or self.is_stopped

    def spent(self, stage: str, at: datetime) -> frozenset[str]:
        """Attempts at a stage, on any route, that count against the borrower at this time."""
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
        """As `put`, with the attempt's evidence in a signed entry."""
        if not entry.is_signed:
            return self.put(name, attempt, **changes)
        listed = list(claims(entry.body))
        digests = frozenset(claim.digest for claim in listed)
        shared = frozenset(claim.digest for claim in listed if claim.kind.startswith(ONCE))
        attempt = replace(attempt, evidence=attempt.evidence | digests)
        shared |= self.shared_evidence
        return self.put(name, attempt, **changes, shared_evidence=shared)


Step = tuple[State, list[Fault]]
"""The state after an entry, and the entry's faults."""
Rule = Callable[[State, Entry], Step]
