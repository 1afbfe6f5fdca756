"""The Celery edge: a wake-up message, handled in the worker's parent, and one step, run in its
pool.
"""

import logging
import time
from copy import copy

from celery import shared_task

from verification import clock, transactions
from verification.access import subjects
from verification.case import policy
from verification.core.errors import ConsentPending, FenceLost
from verification.core.ids import is_id
from verification.worker import identifying, queue, run

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
    """Does the due step of this verification, unless another worker holds it.

    verification_id: or the id of a person's request to read their data.
    """
    with transactions.running(scope=transactions.ALL):
        if is_id(verification_id, prefix=subjects.PREFIX):
            identifying.step(verification_id)
            return
        # Each process measures its clock: the parent may have reserved before it knew.
        claimed = queue.claim(verification_id) if clock.is_right() else None
        if claimed is None:
            return
        began_at = time.monotonic()
        try:
            # The work gets its own copy of the row: a rolled-back transaction must not change the
            # claim.
            row = copy(claimed)
            run.run(row)
            outcome = f"{row.status} {row.code}".rstrip()
            took = int((time.monotonic() - began_at) * 1000)
            logger.info("step %s of %s: %s, %d ms", claimed.step, row.pk, outcome, took)
        except FenceLost:
            logger.info("fence lost: %s", verification_id)
        except ConsentPending as pending:
            run.release(claimed, pending)
        except Exception as fault:
            told = type(fault).__name__
            if isinstance(fault, OSError) and fault.filename:
                told = f"{told}: {fault.filename}"  # a file of evidence has its hash for a name
            logger.warning("step faulted: %s (%s)", verification_id, told)
            run.release(claimed, fault)
