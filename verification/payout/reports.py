"""A lender's reports after the decision: its contract is signed, the obligation began, it ended.

The wait before payout counts from the contract (law: O-52, O-53).
The obligation starts and stops the retention clock (law: O-80).
An obligation is accepted for every verification reported as verified, with or without a consumed
clearance.
The law counts from it. A refusal would release evidence too early and hide a payout outside this
system.
"""

from datetime import datetime, timedelta

from verification import clock, transactions
from verification.case import blocks, contents, moving, policy
from verification.case.moving import read_unverified
from verification.core import almaty, profiles
from verification.core.clearance import may_wait, release_not_before
from verification.core.errors import BadInput, Conflict
from verification.core.events import ADVANCED, CLOSED, OBLIGATIONS, OPENED, REPORTED
from verification.core.status import Status
from verification.log import decided, entries, signatures
from verification.log.advanced import advanced_since
from verification.payout import clearances, gates


def report_contract(
    *,
    lender_id: str,
    mode: str,
    verification_id: str,
    profile_id: str,
    signed_at: datetime,
    contract_sha256: str = "",
) -> None:
    """Records that the contract is signed; an equal report changes nothing.

    profile_id: the lender's present law.
    The wait counts from now if `signed_at` is earlier, because an earlier time is unproven.

    Raises: `NotFound`, `BadInput` for an impossible time or without a contract.
    Raises: `Conflict` for another report or contract, without a reportable verification, or if the
    wait would outlast it.
    """
    at = clock.now()
    law = profiles.binding(profile_id, mode=mode, at=at)
    with transactions.writing():
        verification = contents.lock_of_lender(verification_id, lender_id=lender_id, mode=mode)
        decision = clearances.require_told(verification)
        blocks.require_payable(blocks.of_row(verification))
        case = contents.read(verification, contents.key_of(verification)).case
        contract = clearances.contract_of(case.loan, contract_sha256)
        sound = clearances.entries_of(verification, REPORTED, ADVANCED)
        if (earlier := clearances.reported(sound)) is not None:
            if (earlier.contract, earlier.signed_at) != (contract, signed_at):
                raise Conflict("another contract or time was reported", code="contract_reported")
            return
        if signed_at > at + timedelta(seconds=policy.SIGNED_AHEAD_SECONDS):
            raise BadInput("it lies in the future", code="signed_in_future", pointer="/signed_at")
        if signed_at <= decision.at - policy.TOLD_TO:
            raise BadInput(
                "the borrower was not yet verified at that time",
                code="signed_before_verified",
                pointer="/signed_at",
            )
        laws, release_from = (profiles.pinned(verification.profile_sha256), law), max(signed_at, at)
        # The latest possible end of the wait: the day's other loans decide at payout whether it
        # applies.
        waits, valid_for = (
            release_not_before(release_from, laws),
            min(profile.valid_for_seconds for profile in laws),
        )
        if (waits or release_from) >= decision.at - advanced_since(decision, sound) + timedelta(
            seconds=valid_for
        ):
            raise Conflict(
                "the wait would end when the verification is too old for a payout",
                code="verification_too_old",
            )
        # What it tells: a wait only where the credits known here already ask for one.
        cap, days = clearances.tiyn(case.loan.amount), {almaty.day_of(signed_at), almaty.day_of(at)}
        of_days = gates.most_credit_of_days(verification, case.person.iin.value, days=days, at=at)
        if not may_wait(cap + of_days, laws, (signed_at, at)):
            waits = None
        with moving.moving(read_unverified(verification)):
            body = {"contract": contract, "cap": cap, "profile": law.id}
            body |= {"signed_at": signed_at.isoformat(), "release_from": release_from.isoformat()}
            body |= {"release_not_before": waits.isoformat() if waits else ""}
            moving.record(verification, REPORTED, at=at, body=body)


def report_obligation(
    *, lender_id: str, mode: str, verification_id: str, status: str, at: datetime
) -> None:
    """Records that the obligation opened or closed at a time; an equal report changes nothing.

    Raises: `NotFound`, `BadInput` for an impossible time.
    Raises: `Conflict` if not verified, reported otherwise before, or closed without an opening.
    """
    now = clock.now()
    if at > now + timedelta(seconds=policy.OBLIGATION_AHEAD_SECONDS):
        raise BadInput("this time is in the future", code="obligation_in_future", pointer="/at")
    with transactions.writing():
        verification = contents.lock_of_lender(verification_id, lender_id=lender_id, mode=mode)
        if verification.redacted_at is not None:
            raise Conflict("its personal data are erased", code="verification_erased")
        if verification.renews_id:
            raise Conflict(
                "it is a renewed consent to another verification's loan", code="is_renewal"
            )
        public = decided.status_of(verification)
        if public.status != Status.VERIFIED or public.finished_at is None:
            raise Conflict(
                "only a verification that is reported as verified can do this", code="not_verified"
            )
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
                f"it was reported as {status} at another time", code=f"obligation_{status}"
            )
        if status == CLOSED and OPENED not in reported:
            raise Conflict("it was never reported as opened", code="obligation_not_opened")
        if status == CLOSED and at < reported[OPENED]:
            raise BadInput("before it was opened", code="obligation_before_opening", pointer="/at")
        with moving.moving(read_unverified(verification)):
            moving.record(verification, f"obligation.{status}", at=now, body={"at": at.isoformat()})
