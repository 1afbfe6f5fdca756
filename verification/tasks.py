"""The Celery edge: a wake-up message, handled in the worker's parent, and one step, run in its
pool.
"""

import logging
import time
from collections.abc import Callable
from copy import copy
from functools import partial

from celery import shared_task

from verification import clock, transactions
from verification.access import subjects
from verification.case import policy
from verification.core.errors import ConsentPending, FenceLost
from verification.core.ids import is_id
from verification.models import SubjectRequest, Verification
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
    """Does the due step of this verification, or of a person's request to read their data, unless
    another worker holds it.
    """
    with transactions.running(scope=transactions.ALL):
        # Each process measures its clock: the parent may have reserved before it knew.
        if not clock.is_right():
            return
        if is_id(verification_id, prefix=subjects.PREFIX):
            if (request := identifying.claim(verification_id)) is not None:
                _do("identify", request.pk, partial(identifying.judge, request), request)
        elif (claimed := queue.claim(verification_id)) is not None:
            _do(claimed.step, claimed.pk, partial(_run, claimed), claimed)


def _run(claimed: Verification) -> str:
    # The work gets its own copy of the row: a rolled-back transaction must not change the claim.
    row = copy(claimed)
    run.run(row)
    return f"{row.status} {row.code}".rstrip()


def _do(
    step: str, name: str, work: Callable[[], str], claimed: Verification | SubjectRequest
) -> None:
    """Does a claimed step; a fault gives it back.

    name: the id of its row. work: gives the outcome in words.
    """
    began_at = time.monotonic()
    try:
        outcome = work()
        took = int((time.monotonic() - began_at) * 1000)
        logger.info("step %s of %s: %s, %d ms", step, name, outcome, took)
    except FenceLost:
        logger.info("fence lost: %s", name)
    except ConsentPending as pending:
        _release(claimed, pending)
    except Exception as fault:
        told = type(fault).__name__
        if isinstance(fault, OSError) and fault.filename:
            told = f"{told}: {fault.filename}"  # a file of evidence has its hash for a name
        logger.warning("step faulted: %s (%s)", name, told)
        _release(claimed, fault)


def _release(claimed: Verification | SubjectRequest, fault: Exception) -> None:
    if isinstance(claimed, Verification):
        run.release(claimed, fault)
    else:
        identifying.release(claimed)
