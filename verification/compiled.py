"""Queries of every request: compiled to SQL once, and run with other values ever after.

Only those are here whose compilation takes more than a twentieth of the request: of a poll it is
half. All others are query sets.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from inspect import signature
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet, Value

Row = TypeVar("Row", covariant=True)
Given = str | bytes | int | datetime


@dataclass(frozen=True)
class _Place:
    """Where a value will stand in the parameters of the statement; Django hands it on as it is,
    being of no column.
    """

    number: int


@dataclass(frozen=True)
class _Sql:
    rows: Any
    compiler: Any
    sql: str
    parameters: tuple[object, ...]


class Compiled(Generic[Row]):
    """Rows that are asked for by other values each time.

    Django spells a query anew whenever it is asked: of 40 columns in a millisecond, which is longer
    than the database takes to answer it. Here that is done at the first question. `rows` makes the
    query set of places for its values; what is asked may differ by them only, so none is None, and
    none a list. A value goes to the database as it comes: none is for a column that keeps another
    form of it (`verification/fields.py`).
    """

    def __init__(self, rows: Callable[..., QuerySet[Any, Row]]) -> None:
        self._rows = rows
        self._places = [
            Value(_Place(number)) for number, _ in enumerate(signature(rows).parameters)
        ]
        self._sql: dict[str, _Sql] = {}

    def rows(self, *values: object) -> QuerySet[Any, Row]:
        """The query set itself, which Django spells as any other."""
        return self._rows(*values)

    def first(self, *values: Given) -> Row | None:
        """The first of the rows; None if there is none."""
        return next(iter(self.ask(*values)), None)

    def ask(self, *values: Given) -> list[Row]:
        """The rows, as the query set would give them."""
        connection = connections[DEFAULT_DB_ALIAS]
        compiled, parameters = self._compile(values, connection)
        # Threads share what was compiled, and each has a connection of its own.
        compiler: Any = copy(compiled.compiler)
        compiler.connection = connection
        compiler.as_sql = lambda *_, **__: (compiled.sql, parameters)
        # What makes values of columns: sought once a connection and kept on it, for some are
        # methods of its own.
        converters = vars(connection).setdefault("_converters_of_compiled", {})
        if self not in converters:
            converters[self] = compiler.get_converters(
                [column for column, *_ in compiler.select[: compiler.col_count]]
            )
        compiler.get_converters = lambda _: converters[self]
        query = SimpleNamespace(get_compiler=lambda *_, **__: compiler)
        rows = compiled.rows
        standing_for = SimpleNamespace(
            db=rows.db, model=rows.model, query=query, _known_related_objects={}
        )
        return list(rows._iterable_class(standing_for))

    def _compile(
        self, values: Sequence[object], connection: Any
    ) -> tuple[_Sql, tuple[object, ...]]:
        """The query as this kind of database is asked, and its parameters, these values among
        them.
        """
        # 1 spelled by Django, once
        if (compiled := self._sql.get(connection.vendor)) is None:
            rows = self._rows(*self._places)
            compiler = rows.query.get_compiler(rows.db)
            compiled = self._sql[connection.vendor] = _Sql(rows, compiler, *compiler.as_sql())
            compiler.connection = None  # of this thread, which may end
        # 2 each value in its places
        if strange := [
            value for value in values if not isinstance(value, str | bytes | int | datetime)
        ]:
            raise TypeError(f"{type(strange[0]).__name__} has no place in a compiled query")
        adapt = connection.ops.adapt_datetimefield_value
        adapted = [
            adapt(value) if isinstance(value, datetime) else value
            for value, _ in zip(values, self._places, strict=True)
        ]
        return compiled, tuple(
            adapted[parameter.number] if isinstance(parameter, _Place) else parameter
            for parameter in compiled.parameters
        )
