"""Parsers for single untrusted values of a request.

A parser returns the value or raises `BadInput` with a stable code. A field's `Form` names its
parser, by the word in `READERS`.
Values that reach webhooks, logs and other systems must hold no IIN and no mobile number: see
`text`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from lenders import policy
from verification import clock
from verification.core import almaty
from verification.core.errors import BadInput
from verification.core.ids import Iin, Phone, is_id, parse_case_number, parse_name
from verification.core.opening import (
    DOCUMENT_NUMBER,
    HTTPS_URL,
    NAME_SPELLED_MAX,
    REFERENCE,
    REFERENCE_MAX,
    URL_MAX,
    is_plain,
)

CLEARANCE_CURSOR = r"^(clr_[a-z2-7]{26}|[0-9]{1,18}(-(evt_[a-z2-7]{26})?)?)$"
"""After a clearance, or a place of a list of payouts: see `verification.log.payouts.Place`."""
WEBHOOK_URL = r"^[Hh][Tt][Tt][Pp][Ss]?://[!$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+$"
"""No blanks, breaks, backslashes, fragment or letters beyond ASCII."""
_IBAN = re.compile(r"KZ[0-9]{2}[A-Z0-9]{16}")
_RUN = re.compile(r"[0-9]+")
# Digits with at most one separator, or a bracket and a blank, between two of them, as people write
# numbers.
_WRITTEN = re.compile(r"[+]?[0-9](?:[-._:() ]{0,2}[0-9])*")
_IIN_DIGITS, _PHONE_DIGITS = 12, 11
_REFERENCE = (REFERENCE, "1 to 64 of: A-Z a-z 0-9 _ . : -", "reference_malformed")


def text(
    untrusted: Any,
    *,
    longest: int,
    shortest: int = 1,
    is_impersonal: bool = False,
    has_runs: bool = False,
    form: tuple[str, str, str] | None = None,
) -> str:
    """A string of visible characters without surrounding blanks, and without double blanks unless
    it `has_runs`.

    An impersonal one contains no personal number.
    `form`: a pattern of the whole as sent, with the detail and the code for a mismatch.
    """
    if not isinstance(untrusted, str):
        raise BadInput("a string is expected", code="type_wrong")
    stripped = untrusted.strip()
    # The sent length counts, as in a schema.
    if len(untrusted) > longest or len(stripped) < shortest:
        raise BadInput(f"{shortest} to {longest} characters are expected", code="length_wrong")
    if not is_plain(untrusted) or (not has_runs and "  " in stripped):
        raise BadInput(
            "only signs that are seen, and single plain blanks, are allowed", code="text_malformed"
        )
    if is_impersonal and holds_personal_number(stripped):
        raise BadInput("must not contain an IIN or a mobile number", code="personal_number")
    if form is not None and not re.fullmatch(form[0], untrusted):
        raise BadInput(form[1], code=form[2])
    return stripped


def name(untrusted: Any, *, optional: bool = False) -> str:
    """A name of a person."""
    return parse_name(
        text(untrusted, longest=NAME_SPELLED_MAX, shortest=0, has_runs=True), optional=optional
    )


def iban(untrusted: Any) -> str:
    """A Kazakh IBAN without spaces. Source: ISO 13616, mod 97."""
    typed = text(untrusted, longest=40, has_runs=True)
    value = (
        typed.replace(" ", "").upper() if typed.isascii() else ""
    )  # beyond ASCII two letters may become one
    # The first four characters go last, letters count as 10 to 35, and the number modulo 97 is 1.
    if (
        not _IBAN.fullmatch(value)
        or int("".join(str(int(c, 36)) for c in value[4:] + value[:4])) % 97 != 1
    ):
        raise BadInput(
            "a payout account is a Kazakh IBAN: KZ and 18 characters", code="iban_malformed"
        )
    return value


def one_of(untrusted: Any, *, choices: Sequence[str]) -> str:
    """One of a few words."""
    if not isinstance(untrusted, str) or untrusted not in choices:
        raise BadInput(f"one of {', '.join(choices)} is expected", code="choice_unknown")
    return untrusted


def several_of(untrusted: Any, *, choices: Sequence[str]) -> tuple[str, ...]:
    """A list of distinct words out of a set."""
    if not isinstance(untrusted, list):
        raise BadInput("a list is expected", code="type_wrong")
    for position, word in enumerate(untrusted):
        if word not in choices:
            raise BadInput(
                f"one of {', '.join(choices)} is expected",
                code="choice_unknown",
                pointer=f"/{position}",
            )
        if word in untrusted[:position]:
            raise BadInput("named twice", code="choice_repeated", pointer=f"/{position}")
    return tuple(untrusted)


def words(untrusted: Any, *, choices: Sequence[str]) -> tuple[str, ...]:
    """Distinct words out of a set, a comma between two, from a query string."""
    listed = untrusted.split(",") if isinstance(untrusted, str) else untrusted
    try:
        return several_of(listed, choices=choices)
    except BadInput as error:  # a parameter has no places within
        raise BadInput(error.detail, code=error.code) from None


def route_names(untrusted: Any, *, most: int) -> tuple[str, ...]:
    """Names of routes; the opening checks that they are installed and sufficient."""
    if not isinstance(untrusted, list) or not 1 <= len(untrusted) <= most:
        raise BadInput(f"a list of 1 to {most} routes is expected", code="type_wrong")
    if not all(isinstance(name, str) and re.fullmatch(r"[a-z_]{1,32}", name) for name in untrusted):
        raise BadInput("a route is named by small letters", code="choice_unknown")
    if len(set(untrusted)) != len(untrusted):
        raise BadInput("a route is named twice", code="choice_repeated")
    return tuple(untrusted)


def whole_number(untrusted: Any, *, least: int, most: int) -> int:
    """A JSON number without a fraction, within bounds: `30`, and `30.0`, which JSON Schema
    equates (§4.2.3).
    """
    if not isinstance(untrusted, int | Decimal) or isinstance(untrusted, bool):
        raise BadInput("a whole number is expected", code="type_wrong")
    # Checked before any computation: 1e999999 has a million digits.
    if not least <= untrusted <= most:
        raise BadInput(f"{least} to {most} is expected", code="out_of_range")
    if untrusted != int(untrusted):
        raise BadInput("a whole number is expected", code="type_wrong")
    return int(untrusted)


def decimal(untrusted: Any, *, places: int, most: int, above_zero: bool = False) -> str:
    """An exact decimal with two places or more, as `150000.00` or `45.9125`; reads decimal strings
    and JSON numbers.
    """
    form = rf"(?:0|[1-9][0-9]{{0,14}})(?:\.[0-9]{{1,{places}}})?"
    is_spelled = isinstance(untrusted, str) and re.fullmatch(form, untrusted) is not None
    is_number = isinstance(untrusted, int | Decimal) and not isinstance(untrusted, bool)
    if not is_spelled and not is_number:
        raise BadInput('a decimal such as "150000.00" is expected', code="decimal_malformed")
    value = Decimal(untrusted)
    # Writing out a number such as 1e999999 would cost gigabytes; check its exponent first.
    if value < 0 or value.adjusted() > 15:
        raise BadInput("the number is out of range", code="out_of_range")
    # finite
    if value.as_tuple().exponent < -policy.PLACES_READ or value != round(value, places):  # type: ignore[operator]
        raise BadInput(f"at most {places} decimal places are expected", code="decimal_malformed")
    value = value.copy_abs()  # zero without a sign
    if value > most or (above_zero and value == 0):
        raise BadInput(
            f"{'above 0 and ' if above_zero else ''}at most {most} is expected", code="out_of_range"
        )
    integer, _, fraction = f"{value:.{places}f}".partition(".")
    return f"{integer}.{fraction[:2]}{fraction[2:].rstrip('0')}"


def day(untrusted: Any, *, is_still_valid: bool = False, least_age: int | None) -> date:
    """A calendar date, `2026-11-24`, compared with today in Kazakhstan.

    is_still_valid: it is a last day, and not over.
    least_age: it is the birth date of a person at least this old; without a default, so that every
    form decides it.
    """
    if not isinstance(untrusted, str) or not re.fullmatch(
        r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}", untrusted
    ):
        raise BadInput("a date such as 2026-11-24 is expected", code="date_malformed")
    try:
        value = date.fromisoformat(untrusted)
    except ValueError:
        raise BadInput("there is no such date", code="date_malformed") from None
    today = almaty.day_of(clock.now()) if is_still_valid or least_age is not None else value
    if is_still_valid and value < today:
        raise BadInput("the document is no longer valid", code="document_expired")
    if least_age is not None:
        if value > today:
            raise BadInput("a birth date lies in the past", code="out_of_range")
        if almaty.age_on(today, born=value) < least_age:
            raise BadInput(f"the borrower must be {least_age} years old", code="subject_under_age")
    return value


def moment(untrusted: Any) -> datetime:
    """A time with its zone, `2026-11-24T10:00:00Z` (RFC 3339)."""
    # Python also reads week dates, hours without minutes, and times outside any year in UTC.
    if isinstance(untrusted, str) and re.fullmatch(policy.MOMENT, untrusted):
        with suppress(ValueError):
            return datetime.fromisoformat(untrusted).astimezone(UTC)
    raise BadInput(
        "a time with its zone such as 2026-11-24T10:00:00Z is expected", code="time_malformed"
    )


def our_id(untrusted: Any, *, prefix: str) -> str:
    """One of our ids of this kind."""
    if not isinstance(untrusted, str) or not is_id(untrusted, prefix=prefix):
        raise BadInput(f"an id such as {prefix}_… is expected", code="id_malformed")
    return untrusted


def sequence_number(untrusted: Any) -> int:
    """A position in a lender's sequence of events, from a query string."""
    if not isinstance(untrusted, str) or not re.fullmatch(r"[0-9]{1,18}", untrusted):
        raise BadInput("a number, 0 or more, is expected", code="cursor_malformed")
    return int(untrusted)


