"""What a worker may owe a verification, and the bell that tells workers of it.

The rows are the queue: a row holds the step it is owed. The bell says by Celery, on commit, that
there is work in a queue, and nothing else. A bell that is not heard costs a second, for workers
look for work by themselves as well. So no ringing waits for a broker: one that hangs would hold
each request and each step that rings, and with them the queue.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from celery import current_app
from django.db import transaction
from kombu.exceptions import ChannelError, ConnectionError, KombuError

from verification import clock
from verification.case import policy
from verification.case.moving import NO_STEP, write
from verification.models import Verification

OPEN, PREPARE, LOOK, JUDGE = "open", "prepare", "look", "judge"
"""Steps that an answer of the borrower leads to: begin an attempt, prepare it, look, judge."""
LAPSE, EXPIRE, WEIGH, STOP, LEAVE = "lapse", "expire", "weigh", "stop", "leave"
"""What tick, desk or web found to be due: a dialogue, or the whole, that ran out; votes that
suffice; a borrower who reports a caller, or who left a capture for another route."""
DOCUMENT: Final = "document"
"""Of a verification that its lender ended: its receipt, and documents of what was alive then."""
DESTROY: Final = "destroy"
"""Of a verification that has ended: its camera's frames."""
CLEAR: Final = "clear"
"""Of a verified borrower: the gates of the clearance that the lender asks for."""

logger = logging.getLogger(__name__)
BELL = "verification.bell"


def schedule(verification: Verification, step: str, *, due_at: datetime, queue: str) -> None:
    """Writes down that a worker owes this row a step.

    A step that is due is rung for at the commit. A later one is found by its time.
    """
    write(verification, **{**NO_STEP, "step": step, "queue": queue, "due_at": due_at})
    if due_at <= clock.now():
        transaction.on_commit(partial(ring, queue))


@dataclass
class _State:
    silent_until: float = 0.0  # by the monotonic clock


_state = _State()


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
            # A worker that was away that long has looked by itself since.
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
