"""What a lender says of the credit: that its obligation began, and ended. It starts and stops the
retention clock.

Taken of whatever is told to be verified, with or without a consumed clearance: the law counts from
the obligation, and to refuse to hear of one that was paid past us would let its evidence go too
early and hide that it was. Law: O-80.
"""

from datetime import datetime, timedelta

from verification import clock, transactions
from verification.case import contents, moving, policy
from verification.case.history import read_unverified
from verification.core.errors import BadInput, Conflict
from verification.core.events import CLOSED, OBLIGATIONS, OPENED
from verification.core.status import Status
from verification.log import decided, entries, signatures
from verification.models import Verification


def report(*, lender_id: str, mode: str, verification_id: str, status: str, at: datetime) -> None:
    """Puts on record that the obligation was opened or closed at a time; the same word again
    changes nothing.

    Raises `NotFound`, `BadInput` for a time that cannot be, and `Conflict` for what is not
    verified, was told otherwise, or is closed and was never opened.
    """
    now = clock.now()
    if at > now + timedelta(seconds=policy.OBLIGATION_AHEAD_SECONDS):
        raise BadInput("this time has not come yet", code="obligation_in_future", pointer="/at")
    with transactions.writing():
        named = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
        verification = Verification.objects.select_for_update().get(pk=named.pk)
        if verification.renews_id:
            raise Conflict("it is a new consent to the loan of another", code="is_renewal")
        public = decided.status_of(verification)
        if public.status != Status.VERIFIED or public.finished_at is None:
            raise Conflict("only of what is told to be verified", code="not_verified")
        if at <= public.finished_at - policy.TOLD_TO:
            raise BadInput(
                "before the borrower was verified", code="obligation_before_decision", pointer="/at"
            )
        sound = signatures.sound(
            entries.of_cases([verification.pk], types=OBLIGATIONS, log=verification.mode)
        )
        said = {
            one.type.removeprefix("obligation."): datetime.fromisoformat(one.body["at"])
            for one in sound
        }
        if status in said:
            if said[status] == at:
                return
            raise Conflict(
                f"it was told to be {status} at another time", code=f"obligation_{status}"
            )
        if status == CLOSED and OPENED not in said:
            raise Conflict("it was never told to be opened", code="obligation_not_opened")
        if status == CLOSED and at < said[OPENED]:
            raise BadInput("before it was opened", code="obligation_before_opening", pointer="/at")
        with moving.moving(read_unverified(verification)):
            moving.record(verification, f"obligation.{status}", at=now, body={"at": at.isoformat()})
