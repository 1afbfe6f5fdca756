"""The installed routes with all their stages, and whether this deployment can run them.

Added stages: consent before the first stage, a script-breaking question before the last.
Live mode requires a complete live set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.core import checks

from verification import routes
from verification.core import profiles
from verification.core.errors import Misconfigured
from verification.core.releases import REGISTER_CHECKS, Release
from verification.core.route import Route, Stage, Words
from verification.stages import confirmation

CONSENT, QUESTION = confirmation.CONSENT, confirmation.QUESTION

LIVE_TAG = "live"


def titles() -> dict[str, Words]:
    """The title of each route for reviewers and regulators, by name."""
    return {name: route.title for name, route in routes.ROUTES.items()}


def of_route(route_name: str, *, law: str) -> Mapping[str, Stage]:
    """A route's stages by name, in the borrower's order, under the profile of this hash.

    Raises: `Misconfigured` as `installed`, and if the profile requires the register of people and
    the route lacks it.
    """
    is_asked = bool(profiles.pinned(law).register_asked)
    way = installed(route_name, is_registered=is_asked)
    if is_asked and not any(stage.checks.keys() >= REGISTER_CHECKS for stage in way.values()):
        raise Misconfigured(f"route {route_name} does not ask the register of people")
    return way


def installed(route_name: str, *, is_registered: bool = False) -> Mapping[str, Stage]:
    """A route's stages by name, in order. is_registered: those with the register of people, if it
    has such.

    Raises: `Misconfigured` for a route that is unknown or not installed.
    """
    if route_name not in settings.TULGA_ROUTES:
        raise Misconfigured(f"route {route_name} is not in TULGA_ROUTES")
    if route_name not in routes.ROUTES:
        raise Misconfigured(f"TULGA_ROUTES names the unknown route {route_name}")
    *inner, last = _stages(routes.ROUTES[route_name], is_registered=is_registered)
    way = (CONSENT, *inner, QUESTION, last)
    by_name = {stage.name: stage for stage in way}
    if len(by_name) != len(way):
        raise Misconfigured(f"route {route_name} has two stages of one name")
    return by_name


def _stages(route: Route, *, is_registered: bool) -> tuple[Stage, ...]:
    return route.registered if is_registered and route.registered is not None else route.stages


def services(combination: Sequence[str], *, law: str) -> tuple[str, ...]:
    """The look-ups of the person on all these routes, each once."""
    return services_of(combination, is_registered=bool(profiles.pinned(law).register_asked))


def services_of(combination: Sequence[str], *, is_registered: bool) -> tuple[str, ...]:
    """The same by whether the register of people is asked, for routes that need not be
    installed.
    """
    ways = [routes.ROUTES[name] for name in combination]
    every = [stage for way in ways for stage in _stages(way, is_registered=is_registered)]
    return tuple(dict.fromkeys(service for stage in every for service in stage.services))


def release(route_name: str, *, law: str) -> Release:
    """This software's release of a route: the log names it, and `core/releases.py` must contain
    it.
    """
    way = of_route(route_name, law=law)
    checked = tuple((name, tuple(stage.checks), stage.attempts or 0) for name, stage in way.items())
    changed = {
        name: len(stage.former[name])
        for stage in way.values()
        for name in stage.checks
        if stage.former.get(name)
    }
    return Release(route_name, checked, tuple(sorted(changed.items())))


def find(route_name: str, stage_name: str, *, law: str) -> Stage | None:
    """One stage, or None if this installation no longer has it: for reads and sweeps."""
    try:
        return of_route(route_name, law=law).get(stage_name) if stage_name else None
    except Misconfigured:
        return None


@dataclass(frozen=True)
class Readiness:
    """Whether a route can judge in this process. `in_use`: its engines; `detail`: why it cannot."""

    is_ready: bool
    in_use: Mapping[str, object] = field(default_factory=dict)
    detail: str = ""

    @property
    def unfit_for_live(self) -> Sequence[str]:
        """Why the route's engines are unfit for live mode, in the route's own words; empty if
        fit.
        """
        reasons = self.in_use.get("unfit_for_live", ())
        return reasons if isinstance(reasons, Sequence) else ()


def live_is_complete() -> bool:
    """Whether live mode is on and every check tagged `live` (see
    `verification/deploy_checks.py`) passes.
    """
    return settings.TULGA_MODES_LIVE and not checks.run_checks(tags=[LIVE_TAG])


def refuse_unsafe_live() -> None:
    """Raises: `Misconfigured` with every fault if live mode is on and incomplete. Runs at
    process start.
    """
    if settings.TULGA_MODES_LIVE and (faults := checks.run_checks(tags=[LIVE_TAG])):
        raise Misconfigured(
            "live mode is unsafe to run: " + " ".join(str(fault.msg) for fault in faults)
        )


def refuse_unsigned() -> None:
    """Refuses a process without a certified key for its signatures in an active mode. Runs at
    process start.

    Without the key its work could not be recorded, and everyone who waits for it would wait for
    ever.

    Raises: `Misconfigured`.
    """
    if settings.TULGA_UNCERTIFIED_KEYS:
        names = ", ".join(settings.TULGA_UNCERTIFIED_KEYS)
        raise Misconfigured(
            f"the operator's root has not certified {names}.\nWhere its key is: manage.py"
            " certify_keys"
        )
    for mode in ("test", "live") if settings.TULGA_MODES_LIVE else ("test",):
        needed: dict[str, list[object]] = {
            "worker": [
                settings.TULGA_SIGNING_KEYS["decision"].get(mode),
                settings.TULGA_DOCUMENT_KEYS.get(mode),
            ],
            "web": [settings.TULGA_SIGNING_KEYS["door"].get(mode)],
            "sender": [settings.TULGA_SIGNING_KEYS["sender"].get(mode)],
            "tick": [settings.TULGA_LOG_KEYS.get(mode)],
        }
        if not all(needed.get(settings.TULGA_PROCESS, ())):
            folder = settings.TULGA_KEYS_DIR / settings.TULGA_PROCESS
            raise Misconfigured(
                f"a key of {mode} mode is missing in {folder}.\nRestore it from your copy; in a new"
                " set-up, or for the next number: manage.py make_keys"
            )


def calibrations() -> list[str]:
    """The content of each calibration of live mode: of faces, and of an attack detector.

    Zones, rates, conditions. Empty without live mode.
    """
    if not settings.TULGA_MODES_LIVE:
        return []
    every = [readiness.in_use for readiness in route_readiness().values()]
    sentences = [
        str(in_use.get(name, ""))
        for name in ("calibration_told", "passive_told")
        for in_use in every
    ]
    return [sentence for sentence in dict.fromkeys(sentences) if sentence]


def route_readiness() -> dict[str, Readiness]:
    """Every installed route by name: whether it exists, whether its stages pass their
    self-tests, and its engines.
    """
    by_route: dict[str, Readiness] = {}
    for name in settings.TULGA_ROUTES:
        in_use: dict[str, object] = {}
        failing = "does not load"
        try:
            stages = installed(name)
            failing = "cannot judge"
            for stage in stages.values():
                in_use |= stage.ready() if stage.ready is not None else {}
        except Misconfigured as error:
            by_route[name] = Readiness(is_ready=False, detail=f"{failing}: {error.detail}")
        else:
            by_route[name] = Readiness(is_ready=True, in_use=in_use)
    return by_route
