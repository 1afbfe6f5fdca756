"""Whether this deployment may do what it is asked to: nothing live runs on less than a complete live set."""

from django.conf import settings
from django.core import checks

LIVE_TAG = "live"


def live_is_complete() -> bool:
    """Whether live mode is on and every check tagged `live` (see `verification/deploy_checks.py`) finds nothing."""
    return settings.TULGA_MODES_LIVE and not checks.run_checks(tags=[LIVE_TAG])
