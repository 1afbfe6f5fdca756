"""How far a verification has come, by what its entries have told so far. Pure: no row is read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from verification.audit.legal_words import TRIES, Body, Fault, moment, text
from verification.core import profiles
from verification.core.errand import ONCE
from verification.core.keeping import claims
from verification.core.releases import Release
from verification.course import policy

_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)
OPEN, REVIEW, CLOSED, LEFT = "open", "review", "closed", "left"


@dataclass
class Attempt:
    """One attempt, as far as its entries have told. `is_signed`: each of them, as its type asks for. `is_lawful`: that,
    and its checks come to what was said of it."""

    route: str
    stage: str
    stands: str = OPEN
    next: str = ""
    outcome: str = ""
    code: str = ""
    is_signed: bool = True
    is_lawful: bool = False
    release: Release | None = None
    votes: dict[str, bool] = field(default_factory=dict)
    until: datetime | None = None
    """Until when it may be answered."""
    is_begun: bool = False
    spent_at: datetime | None = None
    """When it was closed, if it counts against the borrower."""
    is_passed: bool = False
    """By a signed word."""
    kept: set[str] = field(default_factory=set)
    """What signed entries say was kept of it: commitments and, of what is about nobody, hashes."""

    @property
    def is_counted(self) -> bool:
        """Whether its release counts the attempts at its stage."""
        return self.release is not None and self.release.tries(self.stage) > 0


@dataclass
class Course:
    """How far a verification has come."""

    combinations: tuple[profiles.Combination, ...] = ()
    profile_sha256: str = ""
    route: str = ""
    attempts: dict[str, Attempt] = field(default_factory=dict)
    last: Attempt | None = None
    """The attempt that was closed last."""
    stamped: datetime = _BEFORE_ALL
    """The time that the entry bears which is replayed now."""
    advanced: timedelta = timedelta(0)
    """By how much a test clock had been advanced by then."""
    log: str = ""
    """In which the entry stands that is replayed now."""
    opened_at: datetime | None = None
    until: datetime | None = None
    """Until when the borrower may take, or its reviewers."""
    expires_at: datetime | None = None
    """Until when the borrower may take, whoever looks meanwhile."""
    engine: Body = field(default_factory=dict)
    """What each check says of who was measured, since the sandbox plays the borrower."""
    has_ended: bool = False
    ended_at: datetime | None = None
    ages_from: datetime | None = None
    """From when its verdict ages, as `now` counts."""
    faulted: tuple[str, int] = ("", 0)
    """The step that was tried in vain last, and how often in a row."""
    fault: str = ""
    """Why, if the entry before says so."""
    in_review: bool = False
    is_in_vain: bool = False
    """Since a judgement left it to people and spent no attempt, for too few could vote."""
    is_stopped: bool = False
    is_signed: bool = True
    """Whether the entry that is replayed now has the signature that its type asks for."""
    senders: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    """The stages that are over since the route was entered."""
    release: Release | None = None
    """By which the newest attempt was opened."""
    overtaken: set[str] = field(default_factory=set)
    """The stages that an upgrade put before where the case stood: nobody is asked for them, and no verdict is had."""
    given: set[str] = field(default_factory=set)
    """The stages that are over in whichever route: the consent is asked for once a verification."""
    finished: list[str] = field(default_factory=list)
    """The routes that are over."""
    waits_until: datetime | None = None
    """Since the contract was reported: until when no new consent may be asked for."""
    clearances: dict[str, str] = field(default_factory=dict)
    """How each stands, by its id."""
    issued_ahead: dict[str, timedelta] = field(default_factory=dict)
    """By how much a test clock had been advanced when each was issued."""
    is_disputed: bool = False
    """Since the borrower said that it was not them."""
    terms: dict[str, Body] = field(default_factory=dict)
    """What was asked for, issued and consumed by each."""
    decision: str = ""
    """The entry by which it was verified, if that is signed."""
    contract: str = ""
    """Which was reported."""
    cap: int = 0
    """What the loan is said to come to, tiyn; 0 while nothing is said."""
    attested: set[str] = field(default_factory=set)
    """What employees attested."""
    obligation: dict[str, datetime] = field(default_factory=dict)
    """When it was opened and closed, as the lender says."""
    once: set[str] = field(default_factory=set)
    """What was kept once for all attempts: what the register of people and the consent service said."""
    asks_register: bool = False
    """Whether its law wants the register of people asked."""
    passed: dict[tuple[str, str], int] = field(default_factory=dict)
    """Where a stage of a route was lawfully passed, the last time."""

    @property
    def now(self) -> datetime:
        """What time it is for what is due: that of the entry, and what a test clock was advanced by."""
        return self.stamped + self.advanced

    def moment(self, body: Body, name: str) -> datetime | None:
        """A time that this entry gives, as `now` counts; None where there is none."""
        said = moment(body, name)
        return said + self.advanced if said is not None else None

    def standing(self, how: str) -> Attempt | None:
        """The newest attempt, if it stands so: of a verification one at most is open or in review."""
        newest = next(reversed(self.attempts.values()), None)
        return newest if newest is not None and newest.stands == how else None

    def is_held(self) -> bool:
        """Whether nobody is asked and nothing is judged: people look, or it was stopped."""
        return self.in_review or self.is_stopped

    def spent(self, stage: str) -> list[Attempt]:
        """The attempts at a stage that count against the borrower now, in whichever route."""
        since = self.stamped - timedelta(seconds=policy.TRIES_SECONDS)
        return [one for one in self.attempts.values() if one.stage == stage and one.spent_at and one.spent_at >= since]

    def go_on(self, attempt: Attempt, body: Body) -> None:
        """One more turn of its dialogue: who moves next, until when, and what came."""
        attempt.next, attempt.is_signed = text(body, "next"), attempt.is_signed and self.is_signed
        attempt.until = self.moment(body, "expires_at") if "expires_at" in body else attempt.until
        self.faulted = ("", 0)
        self.keep(attempt, body)

    def keep(self, attempt: Attempt, body: Body) -> None:
        """What an unsigned entry lists counts for nothing."""
        if self.is_signed:
            listed = list(claims(body))
            attempt.kept |= {claim.digest for claim in listed}
            self.once |= {claim.digest for claim in listed if claim.kind.startswith(ONCE)}

    def close(self, attempt: Attempt, outcome: str, body: Body, *, burns: bool) -> Iterator[Fault]:
        """Whether it burns follows from its release and from why it ended, and from no row."""
        attempt.stands, attempt.outcome, attempt.code = CLOSED, outcome, text(body, "code")
        is_spent = attempt.is_counted and burns
        attempt.spent_at = self.stamped if is_spent else None
        if body.get("burnt") is not is_spent:
            yield TRIES, "whether it counts against the borrower is not what its end says"
        self.last = attempt

    def pass_on(self, attempt: Attempt, *, at: int) -> None:
        """Its stage is over, and with the last one its route; lawfully, if all of it was."""
        self.done.add(attempt.stage)
        self.given.add(attempt.stage)
        attempt.is_passed = self.is_signed
        if attempt.is_lawful:
            self.passed[attempt.route, attempt.stage] = at
        if attempt.release and attempt.stage == attempt.release.names[-1]:
            self.finished.append(attempt.route)
