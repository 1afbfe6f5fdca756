"""Whether this deployment may do what it is asked to: nothing live runs on less than a complete live set."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.core import checks

from verification.core.errors import Misconfigured
from verification.routes import get, names

LIVE_TAG = "live"


@dataclass(frozen=True)
class Readiness:
    """Whether a route can judge in this process. `in_use`: what it judges with; `detail`: why it cannot."""

    is_ready: bool
    in_use: Mapping[str, object] = field(default_factory=dict)
    detail: str = ""


def live_is_complete() -> bool:
    """Whether live mode is on and every check tagged `live` (see `verification/deploy_checks.py`) finds nothing."""
    return settings.TULGA_MODES_LIVE and not checks.run_checks(tags=[LIVE_TAG])


def refuse_unsafe_live() -> None:
    """Raises `Misconfigured`, naming every fault, if live mode is on and not complete. Called as a process starts."""
    if settings.TULGA_MODES_LIVE and (found := checks.run_checks(tags=[LIVE_TAG])):
        raise Misconfigured("live mode is not safe to run: " + " ".join(str(one.msg) for one in found))


def routes() -> dict[str, Readiness]:
    """Every installed route by name: whether its folder loads, its checks pass their self-tests, and what they use."""
    return {name: _of(name) for name in names()}


def _of(name: str) -> Readiness:
    try:
        route = get(name)
    except (Misconfigured, ImportError) as error:
        return Readiness(is_ready=False, detail=f"does not load: {type(error).__name__}")
    try:
        return Readiness(is_ready=True, in_use=route.ready() if route.ready else {})
    except Misconfigured as error:
        return Readiness(is_ready=False, detail=f"cannot judge: {error.detail}")
