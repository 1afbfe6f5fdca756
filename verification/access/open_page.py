"""The page that a borrower sees now. Reading changes nothing, so a reload or another device
shows the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from verification import clock, routes, transactions
from verification.artifacts import reading as artifacts
from verification.case import attempts, contents, policy, stages, steps
from verification.compiled import Compiled
from verification.core import ids
from verification.core.errors import NotFound
from verification.core.lender import LenderFacts
from verification.core.person import Renewal
from verification.core.route import Stage, Words
from verification.core.status import TERMINAL, Status
from verification.log import decided
from verification.models import Attempt, Verification


@dataclass(frozen=True)
class RouteChoice:
    """A route on offer, in words. `needs_camera`: whether one of its stages takes pictures."""

    name: str
    label: Words
    explanation: Words
    needs_camera: bool


@dataclass(frozen=True, kw_only=True)
class BorrowerState:
    """Which page is open, for polling pages: no person, loan or outcome."""

    page: str
    turn: int
    notice: str


@dataclass(frozen=True, kw_only=True)
class BorrowerTurn:
    """For a page's script: the open page, whose turn it is, and the due part of its own page.

    is_looked_at: the next question follows as soon as a worker has looked at the last answer.
    """

    page: str
    turn: int
    data: Mapping[str, Any]
    is_looked_at: bool


@dataclass(frozen=True, kw_only=True)
class BorrowerPage(BorrowerTurn):
    """Permitted content of the borrower's page: no registry data, no full account, no full IIN.

    last_failure: after the end, why the last attempt failed.
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
    asks_register: bool = False  # the register of people, on a route of the verification


def borrower_page(*, verification_id: str) -> BorrowerPage:
    """The page of a verification.

    Raises: `NotFound`, or `EvidenceUnreadable` if its case does not open.
    """
    verification = Verification.objects.filter(pk=verification_id).select_related("key").first()
    if verification is None:
        raise NotFound("no such verification")
    return page_of(verification, attempts.current(verification))


def page_of(verification: Verification, attempt: Attempt | None) -> BorrowerPage:
    """The page of freshly read rows with their key.

    Raises: `EvidenceUnreadable`.
    """
    sealed = contents.read(verification, contents.key_beside(verification))
    stage = stages.find(verification.route, verification.stage, law=verification.profile_sha256)
    # Every stage of the combination in order, by route and name; the consent comes once, before the
    # first route.
    combination = verification.combination or [verification.route]
    ahead = (
        [(route, name) for route in combination for name in stages.installed(route)]
        if stage
        else []
    )
    way = [
        place for place in ahead if place[0] == combination[0] or place[1] != stages.CONSENT.name
    ]
    loan = sealed.case.loan
    name, public = _page_and_status(verification, attempt)
    # After the end the number of tries would reveal it too early.
    counted = stage if verification.status not in TERMINAL else None
    return BorrowerPage(
        **vars(_turn(name, verification, attempt)),
        verification_id=verification.pk,
        notice=_notice(verification, attempt),
        status=public.status,
        code=public.code,
        last_failure=verification.last_failure if public.status in TERMINAL else "",
        lender=sealed.case.lender,
        purpose=sealed.case.purpose,
        amount=loan.amount,
        currency=loan.currency,
        term_days=loan.term_days,
        annual_rate=loan.annual_rate,
        total_repayable=loan.total_repayable,
        account_masked=ids.mask_account(loan.payout_account),
        locale=verification.locale,
        step=way.index((verification.route, verification.stage)) + 1 if stage else 0,
        steps=len(way),
        attempt=1 + (_burnt(verification, counted) if counted else 0),
        attempts=counted.attempts if counted else None,
        expires_at=attempt.expires_at if attempt else verification.expires_at,
        return_url=sealed.opening.return_url,
        mode=verification.mode,
        renewal=sealed.case.renewal,
        routes=_other_routes(verification),
        offers_signed=name == "finished" and artifacts.is_offered(verification),
        asks_register=bool(stage)
        and "person" in stages.services(combination, law=verification.profile_sha256),
    )


