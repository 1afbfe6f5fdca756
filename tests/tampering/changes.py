"""What is done to rows: every column of every table is given other values, rows are taken away,
added and mixed up.
"""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connection, models

from tests.tampering.hands import Change, Hand, may
from verification.core.ids import new_id

Row = dict[str, Any]
MODELS = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
_WORDS = (
    "passed",
    "verified",
    "declined",
    "eds",
    "statement",
    "open",
    "void",
    "KZ-2025-01",
    "usr_mallory",
    "live",
    "",
)


def rows_of(table: str) -> list[Row]:
    """Every row, each column as the database hands it out."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {_q(table)} ORDER BY {', '.join(map(_q, key_of(table)))}")  # noqa: S608
        names = [each[0] for each in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [
        {name: bytes(one) if isinstance(one, memoryview) else one for name, one in row.items()}
        for row in found
    ]


def key_of(table: str) -> tuple[str, ...]:
    """The columns of the primary key."""
    return (
        tuple(str(field.column) for field in MODELS[table]._meta.pk_fields)
        if table in MODELS
        else ("id",)
    )


def at_key(table: str, row: Row) -> tuple[str, list[Any]]:
    """What finds this row alone, after WHERE."""
    return " AND ".join(f"{_q(name)} = %s" for name in key_of(table)), [
        row[name] for name in key_of(table)
    ]


def of_column(table: str, column: str, chance: random.Random) -> Iterator[Change]:
    """Without end: this column of some row is given another value, or two rows change theirs."""
    rows = rows_of(table)
    while rows:
        row = chance.choice(rows)
        hand = chance.choice(
            [hand for hand in (Hand.APPLICATION, Hand.OWNER) if may(hand, "update", table)]
        )
        others = [other[column] for other in rows if other[column] != row[column]]
        if others and chance.random() < 0.15 and column not in key_of(table):
            wanted = chance.choice(others)
            other = next(one for one in rows if one[column] == wanted)
            both = (
                _update(table, column, row, other[column]),
                _update(table, column, other, row[column]),
            )
            yield Change(hand, table, column, "swapped", both, tuple(row.items()), other[column])
            continue
        values = list(_others(MODELS.get(table), column, row[column], others, chance))
        if not values:
            continue
        new = chance.choice(values)
        statement = _update(table, column, row, new)
        yield Change(hand, table, column, "changed", (statement,), tuple(row.items()), new)


def of_table(table: str, chance: random.Random) -> Iterator[Change]:
    """Without end: a row is taken away, or one like it is put beside it."""
    rows = rows_of(table)
    while rows:
        row = chance.choice(rows)
        if chance.random() < 0.5:
            hand = chance.choice(
                [hand for hand in (Hand.APPLICATION, Hand.OWNER) if may(hand, "delete", table)]
            )
            where, key = at_key(table, row)
            gone = (f"DELETE FROM {_q(table)} WHERE {where}", key)  # noqa: S608
            yield Change(hand, table, "", "taken away", (gone,), tuple(row.items()))
        else:
            yield _added(table, row, rows, chance)


def _added(table: str, row: Row, rows: Sequence[Row], chance: random.Random) -> Change:
    """A row like this one, with a key of its own, and of unique columns other values."""
    model, fresh = MODELS.get(table), dict(row)
    for field in model._meta.concrete_fields if model else ():
        name = str(field.column)
        if field.unique:
            others = [other[name] for other in rows if other[name] != row[name]]
            fresh[name] = _unique(field, row[name], others, chance)
    key = key_of(table)[-1]
    if isinstance(fresh[key], int):
        fresh[key] = max(int(one[key]) for one in rows) + chance.randint(1, 50)
    elif len(key_of(table)) > 1:
        fresh[key] = _bent_text(fresh[key], chance)
    names = ", ".join(map(_q, fresh))
    marks = ", ".join(["%s"] * len(fresh))
    statement = (
        f"INSERT INTO {_q(table)} ({names}) VALUES ({marks})",  # noqa: S608
        list(fresh.values()),
    )
    return Change(Hand.APPLICATION, table, "", "added", (statement,), tuple(fresh.items()))


def _unique(field: Any, value: Any, others: Sequence[Any], chance: random.Random) -> Any:
    if isinstance(field, models.OneToOneField):
        return chance.choice(others) if others else value
    if isinstance(value, bytes):
        return chance.randbytes(len(value))
    if isinstance(value, str) and "_" in value:
        return new_id(value.partition("_")[0])
    return (
        f"{chance.randrange(10**12):x}".ljust(len(value), "0") if isinstance(value, str) else value
    )


def _update(table: str, column: str, row: Row, new: Any) -> tuple[str, list[Any]]:
    where, key = at_key(table, row)
    return f"UPDATE {_q(table)} SET {_q(column)} = %s WHERE {where}", [new, *key]  # noqa: S608


def _others(
    model: type[models.Model] | None,
    column: str,
    value: Any,
    others: Sequence[Any],
    chance: random.Random,
) -> Iterator[Any]:
    """Other values that this column could hold."""
    field = (
        next((one for one in model._meta.concrete_fields if one.column == column), None)
        if model
        else None
    )
    if others:
        yield from chance.sample(list(others), min(2, len(others)))
    if field is not None and field.null and value is not None and not field.primary_key:
        yield None
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    if isinstance(field, models.JSONField):
        yield from (spelt for spelt in _json(value, chance) if spelt != value)
    elif isinstance(field, models.BooleanField):
        yield not value
    elif isinstance(field, models.DateTimeField):
        yield from _moments(value, chance)
    elif isinstance(field, models.DateField):
        yield _as_was(value, lambda day: day - timedelta(days=31))
    elif isinstance(field, models.IntegerField):
        yield from {(value or 0) + 1, max(0, (value or 0) - 1), 0} - {value}
    elif isinstance(field, models.BinaryField):
        yield _bent(value, chance)
    elif value:
        yield from (
            word for word in (*chance.sample(_WORDS, 2), _bent_text(value, chance)) if word != value
        )
    else:
        yield chance.choice(_WORDS[:-1])


def _moments(value: Any, chance: random.Random) -> Iterator[Any]:
    if value is None:
        now = datetime.now(UTC)
        yield connection.ops.adapt_datetimefield_value(now)
        return
    for by in (
        timedelta(microseconds=1),
        timedelta(seconds=chance.randint(1, 600)),
        -timedelta(days=30),
    ):
        yield _as_was(value, lambda moment, by=by: moment + by)


def _as_was(value: Any, change: Any) -> Any:
    if isinstance(value, str):
        kind = datetime if ":" in value else date
        changed = change(kind.fromisoformat(value))
        # SQLite keeps a whole second without a fraction.
        return str(changed)
    return change(value)


def _bent(value: bytes | None, chance: random.Random) -> bytes:
    if not value:
        return chance.randbytes(32)
    place = chance.randrange(len(value))
    return value[:place] + bytes([value[place] ^ (1 << chance.randrange(8))]) + value[place + 1 :]


def _bent_text(value: str, chance: random.Random) -> str:
    place = chance.randrange(len(value))
    return (
        value[:place]
        + chance.choice("abcdef0123456789".replace(value[place], ""))
        + value[place + 1 :]
    )


def _json(value: Any, chance: random.Random) -> Iterator[str]:
    held = json.loads(value) if isinstance(value, str) else value
    if isinstance(held, dict):
        names = [name for name in held if name != "v"]
        if names:
            name = chance.choice(names)
            yield json.dumps({each: one for each, one in held.items() if each != name})
            yield json.dumps({**held, name: "mallory"})
        yield json.dumps({**held, "mallory": 1})
        return
    yield json.dumps([])
    yield json.dumps([*held, "eds"])
    yield json.dumps([["eds"]])


def _q(name: str) -> str:
    return connection.ops.quote_name(name)


__all__ = ("MODELS", "Row", "key_of", "of_column", "of_table", "rows_of")
