"""Is the sealed case of a verification the one its opening put on record, and is its borrower found by their IIN?"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.core.findings import Finding
from verification.evidence import sealed_case, vault
from verification.models import AuditEntry, DataKey, Verification

_UNREADABLE = (DatabaseError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError)


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
            except _UNREADABLE as error:
                detail = f"the case it opened cannot be read ({type(error).__name__})"
                yield Finding(code="case", log=log, entry=str(pk), field=sealed_case.FIELD, detail=detail)
    except _UNREADABLE as error:
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
        opening = _open(row)
    except (EvidenceUnreadable, Misconfigured) as error:
        yield sealed_case.FIELD, f"the case of {row.pk} does not open: {error.detail}"
        return
    if opening is None:
        return
    if vault.commitment(opening.salt, opening.plain) != said:
        yield "case", f"the sealed case of {row.pk} is not the one this entry committed to"
    yield from _verify_index(row, json.loads(opening.plain), unchecked)


def _open(row: Verification) -> vault.Opening | None:
    """The case, or None where its key was destroyed."""
    kept = DataKey.objects.filter(pk=row.pk).first()
    if kept is None:
        raise EvidenceUnreadable(f"{row.pk} has no key")
    if kept.destroyed_at is not None:
        return None
    key = vault.unwrap(kept, lender_id=row.lender_id)
    return key.opening(bytes(row.sealed_case), table=sealed_case.TABLE, field=sealed_case.FIELD)


def _verify_index(row: Verification, case: Any, unchecked: Unchecked) -> Iterator[tuple[str, str]]:
    if not settings.TULGA_INDEX_KEYS:
        unchecked.indexes += 1
        return
    iin, version = str(case["person"]["iin"]), row.borrower_index_version
    try:
        computed = vault.blind_index_value(purpose=sealed_case.INDEX_PURPOSE, value=iin, version=version)
    except Misconfigured as error:
        yield "borrower_index_version", f"the index of {row.pk} cannot be computed: {error.detail}"
        return
    if bytes(row.borrower_index or b"") != computed:
        yield "borrower_index", f"the borrower of {row.pk} is not found by the IIN in its sealed case"
