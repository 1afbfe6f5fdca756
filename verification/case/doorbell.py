"""Rings Celery, on commit: "there is work in this queue", and nothing else. The rows are the queue.

A bell nobody hears costs a second: workers look for work by themselves as well. So whoever rings
waits for no broker: one that hangs would hold each request and each step that rings, and with them
the queue.
"""

import logging
import time
from dataclasses import dataclass
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import ChannelError, ConnectionError, KombuError

from verification.case import policy

logger = logging.getLogger(__name__)

BELL = "verification.bell"


@dataclass
class _State:
    silent_until: float = 0.0  # by the monotonic clock


_state = _State()


def ring_on_commit(queue: str) -> None:
    """Rings once the surrounding transaction has committed; a broker that is down is ignored."""
    transaction.on_commit(partial(ring, queue))


def ring(queue: str) -> bool:
    """Rings now; False when the broker did not take it, or did not take one a moment ago.

    One immediate retry keeps a refusing broker under 0.1 s.
    """
    if time.monotonic() < _state.silent_until:
        return False
    try:
        current_app.send_task(
            BELL,
            args=(queue,),
            queue=queue,
            ignore_result=True,
            # Whoever was away that long has looked by itself since.
            expires=policy.BELL_SECONDS,
            retry=True,
            retry_policy={
                "max_retries": 1,
                "interval_start": 0,
                "interval_step": 0,
                "interval_max": 0,
            },
            # RabbitMQ that is short of memory or disk takes a message and confirms nothing, for as
            # long as it is.
            timeout=policy.RING_SECONDS,
            confirm_timeout=policy.RING_SECONDS,
        )
    except (KombuError, ChannelError, ConnectionError, OSError, ValueError) as error:
        # What was written is committed: a broker that is away, full or set up wrong changes
        # nothing.
        logger.warning("doorbell not heard: %s (%s)", queue, type(error).__name__)
        _state.silent_until = time.monotonic() + policy.SILENT_SECONDS
        return False
    return True
