"""A law file: what the operator's root signs of the law between two releases, and the form it
travels in.

The document says, as JSON: `form`, the `installation` it is for (the origin of its logs), its
`number` (1, 2, 3 …), `issued_at`, and three lists: `mci` (year, tenge, source), `profiles` (id,
status, since, source, `repeals`, and the fields of the rule by name; one left out is not asked) and
`statuses` (profile, status, since, source). Signed, it is
`{"law": document, "signature": base64}`. What it may change is judged in `core/law_rules.py`.

A refusal names the place by a JSON pointer from the root of the document, and says what is expected
there.
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
"""A file at most: it stands in one entry of each log, and a leaf holds 65 535 bytes. Source: C2SP
tlog-tiles.
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
"""In each list. Ours: the law has brought six profiles in five years."""
_SETS_MAX: Final = 8
"""Sets of routes in a profile, and ids that it repeals. Ours."""
_MOST: Final[Mapping[str, int]] = {
    "_seconds": 10**8,
    "_hours": 24 * 366,
    "_years": 150,
    "_mci": 10**6,
}
"""Of a number of a rule, by its unit. Ours: 10^8 s are three years; a wait has at most a year."""
_COUNT_MAX: Final = 100
_TENGE_MAX: Final = 10**7
_YEARS: Final = (2020, 2100)
_SOURCE_MAX: Final = 500
_ROUTES: Final = tuple(
    sorted({release.route for release in releases.RELEASES.values()} - {"renewal"})
)
"""Those that verify somebody: by the new consent after a wait nothing else is opened."""
_TYPES: Final = get_type_hints(Profile)
_RULE: Final = [
    field for field in fields(Profile) if field.name not in NOT_DECIDING | {COMBINATIONS}
]
_ID: Final = re.compile("KZ-20[0-9]{2}-[0-9]{2}(-[a-z0-9]{1,16})?")
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Law:
    """What one law file says. `sha256`: of its document, by which it is named."""

    number: int
    installation: str
    issued_at: datetime
    values: tuple[Mci, ...]
    profiles: tuple[Profile, ...]
    statuses: tuple[StatusChange, ...]
    sha256: str


@dataclass(frozen=True)
class Signed:
    """A law file as it travels, and as its entry in the log says it: the document, and the root's
    signature.
    """

    law: Law
    document: Mapping[str, Any]
    signature: str

    @property
    def body(self) -> dict[str, Any]:
        """What its entry in the log says."""
        label = {"number": self.law.number, "sha256": self.law.sha256}
        return {**label, "law": dict(self.document), "signature": self.signature}


def read_document(untrusted: bytes) -> tuple[Law, dict[str, Any]]:
    """What a file says before it is signed, and its document. Raises `BadInput` (law_malformed)."""
    document = _object(untrusted)
    if "law" in document and "form" not in document:
        raise _malformed("", "this file is signed already: take it by manage.py take_law")
    return parse(document), document


def read_signed(untrusted: bytes) -> Signed:
    """What a signed file says; its signature is not verified yet. Raises `BadInput`
    (law_malformed).
    """
    return _signed(_object(untrusted))


def read_entry(untrusted_body: Any) -> Signed:
    """What the body of an entry says, in the same way. Raises `BadInput` (law_malformed) for
    another body.
    """
    body = untrusted_body if isinstance(untrusted_body, dict) else {}
    signed = _signed({name: body.get(name) for name in ("law", "signature")})
    if {name: value for name, value in body.items() if name != "v"} != signed.body:
        raise _malformed("", "the entry says more than the file, or something else")
    return signed


def require_signed(signed: Signed, *, root: bytes, installation: str) -> None:
    """Raises `BadInput`: law_forged where this root did not sign it, law_elsewhere for another
    installation's.
    """
    if not certificates.is_law(root, signed.signature, signed.document):
        raise BadInput("the operator's root did not sign this law file", code="law_forged")
    if signed.law.installation != installation:
        raise BadInput(
            f"it is for {signed.law.installation}, and this is {installation}", code="law_elsewhere"
        )


def parse(document: Mapping[str, Any]) -> Law:
    """What a document says. Raises `BadInput` (law_malformed) with a JSON pointer."""
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
        raise _malformed("", "the file says nothing of the law")
    # Each value was read by now, so that the document has a canonical spelling.
    digest = stored.digest(document)
    return Law(number, installation, issued_at, values, profiles, statuses, digest)


@contextmanager
def _named_faults() -> Iterator[None]:
    """Gives a fault of the reader of JSON the code of a law file, with the same place."""
    try:
        yield
    except BadInput as error:
        if error.code == MALFORMED:
            raise
        raise _malformed(error.pointer, error.detail) from None


def _signed(untrusted: Mapping[str, Any]) -> Signed:
    document = untrusted.get("law")
    if "law" not in untrusted and "form" in untrusted:
        raise _malformed("", "this file is not signed: sign it by manage.py sign_law")
    if not isinstance(document, dict):
        raise _malformed("/law", "the document is expected")
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
    """Where the text of a file stops being JSON; empty where no place can be named."""
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
    """Each item of a list as it is read. Raises `BadInput` with a JSON pointer, also for a field
    that was not read.
    """
    for number, untrusted in enumerate(document.objects(name, most=_ITEMS_MAX)):
        item = _Item(untrusted, f"/{name}/{number}")
        result = read(item)
        _finish(untrusted, item.place)
        yield result


def _finish(untrusted: StrictObject, place: str) -> None:
    """Raises `BadInput` that names the first field which was not read: a law file does not have
    it.
    """
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
    """Which status a profile has from a day on."""
    name = item.untrusted.text("profile", longest=_NAME_MAX)
    return StatusChange(
        name, Status(item.untrusted.choice("status", tuple(Status))), _day(item), _source(item)
    )


def _read_profile(item: _Item) -> Profile:
    """A profile; a field of its rule that is left out, or null, is not asked."""
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
        raise item.refuse(COMBINATIONS, "a set of routes stands twice")
    return combinations


def _routes(item: _Item, number: int, untrusted: Any) -> Combination:
    name = f"{COMBINATIONS}/{number}"
    if not isinstance(untrusted, list) or not all(
        isinstance(word, str) and word in _ROUTES for word in untrusted
    ):
        raise item.refuse(name, f"a list out of {', '.join(_ROUTES)} is expected")
    if not untrusted:
        raise item.refuse(name, "a set of routes is not empty")
    if len(set(untrusted)) != len(untrusted):
        raise item.refuse(name, "a route stands twice")
    return tuple(untrusted)


def _ids(item: _Item, name: str, *, most: int) -> tuple[str, ...]:
    untrusted = item.untrusted.value_or_none(name)
    if not isinstance(untrusted, list) or len(untrusted) > most:
        raise item.refuse(name, f"a list of at most {most} ids is expected")
    if not all(isinstance(word, str) and _ID.fullmatch(word) for word in untrusted):
        raise item.refuse(name, "an id such as KZ-2025-09 is expected")
    if len(set(untrusted)) != len(untrusted):
        raise item.refuse(name, "an id stands twice")
    return tuple(untrusted)


def _number(item: _Item, name: str) -> Any:
    """The value of a field of the rule, by the type that the profile gives it."""
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
        raise item.refuse("source", "the words of a source are expected")
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
