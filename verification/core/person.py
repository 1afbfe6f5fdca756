"""The borrower, the loan and the case as a route sees them. Printing any of it shows no personal data."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime

from verification.core.errors import BadInput
from verification.core.ids import Iin, Phone

NAME_MAX = 100  # characters; the state register gives up to 60 (law.md §3)
_NAME = re.compile(r"[^\W\d_]+(?:[-'’ ][^\W\d_]+)*\.?")
_IBAN = re.compile(r"KZ[0-9]{2}[A-Z0-9]{16}")
DOCUMENT_TYPES = ("id_card", "passport", "residence_permit", "stateless_certificate")  # law.md O-07


@dataclass(frozen=True)
class Document:
    """The identity document the borrower named. `valid_to` is its last day."""

    type: str
    number: str = field(repr=False)
    valid_to: date


@dataclass(frozen=True)
class Person:
    """Who the lender says the borrower is; a claim to be checked."""

    iin: Iin
    surname: str = field(repr=False)
    name: str = field(repr=False)
    patronymic: str = field(repr=False)
    birth_date: date = field(repr=False)
    phone: Phone
    document: Document


@dataclass(frozen=True)
class Loan:
    """What the borrower is about to owe. Amounts and the rate are decimal strings, in `currency` and % a year."""

    amount: str
    currency: str
    term_days: int
    annual_rate: str
    total_repayable: str
    payout_account: str = field(repr=False)
    contract_sha256: str = ""
    region: str = ""


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


def parse_name(untrusted: str, *, pointer: str, optional: bool = False) -> str:
    """A name in NFC, one script only; raises `BadInput`. Look-alikes of another script are refused."""
    text = unicodedata.normalize("NFC", " ".join(untrusted.split()))
    if not text and optional:
        return ""
    if not text or len(text) > NAME_MAX or not _NAME.fullmatch(text):
        raise BadInput(f"a name has 1 to {NAME_MAX} letters", code="name_malformed", pointer=pointer)
    scripts = {unicodedata.name(letter, "?").split()[0] for letter in text if letter.isalpha()}
    if len(scripts) > 1:
        raise BadInput("a name is written in one alphabet", code="name_mixed_script", pointer=pointer)
    return text


def parse_iban(untrusted: str, *, pointer: str) -> str:
    """A Kazakh IBAN without spaces; raises `BadInput`. Source: ISO 13616, mod 97."""
    text = untrusted.replace(" ", "").upper()
    if not _IBAN.fullmatch(text) or int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 != 1:
        raise BadInput(
            "a payout account is a Kazakh IBAN: KZ and 18 characters", code="iban_malformed", pointer=pointer
        )
    return text


def mask_account(iban: str) -> str:
    """An account as a page may show it: country, check digits and the last four characters."""
    return f"{iban[:4]} •••• {iban[-4:]}"
