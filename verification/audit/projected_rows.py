"""Are the rows of a case those that its entries imply? One loop over all tables of `course/tables.py`."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from django.db.models import Model

from verification.audit.held_rows import Held
from verification.core.findings import Finding
from verification.course.row import Lawful, Row
from verification.course.tables import CASE, RECEIPT, SESSION, TABLES, Table

Key = tuple[str, ...]


def differences(log: str, held: Held, rows: Iterable[Row], tables: Collection[str]) -> Iterator[Finding]:
    """The rows of these tables that are missing, that differ, and that no entry implies."""
    projected, case = list(rows), held.verification.pk
    for name in tables:
        table = TABLES[name]
        stored = _stored(held, name)
        parts = [row for row in projected if row.table == name]
        missing = set[Key]()
        for row in parts:
            if (values := stored.get(row.key)) is not None:
                yield from _differing(log, table, row, values, case)
            elif row.key not in missing:
                missing.add(row.key)
                title = _title(table, row, case)
                detail = f"the {title} that this entry speaks of is not there any more"
                yield Finding(code="row_missing", log=log, entry=row.entry, detail=detail)
        # The row of the case itself stands here for each that has entries, whatever they say.
        unsaid = stored.keys() - {row.key for row in parts} if name != CASE else ()
        for key in sorted(unsaid):
            detail = f"verification {case} holds the {table.title.format(*key)}, of which no entry speaks"
            yield Finding(code="row_unsaid", log=log, detail=detail)


def _title(table: Table, row: Row, case: str) -> str:
    return table.title.format(*row.key) + (f" of verification {case}" if table.is_of_case else "")


def _differing(log: str, table: Table, row: Row, stored: Mapping[str, Any], case: str) -> Iterator[Finding]:
    for column, value in row.values.items():
        field, code = column, "row_differs"
        if isinstance(value, Lawful):
            code, detail = value.code, value.wrong(stored)
        elif value != stored[column]:
            field = table.fields[column].name or column
            detail = f"the {field} of {_title(table, row, case)} is not what this entry says"
        else:
            detail = ""
        if detail:
            yield Finding(code=code, log=log, entry=row.entry, field=field, detail=detail)


def _stored(held: Held, name: str) -> dict[Key, Mapping[str, Any]]:
    """The stored rows of a table, by the key that entries have for them."""
    sessions = {session.pk: bytes(session.token_sha256).hex() for session in held.rows(SESSION)}
    rows = dict[Key, Mapping[str, Any]]()
    for model in held.rows(name):
        values = _values(model, TABLES[name])
        if "session_id" in values:
            values["session_id"] = sessions.get(values["session_id"])
        if name == RECEIPT:  # entries name its hash
            values["jws"] = sha256(str(values["jws"]).encode(errors="replace")).hexdigest()
        rows[tuple(values[column] for column in TABLES[name].key)] = values
    return rows


def _values(model: Model, table: Table) -> dict[str, Any]:
    """The columns of a row that was read; bytes as entries spell them."""
    read = {column: value for column, value in vars(model).items() if column in table.fields}
    return {column: _spelled(value) for column, value in read.items()}


def _spelled(value: Any) -> Any:
    # PostgreSQL hands out a memoryview, SQLite bytes.
    return bytes(value).hex() if isinstance(value, bytes | bytearray | memoryview) else value
