"""A law file: the operator's root signs it to change the law between two releases.

The document is JSON: `form`, `installation` (the origin of its logs), `number` (1, 2, 3 …),
`issued_at`, and three lists.
- `mci`: year, tenge, source
- `profiles`: id, status, since, source, `repeals`, and the rule's fields by name; an absent field
  is not required
- `statuses`: profile, status, since, source

The signed form is `{"law": document, "signature": base64}`. `core/law_rules.py` judges the changes.
A refusal names the place by a JSON pointer from the document's root, and the expected value.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from types import NoneType
from typing import Any, Final, TypeVar, get_args, get_type_hints

from verification.core import certificates, releases, stored
from verification.core.errors import BadInput
from verification.core.profiles import (
    COMBINATIONS,
    NOT_DECIDING,
    Combination,
    Mci,
    Profile,
    Status,
    StatusChange,
)
from verification.core.strict_json import StrictObject, read_day, read_json

FORM: Final = "tulga-law-1"
FILE_BYTES: Final = 60 * 1024
"""Maximum size. The file is in one entry of each log, and a leaf holds 65 535 bytes.

Source: C2SP tlog-tiles.
"""
NUMBER_MAX: Final = 9_999
MALFORMED: Final = "law_malformed"
_ORIGIN_MAX: Final = 200
_SIGNATURE_BYTES: Final = 64
"""Of Ed25519."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_NAME_MAX: Final = 40
"""Characters of a name."""
_ITEMS_MAX: Final = 40
"""In each list. Ours: the law brought six profiles in five years."""
_SETS_MAX: Final = 8
"""Sets of routes in a profile, and ids in `repeals`. Ours."""
_MOST: Final[Mapping[str, int]] = {
    "_seconds": 10**8,
    "_hours": 24 * 366,
    "_years": 150,
    "_mci": 10**6,
}
"""Maximum of a rule's number, by its unit. Ours: 10^8 s are three years; a wait has at most a year.
"""
_COUNT_MAX: Final = 100
_TENGE_MAX: Final = 10**7
_YEARS: Final = (2020, 2100)
_SOURCE_MAX: Final = 500
_ROUTES: Final = tuple(
    sorted({release.route for release in releases.RELEASES.values()} - {"renewal"})
)
"""Routes that verify a person. The renewed consent opens nothing else."""
_TYPES: Final = get_type_hints(Profile)
_RULE: Final = [
    field for field in fields(Profile) if field.name not in NOT_DECIDING | {COMBINATIONS}
]
_ID: Final = re.compile("KZ-20[0-9]{2}-[0-9]{2}(-[a-z0-9]{1,16})?")
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Law:
    """The content of one law file. `sha256`: of its document; it names the file."""

    number: int
    installation: str
    issued_at: datetime
    values: tuple[Mci, ...]
    profiles: tuple[Profile, ...]
    statuses: tuple[StatusChange, ...]
    sha256: str


@dataclass(frozen=True)
class Signed:
    """A law file as it travels and in its entry: the document and the root's signature."""

    law: Law
    document: Mapping[str, Any]
    signature: str

    @property
    def body(self) -> dict[str, Any]:
        """The body of its log entry."""
        label = {"number": self.law.number, "sha256": self.law.sha256}
        return {**label, "law": dict(self.document), "signature": self.signature}


def read_document(untrusted: bytes) -> tuple[Law, dict[str, Any]]:
    """The content of an unsigned file, and its document.

    Raises: `BadInput` (law_malformed).
    """
    document = _object(untrusted)
    if "law" in document and "form" not in document:
        raise _malformed("", "this file is already signed: take it with manage.py take_law")
    return parse(document), document


def read_signed(untrusted: bytes) -> Signed:
    """The content of a signed file, with its signature not yet verified.

    Raises: `BadInput` (law_malformed).
    """
    return _signed(_object(untrusted))


def read_entry(untrusted_body: Any) -> Signed:
    """The law file in an entry's body.

    Raises: `BadInput` (law_malformed) for another body.
    """
    body = untrusted_body if isinstance(untrusted_body, dict) else {}
    signed = _signed({name: body.get(name) for name in ("law", "signature")})
    if {name: value for name, value in body.items() if name != "v"} != signed.body:
        raise _malformed("", "the entry differs from the file")
    return signed


def require_signed(signed: Signed, *, root: bytes, installation: str) -> None:
    """Raises: `BadInput` — law_forged without this root's signature, law_elsewhere for another
    installation.
    """
    if not certificates.is_law(root, signed.signature, signed.document):
        raise BadInput("the operator's root did not sign this law file", code="law_forged")
    if signed.law.installation != installation:
        raise BadInput(
            f"it is for {signed.law.installation}, and this is {installation}", code="law_elsewhere"
        )


