"""Are the rows of a case those that its entries imply? One loop over all tables of
`course/tables.py`.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import chain
from typing import Any

from verification import clock
from verification.core.findings import Finding
from verification.core.keeping import words_mark
from verification.course.frames import of_frames
from verification.course.projection import project
from verification.course.row import Lawful, Row
from verification.course.state import State
from verification.course.tables import ITEM, KEY, TABLES, WORD, Table
from verification.log.stored_rows import PROJECTED, Case, Key, Values


def differences(
    log: str, case: Case, state: State, tables: Collection[str] = PROJECTED
) -> Iterator[Finding]:
    """The rows of these tables that are missing, that differ, and that no entry implies, by the
    state of a case.
    """
    parts: dict[str, list[Row]] = {name: [] for name in PROJECTED}
    for row in _projected(case, state):
        parts[row.table].append(row)
    # A case that no entry opens has a key, and a sealed document of it, of which none would speak.
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
    # Entries name a hash of all words of a capture, also of none.
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