def _burnt(verification: Verification, stage: Stage) -> int:
    """This borrower's burnt attempts with this lender at this stage in a day, by rows.

    0 for a stage without a limit. Decisions use `attempts.count_tries`.
    """
    if stage.attempts is None:
        return 0
    since = clock.now() - policy.ATTEMPTS_COUNTED
    return (
        attempts.of_borrower(verification, stage).filter(burnt=True, closed_at__gte=since).count()
    )


_LIVE = Compiled(
    lambda case: attempts.live().filter(verification=case).select_related("verification__key")
)
_IS_LOOKED_AT = Compiled(
    lambda case: Verification.objects.filter(pk=case, step=steps.LOOK).values_list("pk")
)


def borrower_turn(*, verification_id: str) -> BorrowerTurn:
    """The state for a page's script, in one statement if there is an attempt.

    Raises: as `borrower_page`.
    """
    attempt = _LIVE.first(verification_id)
    if attempt is not None:
        return turn_of(attempt.verification, attempt)
    verification = Verification.objects.filter(pk=verification_id).select_related("key").first()
    if verification is None:
        raise NotFound("no such verification")
    return turn_of(verification, None)


def turn_of(verification: Verification, attempt: Attempt | None) -> BorrowerTurn:
    """The same from freshly read rows with their key; the case stays sealed."""
    return _turn(_page_and_status(verification, attempt)[0], verification, attempt)


def _turn(name: str, verification: Verification, attempt: Attempt | None) -> BorrowerTurn:
    stage = stages.find(verification.route, verification.stage, law=verification.profile_sha256)
    prompt = stage.prompt if stage and name == stage.page else None
    return BorrowerTurn(
        page=name,
        turn=attempt.turn if attempt else 0,
        data=prompt(attempts.memory_of(attempt, key=contents.key_beside(verification)))
        if attempt and prompt
        else {},
        is_looked_at=verification.step == steps.LOOK,
    )


def is_looked_at(*, verification_id: str) -> bool:
    """Whether a worker is measuring the borrower's last answer."""
    transactions.end_reading()
    return _IS_LOOKED_AT.first(verification_id) is not None


def state_of(verification: Verification, attempt: Attempt | None) -> BorrowerState:
    """The page's view of the verification's status, from freshly read rows; the case stays
    sealed.
    """
    name, _ = _page_and_status(verification, attempt)
    return BorrowerState(
        page=name, turn=attempt.turn if attempt else 0, notice=_notice(verification, attempt)
    )


def _page_and_status(
    verification: Verification, attempt: Attempt | None
) -> tuple[str, decided.PublicStatus]:
    """The open page, and the status it may show: an end only as the log has it.

    If the log refuses an entry of the case, the page asks for nothing and says so.
    """
    name, public = page_name(verification, attempt), decided.status_of(verification)
    if public.status in TERMINAL:
        return "finished", public
    # A worker with a step is the common case, and needs no query.
    goes_on = verification.step and not verification.faults
    asks = name == "wait" and verification.status not in TERMINAL and not goes_on
    if public.is_refused or (
        (asks or verification.status == Status.IN_REVIEW) and decided.is_refused(verification)
    ):
        return "checking", public
    return name, public


def _notice(verification: Verification, attempt: Attempt | None) -> str:
    if attempt is not None:
        return attempt.notice
    return "" if verification.status in TERMINAL else verification.last_failure


def _other_routes(verification: Verification) -> tuple[RouteChoice, ...]:
    """Routes that the borrower may still choose: all at first, none once one has passed."""
    if verification.passed_routes:
        return ()
    offered = dict.fromkeys(combination[0] for combination in verification.combinations)
    # A route of the opening may be uninstalled by now.
    choices = [
        routes.ROUTES[name]
        for name in offered
        if name != verification.route and name in settings.TULGA_ROUTES
    ]
    return tuple(
        # A stage with picture hints takes pictures.
        RouteChoice(
            route.name,
            route.label,
            route.explanation,
            any(stage.hint is not None for stage in route.stages),
        )
        for route in choices
    )


def page_name(verification: Verification, attempt: Attempt | None) -> str:
    """The page's name: the stage's page, or wait, choose_route, resume, finished. An end has its
    own, once shown.
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
    stage = stages.find(attempt.route, attempt.stage, law=verification.profile_sha256)
    return stage.page if stage else "wait"
