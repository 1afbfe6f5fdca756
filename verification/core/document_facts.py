"""What a document about one attempt is made from: plain values, gathered by `workflow/documents.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from verification.core.person import Case


@dataclass(frozen=True, kw_only=True)
class AttemptFacts:
    """Which attempt. `number`: its place among all of the verification, from 1."""

    id: str
    number: int
    route: str
    stage: str
    opened_at: datetime
    burnt: bool


@dataclass(frozen=True, kw_only=True)
class Vote:
    """What one reviewer said, by the id that stands in the log."""

    person: str
    passes: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What became of the attempt, when, and who decided it: `checks`, `people` or `nobody`.

    `outcome`: passed, failed, inconclusive (the checks could not tell), undecided (reviewers did not), lapsed (the
    borrower fell silent or left) or void (ended around it).
    """

    outcome: str
    code: str
    decided_by: str
    at: datetime
    votes: tuple[Vote, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One check of the attempt as it stands on record. `outcome`: pass, fail or inconclusive."""

    name: str
    outcome: str
    code: str
    score: float | None
    threshold: float | None
    detail: Mapping[str, str | int]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that a document says.

    issuer: the address of the installation. identified_at: when the lender gave the IIN. passed: route, stage and time
    of what the borrower had passed before. evidence and kept_at: of this attempt, by kind; of what cannot be read any
    more the kinds are in `unreadable`.
    """

    issuer: str
    case: Case
    client_reference: str
    identified_at: datetime
    profile_id: str
    profile_sha256: str
    attempt: AttemptFacts
    ending: Ending
    passed: tuple[tuple[str, str, datetime], ...]
    checks: tuple[Judged, ...]
    evidence: Mapping[str, bytes] = field(repr=False)
    kept_at: Mapping[str, datetime]
    unreadable: tuple[str, ...] = ()
