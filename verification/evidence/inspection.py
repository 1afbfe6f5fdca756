"""Are the kept originals and the sealed cases still what was stored, and what the log committed to?"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError

from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.core.findings import Finding
from verification.evidence import sealed_case, store, vault
from verification.evidence.vault import Key
from verification.models import AuditEntry, DataKey, EvidenceItem, SharedEvidence, Verification

_UNREADABLE = (DatabaseError, ValueError, TypeError, AttributeError, ArithmeticError)
_CASE_UNREADABLE = (DatabaseError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError)


def verify_evidence(log: str) -> Iterator[Finding]:
    """Findings about the sealed originals of one mode: hash, key, place and commitment; one file in memory at a time.

    Where a verification's key was destroyed only the hash is left to be checked; so it is where this process has no KEK
    at all. Of what was destroyed by itself neither key nor bytes may be left.
    """
    key: Key | None = None
    owner = ""
    ids = EvidenceItem.objects.filter(verification__mode=log).order_by("verification_id", "id")
    try:
        for pk, verification_id in ids.values_list("pk", "verification_id").iterator():
            # In order of their verification, so that each key is unwrapped once.
            if verification_id != owner:
                owner = verification_id
                key, wrong = _key_of(verification_id)
                yield from (Finding(code="key", log=log, detail=detail) for detail in wrong)
            if wrong_item := _verify_item(pk, key):
                field, detail = wrong_item
                detail = f"evidence {pk} of {verification_id}: {detail}"
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


def _verify_item(pk: str, key: Key | None) -> tuple[str, str] | None:
    """The column that does not fit and a sentence about it; None if all do."""
    try:
        item = EvidenceItem.objects.get(pk=pk)
    except _UNREADABLE:
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


@dataclass
class Unchecked:
    """How many cases could not be opened, or not be found by an index, because this process has no such keys."""

    cases: int = 0
    indexes: int = 0

    def __str__(self) -> str:
        """A sentence about it, empty if everything was checked."""
        told = []
        if self.cases:
            told.append(f"{self.cases} sealed cases not checked: no key-encryption keys here")
        if self.indexes:
            told.append(f"{self.indexes} borrower indexes not checked: no index keys here")
        return "; ".join(told)


def verify_cases(log: str, *, unchecked: Unchecked) -> Iterator[Finding]:
    """Findings about the sealed cases of a log: key, place, commitment and index. Erased ones are left out.

    `unchecked` counts what no key was there for.
    """
    created = AuditEntry.objects.filter(log=log, type="verification.created", verification__isnull=False)
    try:
        for pk in created.order_by("pk").values_list("pk", flat=True).iterator():
            try:
                for field, detail in _verify_case(pk, unchecked):
                    yield Finding(code="case", log=log, entry=str(pk), field=field, detail=detail)
            except _CASE_UNREADABLE as error:
                detail = f"the case it opened cannot be read ({type(error).__name__})"
                yield Finding(code="case", log=log, entry=str(pk), field=sealed_case.FIELD, detail=detail)
    except _CASE_UNREADABLE as error:
        detail = f"the sealed cases cannot be read further ({type(error).__name__})"
        yield Finding(code="unreadable", log=log, detail=detail)


def _verify_case(entry_id: str, unchecked: Unchecked) -> Iterator[tuple[str, str]]:
    """Pairs of the field that does not fit and a sentence about it."""
    entry = AuditEntry.objects.get(pk=entry_id)
    row = Verification.objects.filter(pk=entry.verification_id).first()
    said = entry.body.get("case") if isinstance(entry.body, dict) else None
    if said is None or row is None:
        return
    if not settings.TULGA_KEY_ENCRYPTION_KEYS:
        unchecked.cases += 1
        return
    try:
        kept = DataKey.objects.filter(pk=row.pk).first()
        if kept is None:
            raise EvidenceUnreadable(f"{row.pk} has no key")
        if kept.destroyed_at is not None:
            return
        key = vault.unwrap(kept, lender_id=row.lender_id)
        opened = key.unseal(bytes(row.sealed_case), table=sealed_case.TABLE, field=sealed_case.FIELD)
    except (EvidenceUnreadable, Misconfigured) as error:
        yield sealed_case.FIELD, f"the case of {row.pk} does not open: {error.detail}"
        return
    if vault.commitment(opened.salt, opened.plain) != said:
        yield "case", f"the sealed case of {row.pk} is not the one this entry committed to"
    case, version = json.loads(opened.plain), row.borrower_index_version
    if not settings.TULGA_INDEX_KEYS:
        unchecked.indexes += 1
        return
    iin = str(case["opening"]["person"]["iin"]["value"])
    try:
        computed = vault.blind_index(purpose=sealed_case.INDEX_PURPOSE, value=iin)[version]
    except (KeyError, Misconfigured):
        yield "borrower_index_version", f"the index of {row.pk} cannot be computed: no sound key of version {version}"
    else:
        if bytes(row.borrower_index or b"") != computed:
            yield "borrower_index", f"the borrower of {row.pk} is not found by the IIN in its sealed case"
