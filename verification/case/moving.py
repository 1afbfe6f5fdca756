"""The history of a case: reads and folds its signed entries, records new ones, and updates its
rows.

- Rows are a projection of the state, for queues, lists and uniqueness. A worker or a door uses the
  entries: `read` replaces stored columns with stated values.
- `record` appends an entry. The course decides whether it may follow.
- `moving` writes, at its end and in the same transaction, what entries imply for the row and its
  attempts. These columns have no other writer.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, QuerySet, Subquery

from verification import clock
from verification.compiled import Compiled
from verification.core import codes, profiles
from verification.core.errors import Conflict, EvidenceUnreadable
from verification.core.events import KEEPING
from verification.core.keeping import Claim, claims
from verification.course import fold, policy
from verification.course import state as course
from verification.course.projection import Row, of_attempt, of_case
from verification.course.state import State
from verification.log import log, signatures
from verification.log.damaged import readable
from verification.log.legality import judge
from verification.log.signatures import course_entry
from verification.models import Attempt, AuditEntry, Verification

logger = logging.getLogger(__name__)

UNSOUND = "entries_unsound"
"""The code of a case with an invalid or missing entry."""

_LATER = Compiled(
    lambda verification, sequence: AuditEntry.objects.filter(
        verification=verification, verification_sequence__gt=sequence
    ).order_by("verification_sequence")
)
NO_STEP: Mapping[str, Any] = {
    "step": "",
    "queue": "",
    "due_at": None,
    "reserved_until": None,
    "lease_until": None,
    "fence": "",
    "faults": 0,
}
"""The columns of a row without a due step and without a worker."""
_OF_OPENING = ("profile", "profile_sha256", "reference")
_STANDING = ("route", "stage", "turn", "combination", "last_failure")


@dataclass
class History:
    """The entries of a verification in order, and the state that they give.

    row: its row. Its stated columns have the state's values, whatever is stored.
    sequence: the number of its newest entry.
    flaw: why it is unreliable; empty if every entry is valid and lawful.
    """

    row: Verification
    entries: list[AuditEntry] = field(default_factory=list)
    state: State = field(default_factory=State)
    sequence: int = 0
    flaw: str = ""
    written: Mapping[str, Any] = field(default_factory=dict)
    """The stated columns of its row as stored; with a flaw, as the entries had them."""
    columns: dict[str, Any] = field(default_factory=dict)
    """Operational columns of its row that this transaction has set and not yet written."""
    at_rows: State = field(default_factory=State)
    """The state that the attempts' rows have."""
    unstated: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By attempt, what no entry states: sealed and operational columns."""
    _attempts: dict[str, Attempt] = field(default_factory=dict)

    def add(self, entry: AuditEntry) -> None:
        """Adds one entry.

        Raises: `Conflict` (illegal_transition) if the course forbids it.
        """
        self.state, faults = fold.apply(self.state, course_entry(entry))
        if faults and not self.flaw:
            codes = ", ".join(fault.code for fault in faults)
            logger.warning("%s is unlawful for %s: %s", entry.type, self.row.pk, codes)
            raise Conflict("this entry may not follow the recorded ones", code="illegal_transition")
        self.entries.append(entry)
        self.sequence = max(self.sequence + 1, entry.verification_sequence or 0)

    def restore(self) -> None:
        """Puts the stated values into the row's object; with a flaw, the values that entries
        changed.
        """
        for column, value in stated(of_case(self.state, case=self.row.pk)).items():
            if not self.flaw or self.written.get(column, self) != value:
                setattr(self.row, column, value)

    def attempt(self, name: str) -> Attempt:
        """The row of an attempt, with the stated values.

        Raises: `EvidenceUnreadable` (entries_unsound) without a row or an entry of this name.
        """
        attempt = self._attempts.get(name) or Attempt.objects.filter(pk=name).first()
        if attempt is None:
            raise EvidenceUnreadable(f"attempt {name} has no row any more", code=UNSOUND)
        if name not in self.state.attempts:
            raise EvidenceUnreadable(f"no entry opened attempt {name}", code=UNSOUND)
        self.keep(attempt)
        attempt.verification = self.row
        for column, value in stated(of_attempt(self.state, name, borrower_index=None)).items():
            if column != "borrower_index":
                setattr(attempt, column, value)
        return attempt

    def keep(self, attempt: Attempt) -> None:
        """Caches an attempt's row, so that it is not read again."""
        self._attempts[attempt.pk] = attempt

    def typed(self, *types: str) -> Iterator[AuditEntry]:
        """Its entries of these types, in order."""
        return (entry for entry in self.entries if entry.type in types)

    def claims(self) -> Iterator[Claim]:
        """All evidence that its entries list, in order."""
        return (claim for entry in self.typed(*KEEPING) for claim in claims(entry.body))

    def opening(self) -> Mapping[str, Any]:
        """The body of the opening entry; empty without one."""
        entry = self.state.opening.entry
        return entry.body if entry is not None else {}


