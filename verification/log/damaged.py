"""Reads rows that may be damaged: unreadable ones are reported, and reading continues."""

from collections.abc import Iterator
from typing import Any, Final, TypeVar, cast

from django.db import DatabaseError
from django.db.models import Model, QuerySet

from verification.compiled import Compiled, Given

Row = TypeVar("Row", bound=Model)

PAGE: Final = 1000
"""Rows in memory at a time."""

UNREADABLE: Final = (
    DatabaseError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""Errors of database drivers and Django's conversions for damaged columns."""


class Damaged:
    """Stands for an unreadable row."""

    def __init__(self, pk: object) -> None:
        self.pk = pk


def readable(
    query: QuerySet[Row, Row] | Compiled[Row], *values: Given, with_damaged: bool = False
) -> Iterator[Row]:
    """The readable rows of a query, in order; values: of a compiled one.

    with_damaged: `Damaged` replaces each unreadable row.
    """
    try:
        rows = query.ask(*values) if isinstance(query, Compiled) else list(query)
    except UNREADABLE:
        rows, query = [], query.rows(*values) if isinstance(query, Compiled) else query
        for pk in list(query.values_list("pk", flat=True)):
            try:
                rows.extend(query.filter(pk=pk))
            except UNREADABLE:
                rows.extend([cast(Row, Damaged(pk))] if with_damaged else [])
    yield from rows


def pages(query: QuerySet[Any, Any], *, column: str) -> Iterator[list[Any]]:
    """The rows in pages, ascending by a unique column: constant memory, and no transaction held
    open.
    """
    last: Any = None
    while True:
        remaining = query if last is None else query.filter(**{f"{column}__gt": last})
        keys = list(remaining.order_by(column).values_list(column, flat=True)[:PAGE])
        # A damaged column can sort before earlier rows, which would loop for ever.
        if not keys or keys[-1] == last:
            return
        yield list(
            readable(
                remaining.filter(**{f"{column}__lte": keys[-1]}).order_by(column), with_damaged=True
            )
        )
        last = keys[-1]


def names(query: QuerySet[Any, Any], *, column: str, most: int) -> Iterator[list[str]]:
    """The values of a text column in pages of at most so many, ascending."""
    last = ""
    while page := list(
        query.filter(**{f"{column}__gt": last})
        .order_by(column)
        .values_list(column, flat=True)[:most]
    ):
        yield page
        # A damaged name can sort before earlier ones, which would loop for ever.
        if not isinstance(page[-1], str) or page[-1] <= last:
            return
        last = page[-1]


def as_bytes(value: object) -> bytes:
    """A binary column's bytes; empty for another type, which only a damaged row has."""
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else b""
