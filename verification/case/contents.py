"""A verification's row for a lender or page, its sealed case, its retention, and pages of a
list.
"""

import json
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from django.db.models import Q, QuerySet

from verification import clock
from verification.case import policy
from verification.core import stored
from verification.core.errors import BadInput, EvidenceUnreadable, NotFound
from verification.core.ids import is_id, numbered
from verification.core.lender import LenderFacts
from verification.core.opening import Opening
from verification.core.person import Case, Renewal
from verification.evidence import vault
from verification.log import signatures
from verification.models import Clearance, DataKey, Verification

Item = TypeVar("Item")
Listed = TypeVar("Listed", Verification, Clearance)
LIST_MAX = 100  # rows per page


@dataclass(frozen=True)
class SealedCase:
    """An opened row: the case for the routes, and the lender's full request for the edges."""

    case: Case
    opening: Opening


def officer(officer_name: str) -> str:
    """A canonical form of an officer's name, in which spellings compare without case and extra
    blanks.
    """
    # NFKC also folds full-width letters and ligatures, which look equal to a reader.
    return " ".join(unicodedata.normalize("NFKC", officer_name).split()).casefold()


def marks_of(officer_name: str) -> list[str]:
    """Keyed hashes of that name, fit for the log: one per index key, newest first; empty without
    a name.
    """
    name = officer(officer_name)
    return (
        [mark.hex() for mark in vault.blind_index(purpose="officer", value=name).values()]
        if name
        else []
    )


@dataclass(frozen=True)
class StoredCase:
    """The sealed content of the row."""

    lender: LenderFacts
    opening: Opening
    renewal: Renewal | None = None


def of_lender(verification_id: str, *, lender_id: str, mode: str) -> Verification:
    """The row, if it is this lender's.

    Raises: `NotFound` if it is absent or another lender's.
    """
    row = Verification.objects.filter(pk=verification_id, lender_id=lender_id, mode=mode).first()
    if row is None:
        raise NotFound("no such verification")
    require_lender(row)
    return row


def lock_of_lender(verification_id: str, *, lender_id: str, mode: str) -> Verification:
    """The row as from `of_lender`, locked in the caller's transaction."""
    row = of_lender(verification_id, lender_id=lender_id, mode=mode)
    return Verification.objects.select_for_update().get(pk=row.pk)


def require_lender(verification: Verification) -> None:
    """Raises: `NotFound` unless the signed opening entry names this lender.

    One statement. Every action for a lender checks this first.
    """
    opening = signatures.opening_of(verification)
    if opening is None or opening.lender_id != verification.lender_id:
        raise NotFound("no such verification")


def by_reference(reference: str) -> Q:
    """The rows with a lender's reference, or with a case number that a borrower reads out."""
    mentioned = Q(client_reference=reference)
    try:
        return mentioned | Q(pk__range=numbered(reference, prefix="ver"))
    except BadInput:
        return mentioned


def require_test(mode: str) -> None:
    """Raises: `NotFound` in live mode, which has no simulation and no test clock."""
    if mode != policy.TEST_MODE:
        raise NotFound("there is no such address")


def of_any_lender(untrusted_id: str) -> Verification:
    """The row with its lender, for people who may see every lender's.

    Raises: `NotFound`.
    """
    row = None
    if is_id(untrusted_id, prefix="ver"):
        row = Verification.objects.filter(pk=untrusted_id).select_related("lender").first()
    if row is None:
        raise NotFound("there is no such verification")
    return row


def key_of(verification: Verification) -> vault.Key:
    """The key of a verification; open it once per step."""
    return vault.open(verification_id=verification.pk, lender_id=verification.lender_id)


def key_beside(verification: Verification) -> vault.Key:
    """The key of a row loaded with it (`select_related("key")`).

    Raises: `EvidenceUnreadable`.
    """
    if not hasattr(verification, "key"):
        raise EvidenceUnreadable(f"{verification.pk} has no key")
    return vault.unwrap(verification.key, lender_id=verification.lender_id)


def is_erased(verification: Verification) -> bool:
    """Whether its key was destroyed, so that none of its data opens."""
    return DataKey.objects.filter(verification=verification).exclude(destroyed_at=None).exists()


def opening_beside(verification: Verification) -> Opening | None:
    """The lender's request of a row loaded with its key; None once erased.

    Raises: `EvidenceUnreadable`.
    """
    if hasattr(verification, "key") and verification.key.destroyed_at is not None:
        return None
    return read(verification, key_beside(verification)).opening


def read(
    verification: Verification, key: vault.Key, *, commitment: str | None = None
) -> SealedCase:
    """The unsealed case.

    commitment: of the log; a row with another case is refused.

    Raises: `EvidenceUnreadable` if it does not open under its key and place.
    """
    opened = key.unseal(bytes(verification.sealed_case), **vault.CASE)
    if commitment is not None and vault.commitment(opened.salt, opened.plain) != commitment:
        raise EvidenceUnreadable(f"the case of {verification.pk} is not the one it was opened with")
    sealed = stored.read(json.loads(opened.plain), into=StoredCase, what="case")
    case = Case(
        verification_id=verification.id,
        mode=verification.mode,
        profile=verification.profile_id,
        lender=sealed.lender,
        person=sealed.opening.person,
        loan=sealed.opening.loan,
        purpose=sealed.opening.purpose,
        locale=verification.locale,
        expires_at=verification.expires_at,
        renewal=sealed.renewal,
    )
    return SealedCase(case, sealed.opening)


def is_over(verification: Verification) -> bool:
    """Whether its time is over for every session, so that a copied cookie does not work for years.

    An open verification stays visible for longer than any wait: for a worker, for people, for the
    log.
    """
    review = timedelta(seconds=policy.REVIEW_SECONDS)
    end = verification.finished_at or verification.expires_at + review
    return end + timedelta(seconds=policy.SESSION_AFTER_END_SECONDS) <= clock.now()


@dataclass(frozen=True)
class Retention:
    """The obligation as the lender reported it, and the end of retention.

    until: None while the obligation is open, and once the data are erased.
    requested_at: when the lender asked to erase them; an answer is due at `answer_due_at`.
    """

    obligation_opened_at: datetime | None
    obligation_closed_at: datetime | None
    until: datetime | None
    requested_at: datetime | None
    answer_due_at: datetime | None


def retention_of(row: Verification) -> Retention:
    """The retention of a row."""
    requested_at = row.redaction_requested_at
    return Retention(
        row.obligation_opened_at,
        row.obligation_closed_at,
        row.kept_until,
        requested_at,
        requested_at and requested_at + timedelta(days=policy.REQUEST_DAYS),
    )


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A slice of a list. `next` continues after it, or is None at the end."""

    data: tuple[Item, ...]
    has_more: bool
    next: str | None


def beyond(rows: QuerySet[Listed], last: Listed) -> QuerySet[Listed]:
    """Rows after this one in a list, newest first."""
    # The second condition implies the first, but only the first bounds the index scan.
    return rows.filter(created_at__lte=last.created_at).exclude(
        created_at=last.created_at, pk__gte=last.pk
    )
