"""The case of a verification: its row as a lender or a page asks for it, what the lender sealed in
it, opened once a step, how long it must stay, and pages of a list.
"""

import json
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from django.db.models import Q, QuerySet

from verification import clock
from verification.case import policy
from verification.core import almaty, stored
from verification.core.errors import BadInput, EvidenceUnreadable, NotFound
from verification.core.ids import is_id, numbered
from verification.core.lender import LenderFacts
from verification.core.opening import Opening
from verification.core.person import Case, Renewal
from verification.evidence import vault
from verification.log import signatures
from verification.models import DataKey, Verification

Item = TypeVar("Item")
LIST_MAX = 100  # rows a page


@dataclass(frozen=True)
class SealedCase:
    """An opened row: the case for the routes, and all that the lender handed over, for the
    edges.
    """

    case: Case
    opening: Opening


def officer(officer_name: str) -> str:
    """What the lender calls one of its people, so that two spellings compare: capitals and blanks
    apart.
    """
    # Compatibility forms, too: full-width letters and ligatures are the same name to a reader.
    return " ".join(unicodedata.normalize("NFKC", officer_name).split()).casefold()


def marks_of(officer_name: str) -> list[str]:
    """Keyed hashes of that name, which may stand in the log: one for each index key, newest first;
    none of no name.
    """
    name = officer(officer_name)
    return (
        [mark.hex() for mark in vault.blind_index(purpose="officer", value=name).values()]
        if name
        else []
    )


@dataclass(frozen=True)
class StoredCase:
    """What is sealed in the row."""

    lender: LenderFacts
    opening: Opening
    renewal: Renewal | None = None


def of_lender(verification_id: str, *, lender_id: str, mode: str) -> Verification:
    """The row, if it is this lender's; raises `NotFound` for none and for another's alike."""
    row = Verification.objects.filter(pk=verification_id, lender_id=lender_id, mode=mode).first()
    if row is None:
        raise NotFound("no such verification")
    require_lender(row)
    return row


def lock_of_lender(verification_id: str, *, lender_id: str, mode: str) -> Verification:
    """The row as `of_lender` gives it, locked, within the transaction of the caller."""
    row = of_lender(verification_id, lender_id=lender_id, mode=mode)
    return Verification.objects.select_for_update().get(pk=row.pk)


def require_lender(verification: Verification) -> None:
    """Raises `NotFound` unless the signed entry that opened the verification names its lender.

    It is one statement. A door that acts for a lender asks this before anything else.
    """
    opening = signatures.opening_of(verification)
    if opening is None or opening.lender_id != verification.lender_id:
        raise NotFound("no such verification")


def by_reference(reference: str) -> Q:
    """Which rows a lender means: by its reference, or by the case number that a borrower has read
    out.
    """
    mentioned = Q(client_reference=reference)
    try:
        return mentioned | Q(pk__range=numbered(reference, prefix="ver"))
    except BadInput:
        return mentioned


def require_test(mode: str) -> None:
    """Raises `NotFound` in live mode, where no borrower is played and no clock but time can be
    put forward.
    """
    if mode != policy.TEST_MODE:
        raise NotFound("there is no such address")


def of_any_lender(untrusted_id: str) -> Verification:
    """The row with its lender, for people who may see every lender's; raises `NotFound`."""
    row = None
    if is_id(untrusted_id, prefix="ver"):
        row = Verification.objects.filter(pk=untrusted_id).select_related("lender").first()
    if row is None:
        raise NotFound("there is no such verification")
    return row


def key_of(verification: Verification) -> vault.Key:
    """The key of a verification; open it once a step."""
    return vault.open(verification_id=verification.pk, lender_id=verification.lender_id)


def key_beside(verification: Verification) -> vault.Key:
    """The key of a row that was read together with it (`select_related("key")`); raises
    `EvidenceUnreadable`.
    """
    if not hasattr(verification, "key"):
        raise EvidenceUnreadable(f"{verification.pk} has no key")
    return vault.unwrap(verification.key, lender_id=verification.lender_id)


def is_erased(verification: Verification) -> bool:
    """Whether its key was destroyed, and nothing of it opens any more."""
    return DataKey.objects.filter(verification=verification).exclude(destroyed_at=None).exists()


def read(
    verification: Verification, key: vault.Key, *, commitment: str | None = None
) -> SealedCase:
    """Unseals the case; raises `EvidenceUnreadable` when it does not open under its key and place.

    commitment: as the log has it; raises, too, where the row holds another case.
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
    """Whether its time is over for every session, the living one included: a copied cookie opens
    nothing for years.

    One that is open is seen for longer than anything may wait: for a worker, for people, for the
        log.
    """
    review = timedelta(seconds=policy.REVIEW_SECONDS)
    end = verification.finished_at or verification.expires_at + review
    return end + timedelta(seconds=policy.SESSION_AFTER_END_SECONDS) <= clock.now()


@dataclass(frozen=True)
class Retention:
    """The obligation as the lender told of it, and until when what is kept must stay: None while it
    is open.
    """

    obligation_opened_at: datetime | None
    obligation_closed_at: datetime | None
    until: datetime | None


def retention_of(row: Verification) -> Retention:
    """How long what is kept of a row must stay."""
    opened_at, closed_at = row.obligation_opened_at, row.obligation_closed_at
    until = almaty.kept_until(created_at=row.created_at, opened_at=opened_at, closed_at=closed_at)
    return Retention(opened_at, closed_at, until)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A slice of a list. `next` continues after it, or is None at the end."""

    data: tuple[Item, ...]
    has_more: bool
    next: str | None


def beyond(rows: QuerySet[Verification], last: Verification) -> QuerySet[Verification]:
    """Those that come after this one in a list, newest first."""
    # The first condition is implied by the second, but only it ends where an index begins to be
    # read.
    return rows.filter(created_at__lte=last.created_at).exclude(
        created_at=last.created_at, pk__gte=last.pk
    )