def parse(document: Mapping[str, Any]) -> Law:
    """The content of a document.

    Raises: `BadInput` (law_malformed) with a JSON pointer.
    """
    with _named_faults():
        fields_left = StrictObject(dict(document))
        fields_left.choice("form", (FORM,))
        number = fields_left.integer("number", least=1, most=NUMBER_MAX)
        installation = fields_left.text("installation", longest=_ORIGIN_MAX)
        issued_at = fields_left.moment("issued_at")
        values = tuple(_items_of(fields_left, "mci", _read_value))
        profiles = tuple(_items_of(fields_left, "profiles", _read_profile))
        statuses = tuple(_items_of(fields_left, "statuses", _read_status))
        _finish(fields_left, "")
    if not (values or profiles or statuses):
        raise _malformed("", "the file changes nothing")
    # All values are read by now, so the document has a canonical form.
    digest = stored.digest(document)
    return Law(number, installation, issued_at, values, profiles, statuses, digest)


@contextmanager
def _named_faults() -> Iterator[None]:
    """Gives a JSON parser's fault the code of a law file, at the same place."""
    try:
        yield
    except BadInput as error:
        if error.code == MALFORMED:
            raise
        raise _malformed(error.pointer, error.detail) from None


def _signed(untrusted: Mapping[str, Any]) -> Signed:
    document = untrusted.get("law")
    if "law" not in untrusted and "form" in untrusted:
        raise _malformed("", "this file is not signed: sign it with manage.py sign_law")
    if not isinstance(document, dict):
        raise _malformed("/law", "a document is expected")
    law = parse(document)
    with _named_faults():
        fields_left = StrictObject(dict(untrusted))
        fields_left.object("law")
        signature = fields_left.octets("signature", most=_SIGNATURE_BYTES)
        _finish(fields_left, "")
    return Signed(law, document, b64encode(signature).decode())


def _object(untrusted: bytes) -> dict[str, Any]:
    try:
        document = read_json(untrusted, max_bytes=FILE_BYTES)
    except BadInput as error:
        raise _malformed("", _fault_of_text(untrusted) or error.detail) from None
    if not isinstance(document, dict):
        raise _malformed("", "an object is expected")
    return document


def _fault_of_text(untrusted: bytes) -> str:
    """The place where the text stops being JSON; empty if unknown."""
    if len(untrusted) > FILE_BYTES:
        return f"a law file has at most {FILE_BYTES} bytes"
    if untrusted.startswith(_BYTE_ORDER_MARK):
        return "the file begins with a byte order mark: save it as UTF-8 without one"
    try:
        json.loads(untrusted.decode("utf-8"))
    except json.JSONDecodeError as error:
        return f"no JSON at line {error.lineno}, column {error.colno}: {error.msg}"
    except (ValueError, RecursionError):
        return ""
    return ""


@dataclass(frozen=True)
class _Item:
    """An object of a list. place: its JSON pointer."""

    untrusted: StrictObject
    place: str

    def refuse(self, name: str, detail: str) -> BadInput:
        """The refusal of a field."""
        return _malformed(f"{self.place}/{name}", detail)


def _malformed(pointer: str, detail: str) -> BadInput:
    """The refusal of a document, by the JSON pointer of the place."""
    return BadInput(f"{pointer or '/'}: {detail}", code=MALFORMED, pointer=pointer)


def _items_of(document: StrictObject, name: str, read: Callable[[_Item], _Read]) -> Iterator[_Read]:
    """Each item of a list, parsed.

    Raises: `BadInput` with a JSON pointer, also for an unknown field.
    """
    for number, untrusted in enumerate(document.objects(name, most=_ITEMS_MAX)):
        item = _Item(untrusted, f"/{name}/{number}")
        result = read(item)
        _finish(untrusted, item.place)
        yield result


def _finish(untrusted: StrictObject, place: str) -> None:
    """Raises: `BadInput` for the first unknown field."""
    if names := untrusted.names():
        is_readable = names[0].isprintable() and len(names[0]) <= _NAME_MAX
        raise _malformed(
            f"{place}/{names[0] if is_readable else ''}", "a law file has no such field here"
        )


def _read_value(item: _Item) -> Mci:
    """The value of a year, in tenge."""
    year = item.untrusted.integer("year", least=_YEARS[0], most=_YEARS[1])
    return Mci(
        date(year, 1, 1), item.untrusted.integer("tenge", least=1, most=_TENGE_MAX), _source(item)
    )