def clearance_cursor(untrusted: Any) -> str:
    """A place in a list of clearances, from a query string."""
    if not isinstance(untrusted, str) or not re.fullmatch(CLEARANCE_CURSOR, untrusted):
        raise BadInput("the `next` of a page is expected", code="cursor_malformed")
    return untrusted


def query_number(untrusted: Any, *, least: int, most: int) -> int:
    """A whole number in a range, from a query string."""
    if not isinstance(untrusted, str) or not re.fullmatch(r"[0-9]{1,19}", untrusted):
        raise BadInput("a whole number is expected", code="type_wrong")
    return whole_number(int(untrusted), least=least, most=most)


def yes_or_no(untrusted: Any) -> bool:
    """A JSON boolean."""
    if not isinstance(untrusted, bool):
        raise BadInput("true or false is expected", code="type_wrong")
    return untrusted


def document_number(untrusted: Any, *, longest: int) -> str:
    """Letters and digits, capitals, no blanks."""
    form = DOCUMENT_NUMBER, f"1 to {longest} letters and digits", "document_malformed"
    value = text(untrusted, longest=2 * longest, has_runs=True, form=form)
    return value.replace(" ", "").upper()


def sha256_hex(untrusted: Any) -> str:
    """A SHA-256 in hex, small letters."""
    value = untrusted.lower() if isinstance(untrusted, str) else ""
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise BadInput("64 hexadecimal digits are expected", code="sha256_malformed")
    return value


