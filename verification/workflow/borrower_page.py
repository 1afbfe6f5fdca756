"""The one page a borrower sees now. Reading it changes nothing, so a reload or another device shows the same."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from verification.core import person
from verification.core.errors import NotFound
from verification.core.route import Stage
from verification.core.status import TERMINAL, Status
from verification.evidence import vault
from verification.models import Attempt, Verification
from verification.workflow import attempts, cases, stages
from verification.workflow.views import BorrowerPage


def page_name(verification: Verification, attempt: Attempt | None) -> str:
    """Which page it is: the stage's own, or wait, choose_route, resume, finished."""
    if verification.status in TERMINAL or verification.status == Status.IN_REVIEW:
        return "finished"
    with_us = attempt.status == attempts.JUDGING if attempt else bool(verification.step)
    if verification.status == Status.PROCESSING or with_us:
        return "wait"
    if not verification.route:
        return "choose_route"
    if attempt is None or attempt.expires_at <= timezone.now():
        return "resume"
    stage = stages.known(attempt.route, attempt.stage)
    return stage.page if stage else "wait"


def borrower_page(*, verification_id: str) -> BorrowerPage:
    """The page of a verification; raises `NotFound`, or `EvidenceUnreadable` if its case does not open."""
    verification = Verification.objects.filter(pk=verification_id).first()
    if verification is None:
        raise NotFound("no such verification")
    attempt = attempts.current(verification)
    key = cases.key_of(verification)
    sealed = cases.read(verification, key)
    name = page_name(verification, attempt)
    stage = stages.known(verification.route, verification.stage)
    used = attempts.failures(verification, stage, at=timezone.now()) if stage else 0
    loan = sealed.case.loan
    return BorrowerPage(
        verification_id=verification.pk,
        page=name,
        turn=attempt.turn if attempt else 0,
        data=_asked(attempt, stage, key=key) if attempt and stage and name == stage.page else {},
        notice=attempt.notice if attempt else verification.last_failure,
        status=verification.status,
        code=verification.code,
        lender=sealed.case.lender,
        purpose=sealed.case.purpose,
        amount=loan.amount,
        currency=loan.currency,
        term_days=loan.term_days,
        annual_rate=loan.annual_rate,
        total_repayable=loan.total_repayable,
        account_masked=person.mask_account(loan.payout_account),
        locale=verification.locale,
        step=_way(verification).index((verification.route, verification.stage)) + 1 if stage else 0,
        steps=len(_way(verification)) if stage else 0,
        attempt=used + 1,
        attempts=stage.attempts if stage else None,
        expires_at=attempt.expires_at if attempt else verification.expires_at,
        return_url=sealed.return_url,
        mode=verification.mode,
        routes=_other_routes(verification),
    )


def _asked(attempt: Attempt, stage: Stage, *, key: vault.Key) -> Mapping[str, Any]:
    """What the stage's own prompt lets the page know."""
    return stage.prompt(attempts.memory_of(attempt, key=key)) if stage.prompt else {}


def _way(verification: Verification) -> list[tuple[str, str]]:
    """Every stage of the combination in order, by route and name; consent is asked for before the first route only."""
    routes = verification.combination or [verification.route]
    ahead = [(route, stage.name) for route in routes for stage in stages.of(route)]
    return [place for place in ahead if place[0] == routes[0] or place[1] != stages.CONSENT.name]


def _other_routes(verification: Verification) -> tuple[str, ...]:
    """The routes the borrower may still turn to: all at first, none once one of a combination has passed."""
    if verification.passed_routes:
        return ()
    offered = (combination[0] for combination in verification.combinations)
    return tuple(dict.fromkeys(route for route in offered if route != verification.route))
