"""The renewed consent after the wait: a verification of its own that names the one it renews. Law:
O-52.

Loan, person and lender come from the renewed verification, whose entries name each renewal.
So no row can hide a declined renewal, or add one of another loan.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from verification import clock, transactions
from verification.access import links, openings
from verification.case import attempts, blocks, contents, moving, stages
from verification.case.moving import History, read_sound
from verification.core import profiles
from verification.core.clearance import COOLING_OFF, WAITING, release_not_before
from verification.core.codes import ATTEMPTS_EXHAUSTED
from verification.core.errors import Conflict, EvidenceUnreadable
from verification.core.events import RENEWED
from verification.core.person import Case, Renewal
from verification.core.status import OPEN, Status
from verification.log import decided, signatures
from verification.log.advanced import advanced_since
from verification.models import AuditEntry, Verification
from verification.payout import clearances
from verification.payout.clearances import Reported

_VERIFIED: Final = "verification.verified"


@dataclass(frozen=True)
class Sent:
    """A link to send, and its renewed consent; empty if it leads to the verification itself."""

    token: str = field(repr=False)
    expires_at: datetime
    renewal_id: str = ""


@dataclass(frozen=True)
class Given:
    """A valid renewed consent: when its borrower was first asked, and its deciding entry."""

    begun_at: datetime
    decision: str


def mint(
    *, lender_id: str, mode: str, verification_id: str, profile_id: str, sent_by: str = ""
) -> Sent:
    """A link for the borrower: to the open verification or, once verified, to its renewed consent.

    profile_id: the lender's present law.

    Raises: as `links.mint`, and `Conflict` if no renewed consent is due.
    """
    at = clock.now()
    law = profiles.binding(profile_id, mode=mode, at=at)
    with transactions.writing():
        of_lender = contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
        if of_lender.status != Status.VERIFIED or of_lender.renews_id:
            minted = links.mint(
                lender_id=lender_id, mode=mode, verification_id=verification_id, sent_by=sent_by
            )
            return Sent(minted.token, minted.expires_at)
        verification = Verification.objects.select_for_update().get(pk=of_lender.pk)
        history = read_sound(verification)
        sound = history.entries
        contract, until = _due(verification, sound, law, at=at)
        for child in _opened(sound):
            if child.status in OPEN:
                minted = links.mint_for(child, at=at, sender=links.sender_of(sent_by))
                return Sent(minted.token, minted.expires_at, child.pk)
            of_child = signatures.sound_of(child)
            if (begun := _first(of_child)) is None or not any(
                entry.type == _VERIFIED for entry in of_child
            ):
                continue
            if begun.at - advanced_since(begun, of_child) >= until:
                raise Conflict("the borrower has already renewed the consent", code="consent_given")
        _require_tries(history, at=at)
        if (first := _first(sound)) is None:
            raise EvidenceUnreadable(f"the opening of {verification.pk} has no signature")
        sealed = contents.read(
            verification, contents.key_of(verification), commitment=str(first.body["case"])
        )
        renewal = Renewal(
            verification.pk,
            contract.contract,
            contract.signed_at.isoformat(),
            waited_until=until.isoformat(),
        )
        opened = openings.open_renewal(verification, sealed, renewal)
        with moving.moving(history):
            body = {
                "renewal": opened.verification_id,
                "profile": law.id,
                **links.sender_of(sent_by),
            }
            moving.record(verification, RENEWED, at=at, body=body)
        return Sent(opened.token, opened.link_expires_at, opened.verification_id)


def find_consent(
    verification: Verification, case: Case, sound: Sequence[AuditEntry], contract: Reported
) -> Given | None:
    """The newest valid renewed consent to this loan and contract; said: the verification's valid
    entries.

    It was opened for this verification, by its law and with its case.
    A worker's sound signature verified it, and it is neither disputed nor withdrawn.
    """
    for child in _opened(sound):
        of_child = signatures.sound_of(child)
        opened, decision = (
            _first(of_child),
            next((entry for entry in of_child if entry.type == _VERIFIED), None),
        )
        is_opposed = clearances.is_opposed(child, of_child)
        if (
            opened is None
            or decision is None
            or is_opposed
            or opened.body.get("renews") != verification.pk
        ):
            continue
        origins = {
            (entry.lender_id, entry.log, entry.body["profile_sha256"])
            for entry in (opened, decision)
        }
        if origins != {(verification.lender_id, verification.mode, profiles.RENEWAL.sha256)}:
            continue
        if not profiles.suffices(
            profiles.RENEWAL.combinations, passed_routes=decision.body["routes"]
        ):
            continue
        try:
            case_asked = contents.read(
                child, contents.key_of(child), commitment=str(opened.body["case"])
            ).case
        except EvidenceUnreadable:
            continue
        subject = (case_asked.lender, case_asked.person, case_asked.loan, case_asked.purpose)
        if case_asked.renewal is None or subject != (
            case.lender,
            case.person,
            case.loan,
            case.purpose,
        ):
            continue
        if case_asked.renewal.contract_sha256 == contract.contract:
            return Given(opened.at - advanced_since(opened, of_child), decision.pk)
    return None


def _due(
    verification: Verification, sound: Sequence[AuditEntry], law: profiles.Profile, *, at: datetime
) -> tuple[Reported, datetime]:
    """The contract that waits, and the end of the wait.

    Raises: `Conflict` unless a renewed consent is due now.
    """
    public = decided.status_of(verification)
    if public.status != Status.VERIFIED or public.decision is None:
        raise Conflict("this verification takes no link any more", code="illegal_transition")
    blocks.require_unblocked(verification)
    if code := clearances.barred(verification, sound):
        raise Conflict("the borrower disputes it, or declined this payout", code=code)
    if verification.redacted_at is not None:
        raise Conflict("the person can no longer be identified", code="verification_erased")
    if any(entry.type == "clearance.consumed" for entry in sound):
        raise Conflict("the loan is paid out", code="clearance_consumed")
    laws = (profiles.pinned(verification.profile_sha256), law)
    verified_at = public.decision.at - advanced_since(public.decision, sound)
    if at >= verified_at + timedelta(seconds=min(profile.valid_for_seconds for profile in laws)):
        raise Conflict("it is too old for a payout", code="verification_too_old")
    if not any(profile.cooling_off_hours for profile in laws):
        raise Conflict("no law requires a renewed consent", code="illegal_transition")
    if (contract := clearances.reported(sound)) is None:
        raise Conflict(
            "the wait counts from the contract's report, which is missing", code="contract_required"
        )
    # A worker must first find that the payout has to wait; until then its borrower gets no such
    # request.
    gates = [
        gate for entry in sound if entry.type == "clearance.refused" for gate in entry.body["gates"]
    ]
    if not any(gate["name"] == COOLING_OFF and gate["status"] in WAITING for gate in gates):
        raise Conflict("no clearance was refused for lack of it", code="renewal_not_due")
    until = release_not_before(contract.release_from, laws) or contract.release_from
    if at < until:
        wait = ceil((until - at).total_seconds())
        raise Conflict("the wait is not over", code="cooling_off", wait_seconds=wait)
    return contract, until


def _opened(sound: Sequence[AuditEntry]) -> Iterator[Verification]:
    """A verification's renewed consents by its entries, newest first."""
    for renewal in reversed([entry for entry in sound if entry.type == RENEWED]):
        if (
            row := Verification.objects.filter(pk=str(renewal.body["renewal"])).first()
        ) is not None:
            yield row


def _first(sound: Sequence[AuditEntry]) -> AuditEntry | None:
    """Its opening entry, if valid."""
    return next((entry for entry in sound if entry.type == "verification.created"), None)


def _require_tries(history: History, *, at: datetime) -> None:
    """Raises: `Conflict` while the borrower has no attempt left at a stage of it: it would end
    at once.
    """
    ((route,),) = profiles.RENEWAL.combinations
    way = stages.of_route(route, law=profiles.RENEWAL.sha256).values()
    tries = [attempts.count_tries(history, stage, at=at) for stage in way]
    if again_at := max(
        (count.again_at for count in tries if count.again_at is not None), default=None
    ):
        wait = ceil((again_at - at).total_seconds())
        raise Conflict("no attempt is left for now", code=ATTEMPTS_EXHAUSTED, wait_seconds=wait)
