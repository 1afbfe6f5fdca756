"""What edges are shown: plain values, and how the rows of one verification become them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from verification import clock
from verification.core import almaty
from verification.core.opening import Opening
from verification.core.person import LenderFacts, Renewal
from verification.core.route import Words
from verification.core.status import TERMINAL, Status
from verification.log.decided import PublicStatus
from verification.models import Attempt, Verification
from verification.workflow import stages
from verification.workflow.moving import attempts
from verification.workflow.moving.commands import Opened

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


@dataclass(frozen=True)
class Retention:
    """The obligation as the lender told of it, and until when what is kept must stay: None while it
    is open.
    """

    obligation_opened_at: datetime | None
    obligation_closed_at: datetime | None
    until: datetime | None


@dataclass(frozen=True)
class ContractView:
    """When a contract was signed, as reported, and until when its money waits; None where no law
    asked.
    """

    signed_at: datetime
    release_not_before: datetime | None


@dataclass(frozen=True, kw_only=True)
class VerificationView:
    """A verification as its lender may see it. `opening`: what the lender handed over; `renews`:
    whose consent it is about, asked for anew.
    """

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
    retention: Retention
    renews: str
    contract: ContractView | None
    opening: Opening
    sequence: int
    log_index: int | None


@dataclass(frozen=True, kw_only=True)
class CheckedView(VerificationView):
    """The same for a lender who asks for its checks too."""

    checks: tuple[CheckView, ...]


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
    clearance_id: str = ""
    renews: str = ""


@dataclass(frozen=True, kw_only=True)
class ClearanceView:
    """A clearance as its lender may see it. Sums are decimals in tenge; `gates`: name, status, at
    and source each.
    """

    id: str
    verification_id: str
    mode: str
    status: str
    code: str
    profile_id: str
    contract_sha256: str
    amount_max: str
    amount: str
    gates: Sequence[Mapping[str, Any]]
    created_at: datetime
    issued_at: datetime | None
    expires_at: datetime | None
    fresh_until: datetime | None
    consumed_at: datetime | None
    frozen_at: datetime | None


@dataclass(frozen=True)
class RouteChoice:
    """A route the borrower may turn to, in words. `needs_camera`: whether one of its stages takes
    pictures.
    """

    name: str
    label: Words
    explanation: Words
    needs_camera: bool


@dataclass(frozen=True, kw_only=True)
class BorrowerState:
    """Which page is open, for a page that asks again and again: nothing about the person, the loan,
    or how it ended.
    """

    page: str
    turn: int
    notice: str


@dataclass(frozen=True, kw_only=True)
class BorrowerTurn:
    """What a page's own script is told: which page is open, whose turn it is, and of its own page
    what is due.

    `is_looked_at`: what is asked next is known as soon as a worker has looked at the last answer.
    """

    page: str
    turn: int
    data: Mapping[str, Any]
    is_looked_at: bool


@dataclass(frozen=True, kw_only=True)
class BorrowerPage(BorrowerTurn):
    """What the borrower's page may show: nothing from a registry, no full account, no full IIN.

    last_failure: once it has ended, why the last attempt failed.
    """

    verification_id: str
    notice: str
    status: str
    code: str
    last_failure: str
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
    renewal: Renewal | None
    routes: tuple[RouteChoice, ...]
    offers_signed: bool = False  # whether the statement and the signature may be downloaded
    asks_register: bool = False  # of people, on a route that the verification has


def page_name(verification: Verification, attempt: Attempt | None) -> str:
    """Which page it is: the stage's own, or wait, choose_route, resume, finished. An end is
    another, once told.
    """
    if verification.status == Status.IN_REVIEW:
        return "finished"
    with_us = attempt.status == attempts.JUDGING if attempt else bool(verification.step)
    if with_us or verification.status == Status.PROCESSING or verification.status in TERMINAL:
        return "wait"
    if not verification.route:
        return "choose_route"
    if attempt is None or attempt.expires_at <= clock.now():
        return "resume"
    stage = stages.known(attempt.route, attempt.stage, law=verification.profile_sha256)
    return stage.page if stage else "wait"


def opened_view(opened: Opened) -> VerificationView:
    """One that was opened just now: nothing that was written is read again."""
    row = opened.verification
    public = PublicStatus(row.status, row.code)  # it is open, or it could not be opened again
    return verification_view(row, opened.opening, public=public, standing=opened.standing)


def verification_view(
    each: Verification,
    opening: Opening,
    *,
    public: PublicStatus,
    standing: attempts.Standing | None,
) -> VerificationView:
    """A row for its lender, who is told no more than `public`. standing: where its borrower is, if
    anything is due.
    """
    is_untold = each.status in TERMINAL and public.status not in TERMINAL
    next_action = _next_action(each, standing) if standing else None
    if is_untold:  # the same, however it ended
        next_action = NextAction(
            "wait", each.route, each.stage, attempts_left=None, expires_at=each.expires_at, code=""
        )
    return VerificationView(
        id=each.pk,
        mode=each.mode,
        status=public.status,
        code=public.code,
        last_failure="" if is_untold else each.last_failure,
        next_action=next_action,
        combinations=tuple(tuple(combination) for combination in each.combinations),
        route=each.route,
        profile_id=each.profile_id,
        profile_sha256=each.profile_sha256,
        created_at=each.created_at,
        expires_at=each.expires_at,
        finished_at=public.finished_at,
        redacted_at=each.redacted_at,
        disputed_at=each.disputed_at,
        retention=retention_of(each),
        renews=each.renews_id or "",
        contract=ContractView(each.contract_signed_at, each.release_not_before)
        if each.contract_signed_at
        else None,
        opening=opening,
        sequence=each.sequence,
        log_index=public.log_index,
    )


def retention_of(row: Verification) -> Retention:
    """How long what is kept of a row must stay."""
    opened_at, closed_at = row.obligation_opened_at, row.obligation_closed_at
    until = almaty.kept_until(created_at=row.created_at, opened_at=opened_at, closed_at=closed_at)
    return Retention(opened_at, closed_at, until)


def _next_action(verification: Verification, standing: attempts.Standing) -> NextAction:
    stage = stages.known(verification.route, verification.stage, law=verification.profile_sha256)
    attempt = standing.current
    return NextAction(
        type=page_name(verification, attempt),
        route=verification.route,
        stage=verification.stage,
        attempts_left=None
        if stage is None or stage.attempts is None
        else max(0, stage.attempts - standing.failures),
        expires_at=attempt.expires_at if attempt else verification.expires_at,
        code=attempt.notice if attempt else verification.last_failure,
    )
