"""The routes that are installed, and their stages with ours woven in.

Ours: consent before the first, the script-breaking question before the last.
"""

from collections.abc import Mapping

from django.conf import settings

from verification import routes
from verification.core.errors import Misconfigured
from verification.core.releases import Release
from verification.core.route import Stage, Words
from verification.stages import consent, question

CONSENT, QUESTION = consent.STAGE, question.STAGE


def titles() -> dict[str, Words]:
    """What reviewers and regulators call each route there is, by its name."""
    return {name: each.title for name, each in routes.ROUTES.items()}


def of(route_name: str) -> Mapping[str, Stage]:
    """The stages of a route by name, in the order the borrower meets them.

    Raises `Misconfigured` for a route that is not installed, or not there.
    """
    if route_name not in settings.TULGA_ROUTES:
        raise Misconfigured(f"route {route_name} is not in TULGA_ROUTES")
    if route_name not in routes.ROUTES:
        raise Misconfigured(f"TULGA_ROUTES names {route_name}, and there is no such route")
    *before, last = routes.ROUTES[route_name].stages
    way = (CONSENT, *before, QUESTION, last)
    found = {stage.name: stage for stage in way}
    if len(found) != len(way):
        raise Misconfigured(f"route {route_name} has two stages of one name")
    return found


def release(route_name: str) -> Release:
    """How a route is done by this software: what the log names, and `core/releases.py` must know."""
    return Release(
        route_name, tuple((name, tuple(stage.checks), stage.attempts or 0) for name, stage in of(route_name).items())
    )


def known(route_name: str, stage_name: str) -> Stage | None:
    """One stage, or None where this installation has no such route or stage any more: for reads and sweeps."""
    try:
        return of(route_name).get(stage_name) if stage_name else None
    except Misconfigured:
        return None
