"""Are the kept originals still what was stored, and what their commitments say?"""

from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError

from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.core.findings import Finding
from verification.evidence import store, vault
from verification.evidence.vault import Key
from verification.models import DataKey, EvidenceItem, SharedEvidence

_UNREADABLE = (DatabaseError, ValueError, TypeError, AttributeError, ArithmeticError)


def verify_evidence(log: str) -> Iterator[Finding]:
    """Findings about the sealed originals of one mode: hash, key, place and commitment; one file in memory at a time.

    Where a key was destroyed only the hash is left to be checked; so it is where this process has no KEK at all.
    """
    key: Key | None = None
    owner = ""
    ids = EvidenceItem.objects.filter(verification__mode=log).order_by("verification_id", "id")
    try:
        for pk, verification_id in ids.values_list("pk", "verification_id").iterator():
            if verification_id != owner:
                owner = verification_id
                key, wrong = _key_of(verification_id)
                yield from (_finding(log, "key", detail) for detail in wrong)
            for field, detail in _verify_item(pk, key):
                yield _finding(log, "evidence", f"evidence {pk} of {verification_id}: {detail}", field=field)
    except _UNREADABLE as error:
        yield _finding(log, "unreadable", f"the evidence cannot be read further ({type(error).__name__})")


def verify_shared() -> Iterator[Finding]:
    """Findings about evidence that is kept in the clear, of both modes."""
    try:
        for name in SharedEvidence.objects.order_by("pk").values_list("pk", flat=True).iterator():
            try:
                store.get_shared(name)
            except EvidenceUnreadable as error:
                yield _finding("", "shared_evidence", f"shared evidence: {error.detail}")
    except _UNREADABLE as error:
        yield _finding("", "unreadable", f"the shared evidence cannot be read further ({type(error).__name__})")


def _key_of(verification_id: str) -> tuple[Key | None, list[str]]:
    """The key if there is one to try, and what is wrong with it."""
    if not settings.TULGA_KEY_ENCRYPTION_KEYS:
        return None, []
    try:
        row = DataKey.objects.select_related("verification").filter(pk=verification_id).first()
        if row is None:
            return None, [f"{verification_id} has no key"]
        if row.destroyed_at is not None:
            still = [f"the key of {verification_id} counts as destroyed and is still there"] if row.wrapped_key else []
            return None, still
        return vault.unwrap(row, lender_id=row.verification.lender_id), []
    except (EvidenceUnreadable, Misconfigured) as error:
        return None, [f"the key of {verification_id} does not open: {error.detail}"]
    except _UNREADABLE:
        return None, [f"the key of {verification_id} cannot be read"]


def _verify_item(pk: str, key: Key | None) -> Iterator[tuple[str, str]]:
    """Pairs of the column that does not fit and a sentence about it."""
    try:
        item = EvidenceItem.objects.get(pk=pk)
    except _UNREADABLE:
        yield "", "the row cannot be read"
        return
    try:
        plain = store.get(key, item) if key else None
        if key is None:
            store.read(str(item.sealed_sha256))
    except EvidenceUnreadable as error:
        yield "sealed_sha256", error.detail
        return
    if plain is not None and len(plain) != item.size:
        yield "size", f"it has {len(plain)} bytes, its row says {item.size}"


def _finding(log: str, code: str, detail: str, *, field: str = "") -> Finding:
    return Finding(code=code, log=log, field=field, detail=detail)
