"""JSON and dataclasses. Unknown fields are ignored and words are not restricted, because both
may grow.
"""

import dataclasses
import json
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import (
    Any,
    TypeVar,
    Union,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from tulga.errors import BadAnswer
from tulga.narrowing import items, members

T = TypeVar("T")
_hints = cache(get_type_hints)


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,)
)
class Record:  # A subclass is a frozen dataclass with keyword fields
    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        dataclasses.dataclass(frozen=True, kw_only=True)(cls)


def parse(kind: type[T], content: bytes) -> T:
    """The dataclass in a JSON text.

    Raises: `BadAnswer` for another form.
    """
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        raise BadAnswer(f"no JSON where a {kind.__name__} was expected") from None
    read: T = value_of(kind, said, kind.__name__)
    return read


def value_of(kind: Any, said: Any, place: str) -> Any:
    """A value of this type, including nested dataclasses."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):  # only with None
        return None if said is None else value_of(inner[0], said, place)
    array, fields = items(said), members(said)
    if origin is tuple and array is not None:
        return tuple(value_of(inner[0], one, place) for one in array)
    if origin is Mapping and fields is not None:
        return types.MappingProxyType(
            {name: value_of(inner[1], one, place) for name, one in fields.items()}
        )
    if dataclasses.is_dataclass(origin or kind) and fields is not None:
        return _record(origin or kind, fields, place, of=inner)
    if kind is float and type(said) is int:
        return float(said)
    if kind is Any or (kind in (str, int, bool, float) and type(said) is kind):
        return said
    with suppress(ValueError, OverflowError, InvalidOperation):
        if isinstance(said, str) and kind in (datetime, Decimal):
            return (
                Decimal(said) if kind is Decimal else datetime.fromisoformat(said).astimezone(UTC)
            )
    raise BadAnswer(f"{place} is no {getattr(kind, '__name__', kind)}")


def spell(value: Any) -> Any:
    """The JSON of a request, without fields that are None.

    Decimals are strings, times are RFC 3339 in UTC.
    """
    if dataclasses.is_dataclass(value):
        return spell(
            {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        )
    if isinstance(value, Mapping):
        fields = cast(Mapping[str, Any], value)
        return {name: spell(one) for name, one in fields.items() if one is not None}
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time needs its zone")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | Decimal):
        return value.isoformat() if isinstance(value, date) else f"{value:f}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [spell(one) for one in cast(Sequence[object], value)]
    return value


def _record(kind: Any, said: Mapping[str, Any], place: str, *, of: tuple[Any, ...]) -> Any:
    values = {}
    for field in dataclasses.fields(kind):
        hint = _hints(kind)[field.name]
        if field.name in said:
            # In `Page[Event]`, Event replaces T.
            meant = hint[of] if getattr(hint, "__parameters__", ()) else hint
            values[field.name] = value_of(meant, said[field.name], f"{place}.{field.name}")
        elif field.default is dataclasses.MISSING:
            raise BadAnswer(f"{place} has no {field.name}")
    return kind(**values)
