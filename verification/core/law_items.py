"""What stands in the lists of a law file: values of the MCI, profiles and changes of status, read
item by item.

A refusal names the place by a JSON pointer from the root of the document, and says what is expected
there.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from types import NoneType
from typing import Any, Final, TypeVar, get_args, get_type_hints

from verification.core import releases
from verification.core.errors import BadInput
from verification.core.law_book import StatusChange
from verification.core.mci import Mci
from verification.core.profiles import Combination, Profile, Status
from verification.core.strict_json import StrictObject, read_day
from verification.core.strictness import COMBINATIONS, NOT_DECIDING

MALFORMED: Final = "law_malformed"
NAME_MAX: Final = 40
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
class Item:
    """An object of a list. place: its JSON pointer."""

    untrusted: StrictObject
    place: str

    def refuse(self, name: str, detail: str) -> BadInput:
        """The refusal of a field."""
        return malformed(f"{self.place}/{name}", detail)


def malformed(pointer: str, detail: str) -> BadInput:
    """The refusal of a document, by the JSON pointer of the place."""
    return BadInput(f"{pointer or '/'}: {detail}", code=MALFORMED, pointer=pointer)


def items_of(document: StrictObject, name: str, read: Callable[[Item], _Read]) -> Iterator[_Read]:
    """Each item of a list as it is read. Raises `BadInput` with a JSON pointer, also for a field
    that was not read.
    """
    for number, untrusted in enumerate(document.objects(name, most=_ITEMS_MAX)):
        item = Item(untrusted, f"/{name}/{number}")
        result = read(item)
        finish(untrusted, item.place)
        yield result


def finish(untrusted: StrictObject, place: str) -> None:
    """Raises `BadInput` that names the first field which was not read: a law file does not have
    it.
    """
    if names := untrusted.names():
        is_readable = names[0].isprintable() and len(names[0]) <= NAME_MAX
        raise malformed(
            f"{place}/{names[0] if is_readable else ''}", "a law file has no such field here"
        )


def value(item: Item) -> Mci:
    """The value of a year, in tenge."""
    year = item.untrusted.whole("year", least=_YEARS[0], most=_YEARS[1])
    return Mci(
        date(year, 1, 1), item.untrusted.whole("tenge", least=1, most=_TENGE_MAX), _source(item)
    )


def status(item: Item) -> StatusChange:
    """Which status a profile has from a day on."""
    name = item.untrusted.text("profile", longest=NAME_MAX)
    return StatusChange(
        name, Status(item.untrusted.choice("status", tuple(Status))), _day(item), _source(item)
    )


def profile(item: Item) -> Profile:
    """A profile; a field of its rule that is left out, or null, is not asked."""
    name = item.untrusted.text("id", longest=NAME_MAX)
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


def _combinations(item: Item) -> tuple[Combination, ...]:
    untrusted = item.untrusted.value_or_none(COMBINATIONS)
    if not isinstance(untrusted, list) or not 1 <= len(untrusted) <= _SETS_MAX:
        raise item.refuse(COMBINATIONS, f"a list of 1 to {_SETS_MAX} sets of routes is expected")
    combinations = tuple(_routes(item, number, routes) for number, routes in enumerate(untrusted))
    if len({frozenset(routes) for routes in combinations}) != len(combinations):
        raise item.refuse(COMBINATIONS, "a set of routes stands twice")
    return combinations


def _routes(item: Item, number: int, untrusted: Any) -> Combination:
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


def _ids(item: Item, name: str, *, most: int) -> tuple[str, ...]:
    untrusted = item.untrusted.value_or_none(name)
    if not isinstance(untrusted, list) or len(untrusted) > most:
        raise item.refuse(name, f"a list of at most {most} ids is expected")
    if not all(isinstance(word, str) and _ID.fullmatch(word) for word in untrusted):
        raise item.refuse(name, "an id such as KZ-2025-09 is expected")
    if len(set(untrusted)) != len(untrusted):
        raise item.refuse(name, "an id stands twice")
    return tuple(untrusted)


def _number(item: Item, name: str) -> Any:
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


def _source(item: Item) -> str:
    source = item.untrusted.text("source", longest=_SOURCE_MAX)
    if not any(character.isalpha() for character in source):
        raise item.refuse("source", "the words of a source are expected")
    return source


def _day(item: Item) -> date:
    if "since" not in item.untrusted.names():
        raise item.refuse("since", "the field is missing")
    untrusted = item.untrusted.value_or_none("since")
    since = read_day(untrusted) if isinstance(untrusted, str) else None
    if since is None or not _YEARS[0] <= since.year <= _YEARS[1]:
        expected = f"a day such as 2027-03-01 is expected, of the years {_YEARS[0]} to {_YEARS[1]}"
        raise item.refuse("since", expected)
    return since