def kato(untrusted: Any) -> str:
    """A KATO code of a region, nine digits."""
    if not isinstance(untrusted, str) or not re.fullmatch(r"[0-9]{9}", untrusted):
        raise BadInput("a KATO code has 9 digits", code="region_malformed")
    return untrusted


def webhook_url(untrusted: Any) -> str:
    """An address without surrounding blanks; `lenders/endpoints.py` decides whether it may be
    called.
    """
    value = text(untrusted, longest=URL_MAX)
    if value != untrusted:
        raise BadInput("an address has no blanks", code="webhook_url_refused")
    return value


def https_url(untrusted: Any, *, longest: int = URL_MAX) -> str:
    """A whole https address, without user, fragment or ambiguous parts."""
    if not isinstance(untrusted, str) or len(untrusted) > longest:
        raise BadInput(
            f"an https address of at most {longest} characters is expected", code="url_malformed"
        )
    if not re.fullmatch(HTTPS_URL, untrusted):
        raise BadInput(
            "an https address without user and fragment is expected", code="url_malformed"
        )
    return urlsplit(untrusted).geturl()


def return_urls(untrusted: Any) -> list[str]:
    """The addresses to which a lender's borrowers may return: each https, once, without a query.

    A borrower's own address may have any query.
    """
    if not isinstance(untrusted, list):
        raise BadInput("a list of https addresses is expected", code="type_wrong")
    addresses = [https_url(url) for url in untrusted]
    if any(urlsplit(address).query for address in addresses):
        raise BadInput(
            "register an address without its query: a borrower's may have any query",
            code="url_malformed",
        )
    if len(set(addresses)) < len(addresses):
        raise BadInput("each address is named once", code="url_malformed")
    return addresses


