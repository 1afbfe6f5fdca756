"""The case of a verification: what the lender said, sealed in the row and opened once a step."""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from verification.core.canonical import canonical_json
from verification.core.ids import Iin, Phone
from verification.core.person import Case, Document, LenderFacts, Loan, Person
from verification.evidence import sealed_case, vault
from verification.models import Verification

TABLE = sealed_case.TABLE
FIELD = sealed_case.FIELD


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a lender hands over to open a verification. `routes` None leaves every route of the profile to choose."""

    purpose: str
    person: Person
    loan: Loan
    routes: tuple[str, ...] | None
    client_reference: str
    locale: str
    return_url: str = ""
    opened_by: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SealedCase:
    """An opened row: the case for the routes, and what only the edges need."""

    case: Case
    return_url: str
    opened_by: str
    metadata: Mapping[str, str]


def same_request(sealed: SealedCase, opening: Opening) -> bool:
    """Whether a second opening asks for the same person and loan as the first."""
    case = sealed.case
    return (case.person, case.loan, case.purpose) == (opening.person, opening.loan, opening.purpose)


def officer(told: str) -> str:
    """What the lender calls one of its people, so that two spellings compare: capitals and blanks apart."""
    return " ".join(unicodedata.normalize("NFKC", told).split()).casefold()


def marks_of(told: str) -> list[str]:
    """Keyed hashes of that name, which may stand in the log: one for each index key, newest first; none of no name."""
    name = officer(told)
    return [mark.hex() for mark in vault.blind_index_values(purpose="officer", value=name)] if name else []


def plain(lender: LenderFacts, opening: Opening) -> bytes:
    """The canonical bytes to be sealed."""
    person = asdict(opening.person) | {
        "iin": opening.person.iin.value,
        "phone": opening.person.phone.value,
        "birth_date": opening.person.birth_date.isoformat(),
        "document": asdict(opening.person.document) | {"valid_to": opening.person.document.valid_to.isoformat()},
    }
    return canonical_json(
        {
            "lender": asdict(lender),
            "person": person,
            "loan": asdict(opening.loan),
            "purpose": opening.purpose,
            "return_url": opening.return_url,
            "opened_by": opening.opened_by,
            "metadata": dict(opening.metadata),
        }
    )


def key_of(verification: Verification) -> vault.Key:
    """The key of a verification; open it once a step."""
    return vault.open(verification_id=verification.pk, lender_id=verification.lender_id)


def read(verification: Verification, key: vault.Key) -> SealedCase:
    """Unseals the case; raises `EvidenceUnreadable` when it does not open under its key and place."""
    stored = json.loads(key.unseal(bytes(verification.sealed_case), table=TABLE, field=FIELD))
    case = Case(
        verification_id=verification.id,
        mode=verification.mode,
        lender=LenderFacts(**stored["lender"]),
        person=_person(stored["person"]),
        loan=Loan(**stored["loan"]),
        purpose=stored["purpose"],
        locale=verification.locale,
        expires_at=verification.expires_at,
    )
    return SealedCase(case, stored["return_url"], stored["opened_by"], stored["metadata"])


def _person(stored: dict[str, Any]) -> Person:
    document = stored["document"]
    return Person(
        iin=Iin(stored["iin"]),
        surname=stored["surname"],
        name=stored["name"],
        patronymic=stored["patronymic"],
        birth_date=date.fromisoformat(stored["birth_date"]),
        phone=Phone(stored["phone"]),
        document=Document(
            type=document["type"], number=document["number"], valid_to=date.fromisoformat(document["valid_to"])
        ),
    )
