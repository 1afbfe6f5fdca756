"""Lets the sandbox play the borrower of a test verification through the real pages. Sets no status.

1. Read the verification, its scenario and its fitting routes. Nothing is locked.
2. Ask the sandbox, outside any transaction, with the secret of a link that does not exist yet.
3. In one transaction: check again, enter `simulation.requested`, make the link. If that fails, the
   link never becomes valid.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from verification import clock, transactions
from verification.access import links
from verification.access.tokens import SESSIONS, TOKEN_BYTES
from verification.case import contents, moving, steps
from verification.case.moving import lawful_combinations, read_unverified
from verification.core import profiles, scenarios
from verification.core.errors import BadInput, Conflict, Misconfigured, Unavailable
from verification.core.events import SIMULATED
from verification.core.opening import Person
from verification.core.status import Status
from verification.log import entries
from verification.models import Verification
from verification.sources import simulation


@dataclass(frozen=True)
class Accepted:
    """What the sandbox accepted: verification, scenario, routes in order; `token` of the future
    link.
    """

    verification_id: str
    scenario: scenarios.Scenario
    routes: tuple[str, ...]
    token: str = field(repr=False)


def ask(
    *,
    lender_id: str,
    mode: str,
    verification_id: str,
    scenario: str,
    route: str,
    link: Callable[[str], str],
) -> Accepted:
    """The sandbox's acceptance. link: makes the address of a link's secret.

    Raises: `NotFound`, `BadInput` for an unfit scenario or route.
    Raises: `Conflict` if no borrower can act on it, and `Unavailable` (sandbox_unavailable).
    """
    contents.require_test(mode)
    verification = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
    _require_free(verification)
    opening = contents.read(verification, contents.key_of(verification)).opening
    name = scenario or scenarios.SCRIPTED.get(opening.person.iin.value, "")
    if (played := scenarios.SCENARIOS.get(name)) is None:
        raise BadInput(
            "name one: this IIN selects no scenario", code="required", pointer="/scenario"
        )
    routes = _routes(verification, played, required=route)
    accepted = Accepted(verification.pk, played, routes, secrets.token_urlsafe(TOKEN_BYTES))
    transactions.end_reading()
    try:
        player = simulation.in_use(mode)
    except Misconfigured as fault:
        raise Unavailable(
            f"no sandbox plays borrowers here: {fault}", code="sandbox_unavailable"
        ) from None
    player.begin(
        simulation.Play(
            verification_id=verification.pk,
            lender=scenarios.lender_word(lender_id),
            scenario=played.name,
            routes=routes,
            link=link(accepted.token),
            subject=_stated(opening.person),
            account=opening.loan.payout_account,
        )
    )
    return accepted


def enter(accepted: Accepted, *, lender_id: str, mode: str) -> None:
    """Records that the sandbox plays the borrower, and activates the link.

    Raises: `Conflict`.
    """
    at = clock.now()
    with transactions.writing():
        row = contents.of_lender(accepted.verification_id, lender_id=lender_id, mode=mode)
        verification = Verification.objects.select_for_update().get(pk=row.pk)
        _require_free(verification)
        body = {"scenario": accepted.scenario.name, "route": accepted.routes[0]}
        with moving.moving(read_unverified(verification)):
            moving.record(verification, SIMULATED, at=at, body=body)
            links.mint_for(verification, at=at, token=accepted.token)


def _require_free(verification: Verification) -> None:
    """Raises: `Conflict` without an open question, during a judgement, or while a person is on
    the page.
    """
    if verification.step == steps.STOP:
        raise Conflict("the borrower reported a caller, which ends it", code="illegal_transition")
    if verification.step in (steps.JUDGE, steps.LOOK):
        raise Conflict("the borrower's answer is not judged yet", code="answer_not_judged")
    if verification.status not in (Status.REQUIRES_INPUT, Status.PROCESSING):
        raise Conflict("the borrower has no open question any more", code="illegal_transition")
    if verification.expires_at <= clock.now():
        raise Conflict("the time of this verification is over", code="illegal_transition")
    sessions = SESSIONS.rows.filter(verification=verification, spent_at=None)
    if sessions.exists() and not entries.of_cases([verification.pk], types=(SIMULATED,)):
        raise Conflict("the link has already been opened", code="borrower_at_it")


def _stated(person: Person) -> dict[str, object]:
    document = {"type": person.document.type, "number": person.document.number}
    return {
        "iin": person.iin.value,
        "surname": person.surname,
        "name": person.name,
        "patronymic": person.patronymic,
        "birth_date": person.birth_date.isoformat(),
        "phone": person.phone.value,
        "document": {**document, "valid_to": person.document.valid_to.isoformat()},
    }


def _routes(
    verification: Verification, played: scenarios.Scenario, *, required: str
) -> tuple[str, ...]:
    """The borrower's routes in sequence: a combination with a route of the scenario."""
    begun = [tuple(verification.combination)]
    if not verification.combination:
        begun = lawful_combinations(read_unverified(verification))
    asks_register = bool(profiles.pinned(verification.profile_sha256).register_asked)
    played_on = (*played.routes, *(played.registered if asks_register else ()))
    fitting = [routes for routes in begun if not set(played_on).isdisjoint(routes)]
    if required:
        fitting = [routes for routes in fitting if required in routes]
    if not fitting:
        its = " or ".join(" + ".join(routes) for routes in begun)
        where = f"{played.name} is played on {' or '.join(played_on)}; this verification has {its}"
        raise BadInput(
            where, code="scenario_not_on_route", pointer="/route" if required else "/scenario"
        )
    return tuple(map(str, fitting[0]))