def metadata(untrusted: Any, *, keys: int, longest_key: int, longest: int) -> dict[str, str]:
    """The lender's own notes: a few short texts, none of them an IIN or a mobile number."""
    if not isinstance(untrusted, dict):
        raise BadInput("an object of strings is expected", code="type_wrong")
    if len(untrusted) > keys:
        raise BadInput(f"at most {keys} keys", code="length_wrong")
    notes = {}
    for key, value in untrusted.items():
        is_word = re.fullmatch(r"[A-Za-z0-9_.-]+", key) and len(key) <= longest_key
        if not is_word or holds_personal_number(key):
            expected = f"a key is 1 to {longest_key} of: A-Z a-z 0-9 _ . -, and no personal number"
            raise BadInput(expected, code="metadata_key_malformed")
        try:
            notes[key] = text(value, longest=longest, shortest=0, is_impersonal=True)
        except BadInput as error:
            raise BadInput(error.detail, code=error.code, pointer=f"/{key}") from None
    return notes


def holds_personal_number(text: str) -> bool:
    """Whether a text contains a valid IIN, even inside a longer number, or a whole Kazakh mobile
    number.
    """
    written = ["".join(_RUN.findall(number)) for number in _WRITTEN.findall(text)]
    # An IIN is searched at every digit: inside a longer number its check digit reveals it.
    inside = [
        run[at : at + _IIN_DIGITS]
        for run in _RUN.findall(text)
        for at in range(len(run) - _IIN_DIGITS + 1)
    ]
    numbers: list[Callable[[], object]] = [
        *(partial(Iin.parse, run) for run in (*inside, *written) if len(run) == _IIN_DIGITS),
        *(partial(Phone.parse, run) for run in written if len(run) == _PHONE_DIGITS),
    ]
    for read in numbers:
        with suppress(BadInput):
            read()
            return True
    return False


READERS: Mapping[str, Callable[..., Any]] = {
    "birth_date": day,
    "case_number": parse_case_number,
    "clearance_cursor": clearance_cursor,
    "client_reference": partial(text, longest=REFERENCE_MAX, is_impersonal=True, form=_REFERENCE),
    "decimal": decimal,
    "document_number": document_number,
    "https_url": https_url,
    "iban": iban,
    "iin": Iin.parse,
    "kato": kato,
    "last_day": partial(day, is_still_valid=True, least_age=None),
    "metadata": metadata,
    "moment": moment,
    "name": name,
    "one_of": one_of,
    "our_id": our_id,
    "phone": Phone.parse,
    "query_number": query_number,
    "route_names": route_names,
    "sequence_number": sequence_number,
    "several_of": several_of,
    "sha256": sha256_hex,
    "text": text,
    "webhook_url": webhook_url,
    "whole_number": whole_number,
    "words": words,
    "yes_or_no": yes_or_no,
}
