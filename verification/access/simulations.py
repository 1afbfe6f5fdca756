"""Has the sandbox play the borrower of a test verification, by the real pages. It sets no status
and decides nothing.

1. Read whose verification it is, which scenario and which of its routes fit. Nothing is locked.
2. Ask the sandbox, outside any transaction, with the secret of a link that does not exist yet.
3. In one transaction: look again, enter `simulation.requested`, make the link. If that fails, the
  link never counts.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from verification import clock, transactions
from verification.access import links
from verification.access.tokens import SESSIONS, TOKEN_BYTES
from verification.case import contents, moving, steps
from verification.case.history import read_unverified
from verification.case.law import combinations
from verification.core import profiles, scenarios
from verification.core.errors import BadInput, Conflict, Misconfigured, Unavailable
from verification.core.events import SIMULATED
from verification.core.opening import Person
from verification.core.status import Status
from verification.log import entries
from verification.models import Verification
from verification.sources import simulation

_LENDER_CHARACTERS: Final = 16
"""Of the word by which the sandbox tells lenders apart: 64 bits, so that no two share their places
by chance.
"""


@dataclass(frozen=True)
class Accepted:
    """What the sandbox has taken over: a verification, a scenario, its routes in order; `token` of
    the link to come.
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
    """The sandbox's word that it plays. link: spells the address of a link's secret.

    Raises `NotFound`, `BadInput` for a scenario or route that does not fit, `Conflict` where no
    borrower can be at it, and `Unavailable` (sandbox_unavailable).
    """
    contents.require_test(mode)
    verification = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
    _require_free(verification)
    opening = contents.read(verification, contents.key_of(verification)).opening
    name = scenario or scenarios.SCRIPTED.get(opening.person.iin.value, "")
    if (played := scenarios.SCENARIOS.get(name)) is None:
        raise BadInput("name one: this IIN is no scenario's", code="required", pointer="/scenario")
    routes = _routes(verification, played, required=route)
    accepted = Accepted(verification.pk, played, routes, secrets.token_urlsafe(TOKEN_BYTES))
    transactions.rest()
    try:
        player = simulation.in_use(mode)
    except Misconfigured as fault:
        raise Unavailable(
            f"nobody plays borrowers here: {fault}", code="sandbox_unavailable"
        ) from None
    player.begin(
        simulation.Play(
            verification_id=verification.pk,
            lender=sha256(f"simulations of {lender_id}".encode()).hexdigest()[:_LENDER_CHARACTERS],
            scenario=played.name,
            routes=routes,
            link=link(accepted.token),
            subject=_stated(opening.person),
            account=opening.loan.payout_account,
        )
    )
    return accepted


def enter(accepted: Accepted, *, lender_id: str, mode: str) -> None:
    """Puts on record that no real person is before the page, and brings the link into force. Raises
    `Conflict`.
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
    """Raises `Conflict` where the borrower is not asked, an answer is being judged, or somebody
    else is at it.
    """
    if verification.step == steps.STOP:
        raise Conflict(
            "the borrower was being told what to press, and that ends it", code="illegal_transition"
        )
    if verification.step in (steps.JUDGE, steps.LOOK):
        raise Conflict("what the borrower has answered is not judged yet", code="answer_not_judged")
    if verification.status not in (Status.REQUIRES_INPUT, Status.PROCESSING):
        raise Conflict("nobody is asked for anything any more", code="illegal_transition")
    if verification.expires_at <= clock.now():
        raise Conflict("the time of this verification is over", code="illegal_transition")
    sessions = SESSIONS.rows.filter(verification=verification, spent_at=None)
    if sessions.exists() and not entries.of_cases([verification.pk], types=(SIMULATED,)):
        raise Conflict("somebody has opened the link", code="borrower_at_it")


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
    """The routes that the borrower goes, one after the other: a combination that has one on which
    it is played.
    """
    begun = [tuple(verification.combination)]
    if not verification.combination:
        begun = combinations(read_unverified(verification))
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
