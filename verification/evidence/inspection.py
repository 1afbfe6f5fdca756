"""Are the kept originals and the sealed cases still what was stored, and what the log committed to?

A case has sealed beside its evidence what its stages remember and the phones of its borrower, and what it is found by.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final, Protocol

from django.conf import settings
from django.db import DatabaseError

from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.core.findings import Finding
from verification.evidence import store, vault
from verification.evidence.vault import Key
from verification.models import Attempt, AuditEntry, DataKey, EvidenceItem, HandOver, SharedEvidence, Verification

_UNREADABLE = (DatabaseError, ValueError, TypeError, AttributeError, ArithmeticError)
_CASE_UNREADABLE = (DatabaseError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError)
_LOOKS: Final = 5
"""How often a verification is looked at that is moving while we look."""
_REMEMBERING: Final = ("attempt.opened", "attempt.answered", "attempt.looked_at", "evidence.kept")


class Entries(Protocol):
    """The readers of the log by which cases are inspected: evidence stands beside the log, and is handed them."""

    def ids_of_type(self, log: str, entry_type: str, /) -> Iterator[str]:
        """The ids of all entries of a type about a case."""

    def by_ids(self, ids: Collection[str], /) -> list[AuditEntry]:
        """The entries with these ids."""

    def of_cases(self, cases: Collection[str], /, *, types: Collection[str]) -> list[AuditEntry]:
        """The entries of these types of some verifications, in their order."""


@dataclass
class Unchecked:
    """How many cases could not be opened, or not be found by an index, because this process has no such keys."""

    cases: int = 0
    indexes: int = 0

    def __str__(self) -> str:
        """A sentence about it, empty if everything was checked."""
        parts = []
        if self.cases:
            parts.append(f"{self.cases} sealed cases not checked: no key-encryption keys here")
        if self.indexes:
            parts.append(f"{self.indexes} borrower indexes not checked: no index keys here")
        return "; ".join(parts)


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


def verify_cases(log: str, *, entries: Entries, unchecked: Unchecked) -> Iterator[Finding]:
    """Findings about the sealed cases of a log: key, place, commitment and index. Erased ones are left out.

    `unchecked` counts what no key was there for.
    """
    try:
        # Ids alone, and each row by itself: one that is damaged ends no look at the others.
        for pk in entries.ids_of_type(log, "verification.created"):
            try:
                for field, detail in verify_case(pk, unchecked, entries=entries):
                    yield Finding(code="case", log=log, entry=str(pk), field=field, detail=detail)
            except _CASE_UNREADABLE as error:
                detail = f"the case it opened cannot be read ({type(error).__name__})"
                yield Finding(code="case", log=log, entry=str(pk), field=vault.CASE["field"], detail=detail)
    except _CASE_UNREADABLE as error:
        detail = f"the sealed cases cannot be read further ({type(error).__name__})"
        yield Finding(code="unreadable", log=log, detail=detail)


def verify_case(entry_id: str, unchecked: Unchecked, *, entries: Entries) -> Iterator[tuple[str, str]]:
    """Pairs of the field that does not fit and a sentence about it. Raises `ValueError` if the entry is not there."""
    [entry] = entries.by_ids([entry_id])
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
    yield from _verify_memories(row.pk, key, entries)
    yield from _verify_agents(row.pk, key, entries)
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


def _verify_memories(pk: str, key: Key, entries: Entries) -> Iterator[tuple[str, str]]:
    """What each stage remembers is what the last entry of its attempt says: an earlier memory has tries left."""
    wrong: list[tuple[str, str]] = []
    for _ in range(_LOOKS):
        sequence = Verification.objects.filter(pk=pk).values_list("sequence", flat=True).first()
        remembering = (entry.body for entry in entries.of_cases([pk], types=_REMEMBERING))
        bodies = [body for body in remembering if isinstance(body, dict) and "memory" in body]
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


def _verify_agents(pk: str, key: Key, entries: Entries) -> Iterator[tuple[str, str]]:
    """Which browser each phone has that scanned a code, as its entry says."""
    bodies = [entry.body for entry in entries.of_cases([pk], types=("hand_over.read",))]
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
        elif (size := len(store.opening(key, item).plain)) != item.size:
            return "size", f"it has {size} bytes, its row says {item.size}"
    except EvidenceUnreadable as error:
        return "sealed_sha256", error.detail
    return None
