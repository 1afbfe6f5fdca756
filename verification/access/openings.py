"""A lender's actions on a verification: open, renew, cancel. Each is one transaction."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError

from verification import clock, transactions
from verification.access import links
from verification.case import attempts, contents, moving, policy, steps
from verification.case.moving import History, read_unverified
from verification.core import profiles, stored
from verification.core.errors import Conflict
from verification.core.ids import secret_digest
from verification.core.keeping import reference_mark
from verification.core.lender import LenderFacts
from verification.core.opening import Opening
from verification.core.person import Renewal
from verification.core.status import OPEN, Status
from verification.evidence import vault
from verification.log import log
from verification.models import Verification


@dataclass(frozen=True)
class Opened:
    """An open verification with a fresh link. `created` is False if the reference was already open.

    verification, and the attempt of `tries`: the rows as the transaction left them.
    opening: the lender's request of the first opening.
    """

    verification: Verification = field(repr=False)
    opening: Opening = field(repr=False)
    tries: attempts.Standing = field(repr=False)
    token: str = field(repr=False)
    link_expires_at: datetime
    created: bool

    @property
    def verification_id(self) -> str:
        """The id of the verification."""
        return self.verification.pk


def open_verification(
    *, lender: LenderFacts, mode: str, profile_id: str, opening: Opening
) -> Opened:
    """Opens a verification, or returns the open one with the same client reference.

    Raises: `BadInput` if the allowed routes cannot satisfy the profile.
    Raises: `Conflict` if another request has the reference.
    """
    opening.person.iin.require_mode(mode, pointer="/subject/iin")
    # In live mode no lender is laxer than the law of the day, whatever profile it has.
    profile = profiles.binding(profile_id, mode=mode, at=clock.now())
    combinations = profiles.usable(
        profile, installed=tuple(settings.TULGA_ROUTES), allowed_routes=opening.routes
    )
    # one_open_verification_per_reference: of two openings at once one inserts.
    with suppress(IntegrityError):
        return _open(lender, mode=mode, profile=profile, combinations=combinations, opening=opening)
    with transactions.writing():
        row = Verification.objects.filter(
            lender_id=lender.id,
            mode=mode,
            renews=None,
            client_reference=opening.client_reference,
            status__in=sorted(OPEN),
        ).first()
        if row is None:
            raise Conflict(
                "the open verification under this reference ended meanwhile; send again",
                code="conflict",
            )
        first = contents.read(row, contents.key_of(row)).opening
        request = (opening.person, opening.loan, opening.purpose)
        if (first.person, first.loan, first.purpose) != request:
            raise Conflict(
                "this client_reference is open for another request", code="client_reference_in_use"
            )
        # A repeated opening gets a fresh link to send.
        minted = links.mint_for(row, at=clock.now(), sender=links.sender_of(opening.opened_by))
        tries = attempts.standing_of([row], at=clock.now())[row.pk]
        return Opened(row, first, tries, minted.token, minted.expires_at, created=False)


def open_renewal(parent: Verification, sealed: contents.SealedCase, renewal: Renewal) -> Opened:
    """Opens the renewed consent to a verification's loan; the caller's transaction locks that
    verification.
    """
    return _open(
        sealed.case.lender,
        mode=parent.mode,
        profile=profiles.RENEWAL,
        combinations=profiles.RENEWAL.combinations,
        opening=sealed.opening,
        renewal=renewal,
        parent=parent,
    )


def _open(
    lender: LenderFacts,
    *,
    mode: str,
    profile: profiles.Profile,
    combinations: Sequence[profiles.Combination],
    opening: Opening,
    renewal: Renewal | None = None,
    parent: Verification | None = None,
) -> Opened:
    """Inserts a verification, and starts its route if there is only one. `parent`: the
    verification it renews.
    """
    at = clock.now()
    (version, index), *_ = vault.blind_index(
        purpose=vault.BORROWER, value=opening.person.iin.value
    ).items()
    verification = Verification(
        lender_id=lender.id,
        mode=mode,
        renews=parent,
        client_reference=opening.client_reference,
        created_at=at,
        expires_at=at + timedelta(seconds=policy.VERIFICATION_SECONDS),
        status=Status.REQUIRES_INPUT,
        locale=opening.locale,
        profile_id=profile.id,
        profile_sha256=profile.sha256,
        combinations=[list(combination) for combination in combinations],
        borrower_index=index,
        borrower_index_version=version,
    )
    history, attempt = History(verification), None
    with transactions.writing():
        key = vault.make(verification_id=verification.pk, lender_id=lender.id)
        case = contents.StoredCase(lender, opening, renewal)
        sealed = key.seal(stored.to_bytes(case), **vault.CASE)
        verification.sealed_case = sealed.data
        minted = links.mint_for(verification, at=at)
        body = {
            "profile": profile.id,
            "profile_sha256": profile.sha256,
            "case": sealed.commitment,
            "expires_at": verification.expires_at.isoformat(),
            "combinations": verification.combinations,
            "reference": reference_mark(verification.pk, verification.client_reference),
            "link": secret_digest(minted.token).hex(),
            "link_expires_at": minted.expires_at.isoformat(),
        }
        if parent is not None:
            body["renews"] = parent.pk
        if len(combinations) == 1:
            body["route"] = combinations[0][0]
        # The row is inserted once complete.
        with moving.moving(history):
            moving.record(verification, "verification.created", at=at, body=body)
            if len(combinations) == 1:
                attempt = attempts.enter_route(history, key=key, at=at)
        vault.keep(key)
    # It starts with the consent, whose attempts are not counted.
    tries = attempts.Standing(attempt, failures=0)
    return Opened(verification, opening, tries, minted.token, minted.expires_at, created=True)


def cancel(*, lender_id: str, mode: str, verification_id: str) -> None:
    """Cancels a verification for the lender.

    Raises: `NotFound`.
    Raises: `Conflict` after the end, or while an answer awaits judgement: a lender must not discard
    it.
    """
    at = clock.now()
    with transactions.writing():
        contents.of_lender(verification_id, lender_id=lender_id, mode=mode)
        verification = Verification.objects.select_for_update().get(pk=verification_id)
        if verification.step == steps.STOP:
            raise Conflict(
                "the borrower reported a caller, which ends it",
                code="illegal_transition",
            )
        if verification.step == steps.JUDGE:
            raise Conflict(
                "the borrower's answer is not judged yet; send again",
                code="answer_not_judged",
            )
        history = read_unverified(verification)
        with moving.moving(history):
            word = moving.word(history, "canceled_by_lender")
            moving.record(verification, "verification.canceled", at=at, body=word)
            # No worker decided it: a worker next signs its receipt and the documents of live
            # attempts.
            steps.schedule(verification, steps.DOCUMENT, due_at=at, queue=policy.ENDING_QUEUE)


def record_endpoint_disabled(*, lender_id: str, mode: str, endpoint_id: str) -> None:
    """Logs that a lender's webhook endpoint no longer gets events."""
    log.append(
        log=mode,
        type="endpoint.disabled",
        lender=lender_id,
        body={"endpoint": endpoint_id},
        at=clock.now(),
    )
