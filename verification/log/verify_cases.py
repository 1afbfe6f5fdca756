"""Was every case moved lawfully, and do the tables hold what its entries say? One look at each case
for both.

A signature tells who decided; the course tells whether it might, and which rows follow. What an
entry says of other cases and of law files is looked up beside it: `related_cases.py`,
`law_places.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from typing import Any, Final

from django.db.models import QuerySet

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
"""How often a case is looked at that is moving while we look."""


def verify_cases(log: str, *, are_signed: bool = False, processes: int = 1) -> Iterator[Finding]:
    """Findings about every case of a log: what it might not have been moved by, and rows that are
    not what it says.

    What lacks the signature that its type asks for counts for nothing; that it lacks it is told
    elsewhere.
    `are_signed`: all ordered ones were found to hold just now, so that they are not verified a
        second time.
    """
    look = look_at(log, are_signed=are_signed)
    yield from spread(look.at_page, case_pages(log, most=_PAGE), processes=processes)


def case_pages(log: str, *, most: int) -> Iterator[list[str]]:
    """The ids of the cases of a log, ascending, in pages: those that it has an entry or a row
    of.
    """
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
    """What each page of the cases of a log is looked at by."""
    return Look(log, are_signed, keys.revoked(log), laws.begun(log))


@dataclass(frozen=True)
class Look:
    """What all pages of a log are looked at by. `revoked`: from which index on a key counts for
    nothing.
    """

    log: str
    are_signed: bool
    revoked: Mapping[str, int]
    begun: laws.Begun

    def at_page(self, ids: Sequence[str]) -> Iterator[Finding]:
        """The findings about some cases; those about the rows of a case are read while it stood
        still.
        """
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
        """The findings about a case of which there are any, read while it stood still.

        Rows are read one table after the other, and a worker may move the case meanwhile. What an
        entry tells counts that entry in the row, in the same transaction: where the count did not
        move, nothing of it did.
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
            ):  # rows follow also what counts for nothing
                state = judge(case.entries).state
        except UNREADABLE as error:
            detail = f"the course cannot be replayed ({type(error).__name__})"
            yield Finding(code="unreadable", log=self.log, detail=detail)
            return
        for entry, (code, detail) in faults:
            detail = f"{detail}; by the key {signatures.said_by(entry, case.entries)}"
            index = self._index(entry)
            yield Finding(code=code, log=self.log, leaf_index=index, entry=entry.pk, detail=detail)
        if case.row is not None:
            yield from stored_rows.differences(self.log, case, state)
        elif Verification.objects.filter(
            pk=case.id
        ).exists():  # one that is gone is named by what it leaves behind
            yield Finding(
                code="unreadable",
                log=self.log,
                detail=f"the row of verification {case.id} cannot be read",
            )

    def _forged(self, cases: Mapping[str, Case]) -> frozenset[str]:
        """The entries that lack the signature that their type asks for, or have that of a key
        revoked by then.
        """
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
        """Its place in the log; None while it has none."""
        leaf = getattr(entry, "leaf", None)
        return leaf.leaf_index if leaf is not None and entry.log == leaf.log == self.log else None


def _place(index: int | None) -> int:
    """What is not ordered yet comes behind all that is."""
    return policy.SIZE if index is None else index


def _values(query: QuerySet[Any, Any], *, column: str, most: int) -> Iterator[str]:
    for page in names(query, column=column, most=most):
        yield from page
