"""Was every case moved lawfully, and do the tables match its entries? One pass over each case for
both.

A signature shows who decided; the course shows whether it was permitted, and which rows follow.
`related_cases.py` and `laws.py` verify an entry's statements on other cases and on law files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from typing import Any, Final

from django.db.models import QuerySet

from verification.core import events
from verification.core.findings import Finding
from verification.log import keys, laws, policy, related_cases, signatures, stored_rows
from verification.log.damaged import UNREADABLE, names
from verification.log.legality import judge
from verification.log.spread import spread
from verification.log.stored_rows import Case, load
from verification.models import AuditEntry, Verification

_PAGE: Final = 100
"""Cases in memory at a time; each brings some dozens of entries and rows."""
_LOOKS: Final = 5
"""How often a case that moves meanwhile is read again."""


def verify_cases(log: str, *, are_signed: bool = False, processes: int = 1) -> Iterator[Finding]:
    """Findings about every case of a log: unlawful moves, and rows that contradict it.

    An entry without a valid required signature does not count; other findings report that.
    are_signed: all ordered ones were just verified, so they are not verified again.
    """
    look = look_at(log, are_signed=are_signed)
    yield from spread(look.at_page, case_pages(log, most=_PAGE), processes=processes)


def case_pages(log: str, *, most: int) -> Iterator[list[str]]:
    """The ids of the cases of a log, ascending, in pages: cases with an entry or a row of it."""
    entries = AuditEntry.objects.filter(log=log, verification_id__isnull=False)
    entry_pages = _values(entries.distinct(), column="verification_id", most=most)
    row_pages = _values(Verification.objects.filter(mode=log), column="pk", most=most)
    page = list[str]()
    for name, _ in groupby(merge(entry_pages, row_pages)):
        page.append(name)
        if len(page) == most:
            yield page
            page = []
    if page:
        yield page


def look_at(log: str, *, are_signed: bool = False) -> "Look":
    """The view under which each page of a log's cases is checked."""
    return Look(log, are_signed, keys.revoked(log), laws.begun(log))


@dataclass(frozen=True)
class Look:
    """The common input of all pages of a log. `revoked`: the index from which on a key does not
    count.
    """

    log: str
    are_signed: bool
    revoked: Mapping[str, int]
    begun: laws.Begun

    def at_page(self, ids: Sequence[str]) -> Iterator[Finding]:
        """Findings about some cases; findings on rows come from an unchanged read."""
        cases = load(ids)
        forged = self._forged(cases)
        for case in cases.values():
            if any(True for _ in self._at_case(case, forged)):
                yield from self._again(case.id)
        ordered = [
            entry
            for case in cases.values()
            for entry in case.entries
            if self._index(entry) is not None
        ]
        yield from laws.verify_begun(self.log, ordered, forged=forged, begun=self.begun)
        yield from related_cases.verify_related(self.log, ordered, forged=forged)

    def _again(self, name: str) -> list[Finding]:
        """The findings about a case with any, from an unchanged read.

        Rows are read table by table, and a worker may move the case meanwhile.
        Each entry raises the row's count in the same transaction: with an unchanged count, nothing
        moved.
        """
        findings = list[Finding]()
        for _ in range(_LOOKS):
            cases = load([name])
            findings = list(self._at_case(cases[name], self._forged(cases)))
            row = cases[name].row
            now = Verification.objects.filter(pk=name).values_list("sequence", flat=True).first()
            if row is None or row["sequence"] == now:
                break
        return findings

    def _at_case(self, case: Case, forged: frozenset[str]) -> Iterator[Finding]:
        try:
            state, faults = judge(case.entries, forged)
            if any(
                entry.pk in forged for entry in case.entries
            ):  # rows also follow invalid entries
                state = judge(case.entries).state
        except UNREADABLE as error:
            detail = f"the course cannot be replayed ({type(error).__name__})"
            yield Finding(code="unreadable", log=self.log, detail=detail)
            return
        for entry, (code, detail) in faults:
            detail = f"{detail}; by the key {signatures.said_by(entry, case.entries)}"
            index = self._index(entry)
            yield Finding(code=code, log=self.log, leaf_index=index, entry=entry.pk, detail=detail)
        for entry in case.entries:
            if entry.type == events.DOCUMENT_MISSING:
                yield Finding(
                    code="document_missing",
                    log=self.log,
                    leaf_index=self._index(entry),
                    entry=entry.pk,
                    detail=f"the case {case.id} did not open when its document was due",
                )
        if case.row is not None:
            yield from stored_rows.differences(self.log, case, state)
        elif Verification.objects.filter(
            pk=case.id
        ).exists():  # a missing row is reported by its remains
            yield Finding(
                code="unreadable",
                log=self.log,
                detail=f"the row of verification {case.id} cannot be read",
            )

    def _forged(self, cases: Mapping[str, Case]) -> frozenset[str]:
        """Entries without a valid required signature, or under a key revoked by then."""
        entries = [
            entry for case in cases.values() for entry in case.entries if entry.log == self.log
        ]
        if self.are_signed:
            entries = [entry for entry in entries if self._index(entry) is None]
        if not entries:
            return frozenset()
        faults, signers = signatures.inspect(entries)
        places = {entry.pk: self._index(entry) for entry in entries}
        gone = {
            pk
            for pk, key in signers.items()
            if keys.is_revoked(self.revoked, key, _place(places[pk]))
        }
        return frozenset(faults) | gone

    def _index(self, entry: AuditEntry) -> int | None:
        """Its place in the log; None without one."""
        leaf = getattr(entry, "leaf", None)
        return leaf.leaf_index if leaf is not None and entry.log == leaf.log == self.log else None


def _place(index: int | None) -> int:
    """Unordered entries come after all ordered ones."""
    return policy.SIZE if index is None else index


def _values(query: QuerySet[Any, Any], *, column: str, most: int) -> Iterator[str]:
    for page in names(query, column=column, most=most):
        yield from page
