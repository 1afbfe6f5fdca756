"""The rows about cases, and their differences from the course's projection."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from itertools import chain
from typing import Any, Final, NamedTuple

from django.db.models import BinaryField, Model, QuerySet

from verification import clock
from verification.core.findings import Finding
from verification.core.keeping import index_mark, words_mark
from verification.course.frames import of_frames
from verification.course.projection import Lawful, Row, project
from verification.course.state import State
from verification.course.tables import (
    ACCESS,
    ATTEMPT,
    CASE,
    ITEM,
    KEY,
    RECEIPT,
    TABLES,
    WORD,
    Kind,
    Table,
)
from verification.log.damaged import readable
from verification.models import (
    Access,
    Attempt,
    AuditEntry,
    CaptureWord,
    Clearance,
    DataKey,
    EvidenceItem,
    Receipt,
    ReviewVote,
    SharedEvidence,
    SharedEvidenceUse,
    Verification,
)

Key = tuple[str, ...]
Values = dict[str, Any]
"""A row by its columns."""

PROJECTED: Final = tuple(name for name, table in TABLES.items() if table.title)
"""The tables whose rows the course projects. The case comes first, then its attempts."""
_READ: Final = (Kind.STATED, Kind.KEYED)
_MODELS: Final[Mapping[str, type[Model]]] = {
    model._meta.db_table: model
    for model in (
        *(Verification, Attempt, ReviewVote, Access, DataKey),
        *(EvidenceItem, CaptureWord, SharedEvidence, SharedEvidenceUse, Receipt, Clearance),
    )
}


@dataclass(frozen=True)
class Case:
    """One case: all its entries by sequence, ordered or not, and the rows of each table by their
    key.
    """

    id: str
    entries: list[AuditEntry] = field(default_factory=list)
    rows: dict[str, dict[Key, Values]] = field(default_factory=dict)

    @property
    def row(self) -> Values | None:
        """Its own row; None if missing or unreadable."""
        return self.rows[CASE].get((self.id,))


class _Plan(NamedTuple):
    """How a table is read. `owner`: the column that names the case, or its attempt."""

    model: type[Model]
    columns: tuple[str, ...]
    binary: tuple[str, ...]
    owner: str


def load(ids: Sequence[str]) -> dict[str, Case]:
    """These cases, by id. An unreadable row is treated as missing."""
    cases = {name: Case(name) for name in ids}
    entries = AuditEntry.objects.filter(verification_id__in=ids).select_related("leaf")
    for entry in readable(entries.order_by("verification_id", "verification_sequence", "pk")):
        # A damaged index may lead to the row of another case.
        if case := cases.get(str(entry.verification_id)):
            case.entries.append(entry)
    by_attempt = dict[str, Case]()
    for name in PROJECTED:
        plan = _plan(name)
        owners = by_attempt if plan.owner == "attempt_id" else cases
        rows = dict[str, list[Values]]()
        for row in _read(
            plan.model._default_manager.filter(**{f"{plan.owner}__in": list(owners)}), plan
        ):
            if (case := owners.get(row[plan.owner])) is not None:
                rows.setdefault(case.id, []).append(row)
                if name == ATTEMPT:
                    by_attempt[row["id"]] = case
        for case in cases.values():
            case.rows[name] = keyed_rows(name, rows.get(case.id, ()))
    for case in cases.values():
        _name_sessions(case)
    return cases


def keyed_rows(name: str, rows: Iterable[Values]) -> dict[Key, Values]:
    """The rows of one table and case, by their key in entries, in the entries' form."""
    table, binary = TABLES[name], _plan(name).binary
    by_key = dict[Key, Values]()
    spelling = _SPELLINGS.get(name, _same)
    for row in spelling(rows):
        for column in binary:
            row[column] = _spelling(row[column])
        by_key[tuple(row[column] for column in table.key)] = row
    return by_key


def _same(rows: Iterable[Values]) -> Iterable[Values]:
    return rows


def _of_items(rows: Iterable[Values]) -> Iterator[Values]:
    """Entries have a hash of the index, bound to the row."""
    for row in rows:
        if row["seen_index"] is not None:
            row["seen_index"] = index_mark(row["id"], bytes(row["seen_index"]))
        yield row


def _of_receipts(rows: Iterable[Values]) -> Iterator[Values]:
    """Entries have the hash of a receipt."""
    for row in rows:
        yield {**row, "jws": sha256(str(row["jws"]).encode(errors="replace")).hexdigest()}


def _of_words(rows: Iterable[Values]) -> Iterator[Values]:
    """Entries have a hash of all words of a capture."""
    numbers = dict[str, list[int]]()
    for row in rows:
        numbers.setdefault(row["attempt_id"], []).append(row["word"])
    for name, by_word in numbers.items():
        yield {"attempt_id": name, "word": words_mark(name, by_word)}


