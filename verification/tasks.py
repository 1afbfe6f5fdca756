"""The Celery edge: a wake-up message, handled in the worker's parent, and one step, run in its
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
    """Says that this queue has work. The worker's own process takes it: see config/feeding.py."""


@shared_task(
    name="verification.advance",
    soft_time_limit=policy.STEP_SOFT_LIMIT_SECONDS,
    time_limit=policy.STEP_HARD_LIMIT_SECONDS,
)
def advance(verification_id: str) -> None:
    """Does the due step of this verification, unless another worker holds it."""
    with transactions.running(scope=transactions.ALL):
        # Each process measures its clock: the parent may have reserved before it knew.
        claimed = queue.claim(verification_id) if clock.is_right() else None
        if claimed is None:
            return
        try:
            # The work gets its own copy of the row: a rolled-back transaction must not change the
            # claim.
            run.run(copy(claimed))
        except FenceLost:
            logger.info("fence lost: %s", verification_id)
        except ConsentPending as pending:
            run.release(claimed, pending)
        except Exception as fault:
            logger.warning("step faulted: %s (%s)", verification_id, type(fault).__name__)
            run.release(claimed, fault)
