"""A lender's request to erase the personal data of a case. Law: O-82.

While retention runs it is recorded, with the day by which it must be answered; then workers erase
the case as they erase any other.
"""

from datetime import timedelta

from verification import clock, transactions
from verification.case import contents, moving, policy
from verification.case.moving import read_unverified
from verification.core.errors import Conflict
from verification.core.events import REDACTED, REQUESTED
from verification.core.status import TERMINAL
from verification.log import decided


def request(*, lender_id: str, mode: str, verification_id: str) -> None:
    """Records the request, once, unless the case is erased already.

    Raises: `NotFound`, and `Conflict` before the log has ordered its end.
    """
    at = clock.now()
    with transactions.writing():
        verification = contents.lock_of_lender(verification_id, lender_id=lender_id, mode=mode)
        if decided.status_of(verification).status not in TERMINAL:
            raise Conflict("it has not ended", code="illegal_transition")
        history = read_unverified(verification)
        times = history.state.standing.times
        if REDACTED not in times and REQUESTED not in times:
            due = at + timedelta(days=policy.REQUEST_DAYS)
            with moving.moving(history):
                body = {"due": due.isoformat(), "asked_by": "lender"}
                moving.record(verification, REQUESTED, at=at, body=body)
