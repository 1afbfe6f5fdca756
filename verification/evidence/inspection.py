"""Verifies stored originals and sealed cases against the log's commitments.

A case also seals its stages' memories, its borrower's phones, and its search values.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol, TypeVar

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Q, QuerySet

from verification import clock
from verification.core.errors import EvidenceUnreadable, Misconfigured
from verification.core.findings import Finding
from verification.core.ids import HAND_OVER
from verification.core.status import Status
from verification.evidence import store, vault
from verification.evidence.vault import Key, opens_evidence
from verification.models import (
    Access,
    Attempt,
    AuditEntry,
    DataKey,
    EvidenceItem,
    SharedEvidence,
    Verification,
)

_UNREADABLE = (DatabaseError, ValueError, TypeError, AttributeError, ArithmeticError)
_CASE_UNREADABLE = (
    DatabaseError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
)
_LOOKS: Final = 5
"""How often a verification that moves meanwhile is read again."""
_REVIEW: Final = "review"
"""The status of an attempt that waits for reviewers."""
_SOON_SECONDS: Final = 60
"""A step that is due later takes nothing back now. Ours."""
_OPENED: Final = "verification.created"
_READ: Final = "hand_over.read"
_REMEMBERING: Final = ("attempt.opened", "attempt.answered", "attempt.looked_at", "evidence.kept")
_COLUMNS: Final = (
    *(
        "lender_id",
        "mode",
        "client_reference",
        "locale",
        "sealed_case",
        "borrower_index",
        "borrower_index_version",
    ),
    *("sequence", "status", "step", "due_at"),
)
Row = TypeVar("Row")


@dataclass
class Unchecked:
    """How many cases or originals could not be opened, or indexes computed, for lack of keys in
    this process.
    """

    cases: int = 0
    indexes: int = 0
    originals: int = 0

    def add(self, other: "Unchecked") -> None:
        """Adds the omissions of another inspection."""
        self.cases += other.cases
        self.indexes += other.indexes
        self.originals += other.originals

    def __str__(self) -> str:
        """A sentence about it, empty if everything was checked."""
        parts = []
        if self.cases:
            parts.append(f"{self.cases} sealed cases not checked: no key-encryption keys here")
        if self.indexes:
            parts.append(f"{self.indexes} borrower indexes not checked: no index keys here")
        if self.originals:
            parts.append(f"{self.originals} originals not opened: no evidence keys here")
        return "; ".join(parts)


Seen = Finding | Unchecked


class Entries(Protocol):
    """Reads entries of some types of some cases, in order; unreadable ones are skipped."""

    def __call__(
        self, cases: Collection[str], /, *, types: Collection[str], skips_damaged: bool
    ) -> list[AuditEntry]:
        """The entries."""


@dataclass
class _Case:
    """The stored data of one case. `items`: by id, None if unreadable."""

    id: str
    log: str
    row: Verification | None
    kept: DataKey | None
    entries: list[AuditEntry] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    phones: list[Access] = field(default_factory=list)
    items: dict[str, EvidenceItem | None] = field(default_factory=dict)

    def of_types(self, *types: str) -> Iterator[AuditEntry]:
        """Its entries of these types whose bodies are maps."""
        return (
            entry for entry in self.entries if entry.type in types and isinstance(entry.body, dict)
        )


def verify_page(log: str, entries: Entries, ids: Sequence[str]) -> Iterator[Seen]:
    """Findings about the sealed cases and originals of some cases of a log, and the omissions for
    lack of keys.

    Of a sealed case: key, place, commitment and index. Of an original: hash, key, place and
    commitment.
    One file is in memory at a time.
    Of erased cases, and without a KEK or the workers' key of evidence in this process, only the
    hashes of originals are checked.
    Of an item destroyed alone, neither key nor bytes may remain. Only what reviewers look at now
    may be lent.
    """
    try:
        cases = _read(log, entries, ids)
    except _UNREADABLE as error:
        if len(ids) == 1:
            detail = f"what is sealed of {ids[0]} cannot be read ({type(error).__name__})"
            yield Finding(code="unreadable", log=log, detail=detail)
            return
        for name in ids:
            yield from verify_page(log, entries, [name])
        return
    for case in cases:
        outcomes = list(_verify(case))
        for _ in range(_LOOKS):
            # A worker may have moved it, which its row counts, or may move it during the next read.
            if not any(isinstance(outcome, Finding) for outcome in outcomes):
                break
            [again] = _read(log, entries, [case.id])
            outcomes = list(_verify(again))
            now = Verification.objects.filter(pk=case.id).values_list("sequence", flat=True).first()
            if again.row is None or again.row.sequence == now:
                break
        yield from outcomes


def verify_shared() -> Iterator[Finding]:
    """Findings about evidence stored in clear, of both modes."""
    try:
        for name in SharedEvidence.objects.order_by("pk").values_list("pk", flat=True).iterator():
            try:
                store.read(name)
            except EvidenceUnreadable as error:
                yield Finding(code="shared_evidence", detail=f"shared evidence: {error.detail}")
    except _UNREADABLE as error:
        detail = f"the shared evidence cannot be read further ({type(error).__name__})"
        yield Finding(code="unreadable", detail=detail)


def _read(log: str, entries: Entries, ids: Sequence[str]) -> list[_Case]:
    """The stored data of these cases, one statement per table. The rows come first: their counts
    are compared.
    """
    rows = {
        row.pk: row for row in _readable(Verification.objects.filter(pk__in=ids).only(*_COLUMNS))
    }
    data_keys = {key.pk: key for key in _readable(DataKey.objects.filter(pk__in=ids))}
    cases = {name: _Case(name, log, rows.get(name), data_keys.get(name)) for name in ids}
    for entry in entries(ids, types=(_OPENED, _READ, *_REMEMBERING), skips_damaged=True):
        cases[str(entry.verification_id)].entries.append(entry)
    attempts = Attempt.objects.filter(verification_id__in=ids).only(
        "verification_id", "sealed_memory", "status"
    )
    for attempt in _readable(attempts.order_by("pk")):
        cases[attempt.verification_id].attempts.append(attempt)
    # For other kinds of secret a number or a browser is unlawful: such a row is a finding.
    is_phone = Q(kind=HAND_OVER) | ~Q(number="") | Q(sealed__isnull=False)
    phones = Access.objects.filter(is_phone, verification_id__in=ids)
    for phone in _readable(phones.order_by("pk")):
        cases[phone.verification_id].phones.append(phone)
    items = EvidenceItem.objects.filter(verification_id__in=ids, verification__mode=log).order_by(
        "pk"
    )
    items_by_id = {item.pk: item for item in _readable(items.defer("seen_index", "created_at"))}
    for pk, owner in items.values_list("pk", "verification_id"):
        cases[owner].items[pk] = items_by_id.get(pk)
    return list(cases.values())


def _readable(query: QuerySet[Any, Row]) -> list[Row]:
    """The readable rows; others may be damaged."""
    try:
        return list(query)
    except _UNREADABLE:
        rows = list[Row]()
        for pk in list(query.values_list("pk", flat=True)):
            try:
                rows.extend(query.filter(pk=pk))
            except _UNREADABLE:
                continue
        return rows


def _verify(case: _Case) -> Iterator[Seen]:
    key, fault = _key_of(case)
    for entry in case.of_types(_OPENED):
        if entry.log == case.log:
            yield from _verify_case(case, entry, key, fault)
    if case.items and fault:
        yield Finding(code="key", log=case.log, detail=fault)
    files = dict[str, bytes]()
    for pk, item in case.items.items():
        if item is not None and item.sealed is None and item.sealed_sha256 not in files:
            files.clear()
        if wrong := _verify_item(case, item, key, files):
            column, detail = wrong
            detail = f"evidence {pk} of {case.id}: {detail}"
            yield Finding(code="evidence", log=case.log, field=column, detail=detail)
        if item is not None and key is not None and not item.destroyed_at and not opens_evidence():
            yield Unchecked(originals=1)
        if item is not None and not _may_be_lent(case, item):
            detail = f"evidence {pk} of {case.id} is lent to web, and no reviewer needs it"
            yield Finding(code="evidence_lent", log=case.log, field="lent_key", detail=detail)


def _verify_case(case: _Case, entry: AuditEntry, key: Key | None, fault: str) -> Iterator[Seen]:
    """Defects of the sealed case that an entry opened; of an erased one, what is left of it."""
    row = case.row
    if row is None or entry.body.get("case") is None:
        return
    if not settings.TULGA_KEY_ENCRYPTION_KEYS:
        yield Unchecked(cases=1)
        return
    is_erased = case.kept is not None and case.kept.destroyed_at is not None
    try:
        if is_erased:
            outcomes: Iterator[tuple[str, str] | Unchecked] = _verify_erased(case, row)
        else:
            outcomes = _verify_sealed(case, row, entry.body["case"], key, fault)
        for outcome in outcomes:
            if isinstance(outcome, Unchecked):
                yield outcome
                continue
            column, detail = outcome
            yield Finding(code="case", log=case.log, entry=entry.pk, field=column, detail=detail)
    except _CASE_UNREADABLE as error:
        detail = f"the case it opened cannot be read ({type(error).__name__})"
        yield Finding(
            code="case", log=case.log, entry=entry.pk, field=vault.CASE["field"], detail=detail
        )


def _verify_erased(case: _Case, row: Verification) -> Iterator[tuple[str, str]]:
    """What an erasure should have emptied. `stored_rows` compares its originals and words."""
    left = {
        "sealed_case": row.sealed_case,
        "client_reference": row.client_reference,
        "borrower_index": row.borrower_index,
        "sealed_memory": b"".join(bytes(attempt.sealed_memory) for attempt in case.attempts),
        "number": "".join(phone.number for phone in case.phones),
        "sealed": b"".join(bytes(phone.sealed or b"") for phone in case.phones),
    }
    for column, value in left.items():
        if value:
            yield column, f"{row.pk} counts as erased, and its {column} is still there"


def _verify_sealed(
    case: _Case, row: Verification, commitment: Any, key: Key | None, fault: str
) -> Iterator[tuple[str, str] | Unchecked]:
    """Pairs of the deviating field and a sentence."""
    try:
        if key is None:
            raise EvidenceUnreadable(fault)
        opened = key.unseal(bytes(row.sealed_case), **vault.CASE)
    except EvidenceUnreadable as error:
        yield vault.CASE["field"], f"the case of {row.pk} does not open: {error.detail}"
        return
    if vault.commitment(opened.salt, opened.plain) != commitment:
        yield "case", f"the sealed case of {row.pk} is not the one this entry committed to"
    opening = json.loads(opened.plain)["opening"]
    for column in ("client_reference", "locale"):
        if opening[column] != getattr(row, column):
            yield column, f"the {column} of {row.pk} is not the one in its sealed case"
    yield from _verify_memories(case, key)
    yield from _verify_agents(case, key)
    if not settings.TULGA_INDEX_KEYS:
        yield Unchecked(indexes=1)
        return
    yield from _verify_indexes(case, row, str(opening["person"]["iin"]["value"]))


def _verify_indexes(case: _Case, row: Verification, iin: str) -> Iterator[tuple[str, str]]:
    """Values from index keys: the borrower's search value, and the numbers on phones.

    So a writer of rows can choose neither.
    """
    version = row.borrower_index_version
    try:
        computed = vault.blind_index(purpose=vault.BORROWER, value=iin)[version]
    except (KeyError, Misconfigured):
        yield (
            "borrower_index_version",
            f"the index of {row.pk} cannot be computed: no sound key of version {version}",
        )
    else:
        if bytes(row.borrower_index or b"") != computed:
            yield (
                "borrower_index",
                f"the borrower of {row.pk} is not found by the IIN in its sealed case",
            )
    for phone in case.phones:
        # Before its use the number may be shown again, unchanged.
        is_shown = phone.number or phone.outcome in ("done", "refused")
        if is_shown and phone.number not in vault.numbers_of(bytes(phone.second_digest or b"")):
            yield "number", f"the number of hand-over {phone.pk} is not the one drawn for it"


def _verify_memories(case: _Case, key: Key) -> Iterator[tuple[str, str]]:
    """Each stage's memory matches the last entry of its attempt: an earlier memory would restore
    tries.
    """
    bodies = [entry.body for entry in case.of_types(*_REMEMBERING) if "memory" in entry.body]
    commitments = {str(body.get("attempt")): body["memory"] for body in bodies}
    for attempt in case.attempts:
        if attempt.pk not in commitments:
            continue
        try:
            opened = key.unseal(bytes(attempt.sealed_memory), **vault.place_of_memory(attempt.pk))
        except EvidenceUnreadable as error:
            yield "sealed_memory", f"the memory of {attempt.pk} does not open: {error.detail}"
            continue
        if vault.commitment(opened.salt, opened.plain) != commitments[attempt.pk]:
            yield (
                "sealed_memory",
                f"the memory of {attempt.pk} is not the one its last entry committed to",
            )


def _verify_agents(case: _Case, key: Key) -> Iterator[tuple[str, str]]:
    """The browser of each phone that scanned a code, against its entry."""
    commitments = {
        str(entry.body.get("hand_over")): entry.body.get("agent") for entry in case.of_types(_READ)
    }
    for phone in case.phones:
        digest, sealed = bytes(phone.digest), phone.sealed
        expected, place = commitments.get(digest.hex()), vault.place_of_agent(digest)
        try:
            opened = key.unseal(bytes(sealed), **place) if sealed is not None else None
        except EvidenceUnreadable as error:
            yield (
                "sealed",
                f"the browser of hand-over {phone.pk} does not open: {error.detail}",
            )
            continue
        if expected != (vault.commitment(opened.salt, opened.plain) if opened else None):
            yield (
                "sealed",
                f"the browser of hand-over {phone.pk} is not the one its entry committed to",
            )


def _may_be_lent(case: _Case, item: EvidenceItem) -> bool:
    """Whether an item is not lent, or lawfully: its attempt is in review, or a worker takes it
    back soon.
    """
    if item.lent_key is None or item.destroyed_at is not None:
        return item.lent_key is None
    row, soon = case.row, clock.now() + timedelta(seconds=_SOON_SECONDS)
    if row is not None and row.step and row.due_at is not None and row.due_at <= soon:
        return True
    reviewed = {attempt.pk for attempt in case.attempts if attempt.status == _REVIEW}
    is_in_review = row is not None and row.status == Status.IN_REVIEW
    return is_in_review and item.attempt_id in reviewed


def _key_of(case: _Case) -> tuple[Key | None, str]:
    """The key, if available, and its defect."""
    data_key, row = case.kept, case.row
    if not settings.TULGA_KEY_ENCRYPTION_KEYS or row is None:
        return None, ""
    try:
        if data_key is None:
            is_there = DataKey.objects.filter(pk=case.id).exists()
            return (
                None,
                f"the key of {case.id} cannot be read" if is_there else f"{case.id} has no key",
            )
        if data_key.destroyed_at is not None:
            # A key that survives its destruction breaks the promise of erasure: a finding.
            still = f"the key of {case.id} counts as destroyed and is still there"
            return None, still if data_key.wrapped_key else ""
        return vault.unwrap(data_key, lender_id=row.lender_id), ""
    except (EvidenceUnreadable, Misconfigured) as error:
        return None, f"the key of {case.id} does not open: {error.detail}"
    except _UNREADABLE:
        return None, f"the key of {case.id} cannot be read"


def _verify_item(
    case: _Case, item: EvidenceItem | None, key: Key | None, files: dict[str, bytes]
) -> tuple[str, str] | None:
    """The deviating column and a sentence; None if all match."""
    if item is None:
        return "", "the row cannot be read"
    try:
        is_destroyed = item.destroyed_at is not None
        if is_destroyed != (item.wrapped_key is None):
            return (
                "wrapped_key",
                "its key counts as destroyed and is still there"
                if is_destroyed
                else "it has no key",
            )
        if is_destroyed:
            # Its file goes just after its key; while a worker's step is due, this is correct.
            is_owed = case.row is not None and case.row.step
            is_late = store.is_left(item) and not is_owed
            return (
                ("sealed_sha256", "it counts as destroyed and its bytes are still there")
                if is_late
                else None
            )
        if key is None or not opens_evidence():
            store.sealed_bytes(item, files=files)
        elif (size := len(store.opening(key, item, files=files).plain)) != item.size:
            return "size", f"it has {size} bytes, its row says {item.size}"
        elif not store.is_lent_right(key, item):
            return "lent_key", "what web was lent does not open it"
    except EvidenceUnreadable as error:
        return "sealed_sha256", error.detail
    return None
