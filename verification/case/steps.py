"""What a worker may owe a verification. The rows are the queue: a row holds the step it is owed."""

from datetime import datetime
from typing import Final

from verification import clock
from verification.case import doorbell
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


def schedule(verification: Verification, step: str, *, due_at: datetime, queue: str) -> None:
    """Writes down that a worker owes this row a step.

    A step that is due is rung for at the commit. A later one is found by its time.
    """
    write(verification, **{**NO_STEP, "step": step, "queue": queue, "due_at": due_at})
    if due_at <= clock.now():
        doorbell.ring_on_commit(queue)
