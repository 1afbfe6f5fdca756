"""Identifiers: our ids and secrets, names, and numbers that the state and operators issue."""

import re
import secrets
import time
import unicodedata
from base64 import b32hexdecode, b32hexencode
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Final, Self

from verification.core.errors import BadInput

_OUR_ID = re.compile(r"[a-z]{3}_[a-z2-7]{26}")
# The 32 symbols in code order. Few are digits, so an id hardly ever resembles an IIN or a phone
# number.
_HEX_SIGNS, _OUR_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUV", "234567abcdefghijklmnopqrstuvwxyz"
_SORTED, _SORTED_BACK = str.maketrans(_HEX_SIGNS, _OUR_SIGNS), str.maketrans(_OUR_SIGNS, _HEX_SIGNS)
_TIME_BYTES, _DRAWN_BYTES = 6, 10
CASE_NUMBER = "[0-9]{4}-[0-9]{3}-[0-9]{3}-[0-9]{3}"
# Not \d, which matches digits of every script.
_TWELVE_DIGITS = re.compile(r"[0-9]{12}")
# The seventh digit of an IIN: century of birth and sex; 0 occurs for foreigners (KZ practice,
# unsourced). 7, 8 and 9 are not assigned: 9 is ours, for invented people of test mode.
_INVENTED: Final = "9"
_CENTURIES = {"1": 1800, "2": 1800, "3": 1900, "4": 1900, "5": 2000, "6": 2000, _INVENTED: 1900}
# The NCA RK's test individual: no date, no fitting check digit.
AUTHORITY_TEST_IIN = "123456789011"
NAME_MAX = 100  # characters; the state register gives up to 60
_NAME = re.compile(r"[^\W\d_]+(?:[-'’ ][^\W\d_]+)*\.?")
_LANDLINE_PREFIXES = ("71", "72")


def new_id(prefix: str) -> str:
    """A fresh id: three letters, `_`, and in base 32 (RFC 4648 §6, sorted) 48 bits of time and 80
    random bits.

    Later ids sort later, as with UUIDv7 (RFC 9562 §5.7), so index writes stay local.
    The time is this machine's, in milliseconds; no rule depends on it.
    """
    # 48 bits of milliseconds last until the year 10889.
    return _id_of(prefix, time.time_ns() // 1_000_000, secrets.token_bytes(_DRAWN_BYTES))


def _id_of(prefix: str, milliseconds: int, drawn: bytes) -> str:
    content = milliseconds.to_bytes(_TIME_BYTES, "big") + drawn
    return f"{prefix}_{b32hexencode(content).decode().rstrip('=').translate(_SORTED)}"


def secret_digest(secret: str) -> bytes:
    """The stored form of a link, code or key: its SHA-256."""
    # JSON lets a lone surrogate through: it must give an unknown token, not a fault.
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


LINK: Final = "link"
SESSION: Final = "session"
HAND_OVER: Final = "hand_over"
MOBILE_SIGNING: Final = "mobile_signing"
"""Kinds of access secrets: the rows of `Access`."""


def case_number(identity: str) -> str:
    """The number that a borrower reads out on the phone: the milliseconds of an id, 13 digits in
    groups.

    Two ids may share it. It serves search only and grants no access.
    """
    signs = identity.partition("_")[2].translate(_SORTED_BACK)
    content = b32hexdecode(signs + "=" * (-len(signs) % 8))
    digits = f"{int.from_bytes(content[:_TIME_BYTES], 'big'):013}"
    return "-".join((digits[:4], digits[4:7], digits[7:10], digits[10:]))


def parse_case_number(untrusted: str) -> str:
    """A case number with its hyphens.

    Raises: `BadInput`.
    """
    if not isinstance(untrusted, str) or not re.fullmatch(CASE_NUMBER, untrusted):
        raise BadInput("a case number is 13 digits: 1796-035-123-456", code="case_number_malformed")
    return untrusted


def numbered(untrusted: str, *, prefix: str) -> tuple[str, str]:
    """The first and last id with this case number. Hyphens are optional.

    Raises: `BadInput`.
    """
    typed = (
        "".join(untrusted.split()) if isinstance(untrusted, str) and len(untrusted) <= 32 else ""
    )
    if not re.fullmatch(CASE_NUMBER.replace("-[", "-?["), typed):
        raise BadInput("a case number is 13 digits: 1796-035-123-456", code="case_number_malformed")
    milliseconds = int(typed.replace("-", ""))
    return _id_of(prefix, milliseconds, bytes(_DRAWN_BYTES)), _id_of(
        prefix, milliseconds, b"\xff" * _DRAWN_BYTES
    )


def is_id(untrusted: str, *, prefix: str) -> bool:
    """Whether a string has the form of an id of this kind."""
    return _OUR_ID.fullmatch(untrusted) is not None and untrusted.startswith(f"{prefix}_")


@dataclass(frozen=True)
class _Masked:
    """Twelve identifying digits; printing shows only the last four."""

    value: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.masked})"

    __str__ = __repr__

    @property
    def masked(self) -> str:
        """The text with all but its last four characters hidden."""
        return "*" * (len(self.value) - 4) + self.value[-4:]


