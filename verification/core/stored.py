"""Canonical JSON, and frozen dataclasses stored as JSON records with a version.

A record is readable under three rules:
1. The record states this version.
2. It has every field without an earlier value, and no unknown field.
3. Each value has its field's type. A fraction is its shortest decimal, because canonical JSON has
   no fractions.

Any other record is `stored_unreadable`: only the release that wrote it can read it.
A field never changes its meaning. To drop a field, raise the version.

A record has all fields of its release. A missing field was added later; it takes the value that
earlier releases imply:

    waits_seconds: int = field(default=60, metadata={stored.BEFORE: 0})

`BEFORE` is the earlier value; an earlier record is a mapping of its fields, which can have earlier
values too.
Without `BEFORE` the default applies, but never for a policy (`is_whole`): earlier cases were judged
by other numbers.
A test compares all fields with the first release's (`tests/vectors/stored/fields.txt`).
A new field without an earlier value fails there, before any replay.
"""

import dataclasses
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from verification.core.errors import EvidenceUnreadable

VERSION = 1
BEFORE: Final = "before"
"""In the metadata of a field added later: its value in all earlier releases."""
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_SPELLED = frozenset({str, int, bool, NoneType})
_PLAIN = {bool: "bool", int: "int", str: "str", float: "fraction", date: "day"}
Record = TypeVar("Record")
_types = cache(get_type_hints)
"""The types of a dataclass by field, cached."""
_origin: Callable[[Any], Any] = cache(get_origin)
_kinds: Callable[[Any], tuple[Any, ...]] = cache(get_args)
_is_record: Callable[[Any], bool] = cache(dataclasses.is_dataclass)
_fields: Callable[[Any], Mapping[str, Any]] = cache(
    lambda kind: {field.name: field for field in dataclasses.fields(kind)}
)
"""The parts of a composite type and the fields of a record, cached."""


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces.

    Raises: `TypeError` for floats and other types: a float has many spellings, so money and rates
    are decimal strings.
    """
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if strange := [key for key in part if not isinstance(key, str)]:
                raise TypeError(f"a canonical map has string keys, not {type(strange[0]).__name__}")
            waiting.extend([item for item in part.values() if type(item) not in _SPELLED])
        elif isinstance(part, list | tuple):
            waiting.extend([item for item in part if type(item) not in _SPELLED])
        elif part is not None and not isinstance(part, str | bool | int):
            raise TypeError(f"{type(part).__name__} has no canonical spelling")
    # This is not RFC 8785 (JCS): keys are sorted by code points, not by UTF-16 units; the two
    # differ beyond U+FFFF.
    return _CANONICAL.encode(value).encode()


SHA256: Final = re.compile("[0-9a-f]{64}")
"""The form of a digest in text."""


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, in lower-case hex."""
    return sha256(canonical_json(value)).hexdigest()


