"""Rings Celery by a task's name, on commit. The row is the queue: a bell nobody hears is rung again by the sweep."""

import logging
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from verification.workflow import policy

logger = logging.getLogger(__name__)

ADVANCE = "verification.advance"
DELIVER = "lenders.deliver"


def ring_on_commit(task: str, argument: str, *, queue: str) -> None:
    """Rings once the surrounding transaction has committed; a broker that is down is ignored."""
    transaction.on_commit(partial(ring, task, argument, queue=queue))


def ring(task: str, argument: str, *, queue: str) -> bool:
    """Rings now; False when the broker did not take it. One immediate retry keeps a refusing broker under 0.1 s."""
    try:
        current_app.send_task(
            task,
            args=(argument,),
            queue=queue,
            ignore_result=True,
            # Rung again by then anyway: what a worker that was away finds in the queue, it drops unread.
            expires=policy.BELL_SECONDS,
            retry=True,
            retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
        )
    except (OperationalError, OSError) as error:
        logger.warning("doorbell not heard: %s (%s)", task, type(error).__name__)
        return False
    return True
