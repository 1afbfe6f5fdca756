"""A strict JSON reader for outside input, and objects whose fields are taken one by one.

It refuses text that two readers could read differently, or that a database cannot store.
"""

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, NoReturn

from verification.core.errors import BadInput
from verification.core.stored import SHA256

MALFORMED: Final = "answer_malformed"
"""Code of every `BadInput` raised here. Messages repeat no value, because it may be personal."""

DEPTH_MAX: Final = 16
"""Maximum nesting; the deepest protocol here needs five."""

_MOMENT_MAX: Final = 40  # characters of an RFC 3339 time, with microseconds and an offset
_DAY: Final = len("2026-11-24")
_SHORT_MAX: Final = 9  # characters of a number that is read as one, with its sign
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{7,127}")


def is_reference(untrusted: str) -> bool:
    """Whether a string has the form of a reference: 8 to 128 of A-Z a-z 0-9 _ . : -."""
    return _REFERENCE.fullmatch(untrusted) is not None


def read_day(untrusted: str) -> date | None:
    """A calendar date such as `2026-11-24`; None for anything else."""
    try:
        day = date.fromisoformat(untrusted)
    except ValueError:
        return None
    # Python also reads other ISO 8601 spellings, such as 2026-W48-2.
    return day if day.isoformat() == untrusted else None


@dataclass(frozen=True)
class SpelledNumber:
    """A fraction or long number as text. Its own type keeps it from passing for a string."""

    spelling: str