def moment(at: datetime) -> str:
    """A time in the form of log leaves, receipts and documents: UTC, microseconds, `Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def to_base64url(content: bytes) -> str:
    """Bytes in the form of JSON Web Signatures: base64url without padding. Source: RFC 7515 §2."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of such text. Characters outside the alphabet are skipped.

    Raises: `ValueError` for malformed text.
    """
    # RFC 7515 §2 omits the padding, and Python's decoder requires it.
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def as_record(value: Any) -> dict[str, Any]:
    """A dataclass or mapping as JSON with its version."""
    return {"v": VERSION, **_plain_value(value)}


def to_bytes(value: Any) -> bytes:
    """The canonical bytes of such a record."""
    return canonical_json(as_record(value))


def read(stored: Any, *, into: type[Record], what: str, is_whole: bool = False) -> Record:
    """The dataclass in parsed JSON.

    is_whole: no default applies, as for a policy: a missing field takes its declared `BEFORE`.

    Raises: `EvidenceUnreadable` (stored_unreadable), which names the field of `what`.
    """
    fields = fields_of(stored, what=what)
    record: Record = _read_fields(fields, into, place=what, is_whole=is_whole)
    return record


def has_earlier_value(field: dataclasses.Field[Any], *, is_whole: bool) -> bool:
    """Whether a record without this field is readable. is_whole: as for `read`."""
    if BEFORE in field.metadata:
        return True
    defaults = field.default, field.default_factory
    return not is_whole and any(default is not dataclasses.MISSING for default in defaults)


def agrees(later: Any, earlier: Any) -> bool:
    """Whether JSON contains all of earlier JSON. Its maps may have more fields."""
    if isinstance(earlier, Mapping):
        if not isinstance(later, Mapping) or earlier.keys() - later.keys():
            return False
        return all(agrees(later[name], value) for name, value in earlier.items())
    if isinstance(earlier, list):
        if not isinstance(later, list) or len(later) != len(earlier):
            return False
        return all(agrees(*pair) for pair in zip(later, earlier, strict=True))
    return type(later) is type(earlier) and bool(later == earlier)


def fields_of(stored: Any, *, what: str) -> dict[str, Any]:
    """The fields of a record of this version.

    Raises: as `read`.
    """
    if not isinstance(stored, Mapping):
        raise unreadable(what, "is no record of fields")
    # In Python, true and 1.0 equal 1.
    if stored.get("v") != VERSION or type(stored["v"]) is not int:
        raise unreadable(what, "is of another version")
    return {name: value for name, value in stored.items() if name != "v"}


def unreadable(place: str, problem: str) -> EvidenceUnreadable:
    """The error that names the unreadable field."""
    return EvidenceUnreadable(f"{place} {problem}", code="stored_unreadable")


def _plain_value(value: Any) -> Any:
    kind: Any = type(value)
    if kind in _SPELLED:
        return value
    if kind is float:
        return (
            repr(value) if isfinite(value) else value
        )  # what is no number has no spelling, as `canonical_json` says
    if _is_record(kind):
        return {name: _plain_value(getattr(value, name)) for name in _fields(kind)}
    if isinstance(value, dict) and all(type(key) is str for key in value):
        return {key: _plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_value(item) for item in value]
    if isinstance(value, frozenset | set):
        return _plain_value(sorted(value))
    return json.loads(json.dumps(value, default=str, sort_keys=True), parse_float=str)


def _read_fields(stored: Any, into: Any, *, place: str, is_whole: bool) -> Any:
    """2"""
    if not isinstance(stored, Mapping):
        raise unreadable(place, "is no record of fields")
    fields, types = _fields(into), _types(into)
    if unknown := sorted(stored.keys() - fields.keys()):
        raise unreadable(f"{place}.{unknown[0]}", "is a field that this release does not know")
    complete = dict(stored)
    for name, field in fields.items():
        if name in stored:
            continue
        if not has_earlier_value(field, is_whole=is_whole):
            raise unreadable(f"{place}.{name}", "is missing, which this release needs")
        if BEFORE in field.metadata:
            complete[name] = _plain_value(field.metadata[BEFORE])
    values = {
        name: _read(value, types[name], place=f"{place}.{name}", is_whole=is_whole)
        for name, value in complete.items()
    }
    try:
        return into(**values)
    except (TypeError, ValueError) as error:
        raise unreadable(place, f"was not accepted: {error}") from error


def _read(stored: Any, kind: Any, *, place: str, is_whole: bool) -> Any:
    """3"""
    if isinstance(kind, type):  # first, because most are types, and a union hashes slowly
        if _is_record(kind):
            return _read_fields(stored, kind, place=place, is_whole=is_whole)
        return _read_plain(stored, kind, place=place)
    origin, kinds = _origin(kind), _kinds(kind)
    if origin in (Union, UnionType):
        if stored is None and NoneType in kinds:
            return None
        return _read(
            stored, _member(stored, kinds, place, is_whole), place=place, is_whole=is_whole
        )
    if origin in (tuple, frozenset):
        if not isinstance(stored, list):
            raise unreadable(place, "is no list")
        is_open = origin is frozenset or kinds[-1] is Ellipsis
        return origin(_read_items(stored, kinds, place=place, is_open=is_open, is_whole=is_whole))
    if origin is Mapping:
        if not isinstance(stored, Mapping):
            raise unreadable(place, "is no mapping")
        return {
            name: _read(value, kinds[1], place=f"{place}.{name}", is_whole=is_whole)
            for name, value in stored.items()
        }
    if origin is Literal:
        if stored in kinds and isinstance(stored, str):
            return stored
        raise unreadable(place, "is none of the words it may be")
    raise unreadable(place, "has a type that cannot be read back")


def _read_items(
    items: list[Any], kinds: tuple[Any, ...], *, place: str, is_open: bool, is_whole: bool
) -> Iterator[Any]:
    """Each item of a list. is_open: any number of items, all of the first kind."""
    if not is_open and len(kinds) != len(items):
        raise unreadable(place, f"has {len(items)} items, not {len(kinds)}")
    for number, item in enumerate(items):
        kind = kinds[0] if is_open else kinds[number]
        yield _read(item, kind, place=f"{place}[{number}]", is_whole=is_whole)


def _member(stored: Any, kinds: tuple[Any, ...], place: str, is_whole: bool) -> Any:
    """The member of a union that wrote this.

    Among several records, the one that has these fields or is readable from them.
    """
    members = [kind for kind in kinds if kind is not NoneType]
    if len(members) > 1 and isinstance(stored, Mapping):
        records = [kind for kind in members if _is_record(kind)]
        members = [kind for kind in records if stored.keys() == _fields(kind).keys()] or [
            kind for kind in records if _may_lack(kind, stored, is_whole)
        ]
    elif len(members) > 1:
        members = [
            kind
            for kind in members
            if type(stored) is (list if get_origin(kind) is tuple else kind)
        ]
    if len(members) != 1:
        raise unreadable(place, "has a type that cannot be read back")
    return members[0]


def _may_lack(record: Any, stored: Mapping[str, Any], is_whole: bool) -> bool:
    """Whether these are fields of the record, and each missing field has an earlier value."""
    fields = _fields(record)
    missing = [field for name, field in fields.items() if name not in stored]
    return stored.keys() <= fields.keys() and all(
        has_earlier_value(field, is_whole=is_whole) for field in missing
    )


def _read_plain(stored: Any, kind: Any, *, place: str) -> Any:
    if kind not in _PLAIN:
        raise unreadable(place, "has a type that cannot be read back")
    # Not `isinstance`: bool is a subclass of int in Python.
    if kind in (bool, int, str) and type(stored) is kind:
        return stored
    # A whole number is stored as such, a fraction as its printed text.
    if kind is float and type(stored) is int:
        return stored
    try:
        # repr gives the shortest decimal that reads back as the same double: one spelling per
        # number.
        if kind is float and isinstance(stored, str) and repr(number := float(stored)) == stored:
            return number
        if (
            kind is date
            and isinstance(stored, str)
            and date.fromisoformat(stored).isoformat() == stored
        ):
            return date.fromisoformat(stored)
    except ValueError:
        pass
    raise unreadable(place, f"is no {_PLAIN[kind]}")
