"""Steps that workers owe a verification, and the messages that wake workers.

The rows are the queue: a row holds its due step.
On commit, a Celery message says that a queue has work; it carries no data.
A lost message costs a second, because workers also poll.
So no request or step waits for a broker, which could hang.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from celery import current_app
from django.db import transaction
from django.db.models import Q
from kombu.exceptions import ChannelError, ConnectionError, KombuError

from verification import clock, transactions
from verification.case import policy
from verification.case.moving import NO_STEP, write
from verification.models import Verification

OPEN, PREPARE, LOOK, JUDGE = "open", "prepare", "look", "judge"
"""Steps after a borrower's answer: begin an attempt, prepare it, look, judge."""
LAPSE, EXPIRE, WEIGH, STOP, LEAVE = "lapse", "expire", "weigh", "stop", "leave"
"""Steps that tick, desk or web schedule.

A dialogue or verification that ran out; sufficient votes; a borrower who reports a caller, or who
left a capture for another route.
"""
DOCUMENT: Final = "document"
"""For a verification that its lender ended: its receipt, and documents of its live attempts."""
LEND: Final = "lend"
"""For a document or signed file that somebody asked for: let web read it, and take it back."""
DESTROY: Final = "destroy"
"""For an ended verification: destroy its camera frames."""
PURGE: Final = "purge"
"""For a verification whose retention is over: erase its personal data."""
CLEAR: Final = "clear"
"""For a verified borrower: the gates of a requested clearance."""

logger = logging.getLogger(__name__)
BELL = "verification.bell"


def schedule(verification: Verification, step: str, *, due_at: datetime, queue: str) -> None:
    """Schedules a step of this row for a worker.

    A due step is announced at the commit. Workers find a later one by its time.
    """
    write(verification, **{**NO_STEP, "step": step, "queue": queue, "due_at": due_at})
    if due_at <= clock.now():
        transaction.on_commit(partial(ring, queue))


def ask_to_lend(verification_id: str) -> None:
    """Schedules `LEND` unless a worker has another step of this row to do, or does it now."""
    at = clock.now()
    with transactions.writing():
        is_free = Q(step="") | Q(step=LEND, fence="")
        rows = Verification.objects.filter(is_free, pk=verification_id).exclude(
            step=LEND, due_at__lte=at
        )
        row = rows.select_for_update().only("pk").first()
        if row is not None:
            schedule(row, LEND, due_at=at, queue=policy.AWAITED_QUEUE)


@dataclass
class _State:
    silent_until: float = 0.0  # by the monotonic clock


_state = _State()


def ring(queue: str) -> bool:
    """Sends a message now; False if the broker did not take it, or was silent a moment ago.

    One immediate retry limits a refusing broker to 0.1 s.
    """
    if time.monotonic() < _state.silent_until:
        return False
    try:
        current_app.send_task(
            BELL,
            args=(queue,),
            queue=queue,
            ignore_result=True,
            # A worker that was away that long has polled since.
            expires=policy.BELL_SECONDS,
            retry=True,
            retry_policy={
                "max_retries": 1,
                "interval_start": 0,
                "interval_step": 0,
                "interval_max": 0,
            },
            # RabbitMQ without memory or disk takes a message and does not confirm it.
            timeout=policy.RING_SECONDS,
            confirm_timeout=policy.RING_SECONDS,
        )
    except (KombuError, ChannelError, ConnectionError, OSError, ValueError) as error:
        # The row is committed: an absent, full or misconfigured broker changes nothing.
        logger.warning("worker message not delivered: %s (%s)", queue, type(error).__name__)
        _state.silent_until = time.monotonic() + policy.SILENT_SECONDS
        return False
    return True
