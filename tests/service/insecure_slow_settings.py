"""The settings of a worker that thinks for ever of the first face it sees; `STUBBORN`: it cannot be
asked to stop.

It is what the default backend loads in place of its net.
"""

import os
import time
from typing import NoReturn

from tests.service.quick_settings import *  # noqa: F403
from verification.case import policy
from verification.course import policy as course_policy
from verification.engines.faces import nets

# Two tries are enough to see.
policy.FAULTS_MAX = 2
vars(course_policy)["FAULTS_MAX"] = 2
if not os.environ.get("STUBBORN"):
    # A step that is asked to stop has all the time it needs to write that down: on a busy machine
    # over a second.
    policy.STEP_HARD_LIMIT_SECONDS, policy.LEASE_SECONDS = 30, 31


def insecure_load(*_: object, **__: object) -> NoReturn:
    """Outlasts every limit."""
    while True:
        try:
            time.sleep(60)
        except Exception:
            if not os.environ.get("STUBBORN"):
                raise


nets.load_sface = insecure_load