class StrictObject:
    """An object whose fields are taken one by one; `finish` refuses untaken fields."""

    def __init__(self, fields: dict[str, Any], *, place: str = "") -> None:
        """`place` is the JSON pointer of the object itself."""
        self._left = dict(fields)
        self._place = place

    def text(self, name: str, *, longest: int, shortest: int = 1) -> str:
        """A string of this length, all printable: no controls, marks or half characters."""
        value = self._take(name)
        if not isinstance(value, str) or not shortest <= len(value) <= longest:
            self._refuse(name, f"a string of {shortest} to {longest} characters is expected")
        if not value.isprintable():
            self._refuse(name, "a character that cannot be printed")
        return value

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of a few words."""
        value = self._take(name)
        if not isinstance(value, str) or value not in choices:
            self._refuse(name, f"one of {', '.join(choices)} is expected")
        return value

    def choices(self, name: str, choices: Sequence[str]) -> tuple[str, ...]:
        """A list of distinct words out of a set, in the given order."""
        value = self._take(name)
        if not isinstance(value, list) or not all(
            isinstance(word, str) and word in choices for word in value
        ):
            self._refuse(name, f"a list out of {', '.join(choices)} is expected")
        if len(set(value)) != len(value):
            self._refuse(name, "a word stands twice")
        return tuple(value)

    def day(self, name: str) -> date:
        """A calendar date such as `2026-11-24`, in this form only."""
        day = read_day(self.text(name, longest=_DAY, shortest=_DAY))
        if day is None:
            self._refuse(name, "a date such as 2026-11-24 is expected")
        return day

    def day_or_none(self, name: str) -> date | None:
        """A date, or JSON null if the register has none."""
        if self._left.get(name, "") is None:
            self._take(name)
            return None
        return self.day(name)

    def moment(self, name: str) -> datetime:
        """A time with its offset (RFC 3339), in UTC."""
        value = self.text(name, longest=_MOMENT_MAX)
        try:
            local = datetime.fromisoformat(value)
            moment = None if local.tzinfo is None else local.astimezone(UTC)
        except (
            ValueError,
            OverflowError,
        ):  # OverflowError: in UTC it is before the year 1 or after 9999
            moment = None
        if moment is None:
            self._refuse(name, "a time with its offset such as 2026-11-24T10:00:00Z is expected")
        return moment

    def reference(self, name: str) -> str:
        """A reference: see `is_reference`."""
        value = self.text(name, longest=128)
        if not is_reference(value):
            self._refuse(name, "8 to 128 of A-Z a-z 0-9 _ . : - are expected")
        return value

    def sha256(self, name: str) -> str:
        """A SHA-256 in lower-case hex."""
        value = self.text(name, longest=64)
        if not SHA256.fullmatch(value):
            self._refuse(name, "64 hexadecimal digits are expected")
        return value

    def integer(self, name: str, *, least: int, most: int) -> int:
        """A whole number within bounds; a bool is refused."""
        value = self._take(name)
        if type(value) is not int or not least <= value <= most:
            self._refuse(name, f"a whole number from {least} to {most} is expected")
        return value

    def octets(self, name: str, *, most: int) -> bytes:
        """Bytes in base64 (RFC 4648, padded, no line breaks), at most that many."""
        # The base64 length bounds the bytes before decoding.
        value = self.text(name, longest=(most + 2) // 3 * 4)
        try:
            content = base64.b64decode(value, validate=True)
        except ValueError:
            content = b""
        if not content or len(content) > most:
            self._refuse(name, f"1 to {most} bytes in base64 are expected")
        return content

    def objects(self, name: str, *, most: int) -> tuple["StrictObject", ...]:
        """A list of objects, each finished by itself."""
        value = self._take(name)
        if (
            not isinstance(value, list)
            or len(value) > most
            or not all(isinstance(item, dict) for item in value)
        ):
            self._refuse(name, f"a list of at most {most} objects is expected")
        return tuple(
            StrictObject(item, place=f"{self._place}/{name}/{number}")
            for number, item in enumerate(value)
        )

    def object(self, name: str) -> "StrictObject":
        """An object inside this one, finished by itself."""
        value = self._take(name)
        if not isinstance(value, dict):
            self._refuse(name, "an object is expected")
        return StrictObject(value, place=f"{self._place}/{name}")

    def names(self) -> tuple[str, ...]:
        """The names of the untaken fields, in order, for objects whose names are values."""
        return tuple(self._left)

    def value_or_none(self, name: str) -> Any:
        """The raw value, for comparison with a known one; None if the field is missing."""
        return self._left.pop(name, None)

    def finish(self) -> None:
        """Raises: `BadInput` if a field was not taken: unknown fields are not understood."""
        if self._left:
            raise BadInput(
                "a field that is not part of the protocol",
                code=MALFORMED,
                pointer=self._place or "/",
            )

    def _take(self, name: str) -> Any:
        if name not in self._left:
            self._refuse(name, "the field is missing")
        return self._left.pop(name)

    def _refuse(self, name: str, detail: str) -> NoReturn:
        raise BadInput(detail, code=MALFORMED, pointer=f"{self._place}/{name}")


def read_json(
    untrusted: bytes,
    *,
    max_bytes: int,
    integer: Callable[[str], Any] = int,
    fraction: Callable[[str], Any] = Decimal,
) -> Any:
    """The value of one JSON text in UTF-8; `integer` and `fraction` read its numbers.

    Raises: `BadInput` for malformed text, duplicate names, NaN, infinities, NUL, half surrogate
    pairs, nesting over `DEPTH_MAX` or more than `max_bytes`. The message repeats no text.
    """
    if len(untrusted) > max_bytes:
        raise BadInput(f"more than {max_bytes} bytes", code=MALFORMED)
    try:
        value = json.loads(
            # Strict: other encodings, and UTF-8 with half characters, have several readings.
            untrusted.decode("utf-8"),
            # RFC 8259 §4: readers differ in which of two equal names they take.
            object_pairs_hook=_each_name_once,
            # Python refuses integers over 4 300 digits with ValueError, too (CVE-2020-10735).
            parse_int=integer,
            parse_float=fraction,
            # RFC 8259 §6 has no NaN and no infinity; Python's reader takes them by default.
            parse_constant=_no_number,
        )
        # Text that UTF-8 or a database cannot hold, and excess nesting; a list replaces recursion.
        waiting = [(value, 0)]
        while waiting:
            part, depth = waiting.pop()
            if depth > DEPTH_MAX:
                raise ValueError("nested too deeply")
            if isinstance(part, str):
                part.encode()  # UnicodeEncodeError, a ValueError, for half of a surrogate pair
                if "\0" in part:
                    raise ValueError("NUL")
            elif isinstance(part, dict | list):
                inner = (*part.keys(), *part.values()) if isinstance(part, dict) else part
                waiting.extend((item, depth + 1) for item in inner)
    # RecursionError: nesting beyond the reader's limit.
    except (ValueError, RecursionError):
        raise BadInput("not one well-formed JSON text in UTF-8", code=MALFORMED) from None
    return value


def read_object(untrusted: bytes, *, max_bytes: int, numbers: bool = False) -> StrictObject:
    """The object in UTF-8 JSON.

    The answers read here hold no number: values that count are text, so each has one spelling.
    With `numbers`, for protocols of others, whole numbers up to nine characters are `int`.
    Any other number is a `SpelledNumber`, which only `value_or_none` gives.

    Raises: `BadInput` for anything else, for numbers and for a duplicate name.
    """
    value = read_json(
        untrusted,
        max_bytes=max_bytes,
        integer=_short_or_spelled if numbers else _no_number,
        fraction=SpelledNumber if numbers else _no_number,
    )
    if not isinstance(value, dict):
        raise BadInput("not a JSON object", code=MALFORMED)
    return StrictObject(value)


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields


def _short_or_spelled(spelling: str) -> int | SpelledNumber:
    return int(spelling) if len(spelling) <= _SHORT_MAX else SpelledNumber(spelling)


def _no_number(spelling: str) -> NoReturn:
    raise ValueError("a number is not permitted")