_SPELLINGS: Final[Mapping[str, Callable[[Iterable[Values]], Iterable[Values]]]] = {
    ITEM: _of_items,
    RECEIPT: _of_receipts,
    WORD: _of_words,
}


def _name_sessions(case: Case) -> None:
    """Entries name a code's session by its token's hash, not by its row number."""
    rows = case.rows[ACCESS].values()
    digests = {row["id"]: row["digest"] for row in rows}
    for row in rows:
        # A number outside the case's rows stays: it matches no hash in entries.
        row["parent_id"] = digests.get(row["parent_id"], row["parent_id"])


def _read(query: QuerySet[Any, Any], plan: _Plan) -> Iterator[Values]:
    for row in readable(query.order_by("pk").values_list(*plan.columns)):
        yield dict(zip(plan.columns, row, strict=True))


@cache
def _plan(name: str) -> _Plan:
    """Sealed columns are not loaded: they are large, and compared where they are opened."""
    table = TABLES[name]
    model = _MODELS[name]
    columns_read = {column for column, field in table.fields.items() if field.kind in _READ}
    columns_read |= {*table.key, "id"} & table.fields.keys()
    fields = {
        field.column: field for field in model._meta.concrete_fields if field.column in columns_read
    }
    owner = next((column for column in ("verification_id", "attempt_id") if column in fields), "id")
    binary = tuple(column for column, field in fields.items() if isinstance(field, BinaryField))
    return _Plan(model, tuple(fields), binary, owner)


def _spelling(value: Any) -> Any:
    # PostgreSQL hands out a memoryview, SQLite bytes.
    return bytes(value).hex() if isinstance(value, bytes | bytearray | memoryview) else value


def differences(
    log: str, case: Case, state: State, tables: Collection[str] = PROJECTED
) -> Iterator[Finding]:
    """Rows of these tables that are missing, differ, or have no entry, by the state of a case."""
    parts: dict[str, list[Row]] = {name: [] for name in PROJECTED}
    for row in _projected(case, state):
        parts[row.table].append(row)
    # Without an opening entry, a case's key and sealed document would go unmentioned.
    is_opened = state.opening.entry is not None and "case" in state.opening.entry.body
    for name in tables:
        stored = _stored(case, name, parts[name])
        yield from _of_table(log, case, TABLES[name], parts[name], stored)
        for key in sorted(stored.keys() - {row.key for row in parts[name]}):
            if is_opened or name not in (ITEM, KEY) or stored[key].get("attempt_id") is not None:
                title = (TABLES[name].unsaid or TABLES[name].title).format(*key, **stored[key])
                detail = f"verification {case.id} holds the {title}, of which no entry speaks"
                yield Finding(code="row_unsaid", log=log, detail=detail)


def _projected(case: Case, state: State) -> Iterator[Row]:
    index = case.row["borrower_index"] if case.row is not None else None
    frames = of_frames(state, case=case.id, now=clock.now())
    return chain(project(state, case=case.id, borrower_index=index), frames)


def _stored(case: Case, name: str, parts: list[Row]) -> Mapping[Key, Values]:
    rows = case.rows[name]
    if name != WORD:
        return rows
    # Entries have a hash of all words of a capture, also of none.
    return {row.key: {"word": words_mark(row.key[0], ())} for row in parts} | rows


def _of_table(
    log: str, case: Case, table: Table, parts: list[Row], stored: Mapping[Key, Values]
) -> Iterator[Finding]:
    missing = set[Key]()
    for row in parts:
        if (values := stored.get(row.key)) is not None:
            yield from _differing(log, table, row, values, case.id)
        elif row.key not in missing:
            missing.add(row.key)
            title = _title(table, row, case.id, is_gone=True)
            detail = f"the {title} that this entry speaks of is not there any more"
            yield Finding(code="row_missing", log=log, entry=row.entry, detail=detail)


def _title(table: Table, row: Row, case: str, *, is_gone: bool = False) -> str:
    names_case = table.names_case == "always" or (is_gone and table.names_case == "gone")
    return table.title.format(*row.key) + (f" of verification {case}" if names_case else "")


def _differing(
    log: str, table: Table, row: Row, stored: Mapping[str, Any], case: str
) -> Iterator[Finding]:
    for column, value in row.values.items():
        field, code = column, "row_differs"
        if isinstance(value, Lawful):
            code, detail = value.code, value.wrong(stored)
        elif value != stored[column]:
            field = table.fields[column].name or column
            source = "this entry says" if row.entry else "its entries lead to"
            detail = f"the {field} of {_title(table, row, case)} is not what {source}"
        else:
            detail = ""
        if detail:
            yield Finding(code=code, log=log, entry=row.entry, field=field, detail=detail)
