"""What a lender reports after the decision: that its contract is signed, and that the obligation
began and ended.

From the contract the wait before the money counts (law: O-52, O-53); the obligation starts and
stops the retention clock (law: O-80). The obligation is taken of all that is told to be verified,
with or without a consumed clearance. The law counts from it, and to refuse one that was paid past
us would let its evidence go too early and hide that it was.
"""

from datetime import datetime, timedelta

from verification import clock, transactions
from verification.case import contents, moving, policy
from verification.case.moving import read_unverified
from verification.core import profiles
from verification.core.clearance import release_not_before
from verification.core.errors import BadInput, Conflict
from verification.core.events import ADVANCED, CLOSED, OBLIGATIONS, OPENED, REPORTED
from verification.core.status import Status
from verification.log import decided, entries, signatures
from verification.log.advanced import advanced_since
from verification.payout import clearances


def report_contract(
    *,
    lender_id: str,
    mode: str,
    verification_id: str,
    profile_id: str,
    signed_at: datetime,
    contract_sha256: str = "",
) -> None:
    """Puts on record that the contract is signed; the same report again does nothing.

    profile_id: the law by which the lender goes now. The wait counts from now on where `signed_at`
    is earlier, for that is not known. Raises `NotFound`, `BadInput` for a time that cannot
    be or where it is not said which contract, `Conflict` for another report or contract, where
    there is nothing to be reported, or where the wait would be over no sooner than the verification
    is too old to pay by.
    """
    at = clock.now()
    law = profiles.binding(profile_id, mode=mode, at=at)
    with transactions.writing():
        verification = contents.lock_of_lender(verification_id, lender_id=lender_id, mode=mode)
        decision = clearances.require_told(verification)
        loan = contents.read(verification, contents.key_of(verification)).case.loan
        contract = clearances.contract_of(loan, contract_sha256)
        sound = clearances.entries_of(verification, REPORTED, ADVANCED)
        if (earlier := clearances.reported(sound)) is not None:
            if (earlier.contract, earlier.signed_at) != (contract, signed_at):
                raise Conflict("another contract or time was reported", code="contract_reported")
            return
        if signed_at > at + timedelta(seconds=policy.SIGNED_AHEAD_SECONDS):
            raise BadInput("it lies in the future", code="signed_in_future", pointer="/signed_at")
        if signed_at <= decision.at - policy.TOLD_TO:
            raise BadInput(
                "the borrower was not verified by then",
                code="signed_before_verified",
                pointer="/signed_at",
            )
        laws, release_from = (profiles.pinned(verification.profile_sha256), law), max(signed_at, at)
        # Until when the money may have to wait: whether it has to is known as it leaves, by what
        # else is lent that day.
        waits, valid_for = (
            release_not_before(release_from, laws),
            min(profile.valid_for_seconds for profile in laws),
        )
        if (waits or release_from) >= decision.at - advanced_since(decision, sound) + timedelta(
            seconds=valid_for
        ):
            raise Conflict(
                "the wait ends when the verification is too old to pay by",
                code="verification_too_old",
            )
        with moving.moving(read_unverified(verification)):
            body = {"contract": contract, "cap": clearances.tiyn(loan.amount), "profile": law.id}
            body |= {"signed_at": signed_at.isoformat(), "release_from": release_from.isoformat()}
            body |= {"release_not_before": waits.isoformat() if waits else ""}
            moving.record(verification, REPORTED, at=at, body=body)


def report_obligation(
    *, lender_id: str, mode: str, verification_id: str, status: str, at: datetime
) -> None:
    """Puts on record that the obligation was opened or closed at a time; the same word again
    changes nothing.

    Raises `NotFound`, `BadInput` for a time that cannot be, and `Conflict` for what is not
    verified, was told otherwise, or is closed and was never opened.
    """
    now = clock.now()
    if at > now + timedelta(seconds=policy.OBLIGATION_AHEAD_SECONDS):
        raise BadInput("this time has not come yet", code="obligation_in_future", pointer="/at")
    with transactions.writing():
        verification = contents.lock_of_lender(verification_id, lender_id=lender_id, mode=mode)
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
        reported = {
            entry.type.removeprefix("obligation."): datetime.fromisoformat(entry.body["at"])
            for entry in sound
        }
        if status in reported:
            if reported[status] == at:
                return
            raise Conflict(
                f"it was told to be {status} at another time", code=f"obligation_{status}"
            )
        if status == CLOSED and OPENED not in reported:
            raise Conflict("it was never told to be opened", code="obligation_not_opened")
        if status == CLOSED and at < reported[OPENED]:
            raise BadInput("before it was opened", code="obligation_before_opening", pointer="/at")
        with moving.moving(read_unverified(verification)):
            moving.record(verification, f"obligation.{status}", at=now, body={"at": at.isoformat()})
