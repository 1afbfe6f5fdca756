"""The Celery edge: a bell, which no child ever hears, and one step, which a worker hands to its own
pool.
"""

import logging
from copy import copy

from celery import shared_task

from verification import clock, transactions
from verification.case import policy
from verification.core.errors import ConsentPending, FenceLost
from verification.worker import queue, run

logger = logging.getLogger(__name__)


@shared_task(name="verification.bell")
def bell(queue: str) -> None:
    """Says that there is work in this queue. The worker's own process takes it: see
    config/feeding.py.
    """


@shared_task(
    name="verification.advance",
    soft_time_limit=policy.STEP_SOFT_LIMIT_SECONDS,
    time_limit=policy.STEP_HARD_LIMIT_SECONDS,
)
def advance(verification_id: str) -> None:
    """Does the step this verification is owed, if it is due and nobody holds it."""
    with transactions.running(scope=transactions.ALL):
        # Each process measures for itself: the parent may have reserved before it knew.
        claimed = queue.claim(verification_id) if clock.is_right() else None
        if claimed is None:
            return
        try:
            # The work has a row of its own: what a transaction that was rolled back did to it in
            # memory is not the claim.
            run.run(copy(claimed))
        except FenceLost:
            logger.info("fence lost: %s", verification_id)
        except ConsentPending as pending:
            run.release(claimed, pending)
        except Exception as fault:
            logger.warning("step faulted: %s (%s)", verification_id, type(fault).__name__)
            run.release(claimed, fault)
