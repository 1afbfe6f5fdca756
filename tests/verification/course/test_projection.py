"""The course projects the rows of a case: its table has every column, and honest rows are what it
projects.
"""

import random
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from django.apps import apps
from django.db.models import ForeignKey, Model
from pytest_django import Settings

from tests.proofs import Figures
from tests.tampering import stories
from tests.verification import lawful
from tests.verification.course import random_histories
from verification.core.keeping import index_mark, words_mark
from verification.course import fold
from verification.course.projection import Lawful, Row, project
from verification.course.tables import CASE, ITEM, RECEIPT, TABLES, WORD, Kind
from verification.log.signatures import course_entry
from verification.models import Attempt, AuditEntry, Verification

HISTORIES, LOGS, FEW = 1_000, 60, 6
_SHARED = "verification_sharedevidence"


def _is_of_case(model: type[Model]) -> bool:
    """Whether its rows belong to a verification, or to one through an attempt."""
    owners = {
        field.related_model
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey)
    }
    return model is Verification or bool(owners & {Verification, Attempt})


def test_the_table_has_every_column_of_every_table_of_a_case_and_no_other() -> None:
    models = [
        model
        for model in apps.get_models(include_auto_created=True)
        if (_is_of_case(model) and model is not AuditEntry) or model._meta.db_table == _SHARED
    ]
    columns = {
        model._meta.db_table: {field.column for field in model._meta.concrete_fields}
        for model in models
    }
    assert columns == {name: set(table.fields) for name, table in TABLES.items()}


def test_what_is_not_compared_has_its_reason() -> None:
    operational = {
        f"{name}.{column}"
        for name, table in TABLES.items()
        for column, field in table.fields.items()
        if field.kind is Kind.OPERATIONAL
    }
    assert {column.removeprefix("verification_") for column in operational} == {
        *(
            "verification.step",
            "verification.queue",
            "verification.due_at",
            "verification.reserved_until",
        ),
        *("verification.lease_until", "verification.fence", "verification.faults"),
        *("attempt.notice", "reviewvote.id", "access.id"),
        *("datakey.created_at", "sharedevidence.created_at"),
    }


@pytest.mark.proof("course")
def test_a_lawful_history_projects_compared_columns_and_one_value_of_each(
    proof_seed: int, proof_scale: float, proof_figures: Figures
) -> None:
    number, count = max(50, round(HISTORIES * proof_scale)), 0
    for place in range(number):
        history = random_histories.lawful(random.Random(f"{proof_seed} {place}"))
        values = _values(project(fold.reach(history), case="vrf_1", borrower_index="00"))
        count += len(values)
        for (table, _), columns in values.items():
            kinds = {TABLES[table].fields[column].kind for column in columns}
            assert kinds <= {Kind.STATED, Kind.KEYED}, table
    proof_figures["projected"] = {"histories": number, "rows": count}


@pytest.mark.django_db(transaction=True)
@pytest.mark.proof("course")
def test_the_rows_of_honest_stories_are_those_that_their_entries_project(
    proof_seed: int,
    proof_scale: float,
    proof_figures: Figures,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lawful.know_routes(monkeypatch)
    stories.put_in(monkeypatch, settings)
    number, rows, chance = max(FEW, round(LOGS * proof_scale)), 0, random.Random(proof_seed)
    for _ in range(number):
        for _ in stories.play(chance):
            for case in Verification.objects.all():
                rows += _compare(case)
        stories.forget()
    proof_figures["stories"] = {"logs": number, "rows": rows}
    assert rows


def _compare(case: Verification) -> int:
    """Compares each projected row of a case with the stored one; how many there are."""
    entries = AuditEntry.objects.filter(verification=case).order_by("verification_sequence")
    assert case.borrower_index is not None
    index = bytes(case.borrower_index).hex()
    state = fold.reach(map(course_entry, entries))
    projected = project(state, case=case.pk, borrower_index=index)
    values = _values(projected)
    stored = {(name, key): row for name in TABLES for key, row in _stored(case, name)}
    assert stored.keys() == values.keys()
    for place, columns in values.items():
        for column, parts in columns.items():
            for value in parts:
                if isinstance(value, Lawful):
                    assert not value.wrong(stored[place])
                else:
                    assert stored[place][column] == value, (place, column)
    return len(values)


def _values(rows: Iterator[Row]) -> dict[tuple[str, tuple[str, ...]], dict[str, list[Any]]]:
    """By table and key, what is projected of each column: one value, and rules beside it."""
    values: dict[tuple[str, tuple[str, ...]], dict[str, list[Any]]] = {}
    for row in rows:
        columns = values.setdefault((row.table, row.key), {})
        for column, value in row.values.items():
            columns.setdefault(column, []).append(value)
            firm = [value for value in columns[column] if not isinstance(value, Lawful)]
            assert all(value == firm[0] for value in firm), (row.table, column)
    return values


def _stored(case: Verification, name: str) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """The stored rows of a table that the course projects, by their keys."""
    table = TABLES[name]
    if not table.title:
        return
    model: Any = next(model for model in apps.get_models() if model._meta.db_table == name)
    owner = (
        "verification"
        if any(field.name == "verification" for field in model._meta.fields)
        else None
    )
    found: Any = (
        [case] if name == CASE else model.objects.filter(**{owner or "attempt__verification": case})
    )
    if name == WORD:
        for attempt in found.values_list("attempt", flat=True).distinct():
            numbers = model.objects.filter(attempt=attempt).values_list("word", flat=True)
            yield (attempt,), {"word": words_mark(attempt, numbers)}
        return
    for row in found:
        columns = {
            field.column: _spelled(getattr(row, field.attname))
            for field in model._meta.concrete_fields
        }
        if name == RECEIPT:
            columns["jws"] = sha256(row.jws.encode()).hexdigest()
        if name == ITEM and row.seen_index is not None:
            columns["seen_index"] = index_mark(row.pk, bytes(row.seen_index))
        if "parent_id" in columns:
            columns["parent_id"] = row.parent and _spelled(row.parent.digest)
        yield tuple(columns[column] for column in table.key), columns


def _spelled(value: Any) -> Any:
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value
