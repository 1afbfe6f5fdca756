"""The routes that are installed, and their stages with ours woven in.

Ours: consent before the first, the script-breaking question before the last.
"""

from collections.abc import Mapping, Sequence

from django.conf import settings

from verification import routes
from verification.core import profiles
from verification.core.errors import Misconfigured
from verification.core.releases import REGISTER_CHECKS, Release
from verification.core.route import Route, Stage, Words
from verification.stages import confirmation

CONSENT, QUESTION = confirmation.CONSENT, confirmation.QUESTION


def titles() -> dict[str, Words]:
    """What reviewers and regulators call each route there is, by its name."""
    return {name: each.title for name, each in routes.ROUTES.items()}


def of(route_name: str, *, law: str) -> Mapping[str, Stage]:
    """The stages of a route by name, in the order the borrower meets them, as the profile of this
    hash has it.

    Raises `Misconfigured` as `installed` does, and where the profile wants the register of people
    asked and the route does not ask it.
    """
    is_asked = bool(profiles.pinned(law).register_asked)
    way = installed(route_name, is_registered=is_asked)
    if is_asked and not any(stage.checks.keys() >= REGISTER_CHECKS for stage in way.values()):
        raise Misconfigured(f"route {route_name} does not ask the register of people")
    return way


def installed(route_name: str, *, is_registered: bool = False) -> Mapping[str, Stage]:
    """The stages of a route by name, in order. is_registered: those that ask the register of
    people, where it has such.

    Raises `Misconfigured` for a route that is not installed, or not there.
    """
    if route_name not in settings.TULGA_ROUTES:
        raise Misconfigured(f"route {route_name} is not in TULGA_ROUTES")
    if route_name not in routes.ROUTES:
        raise Misconfigured(f"TULGA_ROUTES names {route_name}, and there is no such route")
    *before, last = _stages(routes.ROUTES[route_name], is_registered=is_registered)
    way = (CONSENT, *before, QUESTION, last)
    found = {stage.name: stage for stage in way}
    if len(found) != len(way):
        raise Misconfigured(f"route {route_name} has two stages of one name")
    return found


def _stages(route: Route, *, is_registered: bool) -> tuple[Stage, ...]:
    return route.registered if is_registered and route.registered is not None else route.stages


def is_last(stage: Stage, route_name: str) -> bool:
    """Whether the route ends with this stage, as it does under each profile."""
    return stage.name == [*installed(route_name)][-1]


def services(combination: Sequence[str], *, law: str) -> tuple[str, ...]:
    """What registers are asked of the person on all these routes, each once."""
    return services_of(combination, is_registered=bool(profiles.pinned(law).register_asked))


def services_of(combination: Sequence[str], *, is_registered: bool) -> tuple[str, ...]:
    """The same by whether the register of people is asked, of routes that need not be installed."""
    ways = [routes.ROUTES[name] for name in combination]
    every = [stage for way in ways for stage in _stages(way, is_registered=is_registered)]
    return tuple(dict.fromkeys(service for stage in every for service in stage.services))


def release(route_name: str, *, law: str) -> Release:
    """How a route is done by this software: what the log names, and `core/releases.py` must
    know.
    """
    return _release(route_name, of(route_name, law=law))


def _release(route_name: str, way: Mapping[str, Stage]) -> Release:
    checked = tuple((name, tuple(stage.checks), stage.attempts or 0) for name, stage in way.items())
    changed = {
        name: len(stage.former[name])
        for stage in way.values()
        for name in stage.checks
        if stage.former.get(name)
    }
    return Release(route_name, checked, tuple(sorted(changed.items())))


def known(route_name: str, stage_name: str, *, law: str) -> Stage | None:
    """One stage, or None where this installation has no such route or stage any more: for reads and
    sweeps.
    """
    try:
        return of(route_name, law=law).get(stage_name) if stage_name else None
    except Misconfigured:
        return None
