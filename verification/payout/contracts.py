"""What the lender reports of its contract, from which the wait before the money counts. Law: O-52,
O-53.
"""

from datetime import datetime, timedelta

from verification import clock, transactions
from verification.case import contents, moving, policy
from verification.case.history import read_unverified
from verification.core import profiles
from verification.core.clearance import release_not_before
from verification.core.errors import BadInput, Conflict
from verification.core.events import ADVANCED, REPORTED
from verification.log.entries import advanced_since
from verification.models import Verification
from verification.payout import clearances


def report(
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
    is earlier, for nobody knows whether it is. Raises `NotFound`, `BadInput` for a time that cannot
    be or where nobody says which contract, `Conflict` for another report or contract, where there
    is nothing to be reported, or where the wait would be over no sooner than the verification is
    too old to pay by.
    """
    at = clock.now()
    law = profiles.binding(profile_id, mode=mode, at=at)
    with transactions.writing():
        named = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
        verification = Verification.objects.select_for_update().get(pk=named.pk)
        decision = clearances.require_told(verification)
        loan = contents.read(verification, contents.key_of(verification)).case.loan
        contract = clearances.contract_of(loan, contract_sha256)
        said = clearances.entries_of(verification, REPORTED, ADVANCED)
        if (known := clearances.reported(said)) is not None:
            if (known.contract, known.signed_at) != (contract, signed_at):
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
            min(one.valid_for_seconds for one in laws),
        )
        if (waits or release_from) >= decision.at - advanced_since(decision, said) + timedelta(
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
