"""A case for a worker that is about to end it: its rows say what its entries say, or it waits."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Model

from verification.audit import projected_rows, signatures, stored_rows
from verification.audit.damaged import readable
from verification.audit.legality import judge
from verification.core.errors import Conflict
from verification.core.events import CLOSINGS
from verification.course.entry import AFTER_END, MOVE, VOTES
from verification.course.tables import ATTEMPT, CASE, TABLES, VOTE
from verification.models import Attempt, AuditEntry, ReviewVote, Verification

_TABLES: Final = (CASE, ATTEMPT, VOTE)
_OF_CLOSINGS: Final = (MOVE, VOTES, AFTER_END)
"""What is asked here of how attempts were closed: once each, and by enough votes."""


@dataclass(frozen=True)
class Held:
    """One verification, its entries by their sequence, its attempts and their votes."""

    verification: Verification
    entries: list[AuditEntry] = field(default_factory=list)
    attempts: dict[str, Attempt] = field(default_factory=dict)

    def said(self, *types: str, naming: str) -> Iterator[tuple[AuditEntry, dict[str, Any]]]:
        """The entries of these types with their bodies, where the body names `naming`; others say nothing of rows."""
        for entry in self.entries:
            if entry.type in types and isinstance(entry.body, dict) and naming in entry.body:
                yield entry, entry.body


def require_as_said(verification: Verification) -> Held:
    """A verification's entries and rows, for a worker about to end it by them; its row is locked, and read anew.

    Raises `Conflict` unless every entry stands in its log and is signed as its type asks (`entries_unsound`), and its
    row, its attempts and their votes say what the entries say (`row_differs`): what was changed behind the log's back,
    to be put back once a worker has signed what it leads to, leads to nothing. Damaged evidence is told of where it is
    read.
    """
    verification.refresh_from_db()
    log, case = verification.mode, stored_rows.Case(verification.pk)
    ordered = AuditEntry.objects.filter(verification=verification).order_by("verification_sequence", "pk")
    case.entries.extend(readable(ordered))
    attempts = Attempt.objects.filter(verification=verification).defer("sealed_memory").order_by("turn", "pk")
    held = Held(verification, case.entries, {attempt.pk: attempt for attempt in readable(attempts)})
    votes = readable(ReviewVote.objects.filter(attempt__verification=verification).order_by("pk"))
    for name, models in zip(_TABLES, ([verification], held.attempts.values(), votes), strict=True):
        case.rows[name] = stored_rows.spelled(name, [_values(name, model) for model in models])
    if any(entry.log != log for entry in case.entries) or len(signatures.sound(case.entries)) != len(case.entries):
        raise Conflict("an entry about it does not count", code="entries_unsound")
    state, faults = judge(case.entries)
    closings = (fault for entry, fault in faults if entry.type in CLOSINGS)
    wrong = [fault.detail for fault in closings if fault.code in _OF_CLOSINGS]
    wrong += [finding.detail for finding in projected_rows.differences(log, case, state, _TABLES)]
    if wrong:
        raise Conflict(f"its rows are not what its entries say: {'; '.join(wrong[:3])}", code="row_differs")
    return held


def _values(name: str, model: Model) -> dict[str, Any]:
    return {column: value for column, value in vars(model).items() if column in TABLES[name].fields}
