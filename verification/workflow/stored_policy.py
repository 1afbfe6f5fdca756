"""A policy as it was kept with an attempt, read back into the frozen dataclass that a route judges by.

1 every field of the dataclass is there, and no other · 2 each value has the type of its field; a fraction is spelled as
its shortest decimal, as canonical JSON has no fractions · 3 what was read, written again, is what was kept.
Anything else is `policy_unreadable`: it was kept by another release, and only that one can judge by it.
"""

import dataclasses
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from verification.core.errors import EvidenceUnreadable

Policy = TypeVar("Policy")


def read_policy(stored: Any, *, into: type[Policy]) -> Policy:
    """The policy in parsed JSON. Raises `EvidenceUnreadable` (policy_unreadable) naming the field."""
    read: Policy = _read_fields(stored, into, place="policy")
    return read


def _unreadable(place: str, problem: str) -> EvidenceUnreadable:
    return EvidenceUnreadable(f"{place} {problem}", code="policy_unreadable")


def _read_fields(stored: Any, into: Any, *, place: str) -> Any:
    """1"""
    if not isinstance(stored, Mapping):
        raise _unreadable(place, "is no record of fields")
    names, types = [field.name for field in dataclasses.fields(into)], get_type_hints(into)
    if unknown := sorted(stored.keys() - set(names)):
        raise _unreadable(f"{place}.{unknown[0]}", "is a field that this release does not know")
    if missing := [name for name in names if name not in stored]:
        raise _unreadable(f"{place}.{missing[0]}", "is missing, which this release needs")
    values = {name: _read(stored[name], types[name], place=f"{place}.{name}") for name in names}
    try:
        return into(**values)
    except (TypeError, ValueError) as error:
        raise _unreadable(place, f"was not accepted: {error}") from error


def _read(stored: Any, kind: Any, *, place: str) -> Any:
    """2"""
    if dataclasses.is_dataclass(kind):
        return _read_fields(stored, kind, place=place)
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _read_either(stored, get_args(kind), place=place)
    if origin in (tuple, frozenset):
        return origin(_read_items(stored, kind, place=place))
    if origin is Literal:
        if stored in get_args(kind) and isinstance(stored, str):
            return stored
        raise _unreadable(place, "is none of the words it may be")
    return _read_plain(stored, kind, place=place)


def _read_either(stored: Any, kinds: tuple[Any, ...], *, place: str) -> Any:
    """A value that may be absent; other unions have no one way to be read."""
    given = [kind for kind in kinds if kind is not NoneType]
    if len(given) != 1 or len(given) == len(kinds):
        raise _unreadable(place, "has a type that cannot be read back")
    return None if stored is None else _read(stored, given[0], place=place)


def _read_items(stored: Any, kind: Any, *, place: str) -> list[Any]:
    if not isinstance(stored, list):
        raise _unreadable(place, "is no list")
    kinds = get_args(kind)
    if get_origin(kind) is frozenset or kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(stored)
    if len(kinds) != len(stored):
        raise _unreadable(place, f"has {len(stored)} items, not {len(kinds)}")
    pairs = enumerate(zip(stored, kinds, strict=True))
    return [_read(item, of, place=f"{place}[{number}]") for number, (item, of) in pairs]


def _read_plain(stored: Any, kind: Any, *, place: str) -> Any:
    if kind is float:
        return _read_fraction(stored, place=place)
    if kind not in (bool, int, str):
        raise _unreadable(place, "has a type that cannot be read back")
    # A truth value is a number too, in Python alone.
    if type(stored) is not kind:
        raise _unreadable(place, f"is no {kind.__name__}")
    return stored


def _read_fraction(stored: Any, *, place: str) -> float:
    """3: a whole number was kept as such, a fraction as the text that it prints as."""
    if type(stored) is int:
        return stored
    try:
        fraction = float(stored) if isinstance(stored, str) else None
    except ValueError:
        fraction = None
    if fraction is None or repr(fraction) != stored:
        raise _unreadable(place, "is no fraction")
    return fraction