def read(row: Verification) -> History:
    """The history of a verification, each signature verified.

    Raises: `EvidenceUnreadable` (entries_unsound) for an invalid, unlawful or missing entry, or a
    higher count in the row.
    """
    history = read_sound(row)
    if history.flaw:
        raise EvidenceUnreadable(history.flaw, code=UNSOUND)
    return history


def read_sound(row: Verification) -> History:
    """As `read`, but a defect sets `flaw` instead: then the history has the valid entries."""
    try:
        entries, flaw = signatures.sound_of(row, is_whole=True), ""
    except EvidenceUnreadable as error:
        entries, flaw = signatures.sound_of(row), error.detail
    state, faults = judge(entries)
    history = _history(row, entries, state)
    numbers = [entry.verification_sequence for entry in entries]
    if numbers != list(range(1, len(entries) + 1)) or len(entries) < max(row.sequence, 1):
        flaw = flaw or f"{row.pk} counted {row.sequence} entries, and {len(entries)} are valid"
    if faults:
        detail = "; ".join(f"{fault.code}: {fault.detail}" for _, fault in faults[:3])
        flaw = flaw or f"an entry of {row.pk} is unlawful: {detail}"
    history.flaw = flaw
    if flaw:
        history.written = stated(of_case(history.state, case=row.pk))
        history.sequence = newest_number(row).first() or 0
    history.restore()
    return history


def read_flawed(row: Verification) -> History:
    """As `read_sound`, but an invalid entry moves the course and proves nothing, as in the audit.

    For the end after the last fault: its rows follow from all entries.
    """
    history = read_sound(row)
    if history.flaw:
        stored = list(readable(_LATER, row.pk, 0))
        unsound = {entry.pk for entry in stored} - {entry.pk for entry in history.entries}
        history.state = judge(stored, unsound).state
        history.written = stated(of_case(history.state, case=row.pk))
    return history


def read_unverified(row: Verification) -> History:
    """The history of a locked row without verified signatures, for a door whose result a worker
    judges.
    """
    entries = list(readable(_LATER, row.pk, 0))
    history = _history(row, entries, judge(entries).state)
    history.restore()
    return history


def catch_up(history: History) -> None:
    """Verifies and folds the entries since the last read; its row is locked.

    Raises: as `read`.
    """
    later = list(readable(_LATER, history.row.pk, history.sequence))
    if not later:
        return
    sound = signatures.sound(later)
    if len(sound) != len(later) and not history.flaw:
        detail = "an entry that was added meanwhile is invalid"
        raise EvidenceUnreadable(detail, code=UNSOUND)
    try:
        for entry in sound:
            history.add(entry)
    except Conflict as error:
        raise EvidenceUnreadable(error.detail, code=UNSOUND) from None
    history.restore()


def stated(rows: Iterable[Row]) -> dict[str, Any]:
    """The values of one row's parts, by column."""
    return {column: value for row in rows for column, value in row.values.items()}


def newest_number(row: Verification) -> QuerySet[AuditEntry, int | None]:
    """The number of a verification's newest entry, first; empty without a number."""
    numbered = AuditEntry.objects.filter(verification=row.pk, verification_sequence__isnull=False)
    in_order = numbered.order_by("-verification_sequence")
    return in_order.values_list("verification_sequence", flat=True)


def _history(row: Verification, entries: list[AuditEntry], state: State) -> History:
    numbers = (entry.verification_sequence or 0 for entry in entries)
    history = History(row, entries, state, max(numbers, default=0))
    columns = stated(of_case(state, case=row.pk))
    history.written = {column: getattr(row, column) for column in columns}
    return history


@contextmanager
def moving(history: History) -> Iterator[None]:
    """Inside, entries move the history. At the end they are inserted and the rows are written.

    The row is locked, or not yet inserted. After an error nothing is written.
    """
    row, earlier = history.row, history.state
    row.history, history.columns, history.unstated = history, {}, {}
    history.at_rows = earlier
    try:
        with log.gathering():
            yield
            _write(history, earlier)
    finally:
        row.history = None