def _read_status(item: _Item) -> StatusChange:
    """A profile's status from a day on."""
    name = item.untrusted.text("profile", longest=_NAME_MAX)
    return StatusChange(
        name, Status(item.untrusted.choice("status", tuple(Status))), _day(item), _source(item)
    )


def _read_profile(item: _Item) -> Profile:
    """A profile; a field of its rule that is absent or null is not required."""
    name = item.untrusted.text("id", longest=_NAME_MAX)
    if not _ID.fullmatch(name):
        raise item.refuse("id", "an id such as KZ-2027-03 is expected")
    word, since, source = (
        Status(item.untrusted.choice("status", tuple(Status))),
        _day(item),
        _source(item),
    )
    repeals = _ids(item, "repeals", most=_SETS_MAX) if "repeals" in item.untrusted.names() else ()
    combinations = _combinations(item)
    rule = {
        field.name: _number(item, field.name)
        for field in _RULE
        if field.name in item.untrusted.names()
    }
    if missing := [
        field.name for field in _RULE if field.default is MISSING and rule.get(field.name) is None
    ]:
        raise item.refuse(missing[0], "the field is missing")
    if (rule.get("cooling_off_over_mci") is None) is not (rule.get("cooling_off_hours") is None):
        raise item.refuse("cooling_off_hours", "a wait has a sum and its hours, or neither")
    return Profile(
        id=name,
        status=word,
        since=since,
        source=source,
        repeals=repeals,
        combinations=combinations,
        **rule,
    )


def _combinations(item: _Item) -> tuple[Combination, ...]:
    untrusted = item.untrusted.value_or_none(COMBINATIONS)
    if not isinstance(untrusted, list) or not 1 <= len(untrusted) <= _SETS_MAX:
        raise item.refuse(COMBINATIONS, f"a list of 1 to {_SETS_MAX} sets of routes is expected")
    combinations = tuple(_routes(item, number, routes) for number, routes in enumerate(untrusted))
    if len({frozenset(routes) for routes in combinations}) != len(combinations):
        raise item.refuse(COMBINATIONS, "a set of routes occurs twice")
    return combinations


def _routes(item: _Item, number: int, untrusted: Any) -> Combination:
    name = f"{COMBINATIONS}/{number}"
    if not isinstance(untrusted, list) or not all(
        isinstance(word, str) and word in _ROUTES for word in untrusted
    ):
        raise item.refuse(name, f"a list out of {', '.join(_ROUTES)} is expected")
    if not untrusted:
        raise item.refuse(name, "a set of routes must not be empty")
    if len(set(untrusted)) != len(untrusted):
        raise item.refuse(name, "a route occurs twice")
    return tuple(untrusted)


def _ids(item: _Item, name: str, *, most: int) -> tuple[str, ...]:
    untrusted = item.untrusted.value_or_none(name)
    if not isinstance(untrusted, list) or len(untrusted) > most:
        raise item.refuse(name, f"a list of at most {most} ids is expected")
    if not all(isinstance(word, str) and _ID.fullmatch(word) for word in untrusted):
        raise item.refuse(name, "an id such as KZ-2025-09 is expected")
    if len(set(untrusted)) != len(untrusted):
        raise item.refuse(name, "an id occurs twice")
    return tuple(untrusted)


def _number(item: _Item, name: str) -> Any:
    """The value of a rule's field, by its type in the profile."""
    kinds = get_args(_TYPES[name]) or (_TYPES[name],)
    untrusted = item.untrusted.value_or_none(name)
    if untrusted is None and NoneType in kinds:
        return None
    if bool in kinds:
        if type(untrusted) is bool:
            return untrusted
        raise item.refuse(name, "true or false is expected")
    least = 1 if name.endswith(("_seconds", "_hours", "_years")) else 0
    most = next((most for unit, most in _MOST.items() if name.endswith(unit)), _COUNT_MAX)
    if type(untrusted) is int and least <= untrusted <= most:
        return untrusted
    raise item.refuse(name, f"a whole number from {least} to {most} is expected")


def _source(item: _Item) -> str:
    source = item.untrusted.text("source", longest=_SOURCE_MAX)
    if not any(character.isalpha() for character in source):
        raise item.refuse("source", "a source in words is expected")
    return source


def _day(item: _Item) -> date:
    if "since" not in item.untrusted.names():
        raise item.refuse("since", "the field is missing")
    untrusted = item.untrusted.value_or_none("since")
    since = read_day(untrusted) if isinstance(untrusted, str) else None
    if since is None or not _YEARS[0] <= since.year <= _YEARS[1]:
        expected = f"a day such as 2027-03-01 is expected, of the years {_YEARS[0]} to {_YEARS[1]}"
        raise item.refuse("since", expected)
    return since
