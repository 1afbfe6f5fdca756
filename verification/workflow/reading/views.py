"""What edges are shown: plain values, made from rows by `queries.py` and `borrower_page.py`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from verification.core.opening import Opening
from verification.core.person import LenderFacts
from verification.core.route import Words

Item = TypeVar("Item")


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A slice of a list. `next` continues after it, or is None at the end."""

    data: tuple[Item, ...]
    has_more: bool
    next: str | None


@dataclass(frozen=True)
class NextAction:
    """What the borrower must do next. `type` is the name of the page."""

    type: str
    route: str
    stage: str
    attempts_left: int | None
    expires_at: datetime
    code: str


@dataclass(frozen=True)
class CheckView:
    """What one check said."""

    id: str
    route: str
    stage: str
    attempt: int
    name: str
    outcome: str
    code: str
    retryable: bool
    score: float | None
    threshold: float | None
    engine: Mapping[str, str]
    borrower_message: str
    lender_detail: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class VerificationView:
    """A verification as its lender may see it. `opening`: what the lender handed over."""

    id: str
    mode: str
    status: str
    code: str
    last_failure: str
    next_action: NextAction | None
    combinations: tuple[tuple[str, ...], ...]
    route: str
    profile_id: str
    profile_sha256: str
    created_at: datetime
    expires_at: datetime
    finished_at: datetime | None
    redacted_at: datetime | None
    disputed_at: datetime | None
    opening: Opening
    sequence: int
    log_index: int | None
    checks: tuple[CheckView, ...] | None


@dataclass(frozen=True)
class EventView:
    """One ordered entry of the log that a lender is told."""

    id: str
    type: str
    timestamp: datetime
    lender_sequence: int
    verification_id: str | None
    client_reference: str
    status: str
    sequence: int | None
    mode: str
    log_index: int


@dataclass(frozen=True)
class RouteChoice:
    """A route the borrower may turn to, in words. `needs_camera`: whether one of its stages takes pictures."""

    name: str
    label: Words
    explanation: Words
    needs_camera: bool


@dataclass(frozen=True, kw_only=True)
class BorrowerState:
    """Which page is open, for a page that asks again and again: nothing about the person or the loan."""

    page: str
    turn: int
    notice: str
    status: str


@dataclass(frozen=True, kw_only=True)
class BorrowerPage:
    """What the borrower's page may show: nothing from a registry, no full account, no full IIN."""

    verification_id: str
    page: str
    turn: int
    data: Mapping[str, Any]
    notice: str
    status: str
    code: str
    lender: LenderFacts
    purpose: str
    amount: str
    currency: str
    term_days: int
    annual_rate: str
    total_repayable: str
    account_masked: str
    locale: str
    step: int
    steps: int
    attempt: int
    attempts: int | None
    expires_at: datetime
    return_url: str
    mode: str
    routes: tuple[RouteChoice, ...]
