"""Whether this deployment may do what it is asked to: nothing live runs on less than a complete live set."""

from django.conf import settings
from django.core import checks

from verification.core.errors import Misconfigured

LIVE_TAG = "live"


def live_is_complete() -> bool:
    """Whether live mode is on and every check tagged `live` (see `verification/deploy_checks.py`) finds nothing."""
    return settings.TULGA_MODES_LIVE and not checks.run_checks(tags=[LIVE_TAG])


def refuse_unsafe_live() -> None:
    """Raises `Misconfigured`, naming every fault, if live mode is on and not complete. Called as a process starts."""
    if settings.TULGA_MODES_LIVE and (found := checks.run_checks(tags=[LIVE_TAG])):
        raise Misconfigured("live mode is not safe to run: " + " ".join(str(one.msg) for one in found))
