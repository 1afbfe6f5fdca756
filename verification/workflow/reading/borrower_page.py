"""The one page a borrower sees now. Reading it changes nothing, so a reload or another device shows
the same.
"""

from django.conf import settings

from verification import clock, routes, transactions
from verification.case import steps
from verification.compiled import Compiled
from verification.core import ids
from verification.core.errors import NotFound
from verification.core.route import Stage
from verification.core.status import TERMINAL, Status
from verification.log import decided
from verification.models import Attempt, Verification
from verification.workflow import cases, policy, stages
from verification.workflow.moving import attempts
from verification.workflow.reading import signed_files
from verification.workflow.reading.views import (
    BorrowerPage,
    BorrowerState,
    BorrowerTurn,
    RouteChoice,
    page_name,
)


def borrower_page(*, verification_id: str) -> BorrowerPage:
    """The page of a verification; raises `NotFound`, or `EvidenceUnreadable` if its case does not
    open.
    """
    verification = Verification.objects.filter(pk=verification_id).select_related("key").first()
    if verification is None:
        raise NotFound("no such verification")
    return page_of(verification, attempts.current(verification))


def page_of(verification: Verification, attempt: Attempt | None) -> BorrowerPage:
    """The page of rows that were just read, the key beside them; raises `EvidenceUnreadable`."""
    sealed = cases.read(verification, cases.key_beside(verification))
    stage = stages.known(verification.route, verification.stage, law=verification.profile_sha256)
    # Every stage of the combination in order, by route and name; consent is asked for before the
    # first route only.
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
    name, public = _shown(verification, attempt)
    counted = (
        stage if verification.status not in TERMINAL else None
    )  # the tries would tell the end before it is told
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
        offers_signed=name == "finished" and signed_files.is_offered(verification),
        asks_register=bool(stage)
        and "person" in stages.services(combination, law=verification.profile_sha256),
    )


def _burnt(verification: Verification, stage: Stage) -> int:
    """How many attempts of this borrower with this lender burnt at this stage, in a day, by the
    rows.

    None is counted where the stage limits none. What is decided goes by `attempts.count_tries`.
    """
    if stage.attempts is None:
        return 0
    since = clock.now() - policy.ATTEMPTS_COUNTED
    return (
        attempts.of_borrower(verification, stage).filter(burnt=True, closed_at__gte=since).count()
    )


_LIVE = Compiled(
    lambda of: attempts.live().filter(verification=of).select_related("verification__key")
)
_IS_LOOKED_AT = Compiled(
    lambda of: Verification.objects.filter(pk=of, step=steps.LOOK).values_list("pk")
)


def borrower_turn(*, verification_id: str) -> BorrowerTurn:
    """What the script of a page is told now, in one statement where there is an attempt. Raises as
    `borrower_page`.
    """
    attempt = _LIVE.first(verification_id)
    if attempt is not None:
        return turn_of(attempt.verification, attempt)
    verification = Verification.objects.filter(pk=verification_id).select_related("key").first()
    if verification is None:
        raise NotFound("no such verification")
    return turn_of(verification, None)


def turn_of(verification: Verification, attempt: Attempt | None) -> BorrowerTurn:
    """The same of rows that were just read, the key beside them; the case stays closed."""
    return _turn(_shown(verification, attempt)[0], verification, attempt)


def _turn(name: str, verification: Verification, attempt: Attempt | None) -> BorrowerTurn:
    stage = stages.known(verification.route, verification.stage, law=verification.profile_sha256)
    prompt = stage.prompt if stage and name == stage.page else None
    return BorrowerTurn(
        page=name,
        turn=attempt.turn if attempt else 0,
        data=prompt(attempts.memory_of(attempt, key=cases.key_beside(verification)))
        if attempt and prompt
        else {},
        is_looked_at=verification.step == steps.LOOK,
    )


def is_looked_at(*, verification_id: str) -> bool:
    """Whether a worker is about to say what the borrower's last answer shows."""
    transactions.rest()
    return _IS_LOOKED_AT.first(verification_id) is not None


def state_of(verification: Verification, attempt: Attempt | None) -> BorrowerState:
    """What the page says of where a verification stands, by rows that were just read; its case
    stays closed.
    """
    name, _ = _shown(verification, attempt)
    return BorrowerState(
        page=name, turn=attempt.turn if attempt else 0, notice=_notice(verification, attempt)
    )


def _shown(verification: Verification, attempt: Attempt | None) -> tuple[str, decided.PublicStatus]:
    """Which page it is, and what may be told there: an end only as the log has it.

    Where the log refuses an entry of it, nothing goes on by itself: that page says so, and asks for
        nothing.
    """
    name, public = page_name(verification, attempt), decided.status_of(verification)
    if public.status in TERMINAL:
        return "finished", public
    # A worker that has its step in hand is the common case, and costs no question.
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
    """The routes the borrower may still turn to: all at first, none once one of a combination has
    passed.
    """
    if verification.passed_routes:
        return ()
    offered = dict.fromkeys(combination[0] for combination in verification.combinations)
    # One that was installed when the verification began may be gone.
    others = [
        routes.ROUTES[name]
        for name in offered
        if name != verification.route and name in settings.TULGA_ROUTES
    ]
    return tuple(
        # A stage that hints at the picture takes one.
        RouteChoice(
            route.name,
            route.label,
            route.explanation,
            any(stage.hint is not None for stage in route.stages),
        )
        for route in others
    )