@dataclass(frozen=True, repr=False)
class Iin(_Masked):
    """Individual identification number (IIN). Its check digit does not prove that it was issued."""

    @classmethod
    def parse(cls, untrusted: str) -> Self:
        """Reads twelve ASCII digits with a valid birth date and check digit.

        It reads numbers of test mode, too: see `require_mode`.

        Raises: `BadInput`.
        """
        if not isinstance(untrusted, str) or not _TWELVE_DIGITS.fullmatch(untrusted):
            raise BadInput("an IIN is 12 digits", code="iin_malformed")
        if untrusted == AUTHORITY_TEST_IIN:
            return cls(untrusted)
        try:
            # Without a century (seventh digit 0), 2000 admits every 29 February that 1900 does.
            date(
                {**_CENTURIES, "0": 2000}[untrusted[6]] + int(untrusted[:2]),
                int(untrusted[2:4]),
                int(untrusted[4:6]),
            )
        except (KeyError, ValueError):
            raise BadInput(
                "the first seven digits of an IIN are a birth date and a century",
                code="iin_malformed",
            ) from None
        if check_digit(untrusted[:11]) != untrusted[11]:
            raise BadInput("the check digit of the IIN does not fit", code="iin_malformed")
        return cls(untrusted)

    @property
    def is_invented(self) -> bool:
        """Whether the state assigns no such number: test mode only, so no living person has it."""
        return self.value[6] == _INVENTED or self.value == AUTHORITY_TEST_IIN

    def require_mode(self, mode: str, *, pointer: str = "") -> None:
        """Raises: `BadInput` for an invented number in live mode."""
        if mode == "live" and self.is_invented:
            raise BadInput(
                "the seventh digit of an IIN is a century: test mode alone has others",
                code="iin_malformed",
                pointer=pointer,
            )

    @property
    def birth_date(self) -> date | None:
        """The birth date in the number; None if its seventh digit is 0."""
        century, iin = _CENTURIES.get(self.value[6]), self.value
        if century is None or iin == AUTHORITY_TEST_IIN:
            return None
        return date(century + int(iin[:2]), int(iin[2:4]), int(iin[4:6]))

    def fits(self, born: date) -> bool:
        """Whether a person born on this day can hold it; without a century, the first six digits
        decide.
        """
        stated = self.birth_date
        if stated is not None or self.value == AUTHORITY_TEST_IIN:
            return stated in (born, None)
        return self.value[:6] == born.isoformat()[2:].replace("-", "")


