"""The history of a case: the signed entries of a verification, and the state that they lead to.

Rows are a projection of that state, for queues, lists and uniqueness. So what a worker or a door
goes by is what the entries state: `read` puts those values in place of the stored columns.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from verification.compiled import Compiled
from verification.core.errors import Conflict, EvidenceUnreadable
from verification.core.events import KEEPING
from verification.core.keeping import Claim, claims
from verification.course import fold
from verification.course.projection import Row, of_attempt, of_case
from verification.course.state import State
from verification.log import signatures
from verification.log.damaged import readable
from verification.log.legality import judge
from verification.log.signatures import course_entry
from verification.models import Attempt, AuditEntry, Verification

logger = logging.getLogger(__name__)

UNSOUND = "entries_unsound"
"""The code of a case that has an entry which does not count, or lacks one."""


@dataclass
class History:
    """The entries of a verification in their order, and the state that they lead to.

    `row`: its row. Its stated columns are those of the state, whatever is stored.
    `sequence`: the number of its newest entry.
    `flaw`: why it cannot be relied on; empty where every entry counts and is lawful.
    """

    row: Verification
    entries: list[AuditEntry] = field(default_factory=list)
    state: State = field(default_factory=State)
    sequence: int = 0
    flaw: str = ""
    written: Mapping[str, Any] = field(default_factory=dict)
    """The columns of its row that entries state, as they are stored; with a flaw, as entries had
    them."""
    columns: dict[str, Any] = field(default_factory=dict)
    """Operational columns of its row that this transaction has set and not written yet."""
    at_rows: State = field(default_factory=State)
    """The state that the rows of its attempts have."""
    beside: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By attempt, what no entry states of it: sealed and operational columns."""
    _attempts: dict[str, Attempt] = field(default_factory=dict)

    def add(self, entry: AuditEntry) -> None:
        """One more entry. Raises `Conflict` (illegal_transition) where the course forbids it."""
        self.state, faults = fold.apply(self.state, course_entry(entry))
        if faults and not self.flaw:
            codes = ", ".join(fault.code for fault in faults)
            logger.warning("%s is unlawful for %s: %s", entry.type, self.row.pk, codes)
            raise Conflict("this may not follow what is on record", code="illegal_transition")
        self.entries.append(entry)
        self.sequence = max(self.sequence + 1, entry.verification_sequence or 0)

    def restore(self) -> None:
        """Puts what the entries state into the object of the row; with a flaw, what they
        changed."""
        for column, value in stated(of_case(self.state, case=self.row.pk)).items():
            if not self.flaw or self.written.get(column, self) != value:
                setattr(self.row, column, value)

    def attempt(self, name: str) -> Attempt:
        """The row of an attempt, with what the entries state of it.

        Raises `EvidenceUnreadable` (entries_unsound) where no row has its name.
        """
        attempt = self._attempts.get(name) or Attempt.objects.filter(pk=name).first()
        if attempt is None:
            raise EvidenceUnreadable(f"attempt {name} has no row any more", code=UNSOUND)
        self.keep(attempt)
        attempt.verification = self.row
        for column, value in stated(of_attempt(self.state, name, borrower_index=None)).items():
            if column != "borrower_index":
                setattr(attempt, column, value)
        return attempt

    def keep(self, attempt: Attempt) -> None:
        """Remembers the row of an attempt, which is then read no more."""
        self._attempts[attempt.pk] = attempt

    def typed(self, *types: str) -> Iterator[AuditEntry]:
        """Its entries of these types, in their order."""
        return (entry for entry in self.entries if entry.type in types)

    def claims(self) -> Iterator[Claim]:
        """All evidence that its entries list, in their order."""
        return listed_by(self.entries)

    def opening(self) -> Mapping[str, Any]:
        """The body of the entry that opened the verification; empty where there is none."""
        entry = self.state.opening.entry
        return entry.body if entry is not None else {}


