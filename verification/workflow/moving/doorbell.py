"""Rings Celery, on commit: "there is work in this queue", and nothing else. The rows are the queue.

A bell nobody hears costs a second: workers look for work by themselves as well.
"""

import logging
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from verification.workflow import policy

logger = logging.getLogger(__name__)

BELL = "verification.bell"


def ring_on_commit(queue: str) -> None:
    """Rings once the surrounding transaction has committed; a broker that is down is ignored."""
    transaction.on_commit(partial(ring, queue))


def ring(queue: str) -> bool:
    """Rings now; False when the broker did not take it. One immediate retry keeps a refusing broker under 0.1 s."""
    try:
        current_app.send_task(
            BELL,
            args=(queue,),
            queue=queue,
            ignore_result=True,
            # Whoever was away that long has looked by itself since.
            expires=policy.BELL_SECONDS,
            retry=True,
            retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
        )
    except (OperationalError, OSError) as error:
        logger.warning("doorbell not heard: %s (%s)", queue, type(error).__name__)
        return False
    return True
