"""The case as a route sees it, and when two names are one. Printing a case shows no personal data.

Of two spellings of one name NFC and case do not count, nor does which hyphen, apostrophe or blank
somebody typed, nor the two dots of ё. Everything else does: Kazakh letters are letters of their own
(Қ is no К, Ұ no Ү), and nothing is transliterated, so a Latin I never stands for a Kazakh І. Law:
O-06; the rules of comparison: law.md §3.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from verification.core.lender import LenderFacts
from verification.core.opening import Loan, Person

_HYPHENS: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"
_APOSTROPHES: Final = "\u2018\u2019\u201b\u02b9\u02bb\u02bc\u2032\u0060\u00b4\uff07"
_ONE_FORM: Final = str.maketrans(
    {**dict.fromkeys(_HYPHENS, "-"), **dict.fromkeys(_APOSTROPHES, "'"), "ё": "е"}
)


@dataclass(frozen=True)
class Renewal:
    """Which consent is given anew: of what verification, to what contract, when that was signed,
    and when its wait ended. Times are spelled as in ISO 8601, with their zone.
    """

    verification_id: str
    contract_sha256: str
    signed_at: str
    waited_until: str


@dataclass(frozen=True)
class Case:
    """All that a route may know of a verification. `profile`: the id of the law's profile it was
    opened under;
    `renewal`: what it renews, if anything.
    """

    verification_id: str
    mode: str
    profile: str
    lender: LenderFacts
    person: Person
    loan: Loan
    purpose: str
    locale: str
    expires_at: datetime
    renewal: Renewal | None = None


def is_same_name(first: str, second: str) -> bool:
    """Whether the two are one name, or both are empty."""
    return _plain_name(first) == _plain_name(second)


def is_same_patronymic(stated: str, registered: str) -> bool:
    """Whether a patronymic that was stated is the registered one; who stated none is not
    contradicted.

    Lenders need not ask for it (law.md O-01), so its absence says nothing. One that the register
    does not know does.
    """
    return not _plain_name(stated) or is_same_name(stated, registered)


def _plain_name(name: str) -> str:
    # Case first: a capital in pieces (Е and two dots) is put together before its small letter is
    # looked for.
    small = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return " ".join(small.translate(_ONE_FORM).split())
