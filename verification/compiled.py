"""Frequent queries, compiled to SQL once and run with other values.

Only queries whose compilation takes more than a twentieth of the request: for a poll it is half.
All others are query sets.
"""

import re
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from inspect import signature
from itertools import chain, zip_longest
from types import SimpleNamespace
from typing import Any, Final, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet, Value

Row = TypeVar("Row", covariant=True)
Given = str | bytes | int | datetime
_WORD: Final = re.compile(r"[\w.]*", re.ASCII)
"""Text that needs no escaping within quotes."""


@dataclass(frozen=True)
class _Place:
    """A placeholder of a value in the statement's parameters; Django passes it on unchanged."""

    number: int


@dataclass(frozen=True)
class _Sql:
    rows: Any
    compiler: Any
    sql: str
    parameters: tuple[object, ...]


def _spelled(sql: str, parameters: Sequence[object]) -> tuple[str, tuple[object, ...]]:
    """The statement with its constant words in the text, and the parameters that are left.

    PostgreSQL may keep one plan for all values. That plan uses a partial index only if the text has
    the words of its condition; else it reads the whole table.
    """
    left, spellings = list[object](), list[str]()
    for parameter in parameters:
        is_word = isinstance(parameter, str) and _WORD.fullmatch(parameter) is not None
        spellings.append(f"'{parameter}'" if is_word else "%s")
        left += () if is_word else (parameter,)
    pieces = zip_longest(sql.split("%s"), spellings, fillvalue="")
    return "".join(chain.from_iterable(pieces)), tuple(left)


class Compiled(Generic[Row]):
    """Rows under a query with varying values.

    Django compiles a query on each use: with 40 columns this takes a millisecond, longer than the
    database's answer.
    Here it happens at the first use. `rows` builds the query set from placeholders.
    Only values may vary, and a value must not be None or a list.
    A value reaches the database unconverted: do not use columns with another stored form
    (`verification/fields.py`).
    """

    def __init__(self, rows: Callable[..., QuerySet[Any, Row]]) -> None:
        self._rows = rows
        self._places = [
            Value(_Place(number)) for number, _ in enumerate(signature(rows).parameters)
        ]
        self._sql: dict[str, _Sql] = {}

    def rows(self, *values: object) -> QuerySet[Any, Row]:
        """The query set itself, which Django compiles as usual."""
        return self._rows(*values)

    def first(self, *values: Given) -> Row | None:
        """The first of the rows; None if there is none."""
        return next(iter(self.ask(*values)), None)

    def ask(self, *values: Given) -> list[Row]:
        """The rows, as the query set would give them."""
        connection = connections[DEFAULT_DB_ALIAS]
        compiled, parameters = self._compile(values, connection)
        # Threads share the compiled form, and each has its own connection.
        compiler: Any = copy(compiled.compiler)
        compiler.connection = connection
        compiler.as_sql = lambda *_, **__: (compiled.sql, parameters)
        # Column converters, cached on each connection, because some are its methods.
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
        """The query for this kind of database, and its parameters with these values."""
        # 1 compiled by Django, once
        if (compiled := self._sql.get(connection.vendor)) is None:
            rows = self._rows(*self._places)
            compiler = rows.query.get_compiler(rows.db)
            sql = _spelled(*compiler.as_sql())
            compiled = self._sql[connection.vendor] = _Sql(rows, compiler, *sql)
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
