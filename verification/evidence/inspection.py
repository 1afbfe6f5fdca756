"""Are the kept originals and the sealed cases still what was stored, and what the log committed to?"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

from django.conf import settings
from django.db import DatabaseError

from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.core.findings import Finding
from verification.evidence import store, vault
from verification.evidence.case_inspection import Unchecked as Unchecked
from verification.evidence.case_inspection import verify_case
from verification.evidence.vault import Key
from verification.models import AuditEntry, DataKey, EvidenceItem, SharedEvidence

_UNREADABLE = (DatabaseError, ValueError, TypeError, AttributeError, ArithmeticError)
_CASE_UNREADABLE = (DatabaseError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError)


def verify_evidence(log: str) -> Iterator[Finding]:
    """Findings about the sealed originals of one mode: hash, key, place and commitment; one file in memory at a time.

    Where a verification's key was destroyed only the hash is left to be checked; so it is where this process has no KEK
    at all. Of what was destroyed by itself neither key nor bytes may be left.
    """
    ids = EvidenceItem.objects.filter(verification__mode=log).order_by("verification_id", "id")
    try:
        # In order of their verification, so that each key is unwrapped once.
        for owner, of_owner in groupby(ids.values_list("verification_id", "pk").iterator(), key=itemgetter(0)):
            key, wrong = _key_of(owner)
            yield from (Finding(code="key", log=log, detail=detail) for detail in wrong)
            for pk, item in _items([pk for _, pk in of_owner]):
                # A worker may have destroyed it meanwhile: then its row says so by now.
                if _verify_item(item, key) and (wrong_item := _verify_item(dict(_items([pk]))[pk], key)):
                    field, detail = wrong_item
                    detail = f"evidence {pk} of {owner}: {detail}"
                    yield Finding(code="evidence", log=log, field=field, detail=detail)
    except _UNREADABLE as error:
        detail = f"the evidence cannot be read further ({type(error).__name__})"
        yield Finding(code="unreadable", log=log, detail=detail)


def verify_shared() -> Iterator[Finding]:
    """Findings about evidence that is kept in the clear, of both modes."""
    try:
        for name in SharedEvidence.objects.order_by("pk").values_list("pk", flat=True).iterator():
            try:
                store.read(name)
            except EvidenceUnreadable as error:
                yield Finding(code="shared_evidence", detail=f"shared evidence: {error.detail}")
    except _UNREADABLE as error:
        detail = f"the shared evidence cannot be read further ({type(error).__name__})"
        yield Finding(code="unreadable", detail=detail)


def _key_of(verification_id: str) -> tuple[Key | None, list[str]]:
    """The key if there is one to try, and what is wrong with it."""
    if not settings.TULGA_KEY_ENCRYPTION_KEYS:
        return None, []
    try:
        row = DataKey.objects.select_related("verification").filter(pk=verification_id).first()
        if row is None:
            return None, [f"{verification_id} has no key"]
        if row.destroyed_at is not None:
            # A key that was to be destroyed and is still there breaks the promise of erasure: that is a finding too.
            still = [f"the key of {verification_id} counts as destroyed and is still there"] if row.wrapped_key else []
            return None, still
        return vault.unwrap(row, lender_id=row.verification.lender_id), []
    except (EvidenceUnreadable, Misconfigured) as error:
        return None, [f"the key of {verification_id} does not open: {error.detail}"]
    except _UNREADABLE:
        return None, [f"the key of {verification_id} cannot be read"]


def _items(ids: list[str]) -> Iterator[tuple[str, EvidenceItem | None]]:
    """The items of one verification, whose bytes are little or lie in files; None for one that cannot be read."""
    try:
        found = dict(EvidenceItem.objects.in_bulk(ids))
    except _UNREADABLE:
        found = {}
    for pk in ids:
        try:
            yield pk, found.get(pk) or EvidenceItem.objects.get(pk=pk)
        except (*_UNREADABLE, EvidenceItem.DoesNotExist):
            yield pk, None


def _verify_item(item: EvidenceItem | None, key: Key | None) -> tuple[str, str] | None:
    """The column that does not fit and a sentence about it; None if all do."""
    if item is None:
        return "", "the row cannot be read"
    try:
        is_destroyed = item.destroyed_at is not None
        if is_destroyed != (item.wrapped_key is None):
            return "wrapped_key", "its key counts as destroyed and is still there" if is_destroyed else "it has no key"
        if is_destroyed:
            # Its file goes a moment after its key; while a worker owes that, nothing is wrong.
            is_late = store.is_left(item) and not item.verification.step
            return ("sealed_sha256", "it counts as destroyed and its bytes are still there") if is_late else None
        if key is None:
            store.sealed_bytes(item)
        elif (size := len(store.get(key, item))) != item.size:
            return "size", f"it has {size} bytes, its row says {item.size}"
    except EvidenceUnreadable as error:
        return "sealed_sha256", error.detail
    return None


def verify_cases(log: str, *, unchecked: Unchecked) -> Iterator[Finding]:
    """Findings about the sealed cases of a log: key, place, commitment and index. Erased ones are left out.

    `unchecked` counts what no key was there for.
    """
    created = AuditEntry.objects.filter(log=log, type="verification.created", verification__isnull=False)
    try:
        for pk in created.order_by("pk").values_list("pk", flat=True).iterator():
            try:
                for field, detail in verify_case(pk, unchecked):
                    yield Finding(code="case", log=log, entry=str(pk), field=field, detail=detail)
            except _CASE_UNREADABLE as error:
                detail = f"the case it opened cannot be read ({type(error).__name__})"
                yield Finding(code="case", log=log, entry=str(pk), field=vault.CASE["field"], detail=detail)
    except _CASE_UNREADABLE as error:
        detail = f"the sealed cases cannot be read further ({type(error).__name__})"
        yield Finding(code="unreadable", log=log, detail=detail)
