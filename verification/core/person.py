"""Names and accounts, and the case as a route sees it. Printing it shows no personal data.

Of two spellings of one name NFC and case do not count, nor does which hyphen, apostrophe or blank somebody typed, nor
the two dots of ё. Everything else does: Kazakh letters are letters of their own (Қ is no К, Ұ no Ү), and nothing is
transliterated, so a Latin I never stands for a Kazakh І. Law: O-06; the rules of comparison: law.md §3.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from verification.core.errors import BadInput
from verification.core.opening import NAME_MAX, Loan, Person

_NAME = re.compile(r"[^\W\d_]+(?:[-'’ ][^\W\d_]+)*\.?")
_IBAN = re.compile(r"KZ[0-9]{2}[A-Z0-9]{16}")

_HYPHENS: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"
_APOSTROPHES: Final = "\u2018\u2019\u201b\u02b9\u02bb\u02bc\u2032\u0060\u00b4\uff07"
_ONE_FORM: Final = str.maketrans({**dict.fromkeys(_HYPHENS, "-"), **dict.fromkeys(_APOSTROPHES, "'"), "ё": "е"})


@dataclass(frozen=True)
class LenderFacts:
    """The lender as the borrower must see it."""

    id: str
    name: str
    bin: str


@dataclass(frozen=True)
class Case:
    """All that a route may know of a verification."""

    verification_id: str
    mode: str
    lender: LenderFacts
    person: Person
    loan: Loan
    purpose: str
    locale: str
    expires_at: datetime


def parse_name(untrusted: str, *, pointer: str = "", optional: bool = False) -> str:
    """A name in NFC, one script only; raises `BadInput`. Look-alikes of another script are refused."""
    text = unicodedata.normalize("NFC", " ".join(untrusted.split()))
    if not text and optional:
        return ""
    if not text or len(text) > NAME_MAX or not _NAME.fullmatch(text):
        raise BadInput(f"a name has 1 to {NAME_MAX} letters", code="name_malformed", pointer=pointer)
    # The first word of a character's Unicode name is its script: LATIN, CYRILLIC.
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha()}
    if len(scripts) > 1:
        raise BadInput("a name is written in one alphabet", code="name_mixed_script", pointer=pointer)
    return text


def parse_iban(untrusted: str, *, pointer: str = "") -> str:
    """A Kazakh IBAN without spaces; raises `BadInput`. Source: ISO 13616, mod 97."""
    text = untrusted.replace(" ", "").upper()
    # The first four characters go last, letters count as 10 to 35, and of the whole number 97 leaves 1.
    if not _IBAN.fullmatch(text) or int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 != 1:
        raise BadInput(
            "a payout account is a Kazakh IBAN: KZ and 18 characters", code="iban_malformed", pointer=pointer
        )
    return text


def mask_account(iban: str) -> str:
    """An account as a page may show it: country, check digits and the last four characters."""
    return f"{iban[:4]} •••• {iban[-4:]}"


def is_same_name(one: str, other: str) -> bool:
    """Whether the two are one name, or both are empty."""
    return _plain_name(one) == _plain_name(other)


def is_same_patronymic(stated: str, registered: str) -> bool:
    """Whether a patronymic that was stated is the registered one; who stated none is not contradicted.

    Lenders need not ask for it (law.md O-01), so its absence says nothing. One that the register does not know does.
    """
    return not _plain_name(stated) or is_same_name(stated, registered)


def _plain_name(name: str) -> str:
    # Case first: a capital in pieces (Е and two dots) is put together before its small letter is looked for.
    small = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return " ".join(small.translate(_ONE_FORM).split())
