"""The Celery edge: a task carries an id, nothing else, and its loss or repetition changes nothing."""

import logging

from celery import shared_task

from verification.core.errors import ConsentPending, FenceLost
from verification.workflow import advance as worker
from verification.workflow import policy

logger = logging.getLogger(__name__)


@shared_task(
    name="verification.advance",
    soft_time_limit=policy.STEP_SOFT_LIMIT_SECONDS,
    time_limit=policy.STEP_HARD_LIMIT_SECONDS,
)
def advance(verification_id: str) -> None:
    """Does the step this verification is owed, if it is due and nobody holds it."""
    claimed = worker.claim(verification_id)
    if claimed is None:
        return
    try:
        worker.run(claimed)
    except FenceLost:
        logger.info("fence lost: %s", verification_id)
    except ConsentPending as pending:
        worker.release(claimed, pending)
    except Exception as fault:
        logger.warning("step faulted: %s (%s)", verification_id, type(fault).__name__)
        worker.release(claimed, fault)
