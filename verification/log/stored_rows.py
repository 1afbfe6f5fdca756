"""What the tables hold about cases: read by the table of `course/tables.py`, and spelled as entries
spell it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

from django.db.models import BinaryField, Model, QuerySet

from verification.core.keeping import index_mark, words_mark
from verification.course.tables import (
    ATTEMPT,
    CASE,
    HAND_OVER,
    ITEM,
    RECEIPT,
    SESSION,
    SIGNING,
    TABLES,
    WORD,
    Kind,
)
from verification.log.damaged import readable
from verification.models import (
    Attempt,
    AuditEntry,
    BorrowerSession,
    CaptureWord,
    Clearance,
    DataKey,
    EvidenceItem,
    HandOver,
    Link,
    MobileSigning,
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
        *(
            Verification,
            Attempt,
            ReviewVote,
            Link,
            BorrowerSession,
            MobileSigning,
            HandOver,
            DataKey,
        ),
        *(EvidenceItem, CaptureWord, SharedEvidence, SharedEvidenceUse, Receipt, Clearance),
    )
}
_FROM_SESSIONS: Final = (SIGNING, HAND_OVER)


@dataclass(frozen=True)
class Case:
    """One case: all its entries by their sequence, ordered or not, and the rows of each table by
    their key.
    """

    id: str
    entries: list[AuditEntry] = field(default_factory=list)
    rows: dict[str, dict[Key, Values]] = field(default_factory=dict)

    @property
    def row(self) -> Values | None:
        """Its own row; None where that is gone, or cannot be read."""
        return self.rows[CASE].get((self.id,))


class _Plan(NamedTuple):
    """How a table is read. `owner`: the column that names the case, or its attempt."""

    model: type[Model]
    columns: tuple[str, ...]
    binary: tuple[str, ...]
    owner: str


def load(ids: Sequence[str]) -> dict[str, Case]:
    """These cases, by id. A row that cannot be read is as none."""
    cases = {name: Case(name) for name in ids}
    entries = AuditEntry.objects.filter(verification_id__in=ids).select_related("leaf")
    for entry in readable(entries.order_by("verification_id", "verification_sequence", "pk")):
        cases[str(entry.verification_id)].entries.append(entry)
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
    """The rows of one table and case, by the key that entries have for them, as entries spell
    them.
    """
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
    """Entries name a hash of what is found by an index, bound to the row."""
    for row in rows:
        if row["seen_index"] is not None:
            row["seen_index"] = index_mark(row["id"], bytes(row["seen_index"]))
        yield row


def _of_receipts(rows: Iterable[Values]) -> Iterator[Values]:
    """Entries name the hash of a receipt."""
    for row in rows:
        yield {**row, "jws": sha256(str(row["jws"]).encode(errors="replace")).hexdigest()}


def _of_words(rows: Iterable[Values]) -> Iterator[Values]:
    """Entries name a hash of all words of a capture."""
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
    """Entries name a session by the hash of its token, and not by the number of its row."""
    tokens = {row["id"]: row["token_sha256"] for row in case.rows[SESSION].values()}
    for name in _FROM_SESSIONS:
        for row in case.rows[name].values():
            row["session_id"] = tokens.get(row["session_id"])


def _read(query: QuerySet[Any, Any], plan: _Plan) -> Iterator[Values]:
    for row in readable(query.order_by("pk").values_list(*plan.columns)):
        yield dict(zip(plan.columns, row, strict=True))


@cache
def _plan(name: str) -> _Plan:
    """What sealed bytes hold stays where it is: it is large, and compared where it is opened."""
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