_LATER = Compiled(
    lambda verification, sequence: AuditEntry.objects.filter(
        verification=verification, verification_sequence__gt=sequence
    ).order_by("verification_sequence")
)


def read(row: Verification) -> History:
    """The history of a verification, each signature verified.

    Raises `EvidenceUnreadable` (entries_unsound) where an entry does not count, is unlawful, is
    missing, or where the row counts more entries than there are.
    """
    history = read_sound(row)
    if history.flaw:
        raise EvidenceUnreadable(history.flaw, code=UNSOUND)
    return history


def read_sound(row: Verification) -> History:
    """As `read`, but where it raises: then of those entries that count, with the `flaw`."""
    try:
        entries, flaw = signatures.sound_of(row, is_whole=True), ""
    except EvidenceUnreadable as error:
        entries, flaw = signatures.sound_of(row), error.detail
    state, faults = judge(entries)
    history = _history(row, entries, state)
    numbers = [entry.verification_sequence for entry in entries]
    if numbers != list(range(1, len(entries) + 1)) or len(entries) < max(row.sequence, 1):
        flaw = flaw or f"{row.pk} counted {row.sequence} entries, and {len(entries)} count"
    if faults:
        detail = "; ".join(f"{fault.code}: {fault.detail}" for _, fault in faults[:3])
        flaw = flaw or f"an entry of {row.pk} is not lawful: {detail}"
    history.flaw = flaw
    if flaw:
        history.written = stated(of_case(history.state, case=row.pk))
        history.sequence = newest_number(row).first() or 0
    history.restore()
    return history


def read_flawed(row: Verification) -> History:
    """As `read_sound`, but an entry that does not count leads on and proves nothing, as in the
    audit.

    For the end that follows the last fault: its rows are those that all entries lead to.
    """
    history = read_sound(row)
    if history.flaw:
        stored = list(readable(_LATER, row.pk, 0))
        unsound = {entry.pk for entry in stored} - {entry.pk for entry in history.entries}
        history.state = judge(stored, unsound).state
        history.written = stated(of_case(history.state, case=row.pk))
    return history


def read_unverified(row: Verification) -> History:
    """The history of a locked row, no signature verified: for a door that a worker judges after."""
    entries = list(readable(_LATER, row.pk, 0))
    history = _history(row, entries, judge(entries).state)
    history.restore()
    return history


def catch_up(history: History) -> None:
    """Verifies and folds what came since it was read; its row is locked. Raises as `read`."""
    later = list(readable(_LATER, history.row.pk, history.sequence))
    if not later:
        return
    sound = signatures.sound(later)
    if len(sound) != len(later) and not history.flaw:
        detail = "an entry that came meanwhile does not count"
        raise EvidenceUnreadable(detail, code=UNSOUND)
    try:
        for entry in sound:
            history.add(entry)
    except Conflict as error:
        raise EvidenceUnreadable(error.detail, code=UNSOUND) from None
    history.restore()


def stated(rows: Iterable[Row]) -> dict[str, Any]:
    """The values of the parts of one row, by column."""
    return {column: value for row in rows for column, value in row.values.items()}


def listed_by(entries: Iterable[AuditEntry]) -> Iterator[Claim]:
    """All evidence that these entries list, in their order."""
    return (claim for entry in entries if entry.type in KEEPING for claim in claims(entry.body))


def newest_number(row: Verification) -> QuerySet[AuditEntry, int | None]:
    """The number of the newest entry of a verification, first; empty where none has a number."""
    numbered = AuditEntry.objects.filter(verification=row.pk, verification_sequence__isnull=False)
    in_order = numbered.order_by("-verification_sequence")
    return in_order.values_list("verification_sequence", flat=True)


def _history(row: Verification, entries: list[AuditEntry], state: State) -> History:
    numbers = (entry.verification_sequence or 0 for entry in entries)
    history = History(row, entries, state, max(numbers, default=0))
    columns = stated(of_case(state, case=row.pk))
    history.written = {column: getattr(row, column) for column in columns}
    return history