@dataclass(frozen=True, repr=False)
class Bin(_Masked):
    """Business identification number of an organisation."""

    @classmethod
    def parse(cls, untrusted: str) -> Self:
        """Reads twelve ASCII digits, the fifth 4 or more, with a valid check digit.

        Raises: `BadInput`.
        """
        if (
            not isinstance(untrusted, str)
            or not _TWELVE_DIGITS.fullmatch(untrusted)
            or untrusted[4] < "4"
        ):
            raise BadInput("a BIN is 12 digits, the fifth being 4 or more", code="bin_malformed")
        if check_digit(untrusted[:11]) != untrusted[11]:
            raise BadInput("the check digit of the BIN does not fit", code="bin_malformed")
        return cls(untrusted)


@dataclass(frozen=True, repr=False)
class Phone(_Masked):
    """A Kazakh mobile number in E.164 form, `+77…`."""

    @classmethod
    def parse(cls, untrusted: str) -> Self:
        """Reads `+7 7xx…`, `7 7xx…` or `8 7xx…`.

        Raises: `BadInput` for landlines and other countries.
        """
        text = untrusted.strip() if isinstance(untrusted, str) and len(untrusted) <= 32 else ""
        digits = re.sub(r"[\s()\-]", "", text).removeprefix("+")
        # 8 is the domestic trunk prefix for the country code 7: after a plus it is another country.
        if not re.fullmatch(r"[78]7[0-9]{9}", digits) or (
            text.startswith("+") and digits[0] != "7"
        ):
            raise BadInput("a mobile number has the form +77xxxxxxxxx", code="phone_malformed")
        if digits[1:3] in _LANDLINE_PREFIXES:
            raise BadInput("a landline cannot receive a code", code="phone_malformed")
        return cls(f"+7{digits[1:]}")


def parse_office_phone(untrusted: str) -> str:
    """An organisation's phone number in Kazakhstan, E.164: mobile, landline or toll-free (8 800).

    Raises: `BadInput` for other countries, and for short numbers, which some networks lack.
    """
    text = untrusted.strip() if isinstance(untrusted, str) and len(untrusted) <= 32 else ""
    digits = re.sub(r"[\s()\-]", "", text).removeprefix("+")
    is_abroad = text.startswith("+") and digits[:1] != "7"
    if is_abroad or not re.fullmatch(r"[78](?:[67][0-9]{9}|800[0-9]{7})", digits, re.ASCII):
        raise BadInput("a telephone number has the form +7xxxxxxxxxx", code="phone_malformed")
    return f"+7{digits[1:]}"


def parse_name(untrusted: str, *, pointer: str = "", optional: bool = False) -> str:
    """A name in NFC and in one script. Look-alikes of another script are refused.

    Raises: `BadInput`.
    """
    # й is one character or two, и and a breve: NFC makes it one.
    text = unicodedata.normalize("NFC", " ".join(untrusted.split()))
    if not text and optional:
        return ""
    # The expression matches ² and Ⅷ as letters: they are no digits that it knows.
    is_of_letters = all(sign.isalpha() for sign in text if sign.isalnum())
    if not text or len(text) > NAME_MAX or not _NAME.fullmatch(text) or not is_of_letters:
        raise BadInput(
            f"a name has 1 to {NAME_MAX} letters", code="name_malformed", pointer=pointer
        )
    # The first word of a character's Unicode name is its script: LATIN, CYRILLIC.
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha()}
    if len(scripts) > 1:
        raise BadInput(
            "a name is written in one alphabet", code="name_mixed_script", pointer=pointer
        )
    return text


def mask_account(iban: str) -> str:
    """An account as a page may show it: country, check digits and the last four characters."""
    return f"{iban[:4]} •••• {iban[-4:]}"


def check_digit(eleven: str) -> str:
    """The twelfth digit of an IIN or BIN, or `x` if the rule gives none.

    Source: the state's rule of IIN and BIN.
    """
    digits = [int(character) for character in eleven]
    remainder = sum(digit * weight for digit, weight in zip(digits, range(1, 12), strict=True)) % 11
    # On 10 the second weights apply, shifted by two places. Numbers that give 10 again are not
    # issued.
    if remainder == 10:
        second = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
        remainder = sum(digit * weight for digit, weight in zip(digits, second, strict=True)) % 11
    return "x" if remainder == 10 else str(remainder)
