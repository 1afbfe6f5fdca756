"""Are the rows of a case those that its entries imply? One loop over all tables of `course/tables.py`."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from django.db.models import Model

from verification.audit.held_rows import Held
from verification.core.findings import Finding
from verification.core.keeping import index_mark, words_mark
from verification.course.row import Lawful, Row
from verification.course.tables import CASE, ITEM, RECEIPT, SESSION, TABLES, WORD, Table

Key = tuple[str, ...]


def differences(log: str, held: Held, rows: Iterable[Row], tables: Collection[str]) -> Iterator[Finding]:
    """The rows of these tables that are missing, that differ, and that no entry implies."""
    projected, case = list(rows), held.verification.pk
    is_opened = any(held.said("verification.created", naming="case"))

    def is_judged(name: str, stored: Mapping[str, Any]) -> bool:
        """Whether an entry must speak of a row: not where the one that opens the case would have to."""
        return name != CASE and (name != ITEM or is_opened or stored["attempt_id"] is not None)

    for name in tables:
        table = TABLES[name]
        parts = [row for row in projected if row.table == name]
        stored = _stored(held, name, {row.key for row in parts})
        missing = set[Key]()
        for row in parts:
            if (values := stored.get(row.key)) is not None:
                yield from _differing(log, table, row, values, case)
            elif row.key not in missing:
                missing.add(row.key)
                title = _title(table, row, case, is_gone=True)
                detail = f"the {title} that this entry speaks of is not there any more"
                yield Finding(code="row_missing", log=log, entry=row.entry, detail=detail)
        for key in sorted(key for key in stored.keys() - {row.key for row in parts} if is_judged(name, stored[key])):
            title = (table.unsaid or table.title).format(*key, **stored[key])
            detail = f"verification {case} holds the {title}, of which no entry speaks"
            yield Finding(code="row_unsaid", log=log, detail=detail)


def _title(table: Table, row: Row, case: str, *, is_gone: bool = False) -> str:
    names_case = table.names_case == "always" or (is_gone and table.names_case == "gone")
    return table.title.format(*row.key) + (f" of verification {case}" if names_case else "")


def _differing(log: str, table: Table, row: Row, stored: Mapping[str, Any], case: str) -> Iterator[Finding]:
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


def _stored(held: Held, name: str, projected: Collection[Key]) -> dict[Key, Mapping[str, Any]]:
    """The stored rows of a table, by the key that entries have for them, as entries spell them."""
    if name == WORD:  # entries name a hash of all words of a capture, also of none
        words = {attempt: held.words.get(attempt, ()) for attempt in (*held.words, *(key[0] for key in projected))}
        return {(attempt,): {"word": words_mark(attempt, numbers)} for attempt, numbers in words.items()}
    sessions = {session.pk: bytes(session.token_sha256).hex() for session in held.rows(SESSION)}
    rows = dict[Key, Mapping[str, Any]]()
    for model in held.rows(name):
        values = _values(model, TABLES[name])
        if "session_id" in values:
            values["session_id"] = sessions.get(values["session_id"])
        if name == RECEIPT:  # entries name its hash
            values["jws"] = sha256(str(values["jws"]).encode(errors="replace")).hexdigest()
        if name == ITEM and model.seen_index is not None:  # entries name a hash that is bound to the row
            values["seen_index"] = index_mark(model.pk, bytes(model.seen_index))
        rows[tuple(values[column] for column in TABLES[name].key)] = values
    return rows


def _values(model: Model, table: Table) -> dict[str, Any]:
    """The columns of a row that was read; bytes as entries spell them."""
    read = {column: value for column, value in vars(model).items() if column in table.fields}
    return {column: _spelled(value) for column, value in read.items()}


def _spelled(value: Any) -> Any:
    # PostgreSQL hands out a memoryview, SQLite bytes.
    return bytes(value).hex() if isinstance(value, bytes | bytearray | memoryview) else value