def record(
    verification: Verification,
    entry_type: str,
    *,
    at: datetime,
    body: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Appends one entry about this verification, numbered within it.

    Inside `moving` the course checks it first. Elsewhere the entry moves only the count, whose
    UPDATE locks the row.

    Raises: `Conflict` (illegal_transition).
    """
    history = verification.history
    if history is not None:
        number = history.sequence + 1
    else:
        # All entries carry the lender of the first.
        first = AuditEntry.objects.filter(verification=verification.pk, verification_sequence=1)
        is_of_another = Exists(first.exclude(lender=verification.lender_id))
        rows = Verification.objects.filter(pk=verification.pk)
        if rows.filter(~is_of_another).update(sequence=F("sequence") + 1) != 1:
            raise Conflict("its first entry names another lender", code="status_changed")
        # The row is locked from here on. The number of entries comes from the entries, not from the
        # row.
        newest = Subquery(newest_number(verification)[:1])
        counted, last = rows.values_list("sequence", newest).get()
        number = (last or 0) + 1
        if number != counted:
            rows.update(sequence=number)
    verification.sequence = number
    entry = log.append(
        log=verification.mode,
        type=entry_type,
        verification=verification,
        lender=verification.lender_id,
        body=body or {},
        at=at,
        verification_sequence=number,
    )
    if history is not None:
        history.add(entry)
        history.restore()
    return entry


def word(history: History, code: str) -> dict[str, Any]:
    """The content of an end or a referral to people: its law, and the position of the case.

    All of it comes from entries, not from rows.

    Raises: `KeyError` for an unknown code.
    """
    if code:
        codes.require(code)
    opening, values = history.opening(), stated(of_case(history.state, case=history.row.pk))
    body = {name: opening[name] for name in _OF_OPENING if name in opening}
    body |= {name: values[name] for name in _STANDING if name in values}
    return {"code": code, **body}


def place_of(name: str, attempt: Attempt | course.Attempt) -> dict[str, Any]:
    """An attempt's name in entries, with its route and stage."""
    return {"attempt": name, "route": attempt.route, "stage": attempt.stage}


def write(verification: Verification, **columns: Any) -> None:
    """Sets operational columns of the row: at the end of `moving`, or else at once."""
    if verification.history is not None:
        verification.history.columns |= columns
    elif not verification._state.adding:
        Verification.objects.filter(pk=verification.pk).update(**columns)
    for name, value in columns.items():
        setattr(verification, name, value)


def _write(history: History, earlier: course.State) -> None:
    row, state = history.row, history.state
    values = stated(of_case(state, case=row.pk))
    if row._state.adding:
        row.sequence = history.sequence
        row.save(force_insert=True)
        return
    # After the end, only the steps that follow an end remain due.
    columns = dict(NO_STEP) if state.ending is not earlier.ending else {}
    columns |= {
        name: value for name, value in values.items() if history.written.get(name, row) != value
    }
    if state.ending is not earlier.ending and row.frames_until is not None and state.ended_at:
        columns["frames_until"] = state.ended_at + timedelta(seconds=policy.FRAMES_KEPT_SECONDS)
    columns |= history.columns
    columns["sequence"] = history.sequence
    Verification.objects.filter(pk=row.pk).update(**columns)
    history.written = values
    for name, value in columns.items():
        setattr(row, name, value)
    write_attempts(history)


def write_attempts(history: History) -> None:
    """Writes the attempts' changes since their rows were written. A new row was inserted at its
    start.
    """
    earlier, state = history.at_rows, history.state
    is_ended = state.ending is not earlier.ending
    for name, attempt in state.attempts.items():
        if name not in earlier.attempts or (earlier.attempts[name] is attempt and not is_ended):
            continue
        earlier_values = stated(of_attempt(earlier, name, borrower_index=None))
        values = stated(of_attempt(state, name, borrower_index=None))
        columns = {
            column: value for column, value in values.items() if earlier_values.get(column) != value
        }
        columns |= history.unstated.pop(name, {})
        if columns:
            Attempt.objects.filter(pk=name).update(**columns)
    history.at_rows = state


def lawful_combinations(history: History) -> list[profiles.Combination]:
    """Sufficient combinations: what the lender allowed of its profile, which code gives by hash.

    Empty if a renewed consent does not fit its law, or if a live case's law is laxer than its
    day's.
    Also empty if the opening is backdated to such a law.
    """
    opened = history.state.opening.entry
    if opened is None:
        return []
    law = profiles.pinned(str(opened.body["profile_sha256"]))
    if (law is profiles.RENEWAL) is not bool(opened.body.get("renews")):
        return []
    is_put_back = clock.now() - opened.at > timedelta(seconds=policy.COURSE_SECONDS)
    is_lawful = profiles.is_lawful(law, mode=opened.log, at=opened.at)
    if not is_lawful or (opened.log == "live" and is_put_back):
        return []
    return list(history.state.opening.combinations)
