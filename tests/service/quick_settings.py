"""The product's settings for these tests' processes: the same rules with short times, so that a kill costs seconds.

The order of the numbers is the product's: a source gives up before a step does, a step before its lease runs out.
"""

from config.settings import *  # noqa: F403
from config.settings import TULGA_SOURCES
from lenders import policy as lenders_policy
from verification.workflow import policy

# Seconds, all of them.
_SOURCE = 2.5
policy.STEP_SOFT_LIMIT_SECONDS = 4
policy.STEP_HARD_LIMIT_SECONDS = 5
policy.LEASE_SECONDS = 6
policy.RING_AGAIN_SECONDS = 2
policy.BACKOFF_SECONDS = (1,)
lenders_policy.POST_SECONDS = 3
lenders_policy.POST_LEASE_SECONDS = 6
lenders_policy.RING_AGAIN_SECONDS = 2

_REVOCATION = TULGA_SOURCES["test"]["revocation"]
_REVOCATION["options"] = {**dict(_REVOCATION["options"]), "seconds": _SOURCE}  # type: ignore[call-overload]
