"""The one page a borrower sees now. Reading it changes nothing, so a reload or another device shows the same."""

from verification import clock, routes
from verification.core import person
from verification.core.errors import NotFound
from verification.core.status import TERMINAL, Status
from verification.models import Attempt, Verification
from verification.workflow import cases, stages
from verification.workflow.moving import attempts
from verification.workflow.reading.views import BorrowerPage, BorrowerState, RouteChoice


def page_name(verification: Verification, attempt: Attempt | None) -> str:
    """Which page it is: the stage's own, or wait, choose_route, resume, finished."""
    if verification.status in TERMINAL or verification.status == Status.IN_REVIEW:
        return "finished"
    with_us = attempt.status == attempts.JUDGING if attempt else bool(verification.step)
    if verification.status == Status.PROCESSING or with_us:
        return "wait"
    if not verification.route:
        return "choose_route"
    if attempt is None or attempt.expires_at <= clock.now():
        return "resume"
    stage = stages.known(attempt.route, attempt.stage)
    return stage.page if stage else "wait"


def borrower_page(*, verification_id: str) -> BorrowerPage:
    """The page of a verification; raises `NotFound`, or `EvidenceUnreadable` if its case does not open."""
    verification = Verification.objects.filter(pk=verification_id).select_related("key").first()
    if verification is None:
        raise NotFound("no such verification")
    return page_of(verification, attempts.current(verification))


def page_of(verification: Verification, attempt: Attempt | None) -> BorrowerPage:
    """The page of rows that were just read, the key beside them; raises `EvidenceUnreadable`."""
    key = cases.key_beside(verification)
    sealed = cases.read(verification, key)
    name = page_name(verification, attempt)
    stage = stages.known(verification.route, verification.stage)
    prompt = stage.prompt if stage and name == stage.page else None
    way = _way(verification) if stage else []
    loan = sealed.case.loan
    return BorrowerPage(
        verification_id=verification.pk,
        page=name,
        turn=attempt.turn if attempt else 0,
        data=prompt(attempts.memory_of(attempt, key=key)) if attempt and prompt else {},
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
        step=way.index((verification.route, verification.stage)) + 1 if stage else 0,
        steps=len(way),
        attempt=1 + (attempts.failures(verification, stage, at=clock.now()) if stage else 0),
        attempts=stage.attempts if stage else None,
        expires_at=attempt.expires_at if attempt else verification.expires_at,
        return_url=sealed.opening.return_url,
        mode=verification.mode,
        routes=_other_routes(verification),
    )


def state_of(verification: Verification, attempt: Attempt | None) -> BorrowerState:
    """What the page says of where a verification stands, by rows that were just read; its case stays closed."""
    return BorrowerState(
        page=page_name(verification, attempt),
        turn=attempt.turn if attempt else 0,
        notice=attempt.notice if attempt else verification.last_failure,
        status=verification.status,
    )


def _way(verification: Verification) -> list[tuple[str, str]]:
    """Every stage of the combination in order, by route and name; consent is asked for before the first route only."""
    combination = verification.combination or [verification.route]
    ahead = [(route, stage.name) for route in combination for stage in stages.of(route)]
    return [place for place in ahead if place[0] == combination[0] or place[1] != stages.CONSENT.name]


def _other_routes(verification: Verification) -> tuple[RouteChoice, ...]:
    """The routes the borrower may still turn to: all at first, none once one of a combination has passed."""
    if verification.passed_routes:
        return ()
    offered = dict.fromkeys(combination[0] for combination in verification.combinations)
    # One that was installed when the verification began may be gone.
    others = [routes.get(name) for name in offered if name != verification.route and name in routes.names()]
    return tuple(
        # A stage that hints at the picture takes one.
        RouteChoice(route.name, route.label, route.explanation, any(stage.hint is not None for stage in route.stages))
        for route in others
    )
