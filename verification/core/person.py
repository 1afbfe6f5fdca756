"""The case as a route sees it, and the comparison of names. Printing a case shows no personal data.

Two spellings are one name if they differ only in NFC, case, hyphen, apostrophe or blank, or in the
dots of ё.
All other differences count: Kazakh letters are distinct (Қ is not К, Ұ is not Ү).
No letter is transliterated, so a Latin I never matches a Kazakh І.
Law: O-06; the rules of comparison are ours.
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
    """A renewed consent: its verification, the contract, and when it was signed and its wait ended.

    Times are ISO 8601 with their zone.
    """

    verification_id: str
    contract_sha256: str
    signed_at: str
    waited_until: str


@dataclass(frozen=True)
class Case:
    """The part of a verification that a route may use.

    profile: the id of its law profile. renewal: the consent that it renews, if any.
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
    """Whether a stated patronymic is the registered one; an absent one is no contradiction.

    Lenders need not ask for it (law: O-01). A patronymic that the register lacks is a
    contradiction.
    """
    return not _plain_name(stated) or is_same_name(stated, registered)


def _plain_name(name: str) -> str:
    # Case first: NFC must join a decomposed capital (Е and two dots) before the lower-case look-up.
    small = unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
    return " ".join(small.translate(_ONE_FORM).split())
