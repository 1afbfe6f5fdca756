"""What one verification holds sealed beside its evidence: its case, memories and phones; and what it is found by."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.evidence import vault
from verification.evidence.vault import Key
from verification.models import Attempt, AuditEntry, DataKey, HandOver, Verification

_LOOKS: Final = 5
"""How often a verification is looked at that is moving while we look."""
_REMEMBERING: Final = ("attempt.opened", "attempt.answered", "attempt.looked_at", "evidence.kept")


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


def verify_case(entry_id: str, unchecked: Unchecked) -> Iterator[tuple[str, str]]:
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
        opened = key.unseal(bytes(row.sealed_case), **vault.CASE)
    except (EvidenceUnreadable, Misconfigured) as error:
        yield vault.CASE["field"], f"the case of {row.pk} does not open: {error.detail}"
        return
    if vault.commitment(opened.salt, opened.plain) != said:
        yield "case", f"the sealed case of {row.pk} is not the one this entry committed to"
    opening = json.loads(opened.plain)["opening"]
    for field in ("client_reference", "locale"):
        if opening[field] != getattr(row, field):
            yield field, f"the {field} of {row.pk} is not the one in its sealed case"
    yield from _verify_memories(row.pk, key)
    yield from _verify_agents(row.pk, key)
    if not settings.TULGA_INDEX_KEYS:
        unchecked.indexes += 1
        return
    yield from _verify_indexes(row, str(opening["person"]["iin"]["value"]))


def _verify_indexes(row: Verification, iin: str) -> Iterator[tuple[str, str]]:
    """What is drawn by index keys: what its borrower is found by, and the numbers that phones show.

    So nobody who writes rows chooses either.
    """
    version = row.borrower_index_version
    try:
        computed = vault.blind_index(purpose=vault.BORROWER, value=iin)[version]
    except (KeyError, Misconfigured):
        yield "borrower_index_version", f"the index of {row.pk} cannot be computed: no sound key of version {version}"
    else:
        if bytes(row.borrower_index or b"") != computed:
            yield "borrower_index", f"the borrower of {row.pk} is not found by the IIN in its sealed case"
    for phone in HandOver.objects.filter(verification=row.pk).order_by("pk"):
        # Before somebody said the number it may be shown anew: it is the same.
        is_shown = phone.number or phone.outcome in ("done", "refused")
        if is_shown and phone.number not in vault.numbers_of(bytes(phone.phone_sha256 or b"")):
            yield "number", f"the number of hand-over {phone.pk} is none that we drew"


def _verify_memories(pk: str, key: Key) -> Iterator[tuple[str, str]]:
    """What each stage remembers is what the last entry of its attempt says: an earlier memory has tries left."""
    wrong: list[tuple[str, str]] = []
    for _ in range(_LOOKS):
        sequence = Verification.objects.filter(pk=pk).values_list("sequence", flat=True).first()
        entries = AuditEntry.objects.filter(verification=pk, type__in=_REMEMBERING).order_by("verification_sequence")
        bodies = [
            body for body in entries.values_list("body", flat=True) if isinstance(body, dict) and "memory" in body
        ]
        said, wrong = {str(body.get("attempt")): body["memory"] for body in bodies}, []
        for attempt in Attempt.objects.filter(verification=pk, pk__in=said).order_by("pk"):
            try:
                opened = key.unseal(bytes(attempt.sealed_memory), **vault.place_of_memory(attempt.pk))
            except EvidenceUnreadable as error:
                wrong.append(("sealed_memory", f"the memory of {attempt.pk} does not open: {error.detail}"))
                continue
            if vault.commitment(opened.salt, opened.plain) != said[attempt.pk]:
                detail = f"the memory of {attempt.pk} is not the one its last entry committed to"
                wrong.append(("sealed_memory", detail))
        # A worker may have moved it meanwhile, which is counted in its row.
        if not wrong or sequence == Verification.objects.filter(pk=pk).values_list("sequence", flat=True).first():
            break
    yield from wrong


def _verify_agents(pk: str, key: Key) -> Iterator[tuple[str, str]]:
    """Which browser each phone has that scanned a code, as its entry says."""
    bodies = AuditEntry.objects.filter(verification=pk, type="hand_over.read").values_list("body", flat=True)
    said = {str(body.get("hand_over")): body.get("agent") for body in bodies if isinstance(body, dict)}
    for row in HandOver.objects.filter(verification=pk).order_by("pk"):
        place = vault.place_of_agent(row.pk)
        wanted = said.get(bytes(row.code_sha256).hex())
        try:
            opened = key.unseal(bytes(row.sealed_agent), **place) if row.sealed_agent is not None else None
        except EvidenceUnreadable as error:
            yield "sealed_agent", f"the browser of hand-over {row.pk} does not open: {error.detail}"
            continue
        if wanted != (vault.commitment(opened.salt, opened.plain) if opened else None):
            yield "sealed_agent", f"the browser of hand-over {row.pk} is not the one its entry committed to"
