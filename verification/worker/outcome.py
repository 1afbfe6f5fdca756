"""Where a case goes after an attempt: the next stage, another try, the next route, or its end.

The only place that verifies or declines for what an attempt showed. All of it runs within the
transaction that ends a worker's step.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from verification.artifacts import receipt
from verification.case import attempts, moving, stages
from verification.case.history import History
from verification.case.law import combinations
from verification.core import codes, profiles
from verification.core.clearance import UNWANTED
from verification.core.route import Stage
from verification.core.status import Status
from verification.course.ends import unpassed
from verification.evidence import vault
from verification.models import Verification
from verification.payout import clearances


def after_failure(
    history: History, stage: Stage, code: str, *, key: vault.Key, at: datetime
) -> None:
    """After a failed attempt: declined at once, declined because none is left, or asked again."""
    if codes.require(code).final:
        end(history, Status.DECLINED, at=at, code=code, key=key)
    elif (tries := attempts.count_tries(history, stage, at=at)).is_exhausted:
        exhaust(history, tries, key=key, at=at)
    else:
        attempts.enter(history, stage, key=key, at=at, notice=code)


def exhaust(history: History, tries: attempts.Tries, *, key: vault.Key, at: datetime) -> None:
    """Declined because no attempt is left; its entry names those that were spent."""
    release = stages.release(history.row.route, law=history.row.profile_sha256)
    body = {"spent": tries.named(history.row.pk), "release": release.id}
    end(history, Status.DECLINED, at=at, code=codes.ATTEMPTS_EXHAUSTED, body=body, key=key)


def after_pass(history: History, stage: Stage, *, key: vault.Key, at: datetime) -> None:
    """After a passed attempt: the next stage, the next route of the combination, or verified.

    A route has passed by lawful passes of each of its stages, as the entries have them.
    """
    row, law = history.row, history.row.profile_sha256
    # 1 the next stage of the route
    way = stages.of(row.route, law=law)
    ahead = list(way)
    if following := ahead[ahead.index(stage.name) + 1 :]:
        attempts.enter(history, way[following[0]], key=key, at=at)
        return
    # 2 the routes that have passed, the present one last
    routes = dict.fromkeys((*row.passed_routes, row.route))
    releases = {route: stages.release(route, law=law) for route in routes}
    passed = [route for route in routes if not unpassed(history.state, releases[route])]
    # 3 a combination of the law is whole
    lawful = combinations(history)
    if passed[-1:] == [row.route] and profiles.suffices(lawful, passed_routes=passed):
        names = [releases[route].id for route in passed]
        body: dict[str, Any] = {"routes": passed, "releases": names}
        end(history, Status.VERIFIED, at=at, body=body, key=key)
        return
    # 4 the next route of the combination; anything else is refused
    chosen = tuple(row.combination)
    next_route = profiles.next_route(chosen, passed_routes=passed) if chosen in lawful else None
    if next_route is None:
        body = {"routes": passed}
        end(history, Status.DECLINED, at=at, code="check_missing", body=body, key=key)
        return
    choice = {"route": next_route, "passed": passed}
    moving.record(row, "route.chosen", at=at, body=choice)
    attempts.enter_route(history, key=key, at=at)


def end(
    history: History,
    status: Status,
    *,
    at: datetime,
    code: str = "",
    body: Mapping[str, Any] | None = None,
    key: vault.Key | None = None,
) -> None:
    """Ends the case with its receipt. A new consent that is declined freezes what was issued.

    key: of the verification, where the caller has opened it. Raises `Misconfigured` without a key
    to sign by, `Conflict` (illegal_transition) where the entries do not lead to this end, and for a
    verified person `EvidenceUnreadable` if the case does not open.
    """
    row, more = history.row, dict(body or {})
    routes = tuple(more["routes"]) if "routes" in more else None
    digest = receipt.issue(history, status, code=code, at=at, routes=routes, key=key)
    word = moving.word(history, code) | more | {"receipt": digest}
    moving.record(row, f"verification.{status}", at=at, body=word)
    if row.renews_id and code in UNWANTED:
        renewed = Verification.objects.select_for_update().get(pk=row.renews_id)
        clearances.freeze(renewed, at=at)
